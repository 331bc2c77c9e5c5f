/* SPDX-License-Identifier: BSD-2-Clause */
/* test_address_text.c: addresses as text, both ways. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mac),
	    cmocka_unit_test(test_no_mac),
	    cmocka_unit_test(test_ip),
	    cmocka_unit_test(test_no_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
