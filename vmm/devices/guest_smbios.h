/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_smbios.h: a guest's SMBIOS tables (DMTF DSP0134): vendor, product, that it is a virtual
 * machine, and a date.
 */
#ifndef VMM_DEVICES_GUEST_SMBIOS_H
#define VMM_DEVICES_GUEST_SMBIOS_H
#include <stdint.h>
#include "drivers/bus/gpa.h"

#define GUEST_SMBIOS_SIZE 512 /* size of the entry point and the structures, at most */

/*
 * Writes the 32-bit entry point and the structures after it at gpa, 16-byte aligned and in the BIOS
 * area, which systems scan for it.  NULL, or why it failed.
 */
const char *guest_smbios_build(const struct gmem *m, uint64_t gpa);
#endif
