/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/cpuid_dump.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#define DUMPS   "tests/unit/data/cpuid/*.txt"
#define ANY_SUB 0xffffffffu

struct cpuid_dump dump;

struct cpuid dump_ask(uint32_t leaf, uint32_t sub)
{
	if (dump.everything)
		return (struct cpuid){~0u, ~0u, ~0u, ~0u};
	for (unsigned i = 0; i < dump.rows; i++)
		if (dump.row[i].leaf == leaf &&
		    (dump.row[i].sub == sub || dump.row[i].sub == ANY_SUB))
			return dump.row[i].r;
	return (struct cpuid){0};
}

void dump_read(const char *path)
{
	char line[200], sub[16];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	dump.path = path;
	dump.everything = false;
	for (dump.rows = 0; fgets(line, sizeof line, f);) {
		struct cpuid *r = &dump.row[dump.rows].r;

		if (*line == '#')
			continue;
		assert_true(dump.rows < DUMP_MAX);
		assert_int_equal(sscanf(line, "%x %15s %x %x %x %x", &dump.row[dump.rows].leaf, sub,
		                        &r->eax, &r->ebx, &r->ecx, &r->edx),
		                 6);
		dump.row[dump.rows++].sub =
		    *sub == '*' ? ANY_SUB : (uint32_t)strtoul(sub, NULL, 10);
	}
	fclose(f);
	assert_true(dump.rows > 10);
}

void on_each_machine(void (*test)(void))
{
	glob_t g;

	assert_int_equal(glob(DUMPS, 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 12);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		dump_read(g.gl_pathv[i]);
		test();
	}
	globfree(&g);
}
