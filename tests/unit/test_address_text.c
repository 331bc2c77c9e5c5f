/* SPDX-License-Identifier: BSD-2-Clause */
/* test_address_text.c: addresses as text, both ways. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/address_text.h"

#define UNTOUCHED 0x1234567u

/* Each text is read from a block of just its size, so that the sanitizer sees a read behind it. */
static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	return copy;
}

static bool read_mac(const char *text, uint64_t *mac)
{
	char *copy = copy_of(text);
	bool good;

	*mac = UNTOUCHED;
	good = mac_from_text(copy, mac);
	free(copy);
	return good;
}

static bool read_ip(const char *text, char stop, uint32_t *ip)
{
	char *copy = copy_of(text);
	bool good;

	*ip = UNTOUCHED;
	good = ip_from_text(copy, stop, ip);
	free(copy);
	return good;
}

static void test_mac(void **state)
{
	static const struct {
		const char *text;
		uint64_t mac;
	} good[] = {
	    {"52:54:00:00:00:01", 0x010000005452ull},
	    {"00:00:00:00:00:00", 0},
	    {"ff:ff:ff:ff:ff:ff", 0xffffffffffffull},
	    {"0a:1b:2c:3d:4e:5f", 0x5f4e3d2c1b0aull},
	};
	char text[MAC_TEXT];
	uint64_t mac;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(read_mac(good[i].text, &mac));
		assert_int_equal(mac, good[i].mac);
		mac_to_text(mac, text);
		assert_string_equal(text, good[i].text);
	}
	assert_true(read_mac("0A:1b:2C:3D:4e:5F", &mac));
	assert_int_equal(mac, 0x5f4e3d2c1b0aull);
	/* What is above 48 bits is no part of it. */
	mac_to_text(0xabcd010000005452ull, text);
	assert_string_equal(text, "52:54:00:00:00:01");
}

static void test_no_mac(void **state)
{
	static const char *const bad[] = {
	    "",
	    "5",
	    "52",
	    "52:",
	    "52:54:00:00:00",
	    "52:54:00:00:00:",
	    "52:54:00:00:00:1",
	    "52:54:00:00:00:01 ",
	    "52:54:00:00:00:01:02",
	    " 52:54:00:00:00:01",
	    "5:54:00:00:00:01",
	    "052:54:00:00:00:01",
	    "52-54-00-00-00-01",
	    "525400000001",
	    "52:54:00:00:00:0g",
	    "52:54:00:00:00:g0",
	    "52:54:00:00::01",
	    "+2:54:00:00:00:01",
	};
	uint64_t mac;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(read_mac(bad[i], &mac));
		assert_int_equal(mac, UNTOUCHED);
	}
}

static void test_ip(void **state)
{
	static const struct {
		const char *text;
		uint32_t ip;
	} good[] = {
	    {"192.0.2.1", 0xc0000201},
	    {"0.0.0.0", 0},
	    {"255.255.255.255", 0xffffffff},
	    {"10.100.20.9", 0x0a641409},
	};
	char text[IP_TEXT];
	uint32_t ip;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(read_ip(good[i].text, '\0', &ip));
		assert_int_equal(ip, good[i].ip);
		ip_to_text(ip, text);
		assert_string_equal(text, good[i].text);
	}
	assert_true(read_ip("192.0.2.1/24", '/', &ip));
	assert_int_equal(ip, 0xc0000201);
}

static void test_no_ip(void **state)
{
	static const char *const bad[] = {
	    "",
	    "1",
	    "192.0.2",
	    "192.0.2.",
	    "192.0.2.1.",
	    "192.0.2.1.1",
	    ".0.2.1",
	    "192..2.1",
	    "256.0.2.1",
	    "192.0.2.1000",
	    "192.0.2.001",
	    "192.0.2.01",
	    "00.0.2.1",
	    "192.0.2.1 ",
	    " 192.0.2.1",
	    "192.0.2.-1",
	    "192.0.2.0x1",
	    "192.0.2.a",
	    "192.0.2.1/24",
	};
	uint32_t ip;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(read_ip(bad[i], '\0', &ip));
		assert_int_equal(ip, UNTOUCHED);
	}
	assert_false(read_ip("192.0.2.1", '/', &ip));
	assert_int_equal(ip, UNTOUCHED);
}

/* The bytes behind the text are not read, and what is malformed is not stored. */
static bool read_ip6(const char *text, char stop, uint8_t ip[16])
{
	char *copy = copy_of(text);
	bool good;

	memset(ip, 0x5a, 16);
	good = ip6_from_text(copy, stop, ip);
	free(copy);
	return good;
}

/* Read and written as the C library does; but it writes some as IPv4, which is left to it. */
static void test_ip6(void **state)
{
	static const char *const good[] = {
	    "::",
	    "::1",
	    "1::",
	    "2001:db8::",
	    "2001:DB8::1:0:0:1",
	    "1:2:3:4:5:6:7:8",
	    "1:2:3:4:5:6:7::",
	    "::2:3:4:5:6:7:8",
	    "1:0:0:4:0:0:0:8",
	    "0:0:3:4:0:0:7:8",
	    "1:0:3:4:5:6:7:8",
	    "0001:0:00ff:0:0:0:0:0",
	};
	char text[IP6_TEXT], theirs[INET6_ADDRSTRLEN];
	uint8_t ip[16], want[16];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(read_ip6(good[i], '\0', ip));
		assert_int_equal(inet_pton(AF_INET6, good[i], want), 1);
		assert_memory_equal(ip, want, 16);
		ip6_to_text(ip, text);
		assert_string_equal(text, inet_ntop(AF_INET6, want, theirs, sizeof theirs));
	}
	assert_true(read_ip6("2001:db8::/32", '/', ip));
	assert_true(read_ip6("::/0", '/', ip));
	for (unsigned zeros = 0; zeros < 256; zeros++) {
		for (unsigned i = 0; i < 16; i++)
			want[i] = zeros >> (i / 2) & 1 ? 0 : (uint8_t)(0x21 + i);
		ip6_to_text(want, text);
		assert_true(read_ip6(text, '\0', ip));
		assert_memory_equal(ip, want, 16);
		inet_ntop(AF_INET6, want, theirs, sizeof theirs);
		if (!strchr(theirs, '.'))
			assert_string_equal(text, theirs);
	}
}

static void test_no_ip6(void **state)
{
	static const char *const bad[] = {
	    "",       ":",         ":::",     "1",     "1:2:3:4:5:6:7",
	    ":1::2",  "1::2::3",   "1:2:",    "::1:",  "1:2:3:4:5:6:7:8:9",
	    "::g",    "12345::",   "1::2 ",   " 1::2", "::1:2:3:4:5:6:7:8",
	    "1::2/8", "::1.2.3.4", "1.2.3.4", "1:::2", "1:2:3:4:5:6:7:8::",
	};
	uint8_t ip[16];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(read_ip6(bad[i], '\0', ip));
		for (unsigned k = 0; k < 16; k++)
			assert_int_equal(ip[k], 0x5a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mac), cmocka_unit_test(test_no_mac),
	    cmocka_unit_test(test_ip),  cmocka_unit_test(test_no_ip),
	    cmocka_unit_test(test_ip6), cmocka_unit_test(test_no_ip6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
