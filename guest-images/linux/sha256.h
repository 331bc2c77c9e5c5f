#ifndef NETPROBE_SHA256_H
#define NETPROBE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32U /* bytes of a digest */

struct sha256 {
	uint32_t h[8];
	uint64_t length; /* bytes taken so far */
	uint8_t block[64];
};

/** Begin a digest (FIPS 180-4, section 5.3.3). */
void sha256_start(struct sha256 *s);

/** Take `len` more bytes. */
void sha256_add(struct sha256 *s, const uint8_t *data, size_t len);

/** Pad, finish and write the 32 bytes; `s` must be started again before it is used again. */
void sha256_end(struct sha256 *s, uint8_t digest[SHA256_SIZE]);

/** Write a digest as 64 hexadecimal digits and a NUL. */
void sha256_hex(const uint8_t digest[SHA256_SIZE], char text[2 * SHA256_SIZE + 1]);

#endif
