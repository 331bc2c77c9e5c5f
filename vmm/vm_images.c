/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads the images that a guest's description names; patio-check runs it on the host, too. */
#include "vmm/vm_images.h"
#include "vmm/vm_memory.h"

bool vm_images_load(const struct gmem *mem, const struct guest_config *g, bool identity,
                    vm_image_find *find, struct cpu_entry *entry, char *why, size_t size)
{
	/* What is not identity-mapped of a guest that is, is reserved, so that it allocates no DMA
	 * buffers there.  Linux allocates none below 1 MiB. */
	static const struct gpa_range moved = {GUEST_HIGH, VM_IDENTITY_START - GUEST_HIGH};
	struct multiboot_module m[CONFIG_MODULES + 1];
	struct images i = {.guest = g->name,
	                   .kernel_name = g->kernel,
	                   .kernel = find(g->kernel),
	                   .cmdline = g->cmdline,
	                   .modules = m,
	                   .reserved = &moved,
	                   .n_reserved = identity};

	if (g->initrd[0]) {
		i.initrd = find(g->initrd);
		m[i.n_modules++] = (struct multiboot_module){i.initrd, g->initrd};
	}
	for (unsigned k = 0; k < g->modules; k++)
		m[i.n_modules++] =
		    (struct multiboot_module){find(g->module[k].name), g->module[k].args};
	return images_load(mem, &i, entry, why, size);
}
