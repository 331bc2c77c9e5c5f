/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's life cycle: created once from its description, then started, stopped and restarted. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/hvm/npt.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/core.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/exit_times.h"
#include "vmm/life.h"
#include "vmm/vm_load.h"
#include "vmm/vm_memory.h"
#include "vmm/vcpu.h"
#include "vmm/devices/ports.h"

struct vm *vms[CONFIG_GUESTS];

/* --- creation ------------------------------------------------------------------------------- */

static bool map_memory(struct vm *vm)
{
	struct vm_piece piece[2];
	unsigned n = vm_memory_pieces(vm->config, vm->identity, vm->mem_hpa, piece);

	for (unsigned i = 0; i < n; i++) {
		const struct vm_piece *p = &piece[i];

		if (!gmem_add(&vm->mem, p->gpa, p->size, (void *)p->hpa) ||
		    !npt_map(hvm->npt, vm->npt_root, p->gpa, p->hpa, p->size, NPT_RAM))
			return false;
	}
	return true;
}

static bool allocate_parts(struct vm *vm, char *why, size_t size)
{
	vm->mem_hpa = vm_memory_take(vm->config, vm->identity, why, size);
	if (!vm->mem_hpa)
		return false;
	vm->npt_root = npt_create();
	if (!vm->npt_root || !map_memory(vm)) {
		snprintf(why, size, "guest %s: no memory left for nested page tables", vm->name);
		return false;
	}
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];

		v->vm = vm;
		v->id = i;
		v->irqchip = &irqchip_direct;
		v->cpu.nested_root = vm->npt_root;
		v->cpu.vendor = mem_zalloc(hvm->vcpu_size);
		if (!v->cpu.vendor) {
			snprintf(why, size, "guest %s: no memory left for vCPUs", vm->name);
			return false;
		}
	}
	return true;
}

struct vm *vm_create(unsigned slot, const struct guest_config *g, char *why, size_t size)
{
	struct vm *vm = mem_zalloc(sizeof *vm);

	if (!vm) {
		snprintf(why, size, "guest %s: no memory left", g->name);
		return NULL;
	}
	vm->slot = slot;
	vm->config = g;
	memcpy(vm->name, g->name, sizeof vm->name);
	vm->nvcpus = g->cpus;
	vm->mem_size = g->memory;
	vm->identity = g->has_pci && !iommu_is_on();
	console_init(&vm->console, vm);
	vioapic_init(&vm->ioapic, vapic_pin, vm);
	vuart_init(&vm->uart, &console_line, &vm->console);
	vpci_init(&vm->pci, vapic_msi, vm);
	vm->pci.resume = vm_resume;
	virtio_console_init(&vm->hvc, "hvc", &vm->mem, console_output_hvc, &vm->console);
	vm->hvc.room = console_has_reader;
	vpci_add(&vm->pci, &vm->hvc.v.pci, 0);
	ports_claim(vm);
	if (!allocate_parts(vm, why, size)) {
		vm_destroy(vm);
		return NULL;
	}
	return vm;
}

void vm_destroy(struct vm *vm)
{
	bool unreachable;

	for (unsigned i = 0; i < vm->nvcpus; i++) {
		exit_times_free(&vm->vcpu[i]);
		if (vm->vcpu[i].cpu.vendor)
			mem_zfree(vm->vcpu[i].cpu.vendor, hvm->vcpu_size);
	}
	unreachable = passthrough_detach(vm);
	if (vm->npt_root)
		npt_destroy(hvm->npt, vm->npt_root);
	if (vm->mem_hpa && unreachable)
		mem_free(vm->mem_hpa, vm->mem_size);
	mem_zfree(vm, sizeof *vm);
}

/* --- start ---------------------------------------------------------------------------------- */

/* Releases the cores of the first n vCPUs.  v->cpu.core stays set: a core that sends a request to
 * the stopped vCPU then makes a needless call to that core, which is harmless. */
static void release_cores(struct vm *vm, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		atomic_store(&vm->vcpu[i].cpu.core->vcpu, NULL);
}

/* Takes a core for each vCPU; a core does not run its vCPU before VCPU_REQ_START. */
static bool take_cores(struct vm *vm, vm_place *place, char *why, size_t size)
{
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];
		struct core *c = place(vm, i, why, size);

		if (!c) {
			release_cores(vm, i);
			return false;
		}
		v->cpu.core = c;
		atomic_store(&v->requests, 0);
		atomic_store(&v->state, VCPU_OFF);
		atomic_store(&v->cpu.core->vcpu, v);
	}
	return true;
}

static const char *why_not_now(enum vm_state state)
{
	if (state == VM_STARTING)
		return "is already starting";
	return state == VM_RUNNING ? "is already running" : "has not stopped yet";
}

bool vm_start(struct vm *vm, vm_place *place, uint64_t from, char *why, size_t size)
{
	if (vm_active(vm)) {
		snprintf(why, size, "guest %s %s", vm->name, why_not_now(atomic_load(&vm->state)));
		return false;
	}
	if (!take_cores(vm, place, why, size))
		return false;
	vm->reason[0] = 0;
	vm->ended = vm->unfit = false;
	vm->reset_asked = false;
	vm->stay_off = false;
	vm->load = *vm->config;
	vm->load_from = from;
	vm->load_cleared = 0;
	vm_reset_devices(vm);
	atomic_store(&vm->running_vcpus, vm->nvcpus);
	atomic_store(&vm->state, VM_STARTING);
	vcpu_request(&vm->vcpu[0], VCPU_REQ_LOAD);
	return true;
}

/* --- stop ----------------------------------------------------------------------------------- */

static bool begin_stop(struct vm *vm)
{
	enum vm_state was = atomic_load(&vm->state);

	while (was == VM_STARTING || was == VM_RUNNING)
		if (atomic_compare_exchange_strong(&vm->state, &was, VM_STOPPING))
			return true;
	return false;
}

static void stop_vcpus(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nvcpus; i++)
		vcpu_request(&vm->vcpu[i], VCPU_REQ_STOP);
}

bool vm_stop(struct vm *vm, const char *reason, ...)
{
	va_list ap;

	if (!begin_stop(vm))
		return false;
	va_start(ap, reason);
	vsnprintf(vm->reason, sizeof vm->reason, reason, ap);
	va_end(ap);
	stop_vcpus(vm);
	return true;
}

void vm_end(struct vm *vm, uint8_t status, const char *reason)
{
	if (!begin_stop(vm))
		return;
	vm->ended = true;
	vm->exit_status = status;
	snprintf(vm->reason, sizeof vm->reason, "%s", reason);
	stop_vcpus(vm);
}

void vm_reap(struct vm *vm)
{
	/* First, as with the reset the buffers of a port in a group go to others. */
	passthrough_quiesce(vm);
	vpci_reset(&vm->pci);
	release_cores(vm, vm->nvcpus);
	atomic_store(&vm->state, VM_OFF);
	if (vm->unfit)
		log_error("%s", vm->reason);
	else if (vm->ended)
		log_info("guest %s ended: %s, status %u", vm->name, vm->reason, vm->exit_status);
	else
		log_warn("guest %s stopped: %s", vm->name, vm->reason);
}
