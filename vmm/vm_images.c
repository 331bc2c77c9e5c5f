/* What a guest boots from; it knows no hardware, and a host program tries it, too. */
#include "vmm/load_linux.h"
#include "vmm/load_multiboot.h"
#include "vmm/vm_images.h"
#include "vmm/vm_memory.h"

/* A guest with a physical device: what of its memory is not identity-mapped is reserved, because
 * Linux would take buffers for DMA from it.  From the first MiB it takes none. */
static const char *load_linux_kernel(const struct gmem *mem, const struct guest_config *g,
                                     vm_image_find *find, struct cpu_entry *entry)
{
	static const struct gpa_range moved = {GUEST_HIGH, VM_IDENTITY_START - GUEST_HIGH};
	struct linux_boot b = {.kernel = find(g->kernel),
	                       .cmdline = g->cmdline,
	                       .rsdp = GUEST_ACPI_GPA,
	                       .x2apic = true,
	                       .reserved = &moved,
	                       .n_reserved = g->has_pci};
	if (g->initrd[0])
		b.initrd = find(g->initrd);
	return load_linux(mem, &b, entry);
}

static const char *load_multiboot_kernel(const struct gmem *mem, const struct guest_config *g,
                                         vm_image_find *find, struct cpu_entry *entry)
{
	struct multiboot_module m[CONFIG_MODULES + 1];
	unsigned n = 0;
	if (g->initrd[0])
		m[n++] = (struct multiboot_module){find(g->initrd), g->initrd};
	for (unsigned i = 0; i < g->modules; i++)
		m[n++] = (struct multiboot_module){find(g->module[i].name), g->module[i].args};
	struct multiboot_boot b = {
	    .kernel = find(g->kernel), .cmdline = g->cmdline, .modules = m, .n_modules = n};
	return load_multiboot(mem, &b, entry);
}

const char *vm_images_load(const struct gmem *mem, const struct guest_config *g,
                           vm_image_find *find, struct cpu_entry *entry)
{
	switch (load_kind(find(g->kernel))) {
	case IMAGE_BZIMAGE:
		return load_linux_kernel(mem, g, find, entry);
	case IMAGE_MULTIBOOT:
		return load_multiboot_kernel(mem, g, find, entry);
	case IMAGE_UNKNOWN:
		break;
	}
	return "neither a bzImage nor a multiboot kernel";
}
