/* SPDX-License-Identifier: BSD-2-Clause */
/* The cores of several members clear a group's memory side by side: all of it, and each part once,
 * before any of them finds it ready. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/group.c"

#define MEMBERS 4
#define SIZE    (24 * MIB)

const struct hvm_ops *hvm;
static struct group group = {.name = "m", .size = SIZE};
static struct group_member member[MEMBERS];
static struct vm vm[MEMBERS];

/* ---- not called here ---- */

/* No member's port is there that could ask. */
struct vnet_core *vnet_this_core(void)
{
	abort();
}

void *mem_zalloc(size_t size)
{
	return calloc(1, size);
}

void mem_zfree(void *p, size_t size)
{
	(void)size;
	free(p);
}

void mem_free(uint64_t hpa, uint64_t size)
{
	(void)hpa, (void)size;
	abort();
}

bool npt_map(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size,
             enum npt_use use)
{
	(void)f, (void)root, (void)gpa, (void)hpa, (void)size, (void)use;
	abort();
}

void npt_unmap(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	(void)f, (void)root, (void)gpa, (void)hpa, (void)size;
	abort();
}

bool passthrough_share(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	(void)vm, (void)gpa, (void)hpa, (void)size;
	abort();
}

bool passthrough_unshare(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	(void)vm, (void)gpa, (void)hpa, (void)size;
	abort();
	return true;
}

/* ---- */

/* A core prepares its guest, which then reads all of the memory. */
static void *core(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	const uint64_t *words = (const uint64_t *)group.hpa;
	uint64_t any = 0;

	while (!group_prepare(&vm[i]))
		sched_yield();
	for (uint64_t k = 8192 / 8; k < SIZE / 8; k++)
		any |= words[k];
	return (void *)(uintptr_t)(any || memcmp(&words[512], "NVDIMM_DAX_INFO", 16) != 0);
}

static void test_side_by_side(void **state)
{
	pthread_t t[MEMBERS];

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		group.hpa = (uint64_t)memset(aligned_alloc(4096, SIZE), 0xa5, SIZE);
		group.taken = group.cleared = 0;
		group.ready = false;
		for (unsigned i = 0; i < MEMBERS; i++) {
			member[i].group = &group;
			vm[i].joined[i % CONFIG_JOINED] = &member[i];
			pthread_create(&t[i], NULL, core, (void *)(uintptr_t)i);
		}
		for (unsigned i = 0; i < MEMBERS; i++) {
			void *wrong;

			pthread_join(t[i], &wrong);
			assert_null(wrong);
		}
		assert_int_equal(group.cleared, SIZE);
		free((void *)group.hpa);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_side_by_side)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
