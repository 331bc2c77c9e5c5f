/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_load.h: the steps from a VM that was made to one that runs (vm_start()). */
#ifndef VMM_VM_LOAD_H
#define VMM_VM_LOAD_H

struct vm;

/* The devices as after power-on, before the first core of the VM prepares the rest. */
void vm_reset_devices(struct vm *vm);

/*
 * Prepares a VM that is starting, on the core of its first vCPU, in portions after each of which
 * the core looks at its requests: waits for its time, clears memory, loads the images, starts the
 * vCPUs.
 */
void vm_load_step(struct vm *vm);
#endif
