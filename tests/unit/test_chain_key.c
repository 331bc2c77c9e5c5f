/* SPDX-License-Identifier: BSD-2-Clause */
/* test_chain_key.c: what a frame's head says; the short way says what the long one does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vnet/chain/key.h"

static uint64_t seed = 99;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

/* A head that is nearly a plain one. */
static void random_head(uint8_t *p)
{
	static const uint16_t type[] = {ETHER_IPV4, ETHER_IPV6, ETHER_ARP, ETHER_TAG_C};
	static const uint8_t protocol[] = {IP_TCP, IP_UDP, IP_ICMP, 0, 43, 44, 51, 60, 132, 255};
	bool ipv4;

	for (unsigned i = 0; i < KEY_HEAD; i++)
		p[i] = (uint8_t)pick(256);
	put_be16(p + 12, type[pick(8) ? pick(2) : pick(4)]);
	ipv4 = be16(p + 12) == ETHER_IPV4;
	p[14] = ipv4 ? 0x45 : 0x60;
	if (pick(6) == 0)
		p[14] = (uint8_t)pick(256);
	if (pick(3))
		put_be16(p + 20, pick(2) ? 0x4000 : 0);
	p[ipv4 ? 23 : 20] = protocol[pick(4) ? pick(2) : pick(10)];
}

static void the_short_way_is_the_long_one(void **state)
{
	unsigned plain = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned have = 14 + pick(KEY_HEAD - 13);
		uint8_t *head = malloc(have), all[KEY_HEAD];
		struct flow_key a, b;

		random_head(all);
		memcpy(head, all, have);
		memset(&a, 0x5a, sizeof a);
		if (key_read_plain(&a, head, have)) {
			plain++;
			key_read(&b, head, have);
			assert_memory_equal(&a, &b, sizeof a);
		}
		free(head);
	}
	assert_true(plain > 50000);
}

/* If the first bytes are not short of anything, more of them say the same. */
static void enough_is_enough(void **state)
{
	unsigned enough = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint8_t head[KEY_HEAD];
		struct flow_key a, b;

		random_head(head);
		key_read(&a, head, KEY_FIRST);
		key_read(&b, head, KEY_HEAD);
		if (key_is_short(&a))
			continue;
		assert_memory_equal(&a, &b, sizeof a);
		enough++;
	}
	assert_true(enough > 50000);
}

static void directions_are_equal(void **state)
{
	const uint64_t secret[2] = {1, 2};
	struct mix_key mix = mix_key_make(secret, 3);

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct flow_key a, b;
		uint8_t head[KEY_HEAD];

		random_head(head);
		key_read(&a, head, KEY_HEAD);
		b = a;
		memcpy(b.address, a.address + 2, 16);
		memcpy(b.address + 2, a.address, 16);
		b.port[0] = a.port[1];
		b.port[1] = a.port[0];
		assert_int_equal(key_flow_hash(&mix, &a, 7, 9), key_flow_hash(&mix, &b, 9, 7));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_short_way_is_the_long_one),
	    cmocka_unit_test(enough_is_enough),
	    cmocka_unit_test(directions_are_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
