/* SPDX-License-Identifier: BSD-2-Clause */
/* The life cycle of a VM: which cores it takes, and that nothing of it remains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/exit_times.c"
#include "vmm/life.c"

#define VCPUS  3
#define MEMORY (2 * MIB)
#define WHY    "no such core"

struct core cores[CORES_MAX];
const struct hvm_ops *hvm;
const struct irqchip_ops irqchip_direct;
const struct vuart_line console_line;

static int allocated;      /* pieces of memory that nobody gave back */
static unsigned place_max; /* so many cores the policy of this program has */
static uint32_t asked[VCPUS];
static unsigned log_lines, ready_devices;
static bool no_tables, quiet; /* quiet: no device of the guest's does DMA */
static char why[128];

/* ---- what lives need of the VMM ---- */

void *mem_zalloc(size_t size)
{
	allocated++;
	return calloc(1, size);
}

void mem_zfree(void *mem, size_t size)
{
	(void)size;
	allocated--;
	free(mem);
}

void mem_free(uint64_t hpa, uint64_t size)
{
	assert_int_equal(size, MEMORY);
	mem_zfree((void *)hpa, size);
}

static bool iommu_on;

bool iommu_is_on(void)
{
	return iommu_on;
}

uint64_t vm_memory_take(const struct guest_config *g, bool identity, char *reason, size_t size)
{
	assert_int_equal(identity, g->has_pci && !iommu_on);
	(void)reason, (void)size;
	return (uint64_t)mem_zalloc(g->memory);
}

unsigned vm_memory_pieces(const struct guest_config *g, bool identity, uint64_t hpa,
                          struct vm_piece piece[2])
{
	assert_int_equal(identity, g->has_pci && !iommu_on);
	piece[0] = (struct vm_piece){0, hpa, g->memory};
	return 1;
}

uint64_t npt_create(void)
{
	return (uint64_t)mem_zalloc(1);
}

bool npt_map(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size,
             enum npt_use use)
{
	(void)f, (void)root, (void)gpa, (void)hpa, (void)size, (void)use;
	return !no_tables;
}

void npt_destroy(const struct npt_format *f, uint64_t root)
{
	(void)f;
	mem_zfree((void *)root, 1);
}

void console_init(struct console *c, struct vm *vm)
{
	c->vm = vm;
}

void console_output_hvc(void *console, const struct vnet_seg *seg, unsigned nseg)
{
	(void)console, (void)seg, (void)nseg;
}

void console_has_reader(void *console)
{
	(void)console;
}

void vapic_msi(void *vm, uint64_t addr, uint32_t data)
{
	(void)vm, (void)addr, (void)data;
}

void vapic_pin(void *vm, uint64_t entry)
{
	(void)vm, (void)entry;
}

void vm_resume(void *vm)
{
	(void)vm;
}

void ports_claim(struct vm *vm)
{
	(void)vm;
}

bool passthrough_detach(struct vm *vm)
{
	(void)vm;
	return true;
}

void passthrough_quiesce(struct vm *vm)
{
	(void)vm;
	quiet = true;
}

void vm_reset_devices(struct vm *vm)
{
	(void)vm;
	ready_devices++;
}

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	asked[v->id] |= requests;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level, (void)fmt;
	log_lines++;
}

/* ---- */

/* From the last core down, as long as there are some. */
static struct core *place(const struct vm *vm, unsigned vcpu, char *reason, size_t size)
{
	assert_non_null(vm);
	if (vcpu < place_max)
		return &cores[CORES_MAX - 1 - vcpu];
	snprintf(reason, size, WHY);
	return NULL;
}

static unsigned taken(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CORES_MAX; i++)
		n += atomic_load(&cores[i].vcpu) != NULL;
	return n;
}

static struct guest_config guest(void)
{
	return (struct guest_config){.name = "g", .cpus = VCPUS, .memory = MEMORY};
}

static int setup(void **state)
{
	static const struct hvm_ops ops = {.vcpu_size = 64};

	(void)state;
	hvm = &ops;
	memset(cores, 0, sizeof cores);
	memset(asked, 0, sizeof asked);
	allocated = 0;
	log_lines = ready_devices = 0;
	no_tables = false;
	place_max = VCPUS;
	return 0;
}

static void what_is_made_is_freed(void **state)
{
	struct guest_config g = guest();
	struct vm *vm = vm_create(5, &g, why, sizeof why);

	(void)state;
	assert_non_null(vm);
	assert_int_equal(vm->slot, 5);
	assert_ptr_equal(vm->vcpu[2].irqchip, &irqchip_direct);
	assert_false(vm_active(vm));
	vm_destroy(vm);
	assert_int_equal(allocated, 0);
	no_tables = true;
	assert_null(vm_create(5, &g, why, sizeof why));
	assert_string_equal(why, "guest g: no memory left for nested page tables");
	assert_int_equal(allocated, 0);
	no_tables = false;
}

