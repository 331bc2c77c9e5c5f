/* SPDX-License-Identifier: BSD-2-Clause */
/* From a guest's description to what it boots from; a host program tries it, too. */
#include "vmm/vm_images.h"
#include "vmm/vm_memory.h"

bool vm_images_load(const struct gmem *mem, const struct guest_config *g, vm_image_find *find,
                    struct cpu_entry *entry, char *why, size_t size)
{
	/* A guest with a physical device: what of its memory is not identity-mapped is reserved,
	 * because Linux would take buffers for DMA from it.  From the first MiB it takes none. */
	static const struct gpa_range moved = {GUEST_HIGH, VM_IDENTITY_START - GUEST_HIGH};
	struct multiboot_module m[CONFIG_MODULES + 1];
	struct images i = {.guest = g->name,
	                   .kernel_name = g->kernel,
	                   .kernel = find(g->kernel),
	                   .cmdline = g->cmdline,
	                   .modules = m,
	                   .reserved = &moved,
	                   .n_reserved = g->has_pci};
	if (g->initrd[0]) {
		i.initrd = find(g->initrd);
		m[i.n_modules++] = (struct multiboot_module){i.initrd, g->initrd};
	}
	for (unsigned k = 0; k < g->modules; k++)
		m[i.n_modules++] =
		    (struct multiboot_module){find(g->module[k].name), g->module[k].args};
	return images_load(mem, &i, entry, why, size);
}
