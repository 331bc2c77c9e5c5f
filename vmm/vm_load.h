/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_load.h: prepares a created VM to run (vm_start()). */
#ifndef VMM_VM_LOAD_H
#define VMM_VM_LOAD_H

struct vm;

/* Resets the devices to power-on state, before the VM's first core prepares the rest. */
void vm_reset_devices(struct vm *vm);

/*
 * One step of preparing a starting VM, on the core of its first vCPU, which looks at its requests
 * after each: waits for the start time, clears memory, loads the images, starts the vCPUs.
 */
void vm_load_step(struct vm *vm);
#endif
