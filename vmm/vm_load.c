/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prepares a guest's start: clears its memory, resets its devices, loads its images.
 *
 * This takes from milliseconds to seconds, so it runs on the guest's own core: a guest that resets
 * itself again and again costs nobody else anything.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"
#include "vmm/devices/guest_acpi.h"
#include "vmm/devices/guest_smbios.h"
#include "lib/log.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/group.h"
#include "vmm/life.h"
#include "vmm/policy.h"
#include "vmm/vm_images.h"
#include "vmm/vm_load.h"
#include "vmm/vcpu.h"
#include "vmm/devices/ports.h"

static struct blob module_blob(const char *name)
{
	const struct boot_module *m = boot_module_find(name);

	return m ? (struct blob){(const uint8_t *)m->start, m->size} : (struct blob){0};
}

/* Writes the tables that a PC's firmware provides.  Linux needs no PM timer: it has kvm-clock. */
static const char *load_tables(struct vm *vm, enum image_kind kind)
{
	uint32_t ids[VM_VCPUS_MAX];
	struct guest_acpi a;
	const char *bad;

	for (unsigned i = 0; i < vm->nvcpus; i++)
		ids[i] = i;
	a = (struct guest_acpi){.n_cpus = vm->nvcpus,
	                        .apic_ids = ids,
	                        .sleep_control_port = SLEEP_CONTROL,
	                        .sleep_status_port = SLEEP_STATUS,
	                        .reset_port = RESET_PORT,
	                        .ioapic = VIOAPIC_PAGE,
	                        .pm_timer_port = kind == IMAGE_BZIMAGE ? 0 : PM_TIMER};
	bad = guest_acpi_build(&vm->mem, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &a);
	return bad ? bad : guest_smbios_build(&vm->mem, GUEST_SMBIOS_GPA);
}

static bool load_images(struct vm *vm, char *why, size_t size)
{
	const char *bad = load_tables(vm, load_kind(module_blob(vm->load.kernel)));

	if (bad)
		snprintf(why, size, "guest %s: %s: %s", vm->name, vm->load.kernel, bad);
	return !bad && vm_images_load(&vm->mem, &vm->load, vm->identity, module_blob, &vm->entry,
	                              why, size);
}

#define CLEAR_STEP (2 * MIB)

/* Clears a part of the memory, which may hold data of another guest or the machine's last system.
 * True: done. */
static bool clear_memory(struct vm *vm)
{
	uint64_t left = vm->mem_size - vm->load_cleared, n = left < CLEAR_STEP ? left : CLEAR_STEP;

	memset((void *)(vm->mem_hpa + vm->load_cleared), 0, n);
	vm->load_cleared += n;
	return vm->load_cleared == vm->mem_size;
}

void vm_reset_devices(struct vm *vm)
{
	vpci_reset(&vm->pci);
	vioapic_reset(&vm->ioapic);
	vpit_init(&vm->pit, tsc_khz * 1000, rdtsc());
	vuart_reset(&vm->uart);
	console_reset(&vm->console);
	if (vm->service)
		vm->service->reset(vm->service->ctx);
}

static void reset_vcpu(struct vcpu *v)
{
	v->nmi_pending = false;
	v->tsc_offset = 0;
	v->pvclock_msr = 0;
	v->mtrr_def_type = MTRR_DEF_TYPE_BOOT;
	v->cpu.spec_ctrl = (struct spec_ctrl){0};
	vapic_reset(v, v->vm->entry.x2apic);
}

/* A concurrent stop finds the VM either still starting, and no vCPU begins, or running. */
static void launch(struct vm *vm)
{
	enum vm_state starting = VM_STARTING;

	for (unsigned i = 0; i < vm->nvcpus; i++)
		reset_vcpu(&vm->vcpu[i]);
	if (!atomic_compare_exchange_strong(&vm->state, &starting, VM_RUNNING))
		return;
	/* once the boot's guests have started, the monitor takes the terminal */
	if (vm->starts++ == 0)
		core_call(&cores[0], CORE_CONSOLE);
	log_debug("guest %s runs from TSC %lu", vm->name, rdtsc());
	log_info("guest %s started: %u vCPU%s, %lu MiB, core %u", vm->name, vm->nvcpus,
	         vm->nvcpus > 1 ? "s" : "", vm->mem_size / MIB, vm->vcpu[0].cpu.core->index);
	/* the first vCPU last: it may start the others */
	for (unsigned i = vm->nvcpus; i-- > 0;)
		vcpu_request(&vm->vcpu[i], VCPU_REQ_START);
}

void vm_load_step(struct vm *vm)
{
	char why[sizeof vm->reason];

	if (rdtsc() < vm->load_from) {
		core_pause();
		return;
	}
	if (!clear_memory(vm) || !group_prepare(vm))
		return;
	/* no more load steps: VCPU_REQ_START or VCPU_REQ_STOP follows */
	atomic_store(&vm->vcpu[0].state, VCPU_OFF);
	passthrough_ready(vm);
	/* it cannot be reaped before this core has served the stop request */
	if (load_images(vm, why, sizeof why))
		launch(vm);
	else
		vm->unfit = vm_stop(vm, "%s", why);
}
