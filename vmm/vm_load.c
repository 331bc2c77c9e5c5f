/* Before a guest's first instruction: clear memory, devices as after power-on, its images. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/platform.h"
#include "vmm/control_console.h"
#include "vmm/guest_acpi.h"
#include "vmm/load_linux.h"
#include "vmm/load_multiboot.h"
#include "vmm/passthrough.h"
#include "vmm/vm.h"
#include "vmm/vm_load.h"

static void com1_out(void *ctx, uint8_t byte)
{
	console_output(ctx, (const char *)&byte, 1);
}

static struct blob module_blob(const char *name)
{
	const struct boot_module *m = name[0] ? boot_module_find(name) : NULL;
	return m ? (struct blob){(const uint8_t *)m->start, m->size} : (struct blob){0};
}

static const char *load_acpi(struct vm *vm)
{
	uint32_t ids[VM_VCPUS_MAX];
	for (unsigned i = 0; i < vm->nvcpus; i++)
		ids[i] = i;
	struct guest_acpi a = {.n_cpus = vm->nvcpus,
	                       .apic_ids = ids,
	                       .sleep_control_port = SLEEP_CONTROL,
	                       .sleep_status_port = SLEEP_STATUS,
	                       .reset_port = RESET_PORT,
	                       .ioapic = vm->ioapic.present ? VIOAPIC_PAGE : 0};
	return guest_acpi_build(&vm->mem, GUEST_ACPI_GPA, GUEST_ACPI_SIZE, &a);
}

/* Linux takes buffers for DMA from wherever it has memory: it gets none that is not where it seems,
 * but for the first MiB, from which it takes none. */
static const char *load_image_linux(struct vm *vm, struct cpu_entry *entry)
{
	static const struct gpa_range moved = {MIB, VM_IDENTITY_START - MIB};
	struct linux_boot b = {.kernel = module_blob(vm->config->kernel),
	                       .initrd = module_blob(vm->config->initrd),
	                       .cmdline = vm->config->cmdline,
	                       .rsdp = GUEST_ACPI_GPA,
	                       .x2apic = true,
	                       .reserved = &moved,
	                       .n_reserved = vm->identity};
	return load_linux(&vm->mem, &b, entry);
}

static const char *load_image_multiboot(struct vm *vm, struct cpu_entry *entry)
{
	struct multiboot_module m[CONFIG_MODULES + 1];
	const struct guest_config *g = vm->config;
	unsigned n = 0;
	if (g->initrd[0])
		m[n++] = (struct multiboot_module){module_blob(g->initrd), g->initrd};
	for (unsigned i = 0; i < g->modules; i++)
		m[n++] =
		    (struct multiboot_module){module_blob(g->module[i].name), g->module[i].args};
	struct multiboot_boot b = {
	    .kernel = module_blob(g->kernel), .cmdline = g->cmdline, .modules = m, .n_modules = n};
	return load_multiboot(&vm->mem, &b, entry);
}

bool vm_load_images(struct vm *vm, char *why, size_t size)
{
	enum image_kind kind = load_kind(module_blob(vm->config->kernel));
	const char *bad = load_acpi(vm);
	if (!bad)
		bad = kind == IMAGE_BZIMAGE     ? load_image_linux(vm, &vm->entry)
		      : kind == IMAGE_MULTIBOOT ? load_image_multiboot(vm, &vm->entry)
		                                : "neither a bzImage nor a multiboot kernel";
	if (bad)
		snprintf(why, size, "guest %s: %s: %s", vm->name, vm->config->kernel, bad);
	return !bad;
}

/* What another guest, or the machine's last system, left there is nobody's business. */
void vm_clear_memory(struct vm *vm)
{
	memset((void *)vm->mem_hpa, 0, vm->mem_size);
}

void vm_reset_devices(struct vm *vm)
{
	vpci_reset(&vm->pci);
	if (vm->passthrough)
		passthrough_ready(vm);
	vuart_init(&vm->uart, com1_out, &vm->console);
	if (vm->control)
		control_console_reset(vm->control);
}

void vm_launch(struct vm *vm)
{
	vm->reason[0] = 0;
	vm->ended = false;
	vm->reset_asked = false;
	vm->stay_off = false;
	vm->starts++;
	vm->started_tsc = rdtsc();
	atomic_store(&vm->running_vcpus, vm->nvcpus);
	atomic_store(&vm->state, VM_RUNNING);
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];
		atomic_store(&v->requests, 0);
		v->nmi_pending = false;
		v->tsc_offset = 0;
		v->pvclock_msr = 0;
		vapic_reset(v, vm->entry.x2apic);
	}
	/* the one that may call the others comes last */
	for (unsigned i = vm->nvcpus; i-- > 0;)
		vcpu_request(&vm->vcpu[i], VCPU_REQ_START);
}
