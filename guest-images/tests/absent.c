/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Absent memory reads as all ones and drops writes, like a bus on which no device answers: with
 * each width, each kind of instruction, and accesses that are partly memory.  With `reads=N` it
 * only makes that many reads, of `pages=N` pages in turn.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"

#define HOLE         0xd0000000ul /* no memory, no device */
#define VIEW         0x40000000ul /* virtual: pages of memory and of the hole, side by side */
#define PAGE         4096ul
#define COM1_SCRATCH 0x3ff
#define ONES         (~0ul)

static uint64_t table[512] __attribute__((aligned(4096)));
static volatile uint8_t data[4096] __attribute__((aligned(4096)));

/* One page of the view; `to` is a physical address. */
static void map_view(unsigned page, uint64_t to)
{
	table[page] = to | 3;
	__asm__ volatile("invlpg (%0)" : : "r"(VIEW + page * PAGE) : "memory");
}

static void make_view(void)
{
	uint64_t *level;

	__asm__ volatile("mov %%cr3, %0" : "=r"(level));
	level = (uint64_t *)(level[0] & ~0xffful);
	level = (uint64_t *)(level[VIEW >> 30] & ~0xffful);
	level[0] = (uintptr_t)table | 3;
	map_view(0, HOLE);
	map_view(1, (uintptr_t)data);
	map_view(2, HOLE + PAGE);
}

#define LOAD(type, at)         (*(volatile type *)(at))
#define STORE(type, at, value) (*(volatile type *)(at) = (value))

static void check_widths(void)
{
	int64_t wide;

	check(LOAD(uint8_t, HOLE + 3) == 0xff, "read_1", "%x", LOAD(uint8_t, HOLE + 3));
	check(LOAD(uint16_t, HOLE + 5) == 0xffff, "read_2", "%x", LOAD(uint16_t, HOLE + 5));
	check(LOAD(uint32_t, HOLE) == 0xffffffff, "read_4", "%x", LOAD(uint32_t, HOLE));
	check(LOAD(uint64_t, HOLE) == ONES, "read_8", "%lx", LOAD(uint64_t, HOLE));
	__asm__ volatile("movzwq (%1), %0" : "=r"(wide) : "r"(HOLE));
	check(wide == 0xffff, "movzx", "%lx", wide);
	__asm__ volatile("movsbq (%1), %0" : "=r"(wide) : "r"(HOLE));
	check(wide == -1, "movsx", "%lx", wide);
	STORE(uint8_t, HOLE, 1);
	STORE(uint16_t, HOLE, 2);
	STORE(uint32_t, HOLE, 3);
	STORE(uint64_t, HOLE, 4);
	check(LOAD(uint64_t, HOLE) == ONES, "dropped", "%lx", LOAD(uint64_t, HOLE));
}

/* Arithmetic operates on the ones and sets the flags; its result is dropped. */
static void check_arithmetic(void)
{
	uint64_t got = 1;
	uint8_t zero;

	__asm__ volatile("addl $1, (%1); setz %0" : "=q"(zero) : "r"(HOLE) : "cc", "memory");
	check(zero, "add_to_memory", "not 0");
	__asm__ volatile("lock andl $0, (%0)" : : "r"(HOLE) : "cc", "memory");
	__asm__ volatile("add (%1), %0" : "+r"(got) : "r"(HOLE) : "cc", "memory");
	check(got == 0, "add_to_register", "%lx", got);
	__asm__ volatile("cmpb $0xff, (%1); setz %0" : "=q"(zero) : "r"(HOLE) : "cc", "memory");
	check(zero, "cmp", "not equal");
	got = 5;
	__asm__ volatile("xchg %0, (%1)" : "+r"(got) : "r"(HOLE) : "memory");
	check(got == ONES, "xchg", "%lx", got);
	check(LOAD(uint64_t, HOLE) == ONES, "arithmetic_dropped", "%lx", LOAD(uint64_t, HOLE));
}

