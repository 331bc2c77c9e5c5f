/* SPDX-License-Identifier: BSD-2-Clause */
/* panic.c: see panic.h. */
#include <stdarg.h>
#include <stdio.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/stop.h"
#include "arch/x86_64/trap.h"
#include "lib/ksym.h"
#include "lib/log.h"

extern const char image_start[], text_end[];

static bool panicking; /* panic_print() also saves its text for after the reset */
static const struct panic_keeper *keeper;

void panic_keep(const struct panic_keeper *k)
{
	keeper = k;
}

void panic_print(const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	if (panicking && keeper)
		keeper->add(buf);
	for (const char *p = buf; *p; p++)
		log_put(p, 1);
	log_put("\r\n", 2);
}

static bool is_stack(uint64_t p)
{
	return p >= (uint64_t)image_start && p % 8 == 0 && holds_ram_at(p);
}

static void print_frame(unsigned i, uint64_t rip)
{
	uint64_t off;
	const char *name = ksym_find(rip, &off);

	panic_print("  #%-2u %016lx %s+0x%lx", i, rip, name ? name : "?", name ? off : 0);
}

/* Frames are linked through RBP; the trace ends at the first value that cannot be a frame. */
static void backtrace(uint64_t rip, uint64_t rbp)
{
	if (rip)
		print_frame(0, rip);
	for (unsigned i = 1; i < 24 && is_stack(rbp); i++) {
		uint64_t *frame = (uint64_t *)rbp;

		if (frame[1] < (uint64_t)image_start || frame[1] >= (uint64_t)text_end)
			break;
		print_frame(i, frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

/* The first core that panics reports.  Another one that panics meanwhile only stops; if the first
 * one faults while reporting, it ends the node at once. */
static void begin_panic(void)
{
	if (!stop_all_others() && panicking)
		node_panicked();
	log_end("", 0, true); /* write the queued log lines first */
	if (keeper)
		keeper->begin();
	panicking = true;
}

static void print_registers(const struct trap_frame *f)
{
	panic_print("  rip %016lx rflags %08lx cr2 %016lx cr3 %08lx", f->rip, f->rflags, read_cr2(),
	            read_cr3());
	panic_print("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx,
	            f->rdx);
	panic_print("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx", f->rsi, f->rdi, f->rbp,
	            f->rsp);
	panic_print("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx", f->r8, f->r9, f->r10, f->r11);
	panic_print("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx", f->r12, f->r13, f->r14,
	            f->r15);
}

void panic(const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	begin_panic();
	panic_print("patio: panic on core %u: %s", this_core()->index, buf);
	backtrace(0, (uint64_t)__builtin_frame_address(0));
	node_panicked();
}

void panic_exception(const struct trap_frame *f, const char *why)
{
	const char *wall;

	begin_panic();
	panic_print("patio: panic on core %u: exception %lu, error code %lx%s", this_core()->index,
	            f->vector, f->error, why);
	wall = paging_explain(f->vector, f->error, read_cr2());
	if (wall)
		panic_print("  %s", wall);
	print_registers(f);
	backtrace(f->rip, f->rbp);
	node_panicked();
}
