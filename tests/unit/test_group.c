/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups: their memory is in the nested tables of each member, as large pages without fetches, and
 * in nobody else's; it is cleared before a member runs, and comes back when the group goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/hvm/npt.c"
#include "vmm/control/group.c"
#include "vmm/group.c"
#undef GIB
#undef MIB
#include "vmm/vm_memory.c"

#define SIZE   (8 * MIB)
#define RAM    (4 * MIB)
#define GUESTS 3 /* a and b are members, c is not */

struct vm *vms[CONFIG_GUESTS];
static struct vm guest[GUESTS];
static struct node_config node;
static int allocated, tables_left; /* pieces of memory; -1: as many tables as are wanted */
static uint64_t last_limit, fixed_hpa;
static bool gib;
static char why[256];
static struct shm_member *port_left; /* NULL: no port of a group is there */

static bool has_gib(void)
{
	return gib;
}

static bool small_fetch(void)
{
	return false;
}

static const struct npt_format format = {.present = 1,
                                         .large = 0x80,
                                         .table = 7,
                                         .ram = 7,
                                         .shared = 7 | 1ul << 63,
                                         .gib_pages = has_gib,
                                         .small_fetch = small_fetch};
static const struct hvm_ops ops = {.npt = &format};
const struct hvm_ops *hvm = &ops;

/* ---- the node's memory ---- */

void *mem_zalloc(size_t size)
{
	size_t whole = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);

	if (!tables_left)
		return NULL;
	tables_left -= tables_left > 0;
	allocated++;
	return memset(aligned_alloc(PAGE_SIZE, whole), 0, whole);
}

void mem_zfree(void *p, size_t size)
{
	(void)size;
	allocated -= p != NULL;
	free(p);
}

uint64_t mem_alloc(uint64_t size, uint64_t align, uint64_t limit)
{
	last_limit = limit;
	assert_int_equal(align, size >= GIB ? GIB : 2 * MIB);
	allocated++;
	if (fixed_hpa)
		return fixed_hpa;
	return (uint64_t)memset(aligned_alloc(2 * MIB, size), 0xa5, size);
}

void mem_free(uint64_t hpa, uint64_t size)
{
	(void)size;
	allocated--;
	if (hpa != fixed_hpa)
		free((void *)hpa);
}

void mem_stats(struct mem_stats *out)
{
	*out = (struct mem_stats){.largest = 5 * MIB};
}

/* No member's port is there that could ask. */
struct vnet_core *vnet_this_core(void)
{
	fail();
	return NULL;
}

struct shm_member *control_group_port(unsigned slot)
{
	return slot == 1 ? port_left : NULL;
}

/* ---- three guests ---- */

static void no_message(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
	fail();
}

/* What the devices of each guest reach: bytes. */
static uint64_t shared[GUESTS];
static bool share_fails;

bool passthrough_share(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	assert_true(gpa && hpa);
	shared[vm->slot] += size;
	return !share_fails;
}

bool passthrough_unshare(struct vm *vm, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	(void)gpa, (void)hpa;
	if (shared[vm->slot])
		shared[vm->slot] -= size;
	return true;
}

static bool iommu_on;

bool iommu_is_on(void)
{
	return iommu_on;
}

