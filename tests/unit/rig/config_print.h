/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_print.h: a configuration as canonical text, from which config_read() makes an equal one:
 * so tests compare configurations, and find what a statement leaves out.  Every value is written,
 * except MTUs that are derived, in an order in which each statement finds what it refers to.
 */
#ifndef TESTS_UNIT_RIG_CONFIG_PRINT_H
#define TESTS_UNIT_RIG_CONFIG_PRINT_H
#include "vmm/config/config.h"

void config_print(const struct node_config *n, config_put *put, void *ctx);

#endif
