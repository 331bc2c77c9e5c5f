/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's local APIC: destinations, the ICR, and the xAPIC page (Intel SDM vol. 3, chapter 11).
 */
#include "arch/x86_64/apic_regs.h"
#include "vmm/devices/irqchip.h"
#include "vmm/devices/vapic.h"
#include "vmm/devices/vioapic.h"
#include "vmm/vm.h"
#include "vmm/vcpu.h"

#define SHORT_SELF   1
#define SHORT_ALL    2
#define SHORT_OTHERS 3
#define XAPIC_ALL    0xffu
#define X2APIC_ALL   0xffffffffu

enum delivery { FIXED, LOWEST, SMI, RESERVED, NMI, INIT, SIPI };

static bool matches(const struct vcpu *t, uint32_t dest, bool logical)
{
	return vapic_matches(&t->apic, t->id, dest, logical);
}

struct vcpu *vapic_target(struct vm *vm, uint32_t dest, bool logical)
{
	for (unsigned i = 0; i < vm->nvcpus; i++)
		if (matches(&vm->vcpu[i], dest, logical))
			return &vm->vcpu[i];
	return NULL;
}

/* This and vapic_send() are in line in vapic_msi(), the path of each frame's interrupt, for which
 * there also is a direct call, not by pointer, in the common case.  False: not delivered, because
 * the vCPU has not been started or has disabled its APIC. */
static inline __attribute__((always_inline)) bool raise_vector(struct vcpu *t, uint8_t vector)
{
	if (atomic_load(&t->state) != VCPU_RUN ||
	    !(atomic_load_explicit(&t->apic.base, memory_order_relaxed) & APIC_BASE_EN))
		return false;
	if (t->irqchip == &irqchip_direct)
		irqchip_direct_raise(t, vector);
	else
		t->irqchip->raise(t, vector);
	return true;
}

/* Counts an interrupt that no vCPU of the guest took: a reserved vector, a vCPU that does not run,
 * a destination or message that selects none. */
static void vapic_lost(struct vm *vm)
{
	atomic_fetch_add_explicit(&vm->lost_interrupts, 1, memory_order_relaxed);
}

/* Every destination other than one vCPU by physical ID; true if any vCPU took the vector.  Not
 * inlined, so that the path of each frame's interrupt saves no registers for it. */
static __attribute__((noinline)) bool send_to_matching(struct vm *vm, uint32_t dest, bool logical,
                                                       bool lowest, uint8_t vector)
{
	bool taken = false;

	for (unsigned i = 0; i < vm->nvcpus; i++) {
		if (!matches(&vm->vcpu[i], dest, logical) || !raise_vector(&vm->vcpu[i], vector))
			continue;
		taken = true;
		if (lowest)
			break;
	}
	return taken;
}

/* Sends a fixed or lowest-priority vector to the vCPUs of `vm` that dest selects; from any core. */
static inline __attribute__((always_inline)) void
vapic_send(struct vm *vm, uint32_t dest, bool logical, bool lowest, uint8_t vector)
{
	bool taken = false;

	if (vector >= 16) /* below: reserved, never accepted by an APIC (11.5.2) */
		taken = !logical && dest < vm->nvcpus
		            ? raise_vector(&vm->vcpu[dest], vector)
		            : send_to_matching(vm, dest, logical, lowest, vector);
	if (!taken)
		vapic_lost(vm);
}

/* A redirection entry's modes, the same as a message's: fixed and lowest priority (82093AA,
 * 3.2.4). */
void vapic_pin(void *ctx, uint64_t entry)
{
	unsigned mode = VIOAPIC_MODE(entry);

	if (mode > 1)
		vapic_lost(ctx);
	else
		vapic_send(ctx, VIOAPIC_DEST(entry), VIOAPIC_LOGICAL(entry), mode == 1,
		           VIOAPIC_VECTOR(entry));
}

/* Message address and data as the x86 local APIC takes them (Intel SDM vol. 3, 11.11). */
void vapic_msi(void *ctx, uint64_t addr, uint32_t data)
{
	unsigned mode = data >> 8 & 7;

	if (addr >> 20 != VAPIC_PAGE >> 20 || mode > 1)
		vapic_lost(ctx);
	else
		vapic_send(ctx, addr >> 12 & 0xff, addr & 4, mode == 1 || addr & 8, (uint8_t)data);
}

/* True if a fixed vector was delivered to t; the other modes are requests and give false. */
static bool deliver_by_mode(struct vcpu *t, enum delivery mode, uint32_t icr)
{
	uint8_t vector = (uint8_t)icr;

	if (mode == FIXED || mode == LOWEST)
		return vector >= 16 && raise_vector(t, vector);
	if (mode == NMI)
		vcpu_request(t, VCPU_REQ_NMI);
	else if (mode == INIT && (!(icr & ICR_LEVEL) || (icr & ICR_ASSERT)))
		vcpu_request(t, VCPU_REQ_INIT);
	else if (mode == SIPI) {
		t->sipi_vector = vector;
		vcpu_request(t, VCPU_REQ_SIPI);
	}
	return false;
}

