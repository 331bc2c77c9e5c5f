/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h: what each physical core owns, and how cores call each other.
 *
 * The VMM runs with interrupts off (IF = 0) everywhere but in lapic_scrub(), because a guest chose
 * the vectors of whatever waits in its core's APIC.
 * A core is called by setting a request bit and sending it an NMI: that gets through whether the
 * core runs a guest (the NMI exits), runs the VMM (the handler marks `attention`, which is looked
 * at before each entry) or sleeps (the NMI ends the HLT).  One that comes between the look and the
 * HLT or the entry is not lost either: with SVM, GIF = 0 holds it back until VMRUN; elsewhere the
 * handler steps over what it interrupted (trap.c, resume points).
 */
#ifndef ARCH_CORE_H
#define ARCH_CORE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CORES_MAX     64
#define CORE_STACK    32768 /* bytes */
#define CORE_GUARD    4096
#define AP_TRAMPOLINE 0x8000 /* physical address of the real-mode start code */

/* Pages below 1 MiB in which a panic's text outlives a reset (vmm/last_panic.h says why there). */
#define LAST_PANIC_PAGES                                                                           \
	{                                                                                          \
		0x3000, 0x86000, 0x98000                                                           \
	}

struct vcpu;
struct vnet_core;

/* What one core asks of another. */
enum core_request {
	CORE_VCPU = 1,    /* look at the vCPU's own requests (start, INIT, SIPI, NMI, stop) */
	CORE_POLL = 2,    /* the poll role changed */
	CORE_CONSOLE = 8, /* the serial port or the monitor wants the boot core */
};

/* A core's stacks, each above a page that is not mapped (paging.c): page-aligned. */
struct core_stacks {
	uint8_t fault_guard[CORE_GUARD];
	uint8_t fault[2 * CORE_GUARD]; /* for a double fault, which the other's overflow is */
	uint8_t guard[CORE_GUARD];
	uint8_t stack[CORE_STACK];
};

struct core {
	struct core *self; /* at GS:0 */
	unsigned index;
	uint32_t apic_id;
	void *stack_top;           /* the end of its core_stacks */
	_Atomic uint32_t requests; /* enum core_request */
	_Atomic bool attention;    /* an NMI came: look at the requests */
	_Atomic bool online;
	_Atomic bool stopped; /* for good: another core ends the node (stop.c) */
	_Atomic bool poll;    /* dedicated to the network */
	_Atomic(struct vcpu *) vcpu;
	struct vnet_core *net;
	uint64_t hvm_host;      /* physical address of the vendor half's per-core page */
	uint64_t stray_vectors; /* interrupts of an owner that was gone (lapic_scrub) */
};

extern struct core cores[CORES_MAX];
extern unsigned ncores;

static inline struct core *this_core(void)
{
	struct core *c;
	__asm__("mov %%gs:0, %0" : "=r"(c));
	return c;
}

/* Sets the request bits on `c` and gets its attention; also from the core itself (then no NMI). */
void core_call(struct core *c, uint32_t requests);

/* Takes all waiting requests. */
static inline uint32_t core_take_requests(struct core *c)
{
	atomic_store(&c->attention, false);
	return atomic_exchange(&c->requests, 0);
}

/* Sleeps until core_call() or another NMI; returns at once when one came already. */
void core_idle(struct core *c);

static inline void core_pause(void)
{
	__builtin_ia32_pause();
}
#endif
