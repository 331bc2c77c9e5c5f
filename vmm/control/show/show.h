/* SPDX-License-Identifier: BSD-2-Clause */
/* show.h: the answers to `show`, `show metrics`, `explain` and `lint`. */
#ifndef VMM_CONTROL_SHOW_SHOW_H
#define VMM_CONTROL_SHOW_SHOW_H
#include "vmm/config/config.h"

/* `put` receives the answer; one answer at a time. */
void show(const struct config_action *a, config_put *put, void *ctx);
void show_metrics(const struct config_action *a, config_put *put, void *ctx);
void show_explain(const struct config_action *a, config_put *put, void *ctx);
void show_lint(const struct config_action *a, config_put *put, void *ctx);
#endif
