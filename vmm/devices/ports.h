/* SPDX-License-Identifier: BSD-2-Clause */
/* ports.h: which of a guest's devices are at which I/O ports. */
#ifndef VMM_DEVICES_PORTS_H
#define VMM_DEVICES_PORTS_H

/* Ports that the guest's ACPI tables name (guest_acpi.h). */
#define SLEEP_CONTROL 0x600
#define SLEEP_STATUS  0x601
#define RESET_PORT    0x604
#define PM_TIMER      0x608

struct vm;

/* Claims the ports of the VM's fixed devices; once, when it is made. */
void ports_claim(struct vm *vm);
#endif