/* A disabled APIC accepts no NMI, INIT or SIPI (SDM 3, 11.4.3). */
static bool is_target(struct vcpu *from, struct vcpu *t, uint64_t icr, uint32_t dest)
{
	if (!vapic_enabled(&t->apic))
		return false;
	switch (icr >> 18 & 3) {
	case SHORT_SELF:
		return t == from;
	case SHORT_ALL:
		return true;
	case SHORT_OTHERS:
		return t != from;
	default:
		return matches(t, dest, icr & ICR_LOGICAL);
	}
}

/* The broadcast destination is all ones: 8 bits in xAPIC mode, 32 in x2APIC mode, whatever the
 * modes of the receivers. */
static uint32_t destination(const struct vapic *from, uint64_t icr)
{
	uint32_t xapic = (uint32_t)(icr >> 56);

	if (vapic_is_x2(from))
		return (uint32_t)(icr >> 32);
	return xapic == XAPIC_ALL ? X2APIC_ALL : xapic;
}

void vapic_write_icr(struct vcpu *v, uint64_t icr)
{
	struct vm *vm = v->vm;
	enum delivery mode = icr >> 8 & 7;
	bool taken = mode != FIXED && mode != LOWEST; /* the other modes are requests, never lost */
	uint32_t dest = destination(&v->apic, icr);

	v->apic.icr = icr & ~(1ul << 12); /* delivery status: never pending */
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *t = &vm->vcpu[i];

		if (!is_target(v, t, icr, dest) || !deliver_by_mode(t, mode, (uint32_t)icr))
			continue;
		taken = true;
		if (mode == LOWEST)
			break;
	}
	if (!taken)
		vapic_lost(vm);
}

/* --- the local vector table ----------------------------------------------------------------- */

bool vapic_write_lvt(struct vcpu *v, unsigned reg, uint64_t value)
{
	uint32_t hardware;
	enum vapic_lvt verdict = vapic_lvt_check(reg, value, &hardware);

	if (verdict == VAPIC_LVT_FAULT || !v->irqchip->has_lvt(v, reg))
		return false;
	if (verdict == VAPIC_LVT_KEPT_MASKED)
		v->masked_lvts++;
	v->irqchip->write(v, reg, hardware);
	return true;
}

/* --- the xAPIC page ------------------------------------------------------------------------- */

/* A register's writable bits in x2APIC mode; writing others would raise #GP in the VMM. */
static uint32_t write_mask(unsigned reg)
{
	switch (reg) {
	case APIC_TPR:
		return 0xff;
	case APIC_SVR:
		return 0x1ff;
	case APIC_TMICT:
		return 0xffffffff;
	case APIC_TDCR:
		return 0xb;
	default:
		return vapic_lvt_bits(reg);
	}
}

/* Is the register readable?  A CPU may lack entries of the local vector table. */
static bool readable(const struct vcpu *v, unsigned reg)
{
	if (reg >= APIC_LVT_TIMER && reg <= APIC_LVT_ERROR)
		return v->irqchip->has_lvt(v, reg);
	return reg == APIC_VERSION || reg == APIC_TPR || reg == APIC_PPR || reg == APIC_SVR ||
	       (reg >= APIC_ISR && reg <= APIC_ESR) || reg == APIC_TMICT || reg == APIC_TMCCT ||
	       reg == APIC_TDCR;
}

uint32_t vapic_page_read(struct vcpu *v, uint32_t offset)
{
	unsigned reg = offset >> 4;

	if (offset & 15)
		return 0;
	switch (reg) {
	case APIC_ID:
		return v->id << 24;
	case APIC_LDR:
		return v->apic.ldr;
	case APIC_DFR:
		return v->apic.dfr;
	case APIC_ICR:
		return (uint32_t)v->apic.icr;
	case APIC_ICR_HIGH:
		return (uint32_t)(v->apic.icr >> 32);
	default:
		return readable(v, reg) ? v->irqchip->read(v, reg) : 0;
	}
}

void vapic_page_write(struct vcpu *v, uint32_t offset, uint32_t value)
{
	unsigned reg = offset >> 4;

	if (offset & 15)
		return;
	switch (reg) {
	case APIC_LDR:
		v->apic.ldr = value & 0xff000000;
		break;
	case APIC_DFR:
		v->apic.dfr = value | 0x0fffffff;
		break;
	case APIC_ICR_HIGH:
		v->apic.icr = (v->apic.icr & 0xffffffff) | (uint64_t)(value & 0xff000000) << 32;
		break;
	case APIC_ICR:
		vapic_write_icr(v, (v->apic.icr & ~0xfffffffful) | value);
		break;
	case APIC_EOI:
	case APIC_ESR:
		v->irqchip->write(v, reg, 0);
		break;
	case APIC_LVT_THERMAL ... APIC_LVT_ERROR:
		vapic_write_lvt(v, reg, value & write_mask(reg)); /* ignored if the CPU lacks it */
		break;
	default:
		if (write_mask(reg))
			v->irqchip->write(v, reg, value & write_mask(reg));
		break;
	}
}
