/* SPDX-License-Identifier: BSD-2-Clause */
/* ksym.h: names for the VMM's own code addresses, from a table made by tools/mksyms at link time.
 */
#ifndef LIB_KSYM_H
#define LIB_KSYM_H
#include <stdint.h>

/* The table: ksym_count function starts in ascending order and, one further, the end of the last
 * function; name i begins at ksym_names + ksym_name_off[i].  The image lies below 4 GiB, so 32 bits
 * hold an address. */
extern const uint32_t ksym_addr[];
extern const uint32_t ksym_name_off[];
extern const char ksym_names[];
extern const unsigned ksym_count;

/* The function that contains addr and, in *offset, the distance from its start in bytes; NULL when
 * addr is below the first function or above the last one's end. */
const char *ksym_find(uint64_t addr, uint64_t *offset);
#endif
