/* SPDX-License-Identifier: BSD-2-Clause */
/* An AMD IOMMU: what its entries, commands and settings are, and how its event log is read.  A
 * thread is the IOMMU: it carries out commands in memory. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/iommu/tables.h"

#include "arch/x86_64/core.h"

/* The core that a thread is. */
static _Thread_local unsigned my_core;
struct core cores[CORES_MAX];
#define this_core() (&cores[my_core])
#include "arch/x86_64/iommu/amd_vi_unit.c"
#include "arch/x86_64/iommu/amd_vi.c"

#define ALLOCATIONS 32
#define SPACE       0x4000
#define FUNCTION    0x0120

static void *made[ALLOCATIONS];
static unsigned n_made, limit, errors;
static _Alignas(16384) uint8_t space[2][SPACE];
static struct iommu_tables machine;
static pthread_t thread;
static _Atomic bool over, deaf; /* deaf: commands are not carried out */
static struct amd_vi_command seen[64];
static _Atomic unsigned n_seen;

void *mem_zalloc(size_t size)
{
	void *p;

	if (n_made == limit)
		return NULL;
	size = (size + 4095) & ~4095ul;
	p = aligned_alloc(4096, size);
	return made[n_made++] = memset(p, 0, size);
}

void mem_zfree(void *p, size_t size)
{
	(void)size;
	for (unsigned i = 0; i < n_made; i++) {
		if (made[i] != p)
			continue;
		free(p);
		made[i] = made[--n_made];
		return;
	}
	fail_msg("%p was freed twice", p);
}

/* Goes on by a millisecond with each look. */
uint64_t tsc_us(void)
{
	static _Thread_local uint64_t us;

	sched_yield();
	return us += atomic_load(&deaf) ? 1000 : 0;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level, (void)fmt;
	errors++;
}

enum log_level log_level = LOG_ERROR;

static uint64_t *reg(unsigned u, unsigned at)
{
	return (uint64_t *)(space[u] + at);
}

static void carry_out(const struct amd_vi_command *c)
{
	if (c->word[0] >> 60 == 1)
		__atomic_store_n((uint64_t *)(c->word[0] & 0xffffffffffff8), c->word[1],
		                 __ATOMIC_SEQ_CST);
	else if (n_seen < 64)
		seen[n_seen++] = *c;
}

static void *run_units(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		for (unsigned u = 0; u < 2; u++) {
			uint64_t tail = __atomic_load_n(reg(u, 0x2008), __ATOMIC_SEQ_CST);
			uint64_t queue = *reg(u, 0x08) & 0xffffffffff000;

			while (!atomic_load(&deaf) && *reg(u, 0x2000) != tail) {
				carry_out((void *)(queue + *reg(u, 0x2000)));
				*reg(u, 0x2000) = (*reg(u, 0x2000) + 16) % (512 * 16);
			}
		}
		sched_yield();
	}
	return NULL;
}

static int set_up(void **state)
{
	(void)state;
	memset(space, 0, sizeof space);
	memset(unit, 0, sizeof unit);
	table = blocked_table = NULL;
	nothing.root = NULL;
	n_made = errors = 0;
	atomic_store(&n_seen, 0);
	limit = ALLOCATIONS;
	atomic_store(&over, false);
	atomic_store(&deaf, false);
	memset(&machine, 0, sizeof machine);
	machine.units = 1;
	machine.unit[0].registers = (uint64_t)(uintptr_t)space[0];
	machine.unit[1].registers = (uint64_t)(uintptr_t)space[1];
	*reg(0, 0x30) = *reg(1, 0x30) = 1 << 6;
	return pthread_create(&thread, NULL, run_units, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	while (n_made)
		free(made[--n_made]);
	return 0;
}

static const uint64_t *entry_of(unsigned u, uint16_t function)
{
	return (const uint64_t *)(*reg(u, 0) & 0xffffffffff000) + 4ul * function;
}

static bool is_blocked(const uint64_t *e)
{
	return (e[0] & 3) == 3 && !(e[0] & (DTE_IR | DTE_IW)) && (e[2] & 1) && !(e[2] >> 60 & 3);
}

/* Every entry is valid and lets nothing through, but for the interrupts of I/O APICs. */
static void everything_is_blocked(void **state)
{
	(void)state;
	machine.sources = 2;
	machine.source[0] = (struct iommu_source){IOMMU_IOAPIC, 0, 0xa0, 0xd7};
	machine.source[1] = (struct iommu_source){IOMMU_HPET, 0, 0xa1, 0};
	assert_null(start(&machine));
	assert_int_equal(*reg(0, 0) & 0x1ff, 511); /* 2 MiB */
	for (unsigned i = 0; i < 0x10000; i++)
		if (i != 0xa0)
			assert_true(is_blocked(entry_of(0, (uint16_t)i)));
	assert_int_equal(entry_of(0, 0xa0)[0] >> 61 & 3, 0);
	assert_int_equal(entry_of(0, 0xa0)[2], 1ul | 1ul << 60 | 7ul << 56 | 3ul << 62);
	assert_int_equal(entry_of(0, 0xa0)[1], 1ul << 40);
	assert_int_equal(*reg(0, 0x18), 1 | 1 << 2 | 1 << 10 | 1 << 12);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].word[0] >> 60, 8);
	stop();
	assert_int_equal(*reg(0, 0x18), 0);
}