/* The policy that was handed in says which cores; the first vCPU's prepares the VM. */
/* Only for a device that no IOMMU confines; vm_memory_take() above looks, too. */
static void identity_without_an_iommu(void **state)
{
	struct guest_config g = guest();

	(void)state;
	for (unsigned device = 0; device < 2; device++) {
		for (unsigned on = 0; on < 2; on++) {
			struct vm *vm;

			g.has_pci = device;
			iommu_on = on;
			vm = vm_create(5, &g, why, sizeof why);
			assert_non_null(vm);
			assert_int_equal(vm->identity, device && !on);
			vm_destroy(vm);
		}
	}
	iommu_on = false;
}

static void it_gets_the_cores_of_the_policy(void **state)
{
	struct guest_config g = guest();
	struct vm *vm = vm_create(0, &g, why, sizeof why);

	(void)state;
	assert_true(vm_start(vm, place, 77, why, sizeof why));
	for (unsigned i = 0; i < VCPUS; i++) {
		struct core *c = &cores[CORES_MAX - 1 - i];

		assert_ptr_equal(vm->vcpu[i].cpu.core, c);
		assert_ptr_equal(atomic_load(&c->vcpu), &vm->vcpu[i]);
		assert_int_equal(asked[i], i ? 0 : VCPU_REQ_LOAD);
	}
	assert_int_equal(taken(), VCPUS);
	assert_int_equal(vm->load_from, 77);
	assert_int_equal(ready_devices, 1);
	assert_int_equal(atomic_load(&vm->state), VM_STARTING);
	assert_false(vm_start(vm, place, 0, why, sizeof why));
	assert_string_equal(why, "guest g is already starting");
	vm_reap(vm);
	vm_destroy(vm);
}

/* A core that the policy does not have: the reason is the policy's, and no core is kept. */
static void without_all_cores_it_takes_none(void **state)
{
	struct guest_config g = guest();
	struct vm *vm = vm_create(0, &g, why, sizeof why);

	(void)state;
	for (place_max = 0; place_max < VCPUS; place_max++) {
		assert_false(vm_start(vm, place, 0, why, sizeof why));
		assert_string_equal(why, WHY);
		assert_int_equal(taken(), 0);
		assert_false(vm_active(vm));
	}
	assert_int_equal(asked[0], 0);
	assert_true(vm_start(vm, place, 0, why, sizeof why));
	vm_reap(vm);
	vm_destroy(vm);
}

static void the_first_reason_stays(void **state)
{
	struct guest_config g = guest();
	struct vm *vm = vm_create(0, &g, why, sizeof why);

	(void)state;
	assert_false(vm_stop(vm, "it does not run"));
	assert_true(vm_start(vm, place, 0, why, sizeof why));
	assert_true(vm_stop(vm, "reason %u", 1));
	assert_false(vm_stop(vm, "reason %u", 2));
	vm_end(vm, 3, "end");
	assert_string_equal(vm->reason, "reason 1");
	assert_false(vm->ended);
	for (unsigned i = 0; i < VCPUS; i++)
		assert_true(asked[i] & VCPU_REQ_STOP);
	assert_int_equal(taken(), VCPUS); /* until all have left */
	vm_reap(vm);
	assert_int_equal(taken(), 0);
	assert_false(vm_active(vm));
	assert_int_equal(log_lines, 1);
	assert_true(vm_start(vm, place, 0, why, sizeof why));
	assert_string_equal(vm->reason, "");
	vm_end(vm, 3, "end");
	assert_true(vm->ended && vm->exit_status == 3);
	vm_reap(vm);
	vm_destroy(vm);
	assert_int_equal(allocated, 0);
}

static void bus_reset(struct vpci_dev *d)
{
	(void)d;
	assert_true(quiet);
	ready_devices++;
}

/* What its devices write into belongs to others after the reset: a port in a group gives all
 * buffers back. */
static void dma_ends_before_the_reset(void **state)
{
	static const struct vpci_ops ops = {.reset = bus_reset};
	static struct vpci_dev device;
	struct guest_config g = guest();
	struct vm *vm = vm_create(0, &g, why, sizeof why);

	(void)state;
	vpci_dev_init(&device, "port", &ops, 1, 2, 0, 0);
	assert_true(vpci_add(&vm->pci, &device, 0));
	assert_true(vm_start(vm, place, 0, why, sizeof why));
	assert_true(vm_stop(vm, "it is enough"));
	quiet = false;
	ready_devices = 0;
	vm_reap(vm);
	assert_int_equal(ready_devices, 1);
	vm_destroy(vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(what_is_made_is_freed, setup),
	    cmocka_unit_test_setup(identity_without_an_iommu, setup),
	    cmocka_unit_test_setup(it_gets_the_cores_of_the_policy, setup),
	    cmocka_unit_test_setup(without_all_cores_it_takes_none, setup),
	    cmocka_unit_test_setup(the_first_reason_stays, setup),
	    cmocka_unit_test_setup(dma_ends_before_the_reset, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
