/* SHA-256 as FIPS 180-4 writes it. */
#include <string.h>

#include "sha256.h"

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/* One round; the eight names move on by the order in which the caller gives them. */
static inline void one_round(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e,
                             uint32_t f, uint32_t g, uint32_t *h, uint32_t kw)
{
	uint32_t t = *h + kw + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + (g ^ (e & (f ^ g)));

	*d += t;
	*h = t + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) | (c & (a | b)));
}

/* Section 6.2.2.  Eight rounds a turn bring every name back to its place, so that nothing moves. */
static void compress(uint32_t state[8], const uint8_t *p)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7], w[64];

	for (unsigned int t = 0; t < 16; t++) {
		memcpy(&w[t], p + 4 * t, sizeof(w[t]));
		w[t] = __builtin_bswap32(w[t]);
	}
	for (unsigned int t = 16; t < 64; t++) {
		uint32_t x = w[t - 15], y = w[t - 2];

		w[t] = w[t - 16] + w[t - 7] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) +
		       (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
	}
	for (unsigned int t = 0; t < 64; t += 8) {
		one_round(a, b, c, &d, e, f, g, &h, k[t] + w[t]);
		one_round(h, a, b, &c, d, e, f, &g, k[t + 1] + w[t + 1]);
		one_round(g, h, a, &b, c, d, e, &f, k[t + 2] + w[t + 2]);
		one_round(f, g, h, &a, b, c, d, &e, k[t + 3] + w[t + 3]);
		one_round(e, f, g, &h, a, b, c, &d, k[t + 4] + w[t + 4]);
		one_round(d, e, f, &g, h, a, b, &c, k[t + 5] + w[t + 5]);
		one_round(c, d, e, &f, g, h, a, &b, k[t + 6] + w[t + 6]);
		one_round(b, c, d, &e, f, g, h, &a, k[t + 7] + w[t + 7]);
	}
	state[0] += a, state[1] += b, state[2] += c, state[3] += d;
	state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_start(struct sha256 *s)
{
	static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(s->h, initial, sizeof(s->h));
	s->length = 0;
}

void sha256_add(struct sha256 *s, const uint8_t *data, size_t len)
{
	size_t fill = s->length % sizeof(s->block);

	s->length += len;
	if (fill) {
		size_t n = sizeof(s->block) - fill;

		if (n > len)
			n = len;
		memcpy(s->block + fill, data, n);
		if (fill + n < sizeof(s->block))
			return;
		compress(s->h, s->block);
		data += n;
		len -= n;
	}
	for (; len >= sizeof(s->block); len -= sizeof(s->block), data += sizeof(s->block))
		compress(s->h, data);
	memcpy(s->block, data, len);
}

void sha256_end(struct sha256 *s, uint8_t digest[SHA256_SIZE])
{
	static const uint8_t pad[64] = {0x80};
	uint64_t bits = __builtin_bswap64(s->length * 8);
	size_t fill = s->length % sizeof(s->block);

	sha256_add(s, pad, fill < 56 ? 56 - fill : 120 - fill);
	sha256_add(s, (const uint8_t *)&bits, sizeof(bits));
	for (unsigned int i = 0; i < 8; i++) {
		uint32_t word = __builtin_bswap32(s->h[i]);

		memcpy(digest + 4 * i, &word, sizeof(word));
	}
}

void sha256_hex(const uint8_t digest[SHA256_SIZE], char text[2 * SHA256_SIZE + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned int i = 0; i < SHA256_SIZE; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 15];
	}
	text[2 * SHA256_SIZE] = 0;
}
