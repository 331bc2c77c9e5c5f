/* SPDX-License-Identifier: BSD-2-Clause */
/* test_group_port.c: the port of a group's member: its seat, where it finds the buffers, its
 * private region in a BAR, and that nothing of it is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/devices/group_port.c"

#define MEMORY (4ull << 20)
#define FRAMES (2ull << 20)

static struct vm vm;
static struct group group;
static struct group_member member;
static struct shm_group frames;
static struct vnet *net;
static unsigned allocated, fail_at;
static uint64_t mapped_at;

void *mem_zalloc(size_t size)
{
	if (fail_at && --fail_at == 0)
		return NULL;
	allocated++;
	return memset(aligned_alloc(4096, (size + 4095) & ~4095ul), 0, size);
}

void mem_zfree(void *p, size_t size)
{
	(void)size;
	allocated--;
	free(p);
}

void shown_move(struct shown_memory *s, uint64_t at)
{
	assert_ptr_equal(s->vm, &vm);
	assert_int_equal(s->size, SHM_PRIVATE_BYTES);
	assert_true(s->writable);
	mapped_at = at;
}

struct vnet_core *vnet_this_core(void)
{
	return vnet_core(net, 0);
}

static void *alloc(size_t size)
{
	size_t whole = (size + 63) & ~(size_t)63;

	return memset(aligned_alloc(64, whole), 0, whole);
}

static void release(void *p, size_t size)
{
	(void)size;
	free(p);
}

static void no_message(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

static int setup(void **state)
{
	(void)state;
	memset(&frames, 0, sizeof frames);
	vm.slot = 5;
	group = (struct group){.size = MEMORY, .members = 1 << 2 | 1 << 5 | 1 << 9};
	group.frames_size = FRAMES;
	group.frames = &frames;
	member = (struct group_member){.group = &group, .vm = &vm, .gpa = 1ull << 38};
	shm_group_init(&frames, NULL, FRAMES, 3);
	vpci_init(&vm.pci, no_message, NULL);
	allocated = fail_at = 0;
	mapped_at = 0;
	return 0;
}

static uint32_t bar_register(const struct group_port *p, unsigned off)
{
	return vpci_get(p->dev.pci.cfg, off, 4);
}

static void it_has_its_seat_and_its_place(void **state)
{
	struct group_port *p = group_port_create(&member, "x", 0x5452, 1500);
	const struct shm_private *shared;

	(void)state;
	assert_non_null(p);
	shared = p->dev.shared;
	assert_int_equal(shared->seat, 1);
	assert_int_equal(shared->seats, 3);
	assert_int_equal(p->dev.region_at, (1ull << 38) + MEMORY - FRAMES);
	assert_int_equal(p->dev.region_bytes, FRAMES);
	assert_string_equal(shared->name[1], "x");
	/* It is where the guest has its BAR. */
	assert_true(vpci_add(&vm.pci, &p->dev.pci, 0));
	assert_int_equal(mapped_at, bar_register(p, 0x18) & ~15u);
	assert_int_not_equal(mapped_at, 0);
	vpci_cfg_write(&p->dev.pci, 4, 2, 0);
	assert_int_equal(mapped_at, 0);
	vpci_cfg_write(&p->dev.pci, 0x18, 4, 0xe1000000);
	vpci_cfg_write(&p->dev.pci, 4, 2, VPCI_CMD_MEM);
	assert_int_equal(mapped_at, 0xe1000000);
	/* One port for each member. */
	assert_null(group_port_create(&member, "y", 0x5453, 1500));
	group_port_destroy(p);
	assert_int_equal(mapped_at, 0);
	assert_int_equal(allocated, 0);
	p = group_port_create(&member, "y", 0x5453, 1500);
	assert_non_null(p);
	group_port_destroy(p);
	assert_int_equal(allocated, 0);
}

static void without_memory(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		fail_at = i;
		assert_null(group_port_create(&member, "x", 0x5452, 1500));
		assert_int_equal(allocated, 0);
	}
	group.frames = NULL;
	assert_null(group_port_create(&member, "x", 0x5452, 1500));
	assert_int_equal(allocated, 0);
}

static int make_switch(void **state)
{
	(void)state;
	net = vnet_create(&(struct vnet_mem){alloc, release}, 1);
	return !net;
}

static int free_switch(void **state)
{
	(void)state;
	vnet_destroy(net);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(it_has_its_seat_and_its_place, setup),
	    cmocka_unit_test_setup(without_memory, setup),
	};

	return cmocka_run_group_tests(tests, make_switch, free_switch);
}
