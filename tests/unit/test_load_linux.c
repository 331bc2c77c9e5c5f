/* SPDX-License-Identifier: BSD-2-Clause */
/* The Linux loader: placement in three memory layouts, boot_params, and every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "lib/bytes.h"
#include "vmm/load/linux.h"

#define MIB     0x100000ull
#define GIB     0x40000000ull
#define CODE    0x3000
#define CODE_AT 0x5000 /* 39 setup sectors, as Debian's kernels have */

static uint8_t image[CODE_AT + CODE];
static uint8_t initrd[5000];

/* The header of Debian's 6.1 cloud kernel, as far as a loader reads it, over a made-up body. */
static struct linux_boot fresh(void)
{
	memset(image, 0, sizeof image);
	image[0x1f1] = 39;
	put_le16(image + 0x1fe, 0xaa55);
	image[0x200] = 0xeb;
	image[0x201] = 0x6a; /* the header ends at 0x26c */
	memcpy(image + 0x202, "HdrS", 4);
	put_le16(image + 0x206, 0x20f);
	image[0x211] = 1;
	put_le32(image + 0x218, 0x12345678);
	put_le32(image + 0x22c, 0x7fffffff);
	put_le32(image + 0x230, 0x200000);
	image[0x234] = 1;
	put_le16(image + 0x236, 0x7f);
	put_le32(image + 0x238, 2047);
	put_le64(image + 0x258, 0x1000000);
	put_le32(image + 0x260, 0x3378000);
	for (unsigned i = 0; i < CODE; i++)
		image[CODE_AT + i] = (uint8_t)(i * 7 + 1);
	for (unsigned i = 0; i < sizeof initrd; i++)
		initrd[i] = (uint8_t)(i * 3);
	return (struct linux_boot){
	    .kernel = {image, sizeof image},
	    .initrd = {initrd, sizeof initrd},
	    .cmdline = "console=hvc0",
	    .rsdp = 0xf0000,
	};
}

static uint8_t *add(struct gmem *m, uint64_t gpa, uint64_t size)
{
	uint8_t *p = calloc(1, size);

	assert_non_null(p);
	assert_true(gmem_add(m, gpa, size, p));
	return p;
}

static void drop(struct gmem *m)
{
	for (unsigned i = 0; i < m->n; i++)
		free(m->region[i].hva);
}

/* Follows the loader's own page tables. */
static uint64_t translate(const struct gmem *m, uint64_t cr3, uint64_t va)
{
	uint64_t table = cr3;

	for (int shift = 39; shift >= 21; shift -= 9) {
		uint8_t *e = gmem_ptr(m, table + 8 * (va >> shift & 511), 8);

		assert_non_null(e);
		assert_true(le64(e) & 1);
		table = le64(e) & ~0xfffull;
		if (le64(e) & 0x80)
			return (table & ~0x1fffffull) | (va & 0x1fffff);
	}
	fail();
	return 0;
}

static void check_loaded(const struct gmem *m, const struct cpu_entry *e, uint64_t kernel_at)
{
	const uint8_t *bp = gmem_ptr(m, e->rsi, 4096);

	assert_int_equal(e->rip, kernel_at + 0x200);
	assert_memory_equal(gmem_ptr(m, kernel_at, CODE), image + CODE_AT, CODE);
	assert_int_equal(translate(m, e->cr3, e->rip), e->rip);
	assert_int_equal(translate(m, e->cr3, kernel_at + 0x3378000 - 1), kernel_at + 0x3377fff);
	assert_int_equal(translate(m, e->cr3, LINUX_CMDLINE_GPA), LINUX_CMDLINE_GPA);
	assert_string_equal(gmem_ptr(m, le32(bp + 0x228), 20), "console=hvc0");
	assert_int_equal(le64(bp + 0x70), 0xf0000);
	assert_int_equal(bp[0x210], 0xff);
	assert_memory_equal(bp + 0x202, "HdrS", 4);
	assert_int_equal(le32(bp + 0x260), 0x3378000);
	assert_int_equal(le32(bp + 0x26c), 0);
}

static uint64_t initrd_at(const struct gmem *m, const struct cpu_entry *e)
{
	const uint8_t *bp = gmem_ptr(m, e->rsi, 4096);
	uint64_t at = le32(bp + 0x218) | (uint64_t)le32(bp + 0xc0) << 32;

	assert_int_equal(le32(bp + 0x21c), sizeof initrd);
	assert_int_equal(at % 4096, 0);
	assert_memory_equal(gmem_ptr(m, at, sizeof initrd), initrd, sizeof initrd);
	return at;
}

