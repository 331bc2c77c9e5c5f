/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading a guest's images, by the kind of its kernel, and the messages if they cannot be loaded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/bytes.h"
#include "vmm/load/images.h"

#define MIB     0x100000u
#define MEMORY  (2 * MIB)
#define ENTRY   (MIB + 0x30)
#define AOUT    0x10000u /* the header has the address fields */
#define MODULES 2

static uint8_t ram[MEMORY], kernel[0x100], big[MEMORY];
static struct gmem mem;
static char why[128];

/* A multiboot kernel that is loaded at 1 MiB as it is. */
static struct images boot(void)
{
	const uint32_t header[] = {
	    0x1badb002,          AOUT, -(0x1badb002 + AOUT), MIB, MIB, MIB + sizeof kernel,
	    MIB + sizeof kernel, ENTRY};

	memset(kernel, 0x90, sizeof kernel);
	memcpy(kernel, header, sizeof header);
	memset(ram, 0, sizeof ram);
	mem = (struct gmem){0};
	why[0] = 0;
	assert_true(gmem_add(&mem, 0, sizeof ram, ram));
	return (struct images){.guest = "g",
	                       .kernel_name = "k.elf",
	                       .kernel = {kernel, sizeof kernel},
	                       .cmdline = "a b"};
}

static void a_multiboot_kernel_gets_its_modules(void **state)
{
	const struct multiboot_module m[MODULES] = {{{big, 100}, "first"}, {{big, 200}, "second"}};
	struct images i = boot();
	struct cpu_entry e;
	const uint8_t *list;

	(void)state;
	i.modules = m;
	i.n_modules = MODULES;
	assert_true(images_load(&mem, &i, &e, why, sizeof why));
	assert_int_equal(e.rip, ENTRY);
	assert_memory_equal(ram + MIB, kernel, sizeof kernel);
	assert_int_equal(le32(ram + e.rbx + 20), MODULES);
	list = ram + le32(ram + e.rbx + 24);
	assert_string_equal(ram + le32(list + 8), "first");
	assert_string_equal(ram + le32(list + 16 + 8), "second");
	assert_int_equal(le32(list + 16 + 4) - le32(list + 16), 200);
}

static void what_does_not_fit_is_named_with_both_sizes(void **state)
{
	const struct multiboot_module m = {{big, sizeof big}, NULL};
	struct images i = boot();
	struct cpu_entry e;

	(void)state;
	i.modules = &m;
	i.n_modules = 1;
	assert_false(images_load(&mem, &i, &e, why, sizeof why));
	assert_string_equal(why, "guest g: k.elf needs 4 MiB, and the guest has 2");
}

static void what_is_no_kernel_is_refused(void **state)
{
	struct images i = boot();
	struct cpu_entry e;

	(void)state;
	kernel[0] ^= 1;
	assert_false(images_load(&mem, &i, &e, why, sizeof why));
	assert_string_equal(why, "guest g: k.elf: neither a bzImage nor a multiboot kernel");
	i.kernel = (struct blob){NULL, 0};
	assert_false(images_load(&mem, &i, &e, why, sizeof why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_multiboot_kernel_gets_its_modules),
	    cmocka_unit_test(what_does_not_fit_is_named_with_both_sizes),
	    cmocka_unit_test(what_is_no_kernel_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
