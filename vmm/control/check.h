/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h: whether this machine, as it is now, can become a description. */
#ifndef VMM_CONTROL_CHECK_H
#define VMM_CONTROL_CHECK_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config/config.h"

/* Can it become the staged description `n`?  false and a reason. */
bool control_check(const struct node_config *live, const struct node_config *n, char *why,
                   size_t size);
#endif
