/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_vapic.c: a guest of four vCPUs with its local APICs, in each mode, and an I/O APIC.
 * Interrupts that are sent must be for the guest's own cores, with a vector that an APIC accepts,
 * and only registers and bits that the hardware accepts without a #GP may be written.
 */
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/cpu.h"

/* The hardware's registers are the fuzzer's. */
static uint64_t machine_read(uint32_t msr);
static void machine_write(uint32_t msr, uint64_t value);
static struct cpuid machine_cpuid(uint32_t leaf);
#define rdmsr            machine_read
#define wrmsr            machine_write
#define cpuid(leaf, sub) machine_cpuid(leaf)
#include "vmm/devices/irqchip_direct.c"
#include "vmm/devices/vapic.c"
#include "vmm/devices/vapic_base.c"
#include "vmm/devices/vapic_dest.c"
#include "vmm/devices/vapic_lvt.c"
#include "vmm/devices/vioapic.h"

#define VCPUS      4
#define FIRST_APIC 8 /* the machine's number of the first vCPU's core */

static struct vm vm;
static struct core core[VCPUS];
static struct vioapic ioapic;
static unsigned sent, asked, told, resets;
static bool owned[VCPUS];
const struct hvm_ops *hvm;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool x2apic_has(unsigned reg)
{
	return reg == 0x03 || reg == 0x08 || reg == 0x0a || reg == 0x0d || reg == 0x0f ||
	       (reg >= 0x10 && reg <= 0x28) || reg == 0x2f || (reg >= 0x32 && reg <= 0x39) ||
	       reg == 0x3e;
}

/* Reading what is not there, or a register that can only be written, is a #GP (SDM 3, 11.12.1.2).
 */
static uint64_t machine_read(uint32_t msr)
{
	unsigned reg = msr - MSR_X2APIC;

	check(x2apic_has(reg) && reg != 0x0b);
	return 0x5a5a5a5a;
}

/* An interrupt leaves for one of the guest's cores, which runs it. */
static void machine_icr(uint64_t icr)
{
	unsigned to = (unsigned)(icr >> 32) - FIRST_APIC;

	check(to < VCPUS && (icr & 0xff) >= 16 && !(icr & 0xc0f00));
	check(atomic_load(&vm.vcpu[to].state) == VCPU_RUN);
	check(vm.vcpu[to].apic.base & APIC_BASE_EN);
	sent++;
}

/* Each register's writable bits, by SDM 3, 11.5 and 11.12; nothing else may be written. */
static void machine_write(uint32_t msr, uint64_t value)
{
	static const struct {
		unsigned reg;
		uint32_t bits;
	} writable[] = {
	    {0x08, 0xff},    {0x0b, 0},       {0x0f, 0x13ff},  {0x28, 0},
	    {0x32, 0x710ff}, {0x33, 0x117ff}, {0x34, 0x117ff}, {0x35, 0x1f7ff},
	    {0x36, 0x1f7ff}, {0x37, 0x110ff}, {0x38, ~0u},     {0x3e, 0xb},
	};
	unsigned reg = msr - MSR_X2APIC, i = 0;

	while (i < sizeof writable / sizeof writable[0] && writable[i].reg != reg)
		i++;
	if (reg == 0x30) {
		machine_icr(value);
		return;
	}
	check(i < sizeof writable / sizeof writable[0] && !(value & ~(uint64_t)writable[i].bits));
	/* An unmasked local interrupt has a mode that is a guest's: fixed or NMI. */
	if (reg >= 0x33 && reg <= 0x36 && !(value & 0x10000))
		check((value >> 8 & 7) == 0 || (value >> 8 & 7) == 4);
}

/* ---- what the APIC needs of the VMM ---- */

bool lapic_has_lvt(uint32_t reg)
{
	return reg != 0x33; /* as a CPU without a thermal sensor */
}

uint32_t lapic_timer_count(void)
{
	return 7;
}

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	check(v >= vm.vcpu && v < vm.vcpu + VCPUS);
	check(requests == VCPU_REQ_INIT || requests == VCPU_REQ_SIPI || requests == VCPU_REQ_NMI);
	check(v->apic.base & APIC_BASE_EN);
	asked++;
}

static struct cpuid machine_cpuid(uint32_t leaf)
{
	check(leaf == 0x80000008);
	return (struct cpuid){.eax = 40};
}

void lapic_reset(void)
{
	resets++;
}

/* vCPU i is on core[i]. */
static void own_msrs(struct hvm_vcpu *v, unsigned own)
{
	owned[v->core - core] = own;
}

static void changed(void *ctx, uint64_t entry)
{
	(void)entry;
	check(ctx == &ioapic);
	told++;
}

static void pin(void *ctx, uint64_t entry)
{
	check(ctx == &vm && !VIOAPIC_MASKED(entry));
	vapic_pin(ctx, entry);
}

/* ---- the guest ---- */

