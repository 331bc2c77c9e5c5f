/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vapic.h: what of a guest's local APIC is not the hardware's own.
 *
 * A guest owns its core's x2APIC but for four things, which exit: the ICR (a guest may interrupt
 * its own vCPUs only), the APIC base, the ID registers, and writes to those entries of the local
 * vector table that have a delivery mode.  A guest in xAPIC mode uses a page, at FEE00000 unless it
 * moved it, whose accesses are translated to the same x2APIC, and whose MSRs all exit.  One that
 * has disabled its APIC has neither, and its core's is disabled by software.
 */
#ifndef VMM_DEVICES_VAPIC_H
#define VMM_DEVICES_VAPIC_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/apic_regs.h"

#define VAPIC_PAGE 0xFEE00000u

struct vcpu;
struct vm;

struct vapic {
	_Atomic uint64_t base; /* IA32_APIC_BASE as the guest sees it; other cores read it */
	uint64_t icr;
	uint32_t ldr, dfr; /* xAPIC logical destination, which x2APIC hardware does not have */
};

/* The state after reset; x2apic: the firmware (we) switched it on already. */
void vapic_reset(struct vcpu *v, bool x2apic);

static inline uint32_t vapic_x2_ldr(unsigned id)
{
	return (id >> 4) << 16 | 1u << (id & 15);
}

static inline bool vapic_enabled(const struct vapic *a)
{
	return atomic_load_explicit(&a->base, memory_order_relaxed) & APIC_BASE_EN;
}

/* In x2APIC mode, of which EXTD without EN is no part. */
static inline bool vapic_is_x2(const struct vapic *a)
{
	return atomic_load_explicit(&a->base, memory_order_relaxed) & APIC_BASE_X2;
}

/* Does the page of an APIC in xAPIC mode answer at `gpa`? */
static inline bool vapic_claims(const struct vapic *a, uint64_t gpa)
{
	return vapic_enabled(a) && !vapic_is_x2(a) &&
	       (gpa & ~0xFFFul) == (a->base & APIC_BASE_PAGE);
}

/* vapic_dest.c: does `dest` of an interrupt message or ICR name this APIC, by the mode that it is
 * in (Intel SDM vol. 3, 11.6.2 and 11.12.10)?  One that is disabled has no name. */
bool vapic_matches(const struct vapic *a, unsigned id, uint32_t dest, bool logical);

/* The first vCPU that `dest` names, NULL: none. */
struct vcpu *vapic_target(struct vm *vm, uint32_t dest, bool logical);

/* The guest writes its ICR: interrupts those of its vCPUs that are meant. */
void vapic_write_icr(struct vcpu *v, uint64_t icr);

/* vapic_base.c: does a CPU of so many physical address bits take `value` for IA32_APIC_BASE, which
 * is `now`?  false: #GP. */
bool vapic_base_allowed(uint64_t now, uint64_t value, unsigned phys_bits);

/* The guest writes IA32_APIC_BASE; false: #GP, also for a page that lies on the guest's memory or
 * devices, which is counted (vcpu->refused_bases). */
bool vapic_write_base(struct vcpu *v, uint64_t value);

/* INIT: all registers but the mode and the page are as after a reset. */
void vapic_init_signal(struct vcpu *v);

/* Sends a fixed vector to the vCPUs of `vm` that dest names; from any core. */
void vapic_send(struct vm *vm, uint32_t dest, bool logical, bool lowest, uint8_t vector);

/* A message-signalled interrupt for the guest, `vm`: any core. */
void vapic_msi(void *vm, uint64_t addr, uint32_t data);

/* The interrupt that an entry of the guest's I/O APIC describes; any core. */
void vapic_pin(void *vm, uint64_t entry);

/* Counts an interrupt that no vCPU of the guest took: a reserved vector, a vCPU that does not run,
 * a destination or message that names none. */
void vapic_lost(struct vm *vm);

/* vapic_lvt.c: the bits of a register of the local vector table (32h to 37h) that can be written.
 */
uint32_t vapic_lvt_bits(unsigned reg);

enum vapic_lvt {
	VAPIC_LVT_TAKEN,
	VAPIC_LVT_KEPT_MASKED, /* not masked, with a delivery mode that no guest may use */
	VAPIC_LVT_FAULT,       /* reserved bits: #GP */
};

/* What becomes of a guest's write to such a register; `*hardware` is what the core's own APIC is to
 * be given instead, unless it faults. */
enum vapic_lvt vapic_lvt_check(unsigned reg, uint64_t value, uint32_t *hardware);

/* The guest writes such a register; false: #GP. */
bool vapic_write_lvt(struct vcpu *v, unsigned reg, uint64_t value);

/* An access to the xAPIC page, which vapic_claims(); 32-bit, aligned (anything else reads 0 and is
 * ignored). */
uint32_t vapic_page_read(struct vcpu *v, uint32_t offset);
void vapic_page_write(struct vcpu *v, uint32_t offset, uint32_t value);
#endif
