/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h: what each physical core owns, and how cores call each other.
 *
 * The VMM runs with interrupts off (IF = 0) everywhere but in lapic_scrub(), because a guest
 * chooses the vectors that are pending in its core's APIC.
 * A core is called by setting a request bit and sending it an NMI, which works whether the core
 * runs a guest (the NMI exits), runs the VMM (the handler sets `attention`, which is tested before
 * each entry) or sleeps (the NMI ends the HLT).  An NMI between that test and the HLT or the entry
 * is not lost: on SVM, GIF = 0 holds it pending until VMRUN; elsewhere the handler makes the
 * interrupted code skip the HLT or entry (trap.c, resume points).
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
	CORE_POLL = 2,    /* the poll role changed, or a kick ends its rest: it begins anew */
	CORE_CONSOLE = 8, /* the serial port or the monitor wants the boot core */
};

/* A core's stacks, each above a page that is not mapped (paging.c): page-aligned. */
struct core_stacks {
	uint8_t fault_guard[CORE_GUARD];
	uint8_t fault[2 * CORE_GUARD]; /* for double faults: an overflow of `stack` is one */
	uint8_t guard[CORE_GUARD];
	uint8_t stack[CORE_STACK];
};

struct core {
	struct core *self; /* at GS:0 */
	unsigned index;
	uint32_t apic_id;
	void *stack_top;           /* the end of this core's struct core_stacks */
	_Atomic uint32_t requests; /* enum core_request */
	_Atomic bool attention;    /* an NMI came: look at the requests */
	_Atomic bool online;
	_Atomic bool stopped; /* for good: another core ends the node (stop.c) */
	_Atomic bool poll;    /* dedicated to the network: vmm/poll.h */
	bool polls;           /* ... and awake */
	uint64_t polled;      /* TSC of the last round that found frames, or of the wake-up */
	uint64_t poll_rounds; /* how often it looked at the rings: lib/count.h */
	_Atomic(struct vcpu *) vcpu;
	struct vnet_core *net;
	uint64_t hvm_host;      /* physical address of the per-core page of svm.c or vmx_cpu.c */
	uint64_t stray_vectors; /* interrupts left by earlier guests (lapic_scrub) */
};

extern struct core cores[CORES_MAX];
extern unsigned ncores;

static inline struct core *this_core(void)
{
	struct core *c;

	__asm__("mov %%gs:0, %0" : "=r"(c));
	return c;
}

/* Sets the request bits on `c` and notifies it by NMI, or without one if `c` is this core. */
void core_call(struct core *c, uint32_t requests);

/* Returns and clears all pending requests. */
static inline uint32_t core_take_requests(struct core *c)
{
	atomic_store(&c->attention, false);
	return atomic_exchange(&c->requests, 0);
}

/* Sleeps until core_call() or another NMI; returns at once if one came since the last
 * core_take_requests(). */
void core_idle(struct core *c);

static inline void core_pause(void)
{
	__builtin_ia32_pause();
}
#endif
