/* SPDX-License-Identifier: BSD-2-Clause */
/* The Multiboot loader: ELF32, ELF64 and the address fields; entry state, information, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/bytes.h"
#include "lib/multiboot_format.h"
#include "vmm/load/multiboot.h"

#define MIB 0x100000ull

static uint8_t image[0x4000];
static uint8_t ram[8 * MIB];
static struct gmem m;

static void put_header(unsigned at, uint32_t flags)
{
	put_le32(image + at, MB1_HEADER_MAGIC);
	put_le32(image + at + 4, flags);
	put_le32(image + at + 8, -(MB1_HEADER_MAGIC + flags));
}

static void reset_memory(void)
{
	m = (struct gmem){0};
	memset(ram, 0xcc, sizeof ram);
	assert_true(gmem_add(&m, 0, sizeof ram, ram));
}

static void put_phdr32(unsigned i, uint32_t off, uint32_t vaddr, uint32_t paddr, uint32_t filesz,
                       uint32_t memsz)
{
	uint8_t *p = image + 52 + 32 * i;
	uint32_t v[8] = {1, off, vaddr, paddr, filesz, memsz, 7, 4096};

	memcpy(p, v, sizeof v);
}

/* Two segments linked high and loaded at 1 MiB, as a higher-half kernel is. */
static struct multiboot_boot elf32(void)
{
	reset_memory();
	for (unsigned i = 0; i < sizeof image; i++)
		image[i] = (uint8_t)(i * 5 + 3);
	memset(image, 0, 0x1000);
	memcpy(image, "\177ELF\1\1\1", 7);
	put_le16(image + 16, 2);
	put_le16(image + 18, 3);
	put_le32(image + 24, 0xc0100010);
	put_le32(image + 28, 52);
	put_le16(image + 42, 32);
	put_le16(image + 44, 3);
	put_phdr32(0, 0x1000, 0xc0100000, 0x100000, 0x1000, 0x1000);
	put_phdr32(1, 0x2000, 0xc0101000, 0x101000, 0x800, 0x3000);
	put_phdr32(2, 0, 0, 0, 0, 0);
	put_le32(image + 52 + 64, 0x6474e551); /* PT_GNU_STACK */
	put_header(0x200, 3);
	return (struct multiboot_boot){.kernel = {image, sizeof image}, .cmdline = "k a=1"};
}

static void check_entry(const struct cpu_entry *e, uint64_t rip)
{
	assert_int_equal(e->rip, rip);
	assert_int_equal(e->rax, 0x2badb002);
	assert_int_equal(e->cr0, 0x11);
	assert_int_equal(e->cr4 | e->efer | e->cr3, 0);
	assert_int_equal(e->rflags, 2);
	assert_int_equal(e->cs.attr, SEG_CODE32);
	assert_int_equal(e->ss.attr, SEG_DATA);
	assert_int_equal(e->cs.limit, 0xffffffff);
	assert_int_equal(le64(ram + e->gdt.base + e->cs.selector), 0x00cf9b000000ffff);
	assert_int_equal(le64(ram + e->gdt.base + e->ds.selector), 0x00cf93000000ffff);
}

/* A PC's first MiB: what a screen and adapters' ROMs have is left out. */
static void check_map(const uint8_t *mmap, uint32_t length)
{
	static const uint64_t want[4][3] = {
	    {0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0xf0000, 0x10000, 2}, {MIB, 7 * MIB, 1}};

	assert_int_equal(length, 4 * 24);
	for (unsigned i = 0; i < 4; i++, mmap += 24) {
		assert_int_equal(le32(mmap), 20);
		assert_int_equal(le64(mmap + 4), want[i][0]);
		assert_int_equal(le64(mmap + 12), want[i][1]);
		assert_int_equal(le32(mmap + 20), want[i][2]);
	}
}

static void elf32_and_its_information(void **state)
{
	struct multiboot_boot b = elf32();
	struct cpu_entry e;
	uint8_t mod[5000];
	const uint8_t *info, *mod_entry;
	struct multiboot_module mods[2] = {{{mod, sizeof mod}, "one x"}, {{mod, 1}, NULL}};

	(void)state;
	memset(mod, 0x5a, sizeof mod);
	b.modules = mods;
	b.n_modules = 2;
	assert_null(load_multiboot(&m, &b, &e));
	check_entry(&e, 0x100010);
	assert_memory_equal(ram + MIB, image + 0x1000, 0x1800);
	for (unsigned i = 0x1800; i < 0x4000; i++)
		assert_int_equal(ram[MIB + i], 0);
	info = ram + e.rbx;
	assert_int_equal(le32(info), 0x24d);
	assert_int_equal(le32(info + 4), 639);
	assert_int_equal(le32(info + 8), 7 * 1024);
	assert_string_equal(ram + le32(info + 16), "k a=1");
	assert_string_equal(ram + le32(info + 64), "Patio");
	assert_int_equal(le32(info + 20), 2);
	mod_entry = ram + le32(info + 24);
	assert_int_equal(le32(mod_entry), 0x104000);
	assert_int_equal(le32(mod_entry + 4), 0x104000 + 5000);
	assert_string_equal(ram + le32(mod_entry + 8), "one x");
	assert_int_equal(le32(mod_entry + 16), 0x106000);
	assert_string_equal(ram + le32(mod_entry + 24), "");
	assert_memory_equal(ram + 0x104000, mod, sizeof mod);
	check_map(ram + le32(info + 48), le32(info + 44));
}

