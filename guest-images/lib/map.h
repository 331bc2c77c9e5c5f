/* SPDX-License-Identifier: BSD-2-Clause */
/* map.h: memory that the guest does not have from the start. */
#ifndef GUEST_MAP_H
#define GUEST_MAP_H
#include <stdint.h>

/* Maps the GiB that `start` is in where it is, by pages of 2 MiB, for one such GiB below 512 GiB.
 * Returns `start` as a pointer. */
uint8_t *map_gib(uint64_t start);
#endif
