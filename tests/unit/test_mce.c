/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine checks: the verdict for each pattern of status registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "arch/x86_64/mce_policy.c"

#define BOTH (MCG_RIPV | MCG_EIPV)
#define UC   (MCI_VAL | MCI_UC)

static enum mce_verdict judge(uint64_t mcg, bool recovers, uint64_t status, bool in_guest)
{
	struct mce_state m = {.mcg_status = mcg, .recovers = recovers, .banks = 4};
	unsigned bank;
	enum mce_verdict v;

	m.status[2] = status;
	v = mce_judge(&m, in_guest, &bank);
	assert_int_equal(bank, status & MCI_VAL ? 2 : 4);
	return v;
}

/* Where the host ran, what would stop a guest is a panic. */
static void expect(uint64_t mcg, bool recovers, uint64_t status, enum mce_verdict in_guest)
{
	assert_int_equal(judge(mcg, recovers, status, true), in_guest);
	assert_int_equal(judge(mcg, recovers, status, false),
	                 in_guest == MCE_STOP_GUEST ? MCE_PANIC : in_guest);
}

static void test_one_bank(void **state)
{
	(void)state;
	expect(BOTH, false, MCI_VAL, MCE_GO_ON); /* corrected */
	expect(BOTH, false, MCI_VAL | MCI_OVER, MCE_GO_ON);
	expect(BOTH, false, UC, MCE_STOP_GUEST);
	expect(MCG_RIPV, false, UC, MCE_STOP_GUEST);
	expect(BOTH, false, UC | MCI_OVER, MCE_PANIC);
	expect(BOTH, false, UC | MCI_PCC, MCE_PANIC);
	expect(BOTH, false, MCI_VAL | MCI_PCC, MCE_PANIC);
	expect(BOTH, false, MCI_UC | MCI_PCC, MCE_GO_ON); /* not valid */
	expect(MCG_EIPV, false, MCI_VAL, MCE_STOP_GUEST); /* the program cannot go on */
	expect(0, false, 0, MCE_STOP_GUEST);
	expect(MCG_RIPV, false, 0, MCE_GO_ON); /* another core's */
}

static void test_recovery(void **state)
{
	(void)state;
	expect(BOTH, true, UC, MCE_GO_ON);         /* nobody has used it yet */
	expect(BOTH, true, UC | MCI_S, MCE_GO_ON); /* nor this */
	expect(BOTH, true, UC | MCI_S | MCI_AR, MCE_STOP_GUEST);
	expect(MCG_EIPV, true, UC | MCI_S | MCI_AR, MCE_STOP_GUEST);
	expect(MCG_RIPV, true, UC | MCI_S | MCI_AR, MCE_GO_ON); /* another core used it */
	expect(MCG_RIPV, true, UC | MCI_S | MCI_AR | MCI_PCC, MCE_PANIC);
	expect(BOTH, true, UC | MCI_S | MCI_OVER, MCE_PANIC);
	expect(BOTH, false, UC | MCI_S, MCE_STOP_GUEST); /* elsewhere the bits mean nothing */
}

/* A shared bank is cleared by the core whose error it holds, not by those that are only told. */
static void test_clearing(void **state)
{
	struct mce_state m = {.mcg_status = MCG_RIPV, .recovers = true, .banks = 1};

	(void)state;
	m.status[0] = UC | MCI_S | MCI_AR;
	assert_false(mce_may_clear(&m, 0));
	m.mcg_status = BOTH;
	assert_true(mce_may_clear(&m, 0));
	m.mcg_status = MCG_RIPV;
	m.status[0] = UC | MCI_S; /* nobody's in particular */
	assert_true(mce_may_clear(&m, 0));
	m.status[0] = MCI_VAL;
	assert_true(mce_may_clear(&m, 0));
	m.recovers = false;
	m.status[0] = UC | MCI_S | MCI_AR;
	assert_true(mce_may_clear(&m, 0));
}

/* The gravest bank decides, and is the one that is told. */
static void test_several_banks(void **state)
{
	struct mce_state m = {.mcg_status = BOTH, .banks = 4};
	unsigned bank;

	(void)state;
	m.status[0] = MCI_VAL;
	m.status[1] = UC;
	m.status[3] = UC | MCI_PCC;
	assert_int_equal(mce_judge(&m, true, &bank), MCE_PANIC);
	assert_int_equal(bank, 3);
	m.status[3] = 0;
	assert_int_equal(mce_judge(&m, true, &bank), MCE_STOP_GUEST);
	assert_int_equal(bank, 1);
	m.status[1] = 0;
	assert_int_equal(mce_judge(&m, true, &bank), MCE_GO_ON);
	assert_int_equal(bank, 0);
	m.status[0] = 0;
	m.status[5] = UC | MCI_PCC; /* beyond the banks of this CPU */
	assert_int_equal(mce_judge(&m, true, &bank), MCE_GO_ON);
	assert_int_equal(bank, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_bank),
	    cmocka_unit_test(test_recovery),
	    cmocka_unit_test(test_several_banks),
	    cmocka_unit_test(test_clearing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