static void one_region(void **state)
{
	struct gmem m = {0};
	struct cpu_entry e;
	struct linux_boot b = fresh();
	const uint8_t *bp;
	static const uint64_t want[4][3] = {
	    {0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0xf0000, 0x10000, 2}, {0x100000, 127 * MIB, 1}};

	(void)state;
	add(&m, 0, 128 * MIB);
	b.x2apic = true;
	assert_null(load_linux(&m, &b, &e));
	check_loaded(&m, &e, 0x1000000);
	assert_int_equal(initrd_at(&m, &e), 128 * MIB - 8192);
	bp = gmem_ptr(&m, e.rsi, 4096);
	assert_int_equal(bp[0x1e8], 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(le64(bp + 0x2d0 + 20 * i), want[i][0]);
		assert_int_equal(le64(bp + 0x2d8 + 20 * i), want[i][1]);
		assert_int_equal(le32(bp + 0x2e0 + 20 * i), want[i][2]);
	}
	assert_int_equal(e.cr0, 0x80000011);
	assert_int_equal(e.efer, 0x500);
	assert_int_equal(e.cs.selector, 0x10);
	assert_int_equal(seg_attr_packed(e.cs.attr), 0xa9b);
	assert_int_equal(seg_attr_unpacked(0xa9b), e.cs.attr);
	assert_true(e.x2apic);
	drop(&m);
}

static void dom0_layout(void **state)
{
	struct gmem m = {0};
	struct cpu_entry e;
	struct linux_boot b = fresh();

	(void)state;
	add(&m, 0, 16 * MIB);
	add(&m, 0x40100000, 64 * MIB);
	assert_null(load_linux(&m, &b, &e));
	check_loaded(&m, &e, 0x40200000);
	assert_int_equal(initrd_at(&m, &e), 0x40100000 + 64 * MIB - 8192);
	drop(&m);
}

/* A kernel at its preferred place, RAM on both sides of the hole below 4 GiB; and a slice that
 * crosses a GiB above 4 GiB, where the initramfs limit of 2 GiB cannot be kept. */
static void above_four_gib(void **state)
{
	struct gmem m = {0};
	struct cpu_entry e;
	struct linux_boot b = fresh();

	(void)state;
	add(&m, 0, 96 * MIB);
	add(&m, 4 * GIB, 64 * MIB);
	assert_null(load_linux(&m, &b, &e));
	check_loaded(&m, &e, 0x1000000);
	assert_int_equal(initrd_at(&m, &e), 96 * MIB - 8192);
	drop(&m);
	m = (struct gmem){0};
	add(&m, 0, MIB);
	add(&m, 5 * GIB - 32 * MIB, 64 * MIB);
	assert_null(load_linux(&m, &b, &e));
	check_loaded(&m, &e, 5 * GIB - 32 * MIB);
	assert_int_equal(initrd_at(&m, &e), 5 * GIB + 32 * MIB - 8192);
	put_le16(image + 0x236, 1);
	assert_string_equal(load_linux(&m, &b, &e),
	                    "bzImage: init_size does not fit into the guest's memory");
	drop(&m);
}

static void initrd_avoids_the_kernel(void **state)
{
	struct gmem m = {0};
	struct cpu_entry e;
	struct linux_boot b = fresh();
	struct gpa_range keep[2] = {{15 * MIB, MIB}, {0x2000000, 0x1000}};

	(void)state;
	add(&m, 0, 16 * MIB + 0x3378000);
	assert_null(load_linux(&m, &b, &e));
	check_loaded(&m, &e, 0x1000000);
	assert_int_equal(initrd_at(&m, &e), 16 * MIB - 8192);
	b.reserved = keep;
	b.n_reserved = 1;
	assert_null(load_linux(&m, &b, &e));
	assert_int_equal(initrd_at(&m, &e), 15 * MIB - 8192);
	assert_int_equal(((uint8_t *)gmem_ptr(&m, e.rsi, 4096))[0x1e8], 6);
	b.n_reserved = 2;
	assert_string_equal(load_linux(&m, &b, &e),
	                    "bzImage: init_size does not fit into the guest's memory");
	b.initrd.size = 0;
	b.n_reserved = 0;
	assert_null(load_linux(&m, &b, &e));
	assert_int_equal(le32((uint8_t *)gmem_ptr(&m, e.rsi, 4096) + 0x218), 0);
	drop(&m);
}

static const char *load_within(uint64_t memory, const struct linux_boot *b, uint64_t *at)
{
	struct gmem m = {0};
	struct cpu_entry e = {0};
	const char *why;

	add(&m, 0, memory);
	why = load_linux(&m, b, &e);
	*at = e.rip - 0x200;
	drop(&m);
	return why;
}

/* A kernel that is put below its preferred address unpacks itself at that: 64 MiB are not enough
 * for 16 MiB and an init_size of 51.5.  What is needed is what suffices. */
