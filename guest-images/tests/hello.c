/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks that a Multiboot 1 kernel is entered as the specification says (0.6.96, 3.2 and 3.3). */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"

#define EFLAGS_IF    (1u << 9)
#define EFLAGS_VM    (1u << 17)
#define CR0_PE       1u
#define CR0_PG       (1u << 31)
#define ABSENT_PORT  0x1f0e /* even: a word lies within it */
#define ONE_MIB      0x100000u
#define COM1_SCRATCH 0x3ff
#define STRING_IN    5000 /* bytes: over a page */

extern const uint8_t guest_end[];

static void check_state(const struct entry_state *e)
{
	check(e->eax == MB1_EAX, "magic", "eax %x", e->eax);
	check(mb_info() != NULL, "info", "ebx %x", e->ebx);
	check(!(e->eflags & (EFLAGS_IF | EFLAGS_VM)), "eflags", "%x", e->eflags);
	check((e->cr0 & (CR0_PE | CR0_PG)) == CR0_PE, "cr0", "%x", e->cr0);
	check(e->by_cs == ENTRY_PROBE && e->by_es == ENTRY_PROBE && e->by_fs == ENTRY_PROBE &&
	          e->by_gs == ENTRY_PROBE && e->by_ss == ENTRY_PROBE,
	      "segments", "cs %x es %x fs %x gs %x ss %x", e->by_cs, e->by_es, e->by_fs, e->by_gs,
	      e->by_ss);
}

static void check_a20(void)
{
	volatile uint32_t *low = (volatile uint32_t *)0x7ff0;
	volatile uint32_t *high = (volatile uint32_t *)(0x7ff0 + (uintptr_t)ONE_MIB);
	uint32_t keep = *low;

	*low = ~*high;
	check(*low != *high, "a20", "1 MiB wraps around");
	*low = keep;
}

static void check_map(void)
{
	struct mb_range r;
	uint64_t ram = 0;
	bool holds_us = false;
	const struct mb1_info *info;
	bool mem;

	for (unsigned i = 0; mb_range(i, &r); i++) {
		print("range %lx + %lx type %u\n", r.base, r.len, r.type);
		ram += r.type == 1 ? r.len : 0;
		holds_us |=
		    r.type == 1 && r.base <= ONE_MIB && r.base + r.len >= (uintptr_t)guest_end;
	}
	check(holds_us, "mmap", "no RAM range holds this image");
	info = mb_info();
	mem = info && (info->flags & MB1_HAS_MEMORY);
	check(mem && info->mem_lower <= 640 && info->mem_upper >= 1024 &&
	          info->mem_upper * 1024ull <= ram,
	      "mem", "lower %u upper %u KiB", mem ? info->mem_lower : 0, mem ? info->mem_upper : 0);
}

/* A module begins with the bytes that the option `module=` gives. */
static void check_modules(void)
{
	char want[64];
	const struct mb1_module *m;

	for (unsigned i = 0; (m = mb_module(i)); i++) {
		print("module %x..%x '%s'\n", m->start, m->end, (const char *)(uintptr_t)m->string);
		check(!(m->start & 4095) && m->start >= (uintptr_t)guest_end && m->end >= m->start,
		      "module_place", "%x..%x", m->start, m->end);
	}
	if (mb_option("module", want, sizeof want)) {
		m = mb_module(0);
		check(m && !memcmp((void *)(uintptr_t)m->start, want, strlen(want)), "module_bytes",
		      "not '%s'", want);
	}
}

/* INS and OUTS on the serial port's scratch register, upwards and downwards, with REP for more
 * elements than the VMM carries out in one exit. */
static void check_string_io(void)
{
	static const uint8_t out[3] = {0x11, 0x22, 0x33};
	static uint8_t in[STRING_IN];
	const uint8_t *from = out;
	uint8_t *to = in;
	uint64_t n = sizeof out;
	bool same = true;

	__asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(COM1_SCRATCH) : "memory");
	check(from == out + sizeof out && n == 0 && inb(COM1_SCRATCH) == 0x33, "outs",
	      "%u left, the port reads %x", (unsigned)n, inb(COM1_SCRATCH));
	n = sizeof in;
	__asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(COM1_SCRATCH) : "memory");
	for (unsigned i = 0; i < sizeof in; i++)
		same &= in[i] == 0x33;
	check(to == in + sizeof in && n == 0 && same, "ins", "%u left", (unsigned)n);
	to = in + 4;
	__asm__ volatile("std; insw; cld" : "+D"(to) : "d"(ABSENT_PORT) : "memory");
	check(to == in + 2 && in[3] == 0x33 && in[4] == 0xff && in[5] == 0xff && in[6] == 0x33,
	      "insw_down", "%x %x", in[4], in[5]);
}

void guest_main(void)
{
	char word[64];

	check_state(&entry_state);
	check_a20();
	print("cmdline '%s'\n", mb_cmdline());
	check(mb_option("hello", word, sizeof word), "cmdline", "no word hello= in it");
	check_map();
	check_modules();
	check(inb(ABSENT_PORT) == 0xff, "absent_port", "reads %x", inb(ABSENT_PORT));
	check_string_io();
	done();
}
