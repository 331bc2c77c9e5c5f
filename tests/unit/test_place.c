/* SPDX-License-Identifier: BSD-2-Clause */
/* Which core a vCPU gets on a machine with SMT, and how the topology is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/topology.h"
#include "vmm/place_policy.h"

static struct place_view v;
static enum place_refusal why;
static const char alice, bob, poll;

/* `cores` threads, 1 << bits to a physical core, whose IDs follow each other. */
static void machine(unsigned cores, unsigned bits)
{
	v = (struct place_view){.cores = cores, .smt_bits = bits};
	for (unsigned i = 0; i < cores; i++)
		v.core[i].apic_id = i;
}

static int give(const void *owner, int wanted)
{
	int core = place_pick(&v, owner, wanted, &why);

	if (core >= 0)
		v.core[core].owner = owner;
	return core;
}

/* Without threads nothing is anybody's sibling; the boot core goes last. */
static void test_no_smt(void **state)
{
	(void)state;
	machine(4, 0);
	v.core[1].named = true;
	v.core[3].reserved = true;
	assert_int_equal(give(&alice, -1), 2);
	assert_int_equal(give(&bob, -1), 0);
	assert_int_equal(give(&alice, -1), 1); /* named, but there is no other */
	assert_int_equal(give(&bob, -1), -1);
	assert_int_equal(why, PLACE_TAKEN);
	assert_int_equal(give(&bob, 2), -1);
	assert_int_equal(why, PLACE_TAKEN);
	assert_int_equal(give(&bob, 3), 3); /* its own description's business */
}

static void test_siblings_apart(void **state)
{
	(void)state;
	machine(4, 1);
	assert_int_equal(give(&alice, -1), 1);
	assert_int_equal(give(&bob, -1), 2);
	assert_int_equal(give(&poll, -1), -1);
	assert_int_equal(why, PLACE_SIBLING);
	assert_int_equal(give(&bob, 0), -1);
	assert_int_equal(why, PLACE_SIBLING);
	assert_int_equal(give(&alice, 0), 0); /* her own */
	assert_int_equal(give(&bob, 0), -1);
	assert_int_equal(why, PLACE_TAKEN);
}

/* A guest of two vCPUs takes one physical core, not half of two. */
static void test_fills_its_own(void **state)
{
	(void)state;
	machine(6, 1);
	assert_int_equal(give(&alice, 4), 4);
	assert_int_equal(give(&alice, -1), 5);
	assert_int_equal(give(&alice, -1), 1);
	assert_int_equal(give(&alice, -1), 0);
	assert_int_equal(give(&bob, -1), 2);
	assert_int_equal(give(&bob, -1), 3);
}

static void test_share(void **state)
{
	(void)state;
	machine(4, 1);
	v.share = true;
	assert_int_equal(give(&alice, -1), 1);
	assert_int_equal(give(&bob, 0), 0);
	assert_int_equal(give(&bob, -1), 2);
	assert_int_equal(give(&alice, -1), 3);
}

/* The poll core moves everybody's frames: no guest is beside it, also before it polls. */
static void test_poll(void **state)
{
	(void)state;
	machine(4, 1);
	v.core[3].reserved = true;
	assert_int_equal(give(&alice, 2), -1);
	assert_int_equal(why, PLACE_SIBLING);
	v.core[3].owner = &poll;
	assert_int_equal(give(&alice, 2), -1);
	assert_int_equal(give(&alice, -1), 1);
	assert_int_equal(place_rival(&v, &poll, 0), 1);
	assert_int_equal(place_rival(&v, &poll, 2), -1);
	assert_int_equal(place_rival(&v, &alice, 0), -1);
}

/* IDs with holes, and siblings that do not follow each other. */
static void test_sparse_ids(void **state)
{
	static const uint32_t id[] = {0, 16, 32, 1, 17, 33};

	(void)state;
	machine(6, 1);
	for (unsigned i = 0; i < 6; i++)
		v.core[i].apic_id = id[i];
	assert_int_equal(give(&alice, -1), 1);
	assert_int_equal(give(&alice, -1), 4);
	assert_int_equal(give(&bob, 3), 3);
	assert_int_equal(give(&alice, 0), -1);
	assert_int_equal(why, PLACE_SIBLING);
}

/* --- topology ------------------------------------------------------------------------------- */

static struct cpuid basic, extended, level[3], level2[3], cores_amd, features;

static struct cpuid ask(uint32_t leaf, uint32_t sub)
{
	switch (leaf) {
	case 0:
		return basic;
	case 0x0b:
		return sub < 3 ? level[sub] : (struct cpuid){0};
	case 0x1f:
		return sub < 3 ? level2[sub] : (struct cpuid){0};
	case 0x80000000:
		return extended;
	case 0x80000001:
		return features;
	case 0x8000001e:
		return cores_amd;
	}
	fail_msg("leaf %x", leaf);
	return basic;
}

static int clear(void **state)
{
	(void)state;
	basic = extended = cores_amd = features = (struct cpuid){0};
	memset(level, 0, sizeof level);
	memset(level2, 0, sizeof level2);
	return 0;
}

static void test_levels(void **state)
{
	(void)state;
	basic.eax = 0x0d;
	level[0] = (struct cpuid){.eax = 1, .ebx = 2, .ecx = 0x100};
	level[1] = (struct cpuid){.eax = 4, .ebx = 8, .ecx = 0x201};
	level2[0] = (struct cpuid){.eax = 3, .ebx = 8, .ecx = 0x100}; /* beyond the last leaf */
	assert_int_equal(topology_smt_bits(ask), 1);
	basic.eax = 0x1f;
	assert_int_equal(topology_smt_bits(ask), 3);
	level2[0] = (struct cpuid){0}; /* there, but empty: the older one */
	assert_int_equal(topology_smt_bits(ask), 1);
	level[0].eax = 0; /* one thread */
	assert_int_equal(topology_smt_bits(ask), 0);
}

static void test_amd(void **state)
{
	static const struct {
		uint32_t ebx;
		unsigned bits;
	} c[] = {{0, 0}, {0x100, 1}, {0x200, 2}, {0x300, 2}};

	(void)state;
	basic.eax = 0x0d; /* leaf 0Bh is empty */
	extended.eax = 0x8000001e;
	for (unsigned i = 0; i < 4; i++) {
		cores_amd.ebx = c[i].ebx;
		features.ecx = 1u << 22;
		assert_int_equal(topology_smt_bits(ask), c[i].bits);
		features.ecx = 0;
		assert_int_equal(topology_smt_bits(ask), 0);
	}
	basic.eax = 1;
	extended.eax = 0x80000008;
	assert_int_equal(topology_smt_bits(ask), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_smt),
	    cmocka_unit_test(test_siblings_apart),
	    cmocka_unit_test(test_fills_its_own),
	    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_poll),
	    cmocka_unit_test(test_sparse_ids),
	    cmocka_unit_test_setup(test_levels, clear),
	    cmocka_unit_test_setup(test_amd, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