static void needs(void **state)
{
	uint64_t at, end = 16 * MIB + 0x3378000;
	struct linux_boot b = fresh();
	static uint8_t big[16 * MIB];

	(void)state;
	assert_int_equal(load_linux_needs(&b), end); /* initramfs below */
	assert_string_equal(load_within(64 * MIB, &b, &at),
	                    "bzImage: init_size does not fit into the guest's memory");
	assert_null(load_within(end, &b, &at));
	assert_int_equal(at, 16 * MIB);
	b.initrd = (struct blob){big, sizeof big - 1};
	assert_int_equal(load_linux_needs(&b), end + 16 * MIB);
	assert_null(load_within(end + 16 * MIB, &b, &at));
	assert_string_equal(load_within(end + 16 * MIB - 4096, &b, &at),
	                    "initrd: no room for it in the guest's memory");
	b = fresh();
	put_le64(image + 0x258, 0x1000);
	assert_int_equal(load_linux_needs(&b), 2 * MIB + 0x3378000);
	b.initrd.size = 0;
	assert_null(load_within(2 * MIB + 0x3378000, &b, &at));
	assert_int_equal(at, 2 * MIB);
	b = fresh();
	put_le64(image + 0x258, UINT64_MAX);
	assert_int_equal(load_linux_needs(&b), 0);
	b.kernel.size = 600;
	assert_int_equal(load_linux_needs(&b), 0);
}

static const char *refusal(unsigned at, unsigned width, uint64_t value)
{
	struct gmem m = {0};
	struct cpu_entry e;
	struct linux_boot b = fresh();
	const char *why;

	add(&m, 0, 80 * MIB);
	memcpy(image + at, &value, width);
	why = load_linux(&m, &b, &e);
	drop(&m);
	return why;
}

static void every_refusal_has_its_name(void **state)
{
	(void)state;
	assert_null(refusal(0x1f1, 1, 39));
	assert_string_equal(refusal(0x1fe, 2, 0),
	                    "bzImage: no boot-sector signature or header magic");
	assert_string_equal(refusal(0x202, 1, 0),
	                    "bzImage: no boot-sector signature or header magic");
	assert_string_equal(refusal(0x206, 2, 0x20b), "bzImage: boot protocol older than 2.12");
	assert_string_equal(refusal(0x236, 2, 0x7e), "bzImage: no 64-bit entry point");
	assert_string_equal(refusal(0x211, 1, 0), "bzImage: a zImage, loaded low");
	assert_string_equal(refusal(0x201, 1, 0x61), "bzImage: the header's length is wrong");
	assert_string_equal(refusal(0x201, 1, 0x8f), "bzImage: the header's length is wrong");
	assert_string_equal(refusal(0x1f1, 1, 0xff),
	                    "bzImage: the file ends inside its setup sectors");
	assert_string_equal(refusal(0x230, 4, 0x300000),
	                    "bzImage: kernel_alignment is no power of two");
	assert_string_equal(refusal(0x260, 4, 0xffffffff), "bzImage: init_size is above 1 GiB");
	assert_string_equal(refusal(0x260, 4, 0x2000),
	                    "bzImage: the image is larger than its init_size");
	assert_string_equal(refusal(0x260, 4, 0x8000000),
	                    "bzImage: init_size does not fit into the guest's memory");
}

static void other_refusals(void **state)
{
	struct gmem m = {0};
	struct cpu_entry e;
	struct linux_boot b = fresh();
	char line[3000];
	struct gpa_range wrap;

	(void)state;
	add(&m, 0x100000, 80 * MIB);
	assert_string_equal(load_linux(&m, &b, &e),
	                    "the guest has no memory below 640 KiB for the boot structures");
	drop(&m);
	m = (struct gmem){0};
	add(&m, 0, 80 * MIB);
	b.kernel.size = 0x28f;
	assert_string_equal(load_linux(&m, &b, &e), "bzImage: the file is too short for a header");
	b = fresh();
	memset(line, 'a', sizeof line);
	line[2047] = 0;
	b.cmdline = line;
	assert_null(load_linux(&m, &b, &e));
	line[2047] = 'a';
	line[2048] = 0;
	assert_string_equal(load_linux(&m, &b, &e),
	                    "the command line is longer than the kernel takes");
	b = fresh();
	b.initrd.size = 70 * MIB;
	assert_string_equal(load_linux(&m, &b, &e), "initrd: no room for it in the guest's memory");
	b = fresh();
	put_le32(image + 0x22c, 0xfffff);
	put_le16(image + 0x236, 1);
	assert_string_equal(load_linux(&m, &b, &e), "initrd: no room for it in the guest's memory");
	wrap = (struct gpa_range){UINT64_MAX, 2};
	b.reserved = &wrap;
	b.n_reserved = 1;
	assert_string_equal(load_linux(&m, &b, &e), "a reserved range wraps around");
	drop(&m);
}

static void kinds_by_content(void **state)
{
	struct blob k = fresh().kernel;

	(void)state;
	assert_int_equal(load_kind(k), IMAGE_BZIMAGE);
	k.size = 0x205;
	assert_int_equal(load_kind(k), IMAGE_UNKNOWN);
	assert_string_equal(image_kind_name(IMAGE_BZIMAGE), "bzImage");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_region),     cmocka_unit_test(dom0_layout),
	    cmocka_unit_test(above_four_gib), cmocka_unit_test(initrd_avoids_the_kernel),
	    cmocka_unit_test(needs),          cmocka_unit_test(every_refusal_has_its_name),
	    cmocka_unit_test(other_refusals), cmocka_unit_test(kinds_by_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
