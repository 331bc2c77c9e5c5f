/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_smbios.h: what the firmware of a guest's small PC says of itself (DMTF DSP0134, SMBIOS):
 * its name, that it is a virtual machine, and a date.
 */
#ifndef VMM_DEVICES_GUEST_SMBIOS_H
#define VMM_DEVICES_GUEST_SMBIOS_H
#include <stdint.h>
#include "drivers/bus/gpa.h"

#define GUEST_SMBIOS_SIZE 512 /* bytes that the entry point and the structures have at most */

/*
 * Writes the 32-bit entry point and the structures behind it at gpa, which is 16-byte aligned, in
 * the BIOS area, where it is looked for.  NULL, or the reason why not.
 */
const char *guest_smbios_build(const struct gmem *m, uint64_t gpa);
#endif