static void elf64_enters_in_32_bits(void **state)
{
	struct multiboot_boot b = elf32();
	struct cpu_entry e;
	uint64_t ph[7] = {1 | 5ull << 32, 0x1000, 0x200000, 0x200000, 0x3000, 0x10000, 4096};

	(void)state;
	memset(image, 0, 0x200);
	memcpy(image, "\177ELF\2\1\1", 7);
	put_le16(image + 16, 2);
	put_le16(image + 18, 62);
	put_le64(image + 24, 0x200123);
	put_le64(image + 32, 64);
	put_le16(image + 54, 56);
	put_le16(image + 56, 1);
	memcpy(image + 64, ph, sizeof ph);
	assert_null(load_multiboot(&m, &b, &e));
	check_entry(&e, 0x200123);
	assert_memory_equal(ram + 0x200000, image + 0x1000, 0x3000);
	put_le64(image + 64 + 24, 0x100000000);
	assert_string_equal(load_multiboot(&m, &b, &e), "multiboot: a segment lies above 4 GiB");
	put_le64(image + 64 + 24, 0x200000);
	put_le64(image + 64 + 40, UINT64_MAX);
	assert_string_equal(load_multiboot(&m, &b, &e), "multiboot: a segment lies above 4 GiB");
}

static struct multiboot_boot by_addresses(uint32_t load_end, uint32_t bss_end)
{
	struct multiboot_boot b = elf32();
	uint32_t addrs[5] = {0x300080, 0x300000, load_end, bss_end, 0x300090};

	memset(image, 0x90, 0x1000);
	put_header(0x100, 0x10000);
	memcpy(image + 0x10c, addrs, sizeof addrs);
	return b;
}

static void the_address_fields(void **state)
{
	struct cpu_entry e;
	struct multiboot_boot b = by_addresses(0x301000, 0x302000);

	(void)state;
	assert_null(load_multiboot(&m, &b, &e));
	check_entry(&e, 0x300090);
	assert_memory_equal(ram + 0x300000, image + 0x80, 0x1000);
	assert_int_equal(ram[0x301fff], 0);
	assert_int_equal(ram[0x302000], 0xcc);
	b = by_addresses(0, 0);
	assert_null(load_multiboot(&m, &b, &e));
	assert_memory_equal(ram + 0x300000, image + 0x80, sizeof image - 0x80);
	b = by_addresses(0x305000, 0);
	assert_string_equal(load_multiboot(&m, &b, &e),
	                    "multiboot: load_end_addr is beyond the end of the file");
	b = by_addresses(0x301000, 0x300800);
	assert_string_equal(load_multiboot(&m, &b, &e),
	                    "multiboot: load_end_addr or bss_end_addr is below its predecessor");
	b = by_addresses(0x301000, 0);
	put_le32(image + 0x110, 0x2ff000);
	assert_string_equal(load_multiboot(&m, &b, &e),
	                    "multiboot: load_addr does not match the header's place in the file");
	b = by_addresses(0x301000, 0);
	put_le32(image + 0x11c, 0x301000);
	assert_string_equal(load_multiboot(&m, &b, &e),
	                    "multiboot: the entry point lies outside the loaded segments");
}

static const char *refusal(unsigned at, unsigned width, uint64_t value)
{
	struct cpu_entry e;
	struct multiboot_boot b = elf32();

	memcpy(image + at, &value, width);
	return load_multiboot(&m, &b, &e);
}

static const char *header_flags(uint32_t flags)
{
	struct cpu_entry e;
	struct multiboot_boot b = elf32();

	put_header(0x200, flags);
	return load_multiboot(&m, &b, &e);
}

static void every_refusal_has_its_name(void **state)
{
	(void)state;
	assert_null(refusal(0x300, 1, 0));
	assert_string_equal(refusal(0x208, 4, 1), "multiboot: no valid header in the first 8 KiB");
	assert_string_equal(header_flags(4), "multiboot: the header requires a video mode");
	assert_string_equal(header_flags(8), "multiboot: the header requires an unknown feature");
	assert_null(header_flags(0x20000));
	assert_string_equal(refusal(0, 4, 0), "ELF: no ELF header");
	assert_string_equal(refusal(5, 1, 2), "ELF: neither ELF32 nor ELF64, or not little-endian");
	assert_string_equal(refusal(16, 2, 1), "ELF: not an executable file");
	assert_string_equal(refusal(18, 2, 40), "ELF: not for x86");
	assert_string_equal(refusal(44, 2, 0), "ELF: no program headers, or more than 64");
	assert_string_equal(refusal(42, 2, 31), "ELF: program headers too small");
	assert_string_equal(refusal(28, 4, 0xfffffff0), "ELF: program headers outside the file");
	assert_string_equal(refusal(52 + 4, 4, 0xfffff000), "ELF: a segment lies outside the file");
	assert_string_equal(refusal(52 + 16, 4, 0x2000),
	                    "ELF: a segment is larger in the file than in memory");
	assert_string_equal(refusal(52 + 12, 4, 0x9f800),
	                    "multiboot: a segment lies outside the guest's memory");
	assert_string_equal(refusal(52 + 12, 4, 0x101800), "multiboot: two segments overlap");
	assert_string_equal(refusal(52 + 32 + 20, 4, 0x700000),
	                    "multiboot: a segment lies outside the guest's memory");
	assert_string_equal(refusal(24, 4, 0xc0200000),
	                    "multiboot: the entry point lies outside the loaded segments");
}

