/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_npt_threads.c: one vCPU moves a BAR with memory while others fetch from where it was or is:
 * each fetch sees an entry as it was before or after, never half of each.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/hvm/npt.c"

#define VCPUS 2
#define MOVES 20000
#define BAR   0xe0000000ul
#define LARGE 0x200000ul

void *mem_zalloc(size_t size)
{
	void *p;

	size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	p = aligned_alloc(PAGE_SIZE, size);
	return p ? memset(p, 0, size) : NULL;
}

void mem_zfree(void *p, size_t size)
{
	(void)size;
	free(p);
}

static bool no(void)
{
	return false;
}

static bool yes(void)
{
	return true;
}

/* As EPT. */
static const struct npt_format ept = {.present = 7,
                                      .large = 0x80,
                                      .table = 7,
                                      .ram = 7 | 6 << 3,
                                      .shown = 1 | 6 << 3,
                                      .gib_pages = no,
                                      .fetch = 4,
                                      .small_fetch = yes};

static uint64_t root;
static atomic_bool done;

static void *fetch(void *arg)
{
	unsigned allowed = 0;

	(void)arg;
	for (uint64_t at = 0; !atomic_load(&done); at += 0x1000)
		allowed += npt_allow_fetch(&ept, root, BAR + at % (2 * LARGE));
	return (void *)(uintptr_t)allowed;
}

static void test_moves_and_fetches(void **state)
{
	pthread_t thread[VCPUS];
	void *allowed;

	(void)state;
	root = npt_create();
	assert_true(npt_map(&ept, root, 0, LARGE, LARGE, NPT_RAM));
	for (unsigned i = 0; i < VCPUS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, fetch, NULL), 0);
	for (unsigned i = 0; i < MOVES; i++) {
		uint64_t at = BAR + i % 2 * LARGE;

		assert_true(npt_map(&ept, root, at, 8 * LARGE, LARGE, NPT_SHOWN));
		npt_unmap(&ept, root, at, 8 * LARGE, LARGE);
	}
	atomic_store(&done, true);
	for (unsigned i = 0; i < VCPUS; i++) {
		pthread_join(thread[i], &allowed);
		assert_null(allowed);
	}
	npt_destroy(&ept, root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_moves_and_fetches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
