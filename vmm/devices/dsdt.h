/* SPDX-License-Identifier: BSD-2-Clause */
/* dsdt.h: the compiled vmm/devices/dsdt.asl, a source that the build generates. */
#ifndef VMM_DEVICES_DSDT_H
#define VMM_DEVICES_DSDT_H
#include <stdint.h>

extern const uint8_t guest_dsdt[];
extern const unsigned guest_dsdt_size; /* bytes */
#endif
