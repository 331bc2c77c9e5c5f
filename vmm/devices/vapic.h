/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vapic.h: the part of a guest's local APIC that is emulated.
 *
 * A guest uses its core's x2APIC directly but for four things, which exit: the ICR (a guest may
 * interrupt only its own vCPUs), the APIC base, the ID registers, and writes to those entries of
 * the local vector table that have a delivery mode.  A guest in xAPIC mode uses a page, at FEE00000
 * unless it moved it; accesses to it exit and are translated to the same x2APIC, and all x2APIC
 * MSRs exit.  While a guest has disabled its APIC it has neither, and its core's APIC is
 * software-disabled.
 */
#ifndef VMM_DEVICES_VAPIC_H
#define VMM_DEVICES_VAPIC_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/apic_regs.h"

#define VAPIC_PAGE 0xfee00000u

struct vcpu;
struct vm;

struct vapic {
	_Atomic uint64_t base; /* IA32_APIC_BASE as the guest sees it; other cores read it */
	uint64_t icr;
	uint32_t ldr, dfr; /* xAPIC logical destination, which x2APIC hardware does not have */
};

/* The state after reset; x2apic: as if the firmware had enabled x2APIC mode. */
void vapic_reset(struct vcpu *v, bool x2apic);

static inline uint32_t vapic_x2_ldr(unsigned id)
{
	return (id >> 4) << 16 | 1u << (id & 15);
}

static inline bool vapic_enabled(const struct vapic *a)
{
	return atomic_load_explicit(&a->base, memory_order_relaxed) & APIC_BASE_EN;
}

/* In x2APIC mode: EXTD is never set without EN. */
static inline bool vapic_is_x2(const struct vapic *a)
{
	return atomic_load_explicit(&a->base, memory_order_relaxed) & APIC_BASE_X2;
}

/* Is the APIC in xAPIC mode with its page at `gpa`? */
static inline bool vapic_claims(const struct vapic *a, uint64_t gpa)
{
	return vapic_enabled(a) && !vapic_is_x2(a) &&
	       (gpa & ~0xffful) == (a->base & APIC_BASE_PAGE);
}

/* vapic_dest.c: does `dest` of an interrupt message or ICR select this APIC, in its present mode
 * (Intel SDM vol. 3, 11.6.2 and 11.12.10)?  A disabled APIC is never selected. */
bool vapic_matches(const struct vapic *a, unsigned id, uint32_t dest, bool logical);

/* The first vCPU that `dest` selects; NULL: none. */
struct vcpu *vapic_target(struct vm *vm, uint32_t dest, bool logical);

/* The guest writes its ICR: interrupts those of its own vCPUs that it selects. */
void vapic_write_icr(struct vcpu *v, uint64_t icr);

/* vapic_base.c: the guest writes IA32_APIC_BASE; false: #GP, also for a page that overlaps the
 * guest's memory or devices, which is counted (vcpu->refused_bases). */
bool vapic_write_base(struct vcpu *v, uint64_t value);

/* INIT: resets all registers but the mode and the page address. */
void vapic_init_signal(struct vcpu *v);

/* A message-signalled interrupt for the guest, `vm`: any core. */
void vapic_msi(void *vm, uint64_t addr, uint32_t data);

/* Sends the interrupt that an entry of the guest's I/O APIC describes; any core. */
void vapic_pin(void *vm, uint64_t entry);

/* vapic_lvt.c: the writable bits of a register of the local vector table (32h to 37h). */
uint32_t vapic_lvt_bits(unsigned reg);

enum vapic_lvt {
	VAPIC_LVT_TAKEN,
	VAPIC_LVT_KEPT_MASKED, /* a mode that no guest may use: stays masked */
	VAPIC_LVT_FAULT,       /* reserved bits: #GP */
};

/* Checks a guest's write to such a register; `*hardware` is the value for the core's own APIC,
 * unless it faults. */
enum vapic_lvt vapic_lvt_check(unsigned reg, uint64_t value, uint32_t *hardware);

/* The guest writes such a register; false: #GP. */
bool vapic_write_lvt(struct vcpu *v, unsigned reg, uint64_t value);

/* An access to the xAPIC page (see vapic_claims()); 32-bit, aligned (any other reads 0 and is
 * ignored). */
uint32_t vapic_page_read(struct vcpu *v, uint32_t offset);
void vapic_page_write(struct vcpu *v, uint32_t offset, uint32_t value);
#endif
