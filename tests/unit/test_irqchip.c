/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which accesses to a guest's local APIC reach the irqchip, and the irqchip that is the core's own
 * APIC.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "arch/x86_64/cpu.h"

static uint32_t machine_msr;
static uint64_t machine_value;
static uint64_t machine_read(uint32_t msr)
{
	machine_msr = msr;
	return 0xabcd00000000ul + msr;
}

static void machine_write(uint32_t msr, uint64_t value)
{
	machine_msr = msr;
	machine_value = value;
}
#define rdmsr machine_read
#define wrmsr machine_write
#include "vmm/devices/irqchip_direct.c"
#include "vmm/devices/vapic.c"
#include "vmm/devices/vapic_base.c"
#include "vmm/devices/vapic_dest.c"
#include "vmm/devices/vapic_lvt.c"

#define VCPUS 3
#define EOI   0x0b

const struct hvm_ops *hvm;
static struct vm vm;
static unsigned raised[VCPUS], resets, core_resets;
static uint8_t vector_seen;
static unsigned reg_seen;
static uint32_t value_seen;

static void chip_raise(struct vcpu *v, uint8_t vector)
{
	raised[v->id]++;
	vector_seen = vector;
}

static bool chip_has_lvt(const struct vcpu *v, unsigned reg)
{
	(void)v;
	return reg != APIC_LVT_THERMAL;
}

static uint32_t chip_read(struct vcpu *v, unsigned reg)
{
	reg_seen = reg;
	return 0x100 * v->id + reg;
}

static void chip_write(struct vcpu *v, unsigned reg, uint32_t value)
{
	(void)v;
	reg_seen = reg;
	value_seen = value;
}

static void chip_reset(struct vcpu *v)
{
	(void)v;
	resets++;
}

static const struct irqchip_ops chip = {.raise = chip_raise,
                                        .has_lvt = chip_has_lvt,
                                        .read = chip_read,
                                        .write = chip_write,
                                        .reset = chip_reset};

/* ---- what APIC and chip need of the VMM ---- */

bool lapic_has_lvt(uint32_t reg)
{
	return reg == APIC_LVT_PERF;
}

uint32_t lapic_timer_count(void)
{
	return 77;
}

void lapic_reset(void)
{
	core_resets++;
}

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	(void)v, (void)requests;
}

/* ---- */

/* Three vCPUs in xAPIC mode, of which the last waits for its start. */
static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof vm);
	memset(raised, 0, sizeof raised);
	resets = core_resets = reg_seen = 0;
	vm.nvcpus = VCPUS;
	for (unsigned i = 0; i < VCPUS; i++) {
		vm.vcpu[i].vm = &vm;
		vm.vcpu[i].id = i;
		vm.vcpu[i].irqchip = &chip;
		atomic_store(&vm.vcpu[i].state, i == 2 ? VCPU_WAIT_SIPI : VCPU_RUN);
		vapic_reset(&vm.vcpu[i], false);
	}
	return 0;
}

/* A message, a pin and an IPI each reach the chip of the vCPU that they name, and no other. */
static void vectors_go_to_the_chip_of_their_vcpu(void **state)
{
	(void)state;
	vapic_msi(&vm, VAPIC_PAGE | 1 << 12, 0x41);
	assert_int_equal(vector_seen, 0x41);
	vapic_pin(&vm, 1ul << 56 | 0x42);
	assert_int_equal(vector_seen, 0x42);
	vapic_write_icr(&vm.vcpu[0], 1ul << 56 | 0x43);
	assert_int_equal(vector_seen, 0x43);
	assert_int_equal(raised[1], 3);
	assert_int_equal(raised[0] + raised[2], 0);
	assert_int_equal(vm.lost_interrupts, 0);
}

static void no_chip_hears_of_what_no_vcpu_takes(void **state)
{
	(void)state;
	vapic_msi(&vm, VAPIC_PAGE | 2 << 12, 0x41);  /* it does not run */
	vapic_msi(&vm, VAPIC_PAGE | 1 << 12, 0x0f);  /* no APIC accepts it */
	vapic_msi(&vm, VAPIC_PAGE | 1 << 12, 0x241); /* an SMI */
	vm.vcpu[1].apic.base &= ~APIC_BASE_EN;
	vapic_msi(&vm, VAPIC_PAGE | 1 << 12, 0x41);
	assert_int_equal(raised[0] + raised[1] + raised[2], 0);
	assert_int_equal(vm.lost_interrupts, 4);
}

/* EOI, the timer and the local vector table of the page are the chip's registers. */
static void the_page_is_the_chips_registers(void **state)
{
	struct vcpu *v = &vm.vcpu[1];

	(void)state;
	vapic_page_write(v, EOI << 4, 0x55);
	assert_true(reg_seen == EOI && value_seen == 0);
	vapic_page_write(v, APIC_TMICT << 4, 1000);
	assert_true(reg_seen == APIC_TMICT && value_seen == 1000);
	vapic_page_write(v, APIC_LVT_TIMER << 4, 0x20041);
	assert_true(reg_seen == APIC_LVT_TIMER && value_seen == 0x20041);
	assert_int_equal(vapic_page_read(v, APIC_TMCCT << 4), 0x100 + APIC_TMCCT);
	assert_int_equal(vapic_page_read(v, APIC_LVT_PERF << 4), 0x100 + APIC_LVT_PERF);
	reg_seen = 0;
	assert_int_equal(vapic_page_read(v, APIC_LVT_THERMAL << 4), 0); /* the chip has none */
	vapic_page_write(v, APIC_LVT_THERMAL << 4, 0x41);
	assert_false(vapic_write_lvt(v, APIC_LVT_THERMAL, 0x41));
	assert_int_equal(reg_seen, 0);
	vapic_init_signal(v);
	assert_int_equal(resets, 1);
}

/* The core's own: an IPI to it, and its x2APIC's registers. */
static void the_direct_chip_is_the_core(void **state)
{
	static struct core core = {.apic_id = 9};
	struct vcpu *v = &vm.vcpu[0];

	(void)state;
	v->cpu.core = &core;
	irqchip_direct.raise(v, 0x66);
	assert_int_equal(machine_msr, MSR_X2APIC + APIC_ICR);
	assert_int_equal(machine_value, 9ul << 32 | ICR_FIXED | 0x66);
	irqchip_direct.write(v, EOI, 0);
	assert_true(machine_msr == MSR_X2APIC + EOI && machine_value == 0);
	assert_int_equal(irqchip_direct.read(v, APIC_TPR), MSR_X2APIC + APIC_TPR);
	assert_int_equal(irqchip_direct.read(v, APIC_TMCCT), 77);
	assert_true(irqchip_direct.has_lvt(v, APIC_LVT_PERF));
	assert_false(irqchip_direct.has_lvt(v, APIC_LVT_THERMAL));
	irqchip_direct.reset(v);
	assert_int_equal(core_resets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(vectors_go_to_the_chip_of_their_vcpu, setup),
	    cmocka_unit_test_setup(no_chip_hears_of_what_no_vcpu_takes, setup),
	    cmocka_unit_test_setup(the_page_is_the_chips_registers, setup),
	    cmocka_unit_test_setup(the_direct_chip_is_the_core, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
