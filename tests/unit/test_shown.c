/* SPDX-License-Identifier: BSD-2-Clause */
/* test_shown.c: memory in a BAR: it is mapped where the guest has the BAR, and reached by exits
 * where something else is mapped already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/devices/shown.c"

#define MAPPINGS 4
#define SIZE     (3 * PAGE_SIZE)
#define BAR      0x10

static struct mapping {
	uint64_t gpa, hpa, size;
	enum npt_use use;
} mapping[MAPPINGS];
static unsigned flushes;
static struct vm vm;
static struct shown window, ring;
static uint8_t shown_bytes[SIZE], ring_bytes[PAGE_SIZE];
static const struct hvm_ops ops_of_test;
const struct hvm_ops *hvm = &ops_of_test;

bool npt_map(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size,
             enum npt_use use)
{
	(void)f, (void)root;
	for (unsigned i = 0; i < MAPPINGS; i++)
		if (mapping[i].size && gpa < mapping[i].gpa + mapping[i].size &&
		    mapping[i].gpa < gpa + size)
			return false;
	for (unsigned i = 0; i < MAPPINGS; i++)
		if (!mapping[i].size) {
			mapping[i] = (struct mapping){gpa, hpa, size, use};
			return true;
		}
	fail();
	return false;
}

void npt_unmap(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	(void)f, (void)root;
	for (unsigned i = 0; i < MAPPINGS; i++)
		if (mapping[i].gpa == gpa && mapping[i].hpa == hpa && mapping[i].size == size)
			mapping[i].size = 0;
}

void vm_flush(struct vm *of)
{
	assert_ptr_equal(of, &vm);
	flushes++;
}

static void no_message(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
	fail();
}

static const struct mapping *mapping_at(uint64_t gpa)
{
	for (unsigned i = 0; i < MAPPINGS; i++)
		if (mapping[i].size && mapping[i].gpa == gpa)
			return &mapping[i];
	return NULL;
}

static void move(struct shown *s, uint32_t to)
{
	spin_lock(&vm.pci.lock);
	vpci_cfg_write(&s->pci, BAR, 4, to);
	spin_unlock(&vm.pci.lock);
}

static int setup(void **state)
{
	(void)state;
	memset(mapping, 0, sizeof mapping);
	memset(&vm, 0, sizeof vm);
	flushes = 0;
	vpci_init(&vm.pci, no_message, &vm);
	assert_true(
	    shown_attach(&window, &vm, "window", SHOWN_WINDOW, shown_bytes, SIZE - 5, false));
	assert_true(
	    shown_attach(&ring, &vm, "ring", SHOWN_RING, ring_bytes, sizeof ring_bytes, true));
	return 0;
}

static void test_follows(void **state)
{
	uint32_t home = window.pci.bar[0].home;
	const struct mapping *m = mapping_at(home);

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->size, SIZE);
	assert_int_equal(m->hpa, (uint64_t)shown_bytes);
	assert_int_equal(m->use, NPT_SHOWN);
	assert_int_equal(mapping_at(ring.pci.bar[0].home)->use, NPT_SHARED);
	assert_int_equal(flushes, 0); /* nobody could have reached them */
	move(&window, VPCI_MEM_BASE + 0x100000);
	assert_null(mapping_at(home));
	assert_non_null(mapping_at(VPCI_MEM_BASE + 0x100000));
	assert_int_equal(flushes, 1);
	move(&window, 0x1000); /* the guest's memory may be there */
	assert_null(mapping_at(0x1000));
	assert_int_equal(flushes, 2);
	vpci_reset(&vm.pci);
	assert_non_null(mapping_at(home));
	assert_int_equal(flushes, 2);
}

/* Two BARs at one place: the second one's memory is reached by exits, and mapped when it moves. */
static void test_in_the_way(void **state)
{
	uint32_t home = window.pci.bar[0].home, other = ring.pci.bar[0].home;
	uint64_t v = 0;

	(void)state;
	memset(ring_bytes, 0x5a, sizeof ring_bytes);
	move(&ring, home);
	assert_null(mapping_at(other));
	assert_int_equal(mapping_at(home)->hpa, (uint64_t)shown_bytes);
	assert_int_equal(ring.map.mapped, 0);
	assert_int_equal(flushes, 1);
	/* Also what was mapped for a moment is forgotten. */
	move(&ring, home + PAGE_SIZE);
	assert_int_equal(ring.map.mapped, 0);
	assert_int_equal(flushes, 2);
	ring.pci.ops->bar(&ring.pci, 0, 8, 4, false, &v);
	assert_int_equal(v, 0x5a5a5a5a);
	move(&ring, other);
	assert_int_equal(mapping_at(other)->hpa, (uint64_t)ring_bytes);
	assert_int_equal(mapping_at(home)->hpa, (uint64_t)shown_bytes);
}

/* Accesses that exit. */
static void test_accesses(void **state)
{
	uint64_t v = ~0ull;

	(void)state;
	memset(shown_bytes, 0x11, SIZE);
	window.pci.ops->bar(&window.pci, 0, SIZE - 4, 4, false, &v);
	assert_int_equal(v, 0x11111111);
	window.pci.ops->bar(&window.pci, 0, SIZE - 4, 8, false, &v); /* partly behind the pages */
	assert_int_equal(v, ~0ull);
	v = 7;
	window.pci.ops->bar(&window.pci, 0, 0, 8, true, &v);
	assert_int_equal(shown_bytes[0], 0x11);
	ring.pci.ops->bar(&ring.pci, 0, 0, 8, true, &v);
	assert_int_equal(ring_bytes[0], 7);
	ring.pci.ops->bar(&ring.pci, 0, sizeof ring_bytes, 1, true, &v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_follows, setup),
	    cmocka_unit_test_setup(test_in_the_way, setup),
	    cmocka_unit_test_setup(test_accesses, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
