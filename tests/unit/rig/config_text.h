/* SPDX-License-Identifier: BSD-2-Clause */
/* config_text.h: what the tests of the control language share. */
#ifndef TESTS_UNIT_RIG_CONFIG_TEXT_H
#define TESTS_UNIT_RIG_CONFIG_TEXT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/config/config.h"

/* Text that grows; what config_print() and the writers put goes here. */
struct text {
	char *at;
	size_t len, size;
};

/* Appends; `ctx` is a struct text. */
void text_put(void *ctx, const char *s, size_t n);

void text_add(struct text *t, const char *s);

/* An empty configuration; the caller frees it. */
struct config *new_config(void);

/* What config_print() makes of it; the caller frees `at`. */
struct text printed(const struct node_config *n);

/* Reads a text that must be taken, and commits it. */
void accept_text(struct config *c, const char *text);

/* Reads a text that must be refused with this message at this place. */
void refuse_text(struct config *c, const char *text, size_t len, const char *message);

#endif