static void fill(uint8_t byte)
{
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = byte;
}

static void check_strings(void)
{
	const volatile void *from = (void *)HOLE;
	volatile void *to = data;
	uint64_t n = 24;
	bool ones = true;

	fill(0);
	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	for (unsigned i = 0; i < 24; i++)
		ones &= data[i] == 0xff;
	check(ones && data[24] == 0 && n == 0, "movs_from", "%lu left", n);
	from = data;
	to = (void *)HOLE;
	n = 3;
	__asm__ volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	check(to == (void *)(HOLE + 24) && n == 0, "movs_to", "%lu left", n);
	n = 5;
	__asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(0) : "memory");
	check(to == (void *)(HOLE + 44) && n == 0, "stos", "%lu left", n);
	check(LOAD(uint64_t, HOLE + 24) == ONES, "strings_dropped", "%lx",
	      LOAD(uint64_t, HOLE + 24));
}

/* INS and OUTS on the serial port's scratch register. */
static void check_string_io(void)
{
	const void *from = (void *)HOLE;
	void *to = (void *)HOLE;
	uint64_t n = 700; /* more elements than the VMM carries out in one exit */

	outb(COM1_SCRATCH, 0);
	__asm__ volatile("outsb" : "+S"(from) : "d"(COM1_SCRATCH) : "memory");
	check(inb(COM1_SCRATCH) == 0xff, "outs", "%x", inb(COM1_SCRATCH));
	outb(COM1_SCRATCH, 0x11);
	__asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(COM1_SCRATCH) : "memory");
	check(n == 0 && LOAD(uint8_t, HOLE) == 0xff, "ins", "%lu left", n);
}

/* One access, two pages: the part that is memory is read and written. */
static void check_borders(void)
{
	uintptr_t start = VIEW + PAGE, end = VIEW + 2 * PAGE;
	uint64_t got;

	fill(0x11);
	got = LOAD(uint64_t, start - 4);
	check(got == 0x11111111ffffffff, "read_into_memory", "%lx", got);
	got = LOAD(uint64_t, end - 3);
	check(got == 0xffffffffff111111, "read_out_of_memory", "%lx", got);
	got = LOAD(uint16_t, end - 1);
	check(got == 0xff11, "read_2_out_of_memory", "%lx", got);
	STORE(uint64_t, start - 5, 0x8877665544332211);
	check(data[0] == 0x66 && data[1] == 0x77 && data[2] == 0x88 && data[3] == 0x11,
	      "write_into_memory", "%x %x %x %x", data[0], data[1], data[2], data[3]);
	STORE(uint32_t, end - 1, 0x44332299);
	check(data[4095] == 0x99 && data[4094] == 0x11, "write_out_of_memory", "%x %x", data[4094],
	      data[4095]);
	/* ffffff99h and 100h */
	__asm__ volatile("addl $0x100, (%0)" : : "r"(end - 1) : "cc", "memory");
	check(data[4095] == 0x99, "add_out_of_memory", "%x", data[4095]);
	__asm__ volatile("addl $1, (%0)" : : "r"(end - 1) : "cc", "memory");
	check(data[4095] == 0x9a, "add_1_out_of_memory", "%x", data[4095]);
}

static void read_many(uint64_t reads, uint64_t pages)
{
	uint64_t ones = 0;

	for (uint64_t i = 0; i < reads; i++)
		ones += LOAD(uint32_t, HOLE + i % pages * PAGE) == 0xffffffff;
	check(ones == reads, "many", "%lu of %lu", ones, reads);
}

void guest_main(void)
{
	uint64_t reads = mb_number("reads", 0);

	if (reads) {
		read_many(reads, mb_number("pages", 1));
		done();
	}
	check_widths();
	check_arithmetic();
	check_strings();
	check_string_io();
	make_view();
	check_borders();
	done();
}