static int setup(void **state)
{
	(void)state;
	memset(&node, 0, sizeof node);
	memset(guest, 0, sizeof guest);
	allocated = 0;
	memset(shared, 0, sizeof shared);
	share_fails = iommu_on = false;
	tables_left = -1;
	fixed_hpa = 0;
	gib = true;
	node.guests = GUESTS;
	for (unsigned i = 0; i < GUESTS; i++) {
		struct vm *vm = vms[i] = &guest[i];

		snprintf(vm->name, sizeof vm->name, "%c", 'a' + (int)i);
		snprintf(node.guest[i].name, sizeof vm->name, "%s", vm->name);
		vm->slot = i;
		vm->npt_root = npt_create();
		vpci_init(&vm->pci, no_message, vm);
		assert_true(gmem_add(&vm->mem, 0, RAM, (void *)(0x100000000ul + i * RAM)));
		assert_true(
		    npt_map(&format, vm->npt_root, 0, 0x100000000ul + i * RAM, RAM, NPT_RAM));
	}
	node.group[0] = (struct group_config){"m", 0, SIZE, 3, 0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	memset(node.group, 0, sizeof node.group);
	control_group_follow(&node);
	for (unsigned i = 0; i < GUESTS; i++) {
		assert_int_equal(guest[i].mem.n, 1);
		assert_null(guest[i].pci.dev[1]);
		npt_destroy(&format, guest[i].npt_root);
	}
	assert_int_equal(allocated, 0);
	return 0;
}

static struct group *build(void)
{
	if (!control_group_build(&node, why, sizeof why))
		fail_msg("%s", why);
	return control_group(0);
}

/* ---- the tables ---- */

/* Bytes of [hpa, hpa + size) that a table of this level reaches; notes leaves. */
static uint64_t reached(const uint64_t *t, unsigned level, uint64_t hpa, uint64_t size,
                        unsigned *shift, uint64_t *bits)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < 512; i++) {
		uint64_t to = t[i] & NPT_ADDR;

		if (!(t[i] & 1))
			continue;
		if (level > 12 && !(t[i] & 0x80)) {
			sum += reached((const uint64_t *)to, level - 9, hpa, size, shift, bits);
		} else if (to < hpa + size && hpa < to + (1ul << level)) {
			*shift = level;
			*bits = t[i] & ~NPT_ADDR;
			sum += 1ul << level;
		}
	}
	return sum;
}

/* How much of the group's memory the guest's tables reach, anywhere. */
static uint64_t reaches(const struct vm *vm, const struct group *g, unsigned *shift, uint64_t *bits)
{
	*shift = 0;
	*bits = 0;
	return reached((const uint64_t *)vm->npt_root, 39, g->hpa, g->size, shift, bits);
}

static uint64_t translate(const struct vm *vm, uint64_t gpa)
{
	struct leaf l = find_leaf(&format, vm->npt_root, gpa);

	return (l.entry & 1) ? (l.entry & NPT_ADDR) + (gpa & ((1ul << l.shift) - 1)) : 0;
}

static void test_tables(void **state)
{
	const struct group *g = build();
	unsigned shift;
	uint64_t bits;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const struct vm *vm = &guest[i];

		assert_int_equal(shared[i], SIZE);
		assert_int_equal(reaches(vm, g, &shift, &bits), SIZE);
		assert_int_equal(shift, 21);
		assert_int_equal(bits, 7 | 0x80 | NOT_RAM | 1ul << 63); /* no fetches */
		assert_int_equal(translate(vm, GROUP_GPA), g->hpa);
		assert_int_equal(translate(vm, GROUP_GPA + SIZE - 1), g->hpa + SIZE - 1);
		assert_int_equal(translate(vm, GROUP_GPA + SIZE), 0);
		assert_ptr_equal(gmem_ptr(&vm->mem, GROUP_GPA + 8, 8), g->hpa + 8);
		assert_int_equal(gmem_own(&vm->mem), 1);
		assert_int_equal(vm->pci.dev[1]->cfg[2] | vm->pci.dev[1]->cfg[3] << 8, 0x105b);
		assert_int_equal(vm->joined[0]->pmem.config.start, GROUP_GPA);
		assert_int_equal(vm->joined[0]->pmem.config.size, SIZE);
	}
	assert_int_equal(shared[2], 0);
	assert_int_equal(reaches(&guest[2], g, &shift, &bits), 0);
	assert_null(gmem_ptr(&guest[2].mem, GROUP_GPA, 1));
	assert_null(guest[2].pci.dev[1]);
	assert_null(guest[2].joined[0]);
}

