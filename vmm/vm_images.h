/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_images.h: loads the images that a guest's description names into its memory. */
#ifndef VMM_VM_IMAGES_H
#define VMM_VM_IMAGES_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"
#include "vmm/load/images.h"

/* The boot module of that name; size 0: there is none. */
typedef struct blob vm_image_find(const char *name);

/* Loads the guest's kernel, initrd and modules and fills *entry as images_load() does; false and a
 * reason. */
bool vm_images_load(const struct gmem *mem, const struct guest_config *g, bool identity,
                    vm_image_find *find, struct cpu_entry *entry, char *why, size_t size);
#endif
