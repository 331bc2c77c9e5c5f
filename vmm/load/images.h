/* images.h: a guest's images into its memory, by what kind of kernel it has. */
#ifndef VMM_LOAD_IMAGES_H
#define VMM_LOAD_IMAGES_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"
#include "drivers/bus/gpa.h"
#include "vmm/load/load.h"
#include "arch/x86_64/hvm/vcpu_state.h"

/* The boot module of that name; size 0: there is none. */
typedef struct blob vm_image_find(const char *name);

/* Loads the guest's kernel, initrd and modules and fills *entry for its first vCPU.  false: they
 * cannot be loaded, `why` names guest, kernel and reason, and guest memory may be partly written.
 */
bool vm_images_load(const struct gmem *mem, const struct guest_config *g, vm_image_find *find,
                    struct cpu_entry *entry, char *why, size_t size);
#endif
