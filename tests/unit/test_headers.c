/* SPDX-License-Identifier: BSD-2-Clause */
/* test_headers.c: the parser of frames' headers: known frames, and comparison with a reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "tests/unit/rig/headers_reference.h"
#include "lib/bytes.h"

/* A frame that grows. */
static uint8_t frame[512];
static unsigned len;

static void add(const uint8_t *p, unsigned n)
{
	memcpy(frame + len, p, n);
	len += n;
}

static void add16(unsigned v)
{
	put_be16(frame + len, v);
	len += 2;
}

static void ether(const unsigned *tags, unsigned n, unsigned type)
{
	memset(frame, 0, sizeof frame);
	len = 12;
	for (unsigned i = 0; i < n; i++) {
		add16(tags[i]);
		add16(7);
	}
	add16(type);
}

static void address(unsigned last)
{
	uint8_t a[16] = {0xfd};

	a[15] = (uint8_t)last;
	add(a, 16);
}

/* From ::1 to ::2; the addresses begin with fd. */
static void ipv6(unsigned next)
{
	const uint8_t fixed[8] = {0x6b, 0x70, 0, 0, 0, 0, (uint8_t)next, 64};

	ether(NULL, 0, 0x86dd);
	add(fixed, 8);
	address(1);
	address(2);
}

/* An extension header of `n` bytes in front of `next`, of which `rest` are said. */
static void extension(unsigned next, unsigned n, const char *rest, unsigned said)
{
	frame[len] = (uint8_t)next;
	frame[len + 1] = (uint8_t)(n / 8 - 1);
	memcpy(frame + len + 2, rest, said);
	len += n;
}

static struct headers found(void)
{
	struct headers h;

	for (unsigned n = 0; n <= len; n++)
		assert_true(ref_agrees(frame, n));
	headers_read(&h, frame, len);
	return h;
}

/* The ends are `from` and `to`, of addresses as above. */
static void ends(unsigned from, unsigned to)
{
	struct headers h = found();
	uint8_t source[16], destination[16];

	assert_int_equal(h.protocol, IP_TCP);
	assert_int_equal(h.l4, len);
	assert_true(headers_pseudo_addresses(&h, frame, source, destination));
	assert_int_equal(source[15], from);
	assert_int_equal(destination[15], to);
}

static void unknown_ends(void)
{
	struct headers h = found();
	uint8_t source[16], destination[16];

	assert_int_equal(h.l4, len);
	assert_false(headers_pseudo_addresses(&h, frame, source, destination));
}

static void up_to_two_tags_are_read(void **state)
{
	static const unsigned tags[] = {0x88a8, 0x8100, 0x9100};
	struct headers h;

	(void)state;
	for (unsigned n = 0; n <= 2; n++)
		for (unsigned first = 0; first < 2; first++) {
			ether(tags + first, n, 0x88b5);
			h = found();
			assert_int_equal(h.tags, n);
			assert_int_equal(h.l3, 14 + 4 * n);
			assert_int_equal(h.type, 0x88b5);
			assert_false(h.ipv4 || h.ipv6);
		}
	ether(tags, 3, 0x0800);
	h = found();
	assert_int_equal(h.tags, 2);
	assert_int_equal(h.type, 0x9100);
	headers_read(&h, frame, 17); /* within the tags */
	assert_int_equal(h.l3, 0);
}

static void extension_headers_are_passed(void **state)
{
	static const uint8_t passed[] = {0, 43, 60, 135, 139, 140};
	struct headers h;

	(void)state;
	for (unsigned i = 0; i < sizeof passed; i++) {
		ipv6(passed[i]);
		extension(IP_TCP, 24, "", 0);
		h = found();
		assert_true(h.ipv6 && h.extended && !h.covered && !h.fragment);
		assert_int_equal(h.protocol, IP_TCP);
		assert_int_equal(h.l4, 14 + 40 + 24);
		assert_int_equal(headers_tos(&h, frame), 0xb7);
	}
	ipv6(0); /* all of them, in a row */
	for (unsigned i = 1; i < sizeof passed; i++)
		extension(passed[i], 8, "", 0);
	extension(IP_UDP, 8, "", 0);
	h = found();
	assert_int_equal(h.protocol, IP_UDP);
	assert_int_equal(h.l4, len);
	ipv6(50); /* ESP hides what follows, and 59 has nothing */
	h = found();
	assert_int_equal(h.protocol, 50);
	assert_int_equal(h.l4, 54);
}

/* Its length counts in fours, two of which it leaves out (RFC 4302, 2.2). */
static void what_is_authenticated_is_covered(void **state)
{
	struct headers h;

	(void)state;
	ipv6(51);
	extension(IP_TCP, 24, "", 0);
	frame[len - 24 + 1] = 4;
	h = found();
	assert_true(h.covered);
	assert_int_equal(h.protocol, IP_TCP);
	assert_int_equal(h.l4, len);
}

