/* SPDX-License-Identifier: BSD-2-Clause */
/* VT-x by its capability MSRs: the controls that are set, each one missing in turn, the lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/hvm/vmx_caps.c"

#define CONTROLS (sizeof control / sizeof control[0])
#define EPT_BITS (sizeof ept_vpid / sizeof ept_vpid[0])

/* As a Skylake-X reports them by its TRUE MSRs. */
static const struct vmx_caps skylake = {.word = {[VMX_PIN] = 0x0000007f00000016,
                                                 [VMX_PROC] = 0xf7f9fffe04006172,
                                                 [VMX_EXIT] = 0x007fffff00036dfb,
                                                 [VMX_ENTRY] = 0x0000ffff000011fb,
                                                 [VMX_PROC2] = 0x02177fff00000000},
                                        .ept_vpid = 0x00000f0106334141};

static void takes_a_whole_cpu(void **state)
{
	struct vmx_controls c;
	char why[128];

	(void)state;
	assert_true(vmx_choose(&skylake, &c, why, sizeof why));
	assert_int_equal(c.word[VMX_PIN], 0x16 | 1 << 3 | 1 << 5);
	assert_int_equal(c.word[VMX_PROC2],
	                 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 12 | 1 << 20);
	for (unsigned w = 0; w < VMX_WORDS; w++) {
		uint32_t must = (uint32_t)skylake.word[w], may = (uint32_t)(skylake.word[w] >> 32);

		assert_int_equal(c.word[w] & must, must);
		assert_int_equal(c.word[w] & ~may, 0);
	}
	for (unsigned i = 0; i < CONTROLS; i++) {
		bool set = c.word[control[i].word] >> control[i].bit & 1;
		bool has = skylake.word[control[i].word] >> (32 + control[i].bit) & 1;

		assert_int_equal(set, control[i].wish == ON || (control[i].wish == OFFER && has));
	}
}

static void is_refused(const struct vmx_caps *caps, const char *name)
{
	struct vmx_controls c;
	char why[128] = "";

	assert_false(vmx_choose(caps, &c, why, sizeof why));
	assert_non_null(strstr(why, name));
	assert_non_null(strstr(why, "Patio needs it"));
}

/* Without "may be 1" a control that must be set or changed is missing; with "must be 1" one that
 * must be clear is. */
static void names_each_control_that_lacks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CONTROLS; i++) {
		struct vmx_caps caps = skylake;
		uint64_t bit = 1ul << control[i].bit;

		if (control[i].wish == OFFER)
			continue;
		if (control[i].wish == OFF)
			caps.word[control[i].word] |= bit;
		else
			caps.word[control[i].word] &= ~(bit << 32);
		is_refused(&caps, control[i].name);
	}
	for (unsigned i = 0; i < EPT_BITS; i++) {
		struct vmx_caps caps = skylake;

		caps.ept_vpid &= ~(1ul << ept_vpid[i].bit);
		is_refused(&caps, ept_vpid[i].name);
	}
}

static void does_without_what_is_offered(void **state)
{
	struct vmx_caps caps = skylake;
	struct vmx_controls c;
	char why[128];

	(void)state;
	caps.word[VMX_PROC2] &= ~(1ul << 44 | 1ul << 52); /* INVPCID, XSAVES */
	assert_true(vmx_choose(&caps, &c, why, sizeof why));
	assert_int_equal(c.word[VMX_PROC2] & (1 << 12 | 1 << 20), 0);
}

/* Skylake has neither of them, later CPUs do. */
static void takes_what_is_offered(void **state)
{
	struct vmx_caps caps = skylake;
	struct vmx_controls c;
	char why[128];

	(void)state;
	assert_true(vmx_choose(&caps, &c, why, sizeof why));
	assert_int_equal(c.word[VMX_PROC2] & (1u << 15 | 1u << 30), 0);
	caps.word[VMX_PROC2] |= 1ul << 47 | 1ul << 62; /* ENCLS exiting, bus-lock detection */
	assert_true(vmx_choose(&caps, &c, why, sizeof why));
	assert_int_equal(c.word[VMX_PROC2] & (1u << 15 | 1u << 30), 1u << 15 | 1u << 30);
}

/* The MSRs of the first VT-x CPUs, which have no TRUE ones, force CR3 exits. */
static void refuses_forced_cr3_exits(void **state)
{
	struct vmx_caps caps = skylake;

	(void)state;
	caps.word[VMX_PROC] = 0xf7f9fffe0401e172;
	is_refused(&caps, "way to switch off CR3-load exiting");
}

static void reads_the_firmwares_lock(void **state)
{
	(void)state;
	assert_int_equal(vmx_lock(0), VMX_UNLOCKED);
	assert_int_equal(vmx_lock(FEATURE_VMXON), VMX_UNLOCKED);
	assert_int_equal(vmx_lock(FEATURE_LOCKED), VMX_LOCKED_OFF);
	assert_int_equal(vmx_lock(FEATURE_LOCKED | 1 << 1), VMX_LOCKED_OFF); /* inside SMX only */
	assert_int_equal(vmx_lock(FEATURE_LOCKED | FEATURE_VMXON), VMX_LOCKED_ON);
}

static void knows_itlb_multihit(void **state)
{
	(void)state;
	assert_true(vmx_itlb_multihit(true, 0x00050654, 0)); /* Skylake-X */
	assert_true(vmx_itlb_multihit(true, 0x000206a7, 0)); /* Sandy Bridge */
	assert_false(vmx_itlb_multihit(true, 0x00050654, ARCH_CAPS_PSCHANGE_MC_NO));
	assert_true(vmx_itlb_multihit(true, 0x00050654, ~ARCH_CAPS_PSCHANGE_MC_NO));
	assert_false(vmx_itlb_multihit(true, 0x000506ca, 0));  /* Goldmont */
	assert_false(vmx_itlb_multihit(true, 0x00050671, 0));  /* Knights Landing */
	assert_false(vmx_itlb_multihit(true, 0x00000f41, 0));  /* another family */
	assert_false(vmx_itlb_multihit(false, 0x00050654, 0)); /* another vendor */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_a_whole_cpu),
	    cmocka_unit_test(names_each_control_that_lacks),
	    cmocka_unit_test(does_without_what_is_offered),
	    cmocka_unit_test(takes_what_is_offered),
	    cmocka_unit_test(refuses_forced_cr3_exits),
	    cmocka_unit_test(reads_the_firmwares_lock),
	    cmocka_unit_test(knows_itlb_multihit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
