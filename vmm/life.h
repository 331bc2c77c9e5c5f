/* SPDX-License-Identifier: BSD-2-Clause */
/* life.h: life cycles of VMs: created once from a description, then started, stopped and
 * restarted. */
#ifndef VMM_LIFE_H
#define VMM_LIFE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/vm.h"

extern struct vm *vms[CONFIG_GUESTS]; /* by slot; NULL: none */

/* Creates the VM that `g` describes: memory, nested tables, console, vCPUs; not started.  NULL and
 * a reason in `why` if it cannot. */
struct vm *vm_create(unsigned slot, const struct guest_config *g, char *why, size_t size);

/* Frees a VM that does not run. */
void vm_destroy(struct vm *vm);

/* From its start until it is reaped: it owns its cores, and its devices may be in use. */
static inline bool vm_active(struct vm *vm)
{
	return atomic_load(&vm->state) != VM_OFF;
}

/* A placement policy: returns a free core for the VM's vCPU of this number, or NULL and a
 * reason. */
typedef struct core *vm_place(const struct vm *vm, unsigned vcpu, char *why, size_t size);

/*
 * Takes a core for each vCPU, as chosen by `place`, and leaves the rest to the first of them, which
 * waits until TSC `from`, clears the VM's memory, loads its images and starts the vCPUs.  false and
 * a reason: it runs already, or a core is taken.  Images that cannot be loaded stop the VM
 * (`unfit`).
 */
bool vm_start(struct vm *vm, vm_place *place, uint64_t from, char *why, size_t size);

/* Asks all vCPUs of the VM to stop, for this reason (printf form); the first reason is kept.  Any
 * core, including the VM's own.  True: this was the first call. */
bool vm_stop(struct vm *vm, const char *reason, ...) __attribute__((format(printf, 2, 3)));

/* The guest ended itself with a status (debug-exit port, power off). */
void vm_end(struct vm *vm, uint8_t status, const char *reason);

/* Called on the boot core for each VM whose last vCPU has stopped. */
void vm_reap(struct vm *vm);
#endif
