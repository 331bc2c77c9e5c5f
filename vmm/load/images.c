/* What a guest boots from; it knows no hardware, and a host program tries it, too. */
#include <stdio.h>
#include "vmm/load/linux.h"
#include "vmm/load/multiboot.h"
#include "vmm/load/images.h"
#include "vmm/vm_memory.h"

#define MIB (1ul << 20)

/* Where the reason goes why a guest's images cannot be loaded. */
struct reason {
	char *text;
	size_t size;
};

/* True, and why, when no memory of this guest's size holds its images. */
static bool too_small(const struct guest_config *g, uint64_t needs, struct reason why)
{
	if (needs <= g->memory)
		return false;
	snprintf(why.text, why.size, "guest %s: %s needs %lu MiB, and the guest has %lu", g->name,
	         g->kernel, (needs + MIB - 1) / MIB, g->memory / MIB);
	return true;
}

static bool loaded(const struct guest_config *g, const char *bad, struct reason why)
{
	if (bad)
		snprintf(why.text, why.size, "guest %s: %s: %s", g->name, g->kernel, bad);
	return !bad;
}

/* A guest with a physical device: what of its memory is not identity-mapped is reserved, because
 * Linux would take buffers for DMA from it.  From the first MiB it takes none. */
static bool load_linux_kernel(const struct gmem *mem, const struct guest_config *g,
                              vm_image_find *find, struct cpu_entry *entry, struct reason why)
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
	return !too_small(g, load_linux_needs(&b), why) &&
	       loaded(g, load_linux(mem, &b, entry), why);
}

static bool load_multiboot_kernel(const struct gmem *mem, const struct guest_config *g,
                                  vm_image_find *find, struct cpu_entry *entry, struct reason why)
{
	struct multiboot_module m[CONFIG_MODULES + 1];
	unsigned n = 0;
	if (g->initrd[0])
		m[n++] = (struct multiboot_module){find(g->initrd), g->initrd};
	for (unsigned i = 0; i < g->modules; i++)
		m[n++] = (struct multiboot_module){find(g->module[i].name), g->module[i].args};
	struct multiboot_boot b = {
	    .kernel = find(g->kernel), .cmdline = g->cmdline, .modules = m, .n_modules = n};
	return !too_small(g, load_multiboot_needs(&b), why) &&
	       loaded(g, load_multiboot(mem, &b, entry), why);
}

bool vm_images_load(const struct gmem *mem, const struct guest_config *g, vm_image_find *find,
                    struct cpu_entry *entry, char *why, size_t size)
{
	struct reason r = {why, size};
	switch (load_kind(find(g->kernel))) {
	case IMAGE_BZIMAGE:
		return load_linux_kernel(mem, g, find, entry, r);
	case IMAGE_MULTIBOOT:
		return load_multiboot_kernel(mem, g, find, entry, r);
	case IMAGE_UNKNOWN:
		break;
	}
	return loaded(g, "neither a bzImage nor a multiboot kernel", r);
}
