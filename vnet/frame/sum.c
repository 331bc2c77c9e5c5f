/* SPDX-License-Identifier: BSD-2-Clause */
/* sum.c: the Internet checksum, eight bytes at a time. */
#include "vnet/frame/sum.h"

static uint16_t fold(uint64_t v)
{
	v = (v & 0xffffffff) + (v >> 32);
	v = (v & 0xffff) + (v >> 16 & 0xffff) + (v >> 32);
	v = (v & 0xffff) + (v >> 16);
	v = (v & 0xffff) + (v >> 16);
	return (uint16_t)v;
}

void sum_bytes(struct sum *s, const uint8_t *p, size_t n)
{
	uint64_t acc = 0, word;
	size_t i;

	/* The accumulator has room for 2^32 words of 32 bits, a piece of 16 GiB. */
	for (i = 0; i + 8 <= n; i += 8) {
		__builtin_memcpy(&word, p + i, 8);
		acc += (word & 0xffffffff) + (word >> 32);
	}
	for (; i < n; i++)
		acc += i & 1 ? (uint64_t)p[i] << 8 : p[i];
	acc = fold(acc);
	s->words += s->odd ? (acc >> 8 | (acc & 0xff) << 8) : acc;
	s->odd ^= n & 1;
}

void sum_be16(struct sum *s, uint16_t v)
{
	const uint8_t byte[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	sum_bytes(s, byte, 2);
}

void sum_be32(struct sum *s, uint32_t v)
{
	sum_be16(s, (uint16_t)(v >> 16));
	sum_be16(s, (uint16_t)v);
}

static void store(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void sum_store(const struct sum *s, uint8_t *p)
{
	store(p, fold(s->words) ^ 0xffff);
}

void sum_store_udp(const struct sum *s, uint8_t *p)
{
	uint16_t sum = fold(s->words);

	store(p, sum == 0xffff ? sum : sum ^ 0xffff);
}