/* After the group nothing of its memory can be reached, and its place can be used anew. */
static void test_gone(void **state)
{
	struct group old = *build();
	unsigned shift;
	uint64_t bits;

	(void)state;
	node.group[0].name[0] = '\0';
	control_group_follow(&node);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(reaches(&guest[i], &old, &shift, &bits), 0);
		assert_int_equal(shared[i], 0);
		assert_null(gmem_ptr(&guest[i].mem, GROUP_GPA, 1));
		assert_null(guest[i].joined[0]);
		assert_null(guest[i].pci.dev[1]);
	}
	node.group[0] = (struct group_config){"again", 0, 2 * SIZE, 6, 0};
	build();
	assert_int_equal(translate(&guest[0], GROUP_GPA), 0);
	assert_int_equal(translate(&guest[2], GROUP_GPA), control_group(0)->hpa);
}

/* No memory for the tables of the members' devices: nothing of the group is left. */
static void test_devices_do_not_reach(void **state)
{
	(void)state;
	share_fails = true;
	assert_false(control_group_build(&node, why, sizeof why));
	share_fails = false;
	memset(node.group, 0, sizeof node.group);
	control_group_follow(&node);
	assert_int_equal(shared[0] + shared[1], 0);
	assert_null(guest[0].joined[0]);
}

/* A port for whose removal there was no memory: the group stays with it, and goes after it. */
static void test_port_left(void **state)
{
	static struct shm_member port;
	struct group *g;

	(void)state;
	node.group[0].frames = 2 * MIB;
	g = build();
	port.group = g->frames;
	port_left = &port;
	node.group[0].name[0] = '\0';
	control_group_follow(&node);
	port_left = NULL;
	assert_ptr_equal(control_group(0), g);
	assert_ptr_equal(g->member[0], guest[0].joined[0]);
	control_group_follow(&node);
	assert_null(control_group(0));
}

/* Buffers are the last bytes of the memory, in as many shares as there are members. */
static void test_buffers(void **state)
{
	const struct group *g;

	(void)state;
	node.group[0].members = 5;
	node.group[0].frames = 2 * MIB;
	g = build();
	assert_non_null(g->frames);
	assert_ptr_equal(g->frames->buffer, (uint8_t *)g->hpa + SIZE - 2 * MIB);
	assert_int_equal(g->frames->bytes, 2 * MIB);
	assert_int_equal(g->frames->seats, 2);
	assert_int_equal(group_seat(g, 0), 0);
	assert_int_equal(group_seat(g, 2), 1);
}

static void test_largest_pages(void **state)
{
	unsigned shift;
	uint64_t bits;

	(void)state;
	fixed_hpa = 8 * GIB;
	node.group[0].memory = 2 * GIB;
	assert_int_equal(reaches(&guest[0], build(), &shift, &bits), 2 * GIB);
	assert_int_equal(shift, 30);
	assert_int_equal(reaches(&guest[2], control_group(0), &shift, &bits), 0);
}

/* With a physical device, memory is where it is in the node, and a 32-bit device reaches it. */
static void test_device(void **state)
{
	(void)state;
	fixed_hpa = 64 * MIB;
	node.guest[1].has_pci = guest[1].identity = true;
	build();
	assert_int_equal(last_limit, VPCI_MEM_BASE);
	assert_int_equal(translate(&guest[0], GROUP_GPA), 64 * MIB);
	assert_int_equal(translate(&guest[1], 64 * MIB), 64 * MIB);
	assert_int_equal(guest[1].joined[0]->pmem.config.start, 64 * MIB);
	assert_int_equal(translate(&guest[1], GROUP_GPA), 0);
}

/* Below 16 MiB such a guest has other memory. */
static void test_device_too_low(void **state)
{
	(void)state;
	fixed_hpa = 8 * MIB;
	node.guest[1].has_pci = guest[1].identity = true;
	assert_false(control_group_build(&node, why, sizeof why));
	assert_string_equal(why, "group m: no 8 MiB of contiguous memory left (largest: 5 MiB)");
}

