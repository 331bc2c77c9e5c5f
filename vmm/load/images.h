/* SPDX-License-Identifier: BSD-2-Clause */
/* images.h: loads a guest's images into its memory, by the kind of its kernel. */
#ifndef VMM_LOAD_IMAGES_H
#define VMM_LOAD_IMAGES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/bus/gpa.h"
#include "vmm/load/load.h"
#include "vmm/load/multiboot.h"
#include "arch/x86_64/hvm/vcpu_state.h"

/* What a guest boots from; the caller keeps ownership of all of it. */
struct images {
	const char *guest, *kernel_name; /* for the texts of errors */
	struct blob kernel;
	const char *cmdline;
	struct blob initrd;                     /* for a bzImage; size 0: none */
	const struct multiboot_module *modules; /* for a multiboot kernel */
	unsigned n_modules;
	const struct gpa_range *reserved; /* reserved in a bzImage's memory map */
	unsigned n_reserved;
};

/* Loads them into the guest's memory and fills *entry for its first vCPU.  false: they cannot be
 * loaded, `why` names guest, kernel and reason, and guest memory may be partly written. */
bool images_load(const struct gmem *mem, const struct images *i, struct cpu_entry *entry, char *why,
                 size_t size);
#endif
