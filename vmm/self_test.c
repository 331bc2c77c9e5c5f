/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * self-test=WHAT on the VMM's command line: the VMM makes an access that its own page tables
 * forbid, and must panic with the reason (tests/system/test_walls.py checks it); or it panics once,
 * to test what the next boot reports (test_power.py).
 */
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/panic.h"
#include "vmm/last_panic.h"
#include "vmm/main.h"
#include "lib/mem.h"

#define RET 0xc3

static uint8_t code[16] = {RET};
static const uint8_t constant[16] = {RET};

static void poke(const void *at)
{
	volatile uint8_t *p = (volatile uint8_t *)(uintptr_t)at;
	uint8_t same = *p;

	*p = same;
}

static void execute(const void *at)
{
	((void (*)(void))(uintptr_t)at)();
}

static void text_write(void)
{
	poke((const void *)self_test);
}

static void rodata_write(void)
{
	poke(constant);
}

static void module_write(void)
{
	poke((const void *)boot.module[0].start);
}

static void data_execute(void)
{
	execute(code);
}

static void rodata_execute(void)
{
	execute(constant);
}

static void heap_execute(void)
{
	uint8_t *p = mem_zalloc(PAGE_SIZE);

	if (!p)
		return;
	*p = RET;
	execute(p);
}

static void null_read(void)
{
	static volatile uintptr_t nothing; /* hides the null pointer from the compiler */

	(void)*(const volatile uint8_t *)nothing;
}

/* Recurses for ever, which the compiler must not see. */
static unsigned deeper(volatile unsigned *depth)
{
	volatile unsigned here[64];

	here[0] = *depth + 1;
	return here[0] ? deeper(here) + here[0] : 0;
}

static void stack_overflow(void)
{
	unsigned depth = 0;

	deeper(&depth);
}

static void panic_once(void)
{
	if (!last_panic())
		panic("self-test panic-once");
}

static const struct {
	const char *name;
	void (*run)(void);
	unsigned core;
} test[] = {
    {"text-write", text_write, 0},
    {"rodata-write", rodata_write, 0},
    {"module-write", module_write, 0},
    {"data-execute", data_execute, 0},
    {"rodata-execute", rodata_execute, 0},
    {"heap-execute", heap_execute, 0},
    {"null-read", null_read, 0},
    {"stack-overflow", stack_overflow, 0},
    {"stack-overflow-1", stack_overflow, 1},
    {"panic-once", panic_once, 0},
    {"panic-once-1", panic_once, 1},
};

void self_test(const struct core *c)
{
	char name[32];

	if (!boot_option("self-test", name, sizeof name))
		return;
	for (unsigned i = 0; i < sizeof test / sizeof test[0]; i++) {
		if (test[i].core != c->index || strcmp(test[i].name, name))
			continue;
		test[i].run();
		if (test[i].run != panic_once)
			panic("self-test %s: nothing stopped it", name);
	}
}
