/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h: can this machine, as it is now, take a description? */
#ifndef VMM_CONTROL_CHECK_H
#define VMM_CONTROL_CHECK_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

/* Can the machine take the staged description `n`?  false and a reason. */
bool control_check(const struct node_config *live, const struct node_config *n, char *why,
                   size_t size);
#endif
