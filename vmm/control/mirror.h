/* SPDX-License-Identifier: BSD-2-Clause */
/* mirror.h: mirrors as the description says: copies of frames in the observation window. */
#ifndef VMM_CONTROL_MIRROR_H
#define VMM_CONTROL_MIRROR_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

/* Makes the rings that the staged description needs; the window must have been made.  False and a
 * reason: no room in the window. */
bool control_mirror_build(const struct node_config *n, char *why, size_t size);

/* Undoes that for a description that is not taken; n: the live one. */
void control_mirror_unbuild(const struct node_config *n);

/* After the commit: what is copied, and from whom. */
void control_mirror_follow(const struct node_config *n);

/* Frames that mirror `i` saw, all cores together; 0: there is no such mirror. */
uint64_t control_mirror_frames(unsigned i);

/* Adds up what all cores left out of their rings, or cut, because one walk had too much. */
void control_mirror_short(uint64_t *left_out, uint64_t *cut);

#endif