/* Units of another segment do not know what is attached in segment 0. */
static void other_segments_stay_blocked(void **state)
{
	struct iommu_device d = {.requester = FUNCTION};
	struct iommu_pages p = {0};

	(void)state;
	machine.units = 2;
	machine.unit[1].segment = 1;
	assert_null(start(&machine));
	paging(&p);
	assert_true(iommu_pages_init(&p));
	assert_true(attach(&d, &p, 5));
	assert_false(is_blocked(entry_of(0, FUNCTION)));
	assert_true(is_blocked(entry_of(1, FUNCTION)));
	assert_int_equal(n_seen, 2 + 2 * 3); /* each unit was told */
}

static void an_attached_device(void **state)
{
	struct iommu_device d = {.requester = FUNCTION};
	struct iommu_pages p = {0};
	struct iommu_message m;
	const uint64_t *e;
	const uint32_t *irte;

	(void)state;
	assert_null(start(&machine));
	paging(&p);
	assert_true(iommu_pages_init(&p));
	assert_true(attach(&d, &p, 5));
	e = entry_of(0, FUNCTION);
	assert_int_equal(e[0], 3ul | 4ul << 9 | 3ul << 61 | (uint64_t)(uintptr_t)p.root);
	assert_int_equal(e[1], 5);
	assert_int_equal(e[2] & ~0xffffffffff000ul, 1ul | 8ul << 1 | 2ul << 60);
	assert_int_equal(seen[1].word[0], 2ul << 60 | FUNCTION);
	assert_int_equal(seen[2].word[0], 3ul << 60 | 5ul << 32);
	assert_int_equal(seen[2].word[1], 0x7ffffffffffff003);
	assert_int_equal(seen[3].word[0], 5ul << 60 | FUNCTION);
	irte = (const uint32_t *)(e[2] & 0xffffffffff000);
	assert_int_equal(irte[7], 0);
	assert_true(interrupt(&d, 7, 3, 0x41, &m));
	assert_int_equal(irte[7], 1 | 3 << 8 | 0x41 << 16);
	assert_int_equal(m.address, 0xfee00000);
	assert_int_equal(m.data, 7);
	assert_int_equal(n_seen, 5);
	assert_true(interrupt(&d, 7, 3, 0x41, &m)); /* nothing to be forgotten */
	assert_int_equal(n_seen, 5);
	assert_false(interrupt(&d, 8, 256, 0x41, &m));
	assert_int_equal(irte[8], 0);
	interrupts_off(&d);
	assert_int_equal(irte[7], 0);
	assert_true(detach(&d, 5));
	assert_true(is_blocked(e));
	assert_int_equal(n_seen, 9);
}

/* A unit that does not carry out commands: nothing is attached, and what it may still read stays.
 */
static void a_unit_that_does_not_answer(void **state)
{
	struct iommu_device d = {.requester = FUNCTION}, other = {.requester = FUNCTION + 1};
	struct iommu_pages p = {0};
	unsigned before;

	(void)state;
	assert_null(start(&machine));
	paging(&p);
	assert_true(iommu_pages_init(&p));
	assert_true(attach(&other, &p, 6));
	atomic_store(&deaf, true);
	assert_false(attach(&d, &p, 5));
	assert_true(is_blocked(entry_of(0, FUNCTION)));
	before = n_made;
	assert_false(detach(&other, 6));
	assert_true(is_blocked(entry_of(0, FUNCTION + 1)));
	assert_int_equal(n_made, before);
	assert_true(errors > 0);
	assert_non_null(start(&machine));
	assert_int_equal(*reg(0, 0x18), 0);
	*reg(0, 0x18) = ~0ul;
	assert_string_equal(start(&machine), "does not answer at the address of its registers");
}

static void no_memory(void **state)
{
	(void)state;
	for (limit = 0; limit < 4; limit++)
		assert_non_null(start(&machine));
	limit = ALLOCATIONS;
	assert_null(start(&machine));
}

/* --- the queue ------------------------------------------------------------------------------ */

