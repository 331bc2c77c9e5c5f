/* SPDX-License-Identifier: BSD-2-Clause */
/* The label by which Linux takes memory as a devdax, as Linux checks it (nd_pfn_validate()). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/dax_label.h"

#define SIZE (6ul << 20)

static uint64_t field(const uint8_t *label, unsigned at, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)label[at + i] << 8 * i;
	return v;
}

/* nd_fletcher64() over the page with the checksum's field as 0. */
static uint64_t checksum(const uint8_t *label)
{
	uint32_t low = 0;
	uint64_t high = 0;

	for (unsigned at = 0; at < 4088; at += 4) {
		low += (uint32_t)field(label, at, 4);
		high += low;
	}
	return (high + 2ull * low) << 32 | low; /* two more words, of 0 */
}

static void test_label(void **state)
{
	uint8_t *memory = calloc(1, SIZE), *label = memory + 4096;
	uint64_t rest = 0;

	(void)state;
	dax_label_write(memory, SIZE, "frames");
	assert_memory_equal(label, "NVDIMM_DAX_INFO\0frames\0\0\0\0\0\0\0\0\0\0", 32);
	for (unsigned i = 32; i < 52; i++)
		assert_int_equal(label[i], 0); /* the parent's UUID, flags */
	assert_int_equal(field(label, 52, 2), 1);
	assert_int_equal(field(label, 54, 2), 4);
	assert_int_equal(field(label, 56, 8), 2 << 20); /* what is mapped begins there ... */
	assert_int_equal(field(label, 64, 8), 1024);    /* ... and has so many pages */
	assert_int_equal(field(label, 72, 4), 1);       /* PFN_MODE_RAM */
	assert_int_equal(field(label, 76, 8), 0);
	assert_int_equal(field(label, 84, 4), 2 << 20);
	assert_int_equal(field(label, 88, 4), 4096);
	assert_int_equal(field(label, 92, 2), 64);
	assert_int_equal(field(label, 4088, 8), checksum(label));
	for (unsigned i = 0; i < 4096; i++)
		rest |= memory[i];
	for (unsigned long i = 8192; i < SIZE; i++)
		rest |= memory[i];
	assert_int_equal(rest, 0);
	free(memory);
}

/* A long name fills the UUID, and no more. */
static void test_long_name(void **state)
{
	uint8_t *memory = calloc(1, SIZE), *label = memory + 4096;

	(void)state;
	dax_label_write(memory, SIZE, "abcdefghijklmnopqrstuvwxyz");
	assert_memory_equal(label + 16, "abcdefghijklmnop\0", 17);
	assert_int_equal(field(label, 4088, 8), checksum(label));
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_label),
	    cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