/* An IOMMU translates for the device: memory may be anywhere, and has the place of any member. */
static void test_confined_device(void **state)
{
	(void)state;
	iommu_on = true;
	fixed_hpa = 8 * MIB;
	node.guest[1].has_pci = true;
	build();
	assert_int_equal(last_limit, 0);
	assert_int_equal(translate(&guest[1], GROUP_GPA), 8 * MIB);
	assert_int_equal(shared[1], SIZE);
}

/* The memory of a guest itself. */
static void test_pieces(void **state)
{
	struct guest_config g = {.memory = 4 * GIB, .has_pci = true};
	struct vm_piece p[2];

	(void)state;
	assert_int_equal(vm_memory_pieces(&g, false, 8 * GIB, p), 2);
	assert_int_equal(p[0].gpa, 0);
	assert_int_equal(p[0].size, 3 * GIB);
	assert_int_equal(p[1].gpa, 4 * GIB);
	assert_int_equal(p[1].hpa, 11 * GIB);
	g.memory = 64 * MIB;
	assert_int_equal(vm_memory_pieces(&g, true, GIB, p), 2);
	assert_int_equal(p[0].size, VM_IDENTITY_START);
	assert_int_equal(p[1].gpa, p[1].hpa);
	assert_int_equal(p[1].gpa, GIB + VM_IDENTITY_START);
}

/* Four groups of one guest, each at its place; two of them with another guest. */
static void test_several(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CONFIG_JOINED; i++) {
		node.group[i] = (struct group_config){"", 0, 4 * MIB, i % 2 ? 3 : 5, 0};
		node.group[i].name[0] = (char)('m' + i);
	}
	build();
	for (unsigned i = 0; i < CONFIG_JOINED; i++) {
		uint64_t at = GROUP_GPA + i * CONFIG_GROUP_MAX;

		assert_int_equal(translate(&guest[0], at), control_group(i)->hpa);
		assert_int_equal(translate(&guest[1], at), i % 2 ? control_group(i)->hpa : 0);
		assert_int_equal(translate(&guest[2], at), i % 2 ? 0 : control_group(i)->hpa);
	}
	assert_int_equal(guest[0].mem.n, 1 + CONFIG_JOINED);
	assert_false(group_join(control_group(0), &guest[0], GROUP_GPA, why, sizeof why));
	assert_string_equal(why, "group m: guest a: it is in too many groups");
}

/* ---- the memory's contents ---- */

static uint64_t sum(const struct group *g, uint64_t from, uint64_t size)
{
	uint64_t total = 0;

	for (uint64_t i = 0; i < size; i += 8)
		total |= *(const uint64_t *)(g->hpa + from + i);
	return total;
}

/* Two members start side by side: each clears a part at a time, and neither runs before all. */
static void test_cleared_first(void **state)
{
	struct group *g = build();
	unsigned steps = 0;

	(void)state;
	assert_true(group_prepare(&guest[2]));
	while (!group_prepare(&guest[steps % 2])) {
		steps++;
		assert_true(atomic_load(&g->cleared) <= steps * 2 * MIB);
	}
	assert_int_equal(steps, SIZE / (2 * MIB));
	assert_true(group_prepare(&guest[0]) && group_prepare(&guest[1]));
	assert_int_equal(sum(g, 0, 4096) | sum(g, 8192, SIZE - 8192), 0);
	assert_string_equal((const char *)(g->hpa + 4096), "NVDIMM_DAX_INFO");
}

/* The other core has the last part: there is nothing to do but wait for it. */
static void test_waits(void **state)
{
	struct group *g = build();

	(void)state;
	for (unsigned i = 0; i < SIZE / (2 * MIB) - 1; i++)
		assert_false(group_prepare(&guest[0]));
	atomic_fetch_add(&g->taken, 2 * MIB);
	assert_false(group_prepare(&guest[0]));
	assert_false(group_prepare(&guest[0]));
	assert_int_not_equal(sum(g, SIZE - 2 * MIB, 2 * MIB), 0);
	atomic_fetch_sub(&g->taken, 2 * MIB);
	assert_false(group_prepare(&guest[0]));
	assert_true(group_prepare(&guest[0]));
}