static void fragments_are_known(void **state)
{
	static const struct {
		unsigned field;
		bool fragment, first;
	} as[] = {{1, true, true},
	          {8, true, false},
	          {9, true, false},
	          {0, false, true},
	          {6, false, true}};

	(void)state;
	for (unsigned i = 0; i < sizeof as / sizeof as[0]; i++) {
		struct headers h;

		ipv6(44);
		extension(IP_TCP, 8, "", 0);
		put_be16(frame + len - 6, as[i].field);
		h = found();
		assert_int_equal(h.fragment, as[i].fragment);
		assert_int_equal(h.l4, as[i].first ? len : 0);
		assert_int_equal(h.protocol, IP_TCP);
	}
}

static void ipv4(unsigned words, unsigned flags)
{
	const uint8_t fixed[20] = {(uint8_t)(0x40 + words),
	                           0xb7,
	                           0,
	                           0,
	                           0,
	                           0,
	                           (uint8_t)(flags >> 8),
	                           (uint8_t)flags,
	                           64,
	                           IP_TCP,
	                           0,
	                           0,
	                           0,
	                           0,
	                           0,
	                           1,
	                           0,
	                           0,
	                           0,
	                           2};

	ether(NULL, 0, 0x0800);
	add(fixed, 20);
}

static void ipv4_is_read(void **state)
{
	struct headers h;

	(void)state;
	ipv4(5, 0x4000);
	h = found();
	assert_true(h.ipv4 && !h.extended && !h.fragment);
	assert_int_equal(h.l4, 34);
	assert_int_equal(headers_tos(&h, frame), 0xb7);
	ipv4(5, 0x2000);
	h = found();
	assert_true(h.fragment && h.l4 == 34);
	ipv4(5, 0x0001);
	h = found();
	assert_true(h.fragment && h.l4 == 0);
	ipv4(4, 0);
	assert_false(found().ipv4);
}

/* RFC 1122, 3.2.1.8: the last address of a source route that is not used up. */
static void ipv4_source_routes_have_an_end(void **state)
{
	uint8_t route[12] = {131, 11, 4, 0, 0, 0, 3, 0, 0, 0, 4, 0}, source[16], destination[16];
	struct headers h;

	(void)state;
	for (route[2] = 4; route[2] <= 12; route[2] = (uint8_t)(route[2] + 4)) {
		ipv4(8, 0);
		add(route, 12);
		h = found();
		assert_true(headers_pseudo_addresses(&h, frame, source, destination));
		assert_int_equal(source[3], 1);
		assert_int_equal(destination[3], route[2] == 12 ? 2 : 4);
	}
	route[1] = 10;
	route[2] = 4;
	ipv4(8, 0);
	add(route, 12);
	unknown_ends();
}

static void ipv6_routes_have_an_end(void **state)
{
	(void)state;
	ipv6(43); /* type 0, and 4, whose list is the other way round */
	extension(IP_TCP, 8, "\0\2", 2);
	address(3);
	address(4);
	frame[54 + 1] = 4;
	ends(1, 4);
	frame[54 + 2] = 4;
	ends(1, 3);
	frame[54 + 3] = 0; /* none is left */
	ends(1, 2);
	ipv6(43); /* a mobile node's home */
	extension(IP_TCP, 8, "\2\1", 2);
	address(5);
	frame[54 + 1] = 2;
	ends(1, 5);
	ipv6(43); /* RPL: two addresses of two bytes that differ, and four of padding */
	extension(IP_TCP, 16, "\3\2\xee\x40\0\0\0\6\0\7", 10);
	ends(1, 7);
	ipv6(43);
	extension(IP_TCP, 8, "\1\1", 2); /* a type that nobody knows */
	unknown_ends();
	frame[54 + 3] = 0;
	ends(1, 2);
}

static void a_home_address_is_the_source(void **state)
{
	(void)state;
	ipv6(60);
	extension(IP_TCP, 8, "\1\2\0\0\xc9\x10", 6);
	address(9);
	frame[54 + 1] = 2;
	ends(9, 2);
	frame[54 + 7] = 15;
	unknown_ends();
}

/* Frames like these, with some bytes changed. */
static void the_reference_agrees_on_anything(void **state)
{
	static const uint8_t likely[] = {0,  1,  2,  3,   4,   6,    17,  43,
	                                 44, 51, 60, 135, 201, 0x45, 0x60};

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 200000; i++) {
		static const unsigned tag = 0x8100;
		unsigned n;

		ether(&tag, (unsigned)rand() % 2, rand() % 2 ? 0x0800 : 0x86dd);
		n = len + (unsigned)rand() % 160;
		while (len < n)
			frame[len++] = likely[(unsigned)rand() % sizeof likely];
		frame[rand() % 2 ? 14 : 18] = rand() % 2 ? 0x48 : 0x60;
		assert_true(ref_agrees(frame, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(up_to_two_tags_are_read),
	    cmocka_unit_test(extension_headers_are_passed),
	    cmocka_unit_test(what_is_authenticated_is_covered),
	    cmocka_unit_test(fragments_are_known),
	    cmocka_unit_test(ipv4_is_read),
	    cmocka_unit_test(ipv4_source_routes_have_an_end),
	    cmocka_unit_test(ipv6_routes_have_an_end),
	    cmocka_unit_test(a_home_address_is_the_source),
	    cmocka_unit_test(the_reference_agrees_on_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
