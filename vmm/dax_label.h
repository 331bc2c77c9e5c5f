/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dax_label.h: the label by which a Linux guest takes memory for a character device to map, a
 * devdax, without any tool: the "info block" of its NVDIMM drivers (Linux, drivers/nvdimm/pfn.h).
 */
#ifndef VMM_DAX_LABEL_H
#define VMM_DAX_LABEL_H
#include <stdint.h>

/* Bytes of the memory before what the device maps: the label, and the rest of a large page. */
#define DAX_LABEL_SPACE (2ul << 20)

/* Writes the label into `size` bytes of zeroed memory, more than DAX_LABEL_SPACE.  Linux shows the
 * first 16 bytes of `name` as the device's UUID. */
void dax_label_write(void *memory, uint64_t size, const char *name);
#endif