struct input {
	const uint8_t *p;
	size_t left;
};

static uint32_t next(struct input *in, unsigned bytes)
{
	uint32_t v = 0;

	for (; bytes && in->left; bytes--, in->left--)
		v = v << 8 | *in->p++;
	return v;
}

/* Interrupts leave no other trace than these: each is taken by somebody or counted as lost. */
static void interrupt(struct input *in, struct vcpu *v)
{
	unsigned before = sent + asked;
	uint64_t lost = vm.lost_interrupts;
	uint8_t how = (uint8_t)next(in, 1);
	uint32_t dest = how & 8 ? next(in, 4) : next(in, 1);

	if (how & 1) { /* by a mode that has an ICR */
		if (!vapic_enabled(&v->apic))
			return;
		vapic_write_icr(v, (uint64_t)dest << (how & 16 ? 56 : 32) | next(in, 4));
		check(sent + asked - before <= VCPUS);
		return;
	}
	vapic_send(&vm, dest, how & 2, how & 4, (uint8_t)next(in, 1));
	check(sent + asked - before <= VCPUS);
	check((sent != before - asked) != (vm.lost_interrupts != lost));
	check(!(how & 4) || sent + asked - before <= 1 || !(how & 2));
}

/* A mode that is left for "disabled" is reset, and no other; the registers belong to the guest in
 * x2APIC mode alone; what is refused changes nothing. */
static void write_base(struct vcpu *v, uint64_t value)
{
	uint64_t base = v->apic.base;
	unsigned before = resets;

	if (!vapic_write_base(v, value))
		check(v->apic.base == base);
	else
		check(!((v->apic.base ^ value) & ~APIC_BASE_BSP));
	check((v->apic.base & (APIC_BASE_EN | APIC_BASE_X2)) != APIC_BASE_X2);
	check(owned[v->id] == !!(v->apic.base & APIC_BASE_X2));
	check(resets - before == ((base & APIC_BASE_EN) && !(v->apic.base & APIC_BASE_EN)));
	check(!gmem_ptr(&vm.mem, v->apic.base & APIC_BASE_PAGE, 1));
}

static void step(struct input *in)
{
	uint8_t op = (uint8_t)next(in, 1);
	struct vcpu *v = &vm.vcpu[op >> 6];
	uint32_t hardware, reg;

	switch (op & 7) {
	case 0:
		if (vapic_claims(&v->apic, v->apic.base))
			vapic_page_read(v, next(in, 2) & 0xfff);
		break;
	case 1:
		reg = next(in, 1) << 4;
		if (vapic_claims(&v->apic, v->apic.base))
			vapic_page_write(v, op & 8 ? next(in, 2) & 0xfff : reg, next(in, 4));
		break;
	case 2:
		reg = next(in, 1);
		if (vapic_lvt_check(reg, next(in, 4), &hardware) != VAPIC_LVT_FAULT)
			machine_write(MSR_X2APIC + reg, hardware);
		break;
	case 3:
		write_base(v, op & 8 ? (uint64_t)next(in, 5) << 4 : VAPIC_PAGE | next(in, 2));
		break;
	case 4:
		atomic_store(&v->state, op & 8 ? VCPU_RUN : VCPU_WAIT_SIPI);
		break;
	case 5:
		vioapic_write(&ioapic, next(in, 2) & 0xfff, 1u << (op >> 3 & 3), next(in, 4));
		break;
	case 6:
		if (op & 32)
			vioapic_set(&ioapic, next(in, 1) % VIOAPIC_PINS, op & 8);
		vioapic_read(&ioapic, next(in, 2) & 0xfff, 1u << (op >> 3 & 3));
		break;
	default:
		interrupt(in, v);
	}
	check(atomic_load(&ioapic.lock.next) == atomic_load(&ioapic.lock.owner));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hvm_ops ops = {.own_msrs = own_msrs};
	static uint8_t memory[1];
	struct input in = {data, size};
	bool x2 = next(&in, 1) & 1;

	memset(&vm, 0, sizeof vm);
	sent = asked = told = resets = 0;
	hvm = &ops;
	vm.nvcpus = VCPUS;
	gmem_add(&vm.mem, 0, 1ul << 28, memory);
	for (unsigned i = 0; i < VCPUS; i++) {
		core[i].apic_id = FIRST_APIC + i;
		vm.vcpu[i].vm = &vm;
		vm.vcpu[i].cpu.core = &core[i];
		vm.vcpu[i].id = i;
		vm.vcpu[i].irqchip = &irqchip_direct;
		atomic_store(&vm.vcpu[i].state, VCPU_RUN);
		vapic_reset(&vm.vcpu[i], x2);
		owned[i] = x2;
	}
	memset(&ioapic, 0, sizeof ioapic);
	vioapic_init(&ioapic, pin, &vm);
	vioapic_wire(&ioapic, 16, changed, &ioapic);
	while (in.left)
		step(&in);
	return 0;
}
