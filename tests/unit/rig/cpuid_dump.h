/* SPDX-License-Identifier: BSD-2-Clause */
/* cpuid_dump.h: recorded leaves of real machines, as cpuid_ask answers them. */
#ifndef TESTS_UNIT_RIG_CPUID_DUMP_H
#define TESTS_UNIT_RIG_CPUID_DUMP_H
#include <stdbool.h>
#include <stdint.h>
#include "vmm/cpuid_policy.h"

#define DUMP_MAX 200 /* rows of one */

struct cpuid_dump {
	const char *path;
	bool everything; /* no machine: each bit of each leaf is set */
	unsigned rows;
	struct {
		uint32_t leaf, sub;
		struct cpuid r;
	} row[DUMP_MAX];
};

extern struct cpuid_dump dump; /* what dump_ask() answers from */

/* What the machine says of a leaf; zero of one that it has not. */
struct cpuid dump_ask(uint32_t leaf, uint32_t sub);

/* Makes `dump` the file's; fails the test when it cannot be read. */
void dump_read(const char *path);

/* Runs the test with each recorded machine as `dump`. */
void on_each_machine(void (*test)(void));

#endif