/* A member that starts again finds what the others wrote. */
static void test_stays(void **state)
{
	struct group *g = build();

	(void)state;
	while (!group_prepare(&guest[0]))
		;
	memset((void *)(g->hpa + 2 * MIB), 7, 100);
	assert_true(group_prepare(&guest[0]));
	assert_int_equal(*(uint8_t *)(g->hpa + 2 * MIB + 99), 7);
}

/* ---- refused ---- */

static void test_no_tables(void **state)
{
	int at_first = allocated;

	(void)state;
	for (int left = 0; left < 20; left++) {
		tables_left = left;
		if (control_group_build(&node, why, sizeof why)) {
			assert_true(left >= 3); /* the group, and what each member has */
			return;
		}
		tables_left = -1;
		memset(node.group, 0, sizeof node.group);
		control_group_follow(&node);
		node.group[0] = (struct group_config){"m", 0, SIZE, 3, 0};
		for (unsigned i = 0; i < GUESTS; i++)
			assert_true(guest[i].mem.n == 1 && !guest[i].joined[0] &&
			            !guest[i].pci.dev[1] && !translate(&guest[i], GROUP_GPA));
		assert_true(allocated <= at_first + 2 * 2); /* a guest's tables stay */
	}
	fail();
}

static void test_full_bus(void **state)
{
	static struct vpci_dev other;

	(void)state;
	for (unsigned i = 1; i < VPCI_SLOTS; i++)
		guest[1].pci.dev[i] = &other;
	assert_false(control_group_build(&node, why, sizeof why));
	assert_string_equal(why, "group m: guest b: no memory for nested page tables, or no room "
	                         "on its PCI bus");
	for (unsigned i = 1; i < VPCI_SLOTS; i++)
		guest[1].pci.dev[i] = NULL;
	assert_int_equal(translate(&guest[1], GROUP_GPA), 0);
	assert_int_equal(guest[1].mem.n, 1);
}

static void refused(const char *message)
{
	assert_false(control_group_check(&node, why, sizeof why));
	assert_string_equal(why, message);
}

static void test_while_running(void **state)
{
	static const char busy[] =
	    "the groups of guest b cannot change while it runs: stop it first";

	(void)state;
	node.group[0].line = 3;
	atomic_store(&guest[2].state, VM_RUNNING);
	assert_true(control_group_check(&node, why, sizeof why));
	atomic_store(&guest[1].state, VM_STARTING);
	refused(busy);
	atomic_store(&guest[1].state, VM_OFF);
	build();
	node.group[0].line = 0;
	atomic_store(&guest[1].state, VM_STOPPING);
	assert_true(control_group_check(&node, why, sizeof why)); /* as it is */
	node.group[0] = (struct group_config){.line = 0};
	refused(busy);
	atomic_store(&guest[1].state, VM_OFF);
	assert_true(control_group_check(&node, why, sizeof why));
}

/* A text that removes a group and makes another of its name or in its place. */
static void test_replaced(void **state)
{
	(void)state;
	build();
	node.group[0].line = 7;
	refused("line 7: group m: this text also removes the group that has this name or place; "
	        "remove that in an earlier text");
	node.group[1] = node.group[0];
	node.group[0] = (struct group_config){.line = 0};
	refused("line 7: group m: this text also removes the group that has this name or place; "
	        "remove that in an earlier text");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_tables),
	    T(test_gone),
	    T(test_largest_pages),
	    T(test_device),
	    T(test_device_too_low),
	    T(test_several),
	    T(test_cleared_first),
	    T(test_waits),
	    T(test_stays),
	    T(test_no_tables),
	    T(test_full_bus),
	    T(test_while_running),
	    T(test_replaced),
	    T(test_buffers),
	    T(test_confined_device),
	    T(test_pieces),
	    T(test_devices_do_not_reach),
	    T(test_port_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