static void strings_and_modules_are_bounded(void **state)
{
	struct cpu_entry e;
	struct multiboot_boot b = elf32();
	static char line[5000];
	static uint8_t big[8 * MIB];
	struct multiboot_module mods[MULTIBOOT_MODULES_MAX + 1] = {{{big, sizeof big}, "big"}};

	(void)state;
	memset(line, 'x', sizeof line - 1);
	b.cmdline = line;
	assert_string_equal(
	    load_multiboot(&m, &b, &e),
	    "multiboot: the command line or a module's string is longer than 4095 bytes");
	line[4095] = 0;
	assert_null(load_multiboot(&m, &b, &e));
	b.modules = mods;
	b.n_modules = 1;
	assert_string_equal(load_multiboot(&m, &b, &e), "multiboot: no room for a module");
	b.n_modules = MULTIBOOT_MODULES_MAX + 1;
	assert_string_equal(load_multiboot(&m, &b, &e), "multiboot: too many modules");
}

static const char *load_within(uint64_t memory, const struct multiboot_boot *b)
{
	struct gmem some = {0};
	struct cpu_entry e;

	assert_true(gmem_add(&some, 0, memory, ram));
	return load_multiboot(&some, b, &e);
}

/* What is needed is what suffices, and a page less does not. */
static void needs(void **state)
{
	struct multiboot_boot b = elf32();
	static uint8_t mod[2 * MIB - 1];
	struct multiboot_module mods[2] = {{{mod, sizeof mod}, NULL}, {{mod, 1}, NULL}};

	(void)state;
	assert_int_equal(load_multiboot_needs(&b), 0x104000);
	assert_null(load_within(0x104000, &b));
	assert_string_equal(load_within(0x103000, &b),
	                    "multiboot: a segment lies outside the guest's memory");
	b.modules = mods;
	b.n_modules = 2;
	assert_int_equal(load_multiboot_needs(&b), 0x104000 + 2 * MIB + 4096);
	assert_null(load_within(0x105000 + 2 * MIB, &b));
	assert_string_equal(load_within(0x104000 + 2 * MIB, &b), "multiboot: no room for a module");
	put_le32(image + 52 + 12, 0xfffff000);
	put_le32(image + 52 + 20, 0x1001);
	assert_int_equal(load_multiboot_needs(&b), 0);
	b = by_addresses(0x301000, 0x400000);
	assert_int_equal(load_multiboot_needs(&b), 0x400000);
	b.kernel.size = 100;
	assert_int_equal(load_multiboot_needs(&b), 0);
}

static void a_full_low_memory_moves_the_information(void **state)
{
	struct cpu_entry e;
	struct multiboot_boot b = elf32();
	struct gpa_range keep;

	(void)state;
	put_phdr32(2, 0x1000, 0x1000, 0x1000, 0x10, 0x9ec00);
	assert_null(load_multiboot(&m, &b, &e));
	assert_in_range(e.rbx, 0x104000, sizeof ram);
	b.cmdline = NULL;
	keep = (struct gpa_range){0x200000, 6 * MIB};
	b.reserved = &keep;
	b.n_reserved = 1;
	assert_null(load_multiboot(&m, &b, &e));
	assert_in_range(e.rbx, 0x104000, 0x200000);
	assert_int_equal(le32(ram + e.rbx + 8), 1024);
}

static void kinds_by_content(void **state)
{
	struct blob k = elf32().kernel;

	(void)state;
	assert_int_equal(load_kind(k), IMAGE_MULTIBOOT);
	assert_string_equal(image_kind_name(IMAGE_MULTIBOOT), "multiboot");
	k.size = 0x20b;
	assert_int_equal(load_kind(k), IMAGE_UNKNOWN);
	put_le32(image + 0x200, 0);
	put_header(8192 - 8, 0);
	k.size = sizeof image;
	assert_int_equal(load_kind(k), IMAGE_UNKNOWN);
	put_header(8192 - 12, 0);
	assert_int_equal(load_kind(k), IMAGE_MULTIBOOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(elf32_and_its_information),
	    cmocka_unit_test(elf64_enters_in_32_bits),
	    cmocka_unit_test(the_address_fields),
	    cmocka_unit_test(needs),
	    cmocka_unit_test(every_refusal_has_its_name),
	    cmocka_unit_test(strings_and_modules_are_bounded),
	    cmocka_unit_test(a_full_low_memory_moves_the_information),
	    cmocka_unit_test(kinds_by_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