static void *many_commands(void *arg)
{
	const struct amd_vi_command c[] = {amd_vi_forget_pages(1), amd_vi_forget_pages(2),
	                                   amd_vi_forget_pages(3)};

	my_core = *(unsigned *)arg;
	for (unsigned i = 0; i < 2000; i++)
		if (!amd_vi_command(&unit[0], c, 3))
			return arg;
	return NULL;
}

/* Cores wait side by side, and each for its own commands, around the end of the queue many times.
 */
static void several_cores_wait(void **state)
{
	pthread_t core[3];
	unsigned index[3];
	void *failed;

	(void)state;
	assert_null(start(&machine));
	for (unsigned i = 0; i < 3; i++) {
		index[i] = i + 1;
		cores[i + 1].index = i + 1;
		assert_int_equal(pthread_create(&core[i], NULL, many_commands, &index[i]), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(core[i], &failed);
		assert_null(failed);
		assert_int_equal(unit[0].finished[i + 1], 2000);
	}
}

/* --- events --------------------------------------------------------------------------------- */

static struct iommu_fault got[600];
static unsigned n_got;

static void on_fault(const struct iommu_fault *f)
{
	got[n_got++] = *f;
}

static void put_event(unsigned i, uint64_t code, uint64_t flags, uint16_t function, uint64_t at)
{
	uint64_t *log = (uint64_t *)(*reg(0, 0x10) & 0xffffffffff000) + 2ul * (i % 512);

	log[1] = at;
	log[0] = code << 60 | flags | function;
}

static void events_are_read_once(void **state)
{
	(void)state;
	n_got = 0;
	assert_null(start(&machine));
	*reg(0, 0x2020) = 0; /* a one written to it clears it */
	assert_false(pending());
	put_event(0, 2, 1ul << 53, FUNCTION, 0x12345000);
	put_event(1, 2, 0, FUNCTION + 1, 0x2000);
	put_event(2, 2, 1ul << 51, FUNCTION, 0xfee00000);
	put_event(3, 6, 0, 0, 0x3000); /* about a command: logged, no device's */
	assert_true(pending());
	assert_false(faults(2, on_fault) && n_got > 3);
	assert_false(faults(10, on_fault));
	assert_int_equal(n_got, 3);
	assert_true(got[0].write && !got[0].interrupt && got[0].address == 0x12345000);
	assert_int_equal(got[0].function, FUNCTION);
	assert_true(!got[1].write && got[1].function == FUNCTION + 1);
	assert_true(got[2].interrupt);
	assert_int_equal(errors, 1);
	assert_false(pending());
	assert_int_equal(*reg(0, 0x2010), 4 * 16);
}

/* A device can fill the log: no more than the budget is read at a time, and it begins anew. */
static void a_full_log_begins_anew(void **state)
{
	(void)state;
	n_got = 0;
	assert_null(start(&machine));
	*reg(0, 0x2020) = 0; /* a one written to it clears it */
	for (unsigned i = 0; i < 512; i++)
		put_event(i, 2, 0, FUNCTION, i);
	assert_false(faults(99, on_fault));
	assert_int_equal(n_got, 100);
	*reg(0, 0x2020) = 1;
	assert_false(faults(99, on_fault)); /* the rest is read first */
	assert_true(faults(9999, on_fault));
	assert_int_equal(n_got, 512);
	assert_int_equal(*reg(0, 0x2010), 0);
	put_event(0, 2, 0, FUNCTION, 7);
	*reg(0, 0x2020) = 0;
	assert_false(faults(1, on_fault));
	assert_int_equal(got[512].address, 7);
}

/* 3.4.5: ExEn and Allow: requests of all devices to that range are forwarded untranslated. */
static void the_exclusion_range_is_cleared(void **state)
{
	(void)state;
	*reg(0, 0x20) = 0x100000 | 3;
	*reg(0, 0x28) = 0xffffffffff000;
	assert_null(start(&machine));
	assert_int_equal(*reg(0, 0x20) & 3, 0);
}

/* The unit does not answer: it may have read the page of the interrupt table, which stays. */
static void a_failed_attach_keeps_its_pages(void **state)
{
	struct iommu_device d = {.requester = FUNCTION};
	struct iommu_pages p = {0};
	unsigned before;

	(void)state;
	assert_null(start(&machine));
	paging(&p);
	assert_true(iommu_pages_init(&p));
	before = n_made;
	atomic_store(&deaf, true);
	assert_false(attach(&d, &p, 5));
	assert_int_equal(n_made, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(everything_is_blocked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(other_segments_stay_blocked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_attached_device, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_unit_that_does_not_answer, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_memory, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(several_cores_wait, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(events_are_read_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_full_log_begins_anew, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_exclusion_range_is_cleared, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_failed_attach_keeps_its_pages, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
