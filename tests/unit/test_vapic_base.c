/* SPDX-License-Identifier: BSD-2-Clause */
/* The mode of a guest's local APIC and the address of its page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "arch/x86_64/cpu.h"

static struct cpuid machine_cpuid(uint32_t leaf);
#define cpuid(leaf, sub) machine_cpuid(leaf)
#include "vmm/devices/vapic_base.c"

#define PAGE      0xfee00000ul
#define PHYS_BITS 40
#define EN        APIC_BASE_EN
#define X2        (APIC_BASE_EN | APIC_BASE_X2)
#define MEMORY    (64 * MIB)

const struct hvm_ops *hvm;
static unsigned resets, priorities, owned;

static void chip_write(struct vcpu *v, unsigned reg, uint32_t value)
{
	(void)v;
	assert_int_equal(reg, APIC_TPR);
	assert_int_equal(value, 0);
	priorities++;
}

static struct cpuid machine_cpuid(uint32_t leaf)
{
	assert_int_equal(leaf, 0x80000008);
	return (struct cpuid){.eax = 0x3000 | PHYS_BITS};
}

static void chip_reset(struct vcpu *v)
{
	(void)v;
	resets++;
}

static void own_msrs(struct hvm_vcpu *v, unsigned own)
{
	(void)v;
	owned = own;
}

static struct vcpu *vcpu(unsigned id, bool x2apic)
{
	static const struct hvm_ops ops = {.own_msrs = own_msrs};
	static const struct irqchip_ops chip = {.write = chip_write, .reset = chip_reset};
	static struct vm vm;
	static uint8_t memory[1];
	struct vcpu *v = &vm.vcpu[id];

	hvm = &ops;
	memset(&vm, 0, sizeof vm);
	assert_true(gmem_add(&vm.mem, 0, MEMORY, memory));
	v->vm = &vm;
	v->id = id;
	v->irqchip = &chip;
	vapic_reset(v, x2apic);
	resets = priorities = 0;
	owned = x2apic;
	return v;
}

/* SDM 3, 11.12.5: all sixteen. */
static void test_transitions(void **state)
{
	static const uint64_t mode[] = {0, APIC_BASE_X2, EN, X2};
	static const bool legal[4][4] = {
	    {true, false, true, false}, {0}, {true, false, true, true}, {true, false, false, true}};

	(void)state;
	for (unsigned from = 0; from < 4; from++)
		for (unsigned to = 0; to < 4; to++)
			assert_int_equal(
			    vapic_base_allowed(PAGE | mode[from], PAGE | mode[to], PHYS_BITS),
			    legal[from][to]);
}

static void test_reserved(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		bool has = bit == 8 || bit == 10 || bit == 11 || (bit >= 12 && bit < PHYS_BITS);

		assert_int_equal(vapic_base_allowed(EN, EN | 1ul << bit, PHYS_BITS), has);
	}
}

/* The way from x2APIC to xAPIC mode; what is in the hardware is reset once, on the way. */
static void test_there_and_back(void **state)
{
	struct vcpu *v = vcpu(0, true);
	uint64_t page = PAGE | APIC_BASE_BSP;

	(void)state;
	v->apic.icr = v->apic.ldr = 5;
	v->apic.dfr = 0;
	assert_false(vapic_write_base(v, page | EN));
	assert_int_equal(v->apic.base, page | X2);
	assert_true(vapic_write_base(v, page));
	assert_int_equal(v->apic.base, page);
	assert_false(owned);
	assert_int_equal(resets, 1);
	assert_true(!v->apic.icr && !v->apic.ldr && v->apic.dfr == 0xffffffff);
	assert_false(vapic_enabled(&v->apic) || vapic_is_x2(&v->apic));
	assert_false(vapic_write_base(v, page | X2));
	assert_true(vapic_write_base(v, page | EN));
	assert_int_equal(priorities, 1);
	assert_false(owned);
	assert_true(vapic_write_base(v, page | X2));
	assert_true(owned);
	assert_int_equal(resets, 1);
	assert_int_equal(priorities, 1);
}

static void test_same_mode_resets_nothing(void **state)
{
	struct vcpu *v = vcpu(0, true);

	(void)state;
	assert_true(vapic_write_base(v, v->apic.base));
	assert_true(owned);
	assert_int_equal(resets + priorities, 0);
}

/* Which of them is the boot CPU stays, whatever is written. */
static void test_boot_flag(void **state)
{
	struct vcpu *v = vcpu(0, false);

	(void)state;
	assert_true(vapic_write_base(v, PAGE | EN));
	assert_int_equal(v->apic.base, PAGE | EN | APIC_BASE_BSP);
	v = vcpu(1, false);
	assert_true(vapic_write_base(v, PAGE | EN | APIC_BASE_BSP));
	assert_int_equal(v->apic.base, PAGE | EN);
}

static void test_page(void **state)
{
	struct vcpu *v = vcpu(1, false);
	uint64_t elsewhere = 0xa0000000;

	(void)state;
	assert_true(vapic_claims(&v->apic, PAGE) && vapic_claims(&v->apic, PAGE + 0xfff));
	assert_false(vapic_claims(&v->apic, PAGE - 1) || vapic_claims(&v->apic, PAGE + 0x1000));
	assert_true(vapic_write_base(v, elsewhere | EN));
	assert_true(vapic_claims(&v->apic, elsewhere) && !vapic_claims(&v->apic, PAGE));
	assert_true(vapic_write_base(v, elsewhere | X2));
	assert_false(vapic_claims(&v->apic, elsewhere));
	assert_true(vapic_write_base(v, elsewhere));
	assert_false(vapic_claims(&v->apic, elsewhere));
	assert_int_equal(v->refused_bases, 0);
}

/* On memory, on the PCI window and on an I/O APIC's page it cannot be, in no mode. */
static void test_page_where_something_is(void **state)
{
	struct vcpu *v = vcpu(1, false);
	uint64_t at[] = {0, MEMORY - PAGE_SIZE, VPCI_MEM_BASE, VIOAPIC_PAGE};

	(void)state;
	for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
		assert_false(vapic_write_base(v, at[i] | EN));
		assert_false(vapic_write_base(v, at[i]));
		assert_int_equal(v->refused_bases, 2 * (i + 1));
		assert_int_equal(v->apic.base, PAGE | EN);
	}
	assert_int_equal(resets, 0);
}

/* INIT leaves the mode and the page (SDM 3, 11.12.5.1). */
static void test_init(void **state)
{
	struct vcpu *v = vcpu(1, false);
	uint64_t base = 0xa0000000 | EN;

	(void)state;
	assert_true(vapic_write_base(v, base));
	v->apic.ldr = 0x01000000;
	vapic_init_signal(v);
	assert_int_equal(v->apic.base, base);
	assert_int_equal(v->apic.ldr, 0);
	assert_int_equal(resets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transitions),
	    cmocka_unit_test(test_reserved),
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_same_mode_resets_nothing),
	    cmocka_unit_test(test_boot_flag),
	    cmocka_unit_test(test_page),
	    cmocka_unit_test(test_page_where_something_is),
	    cmocka_unit_test(test_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
