/* config_test.h: what the tests of the control language share. */
#ifndef TESTS_UNIT_CONFIG_TEST_H
#define TESTS_UNIT_CONFIG_TEST_H
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

static inline void text_put(void *ctx, const char *s, size_t n)
{
	struct text *t = ctx;
	if (t->len + n + 1 > t->size) {
		t->size = 2 * (t->len + n + 1);
		t->at = realloc(t->at, t->size);
		assert_non_null(t->at);
	}
	memcpy(t->at + t->len, s, n);
	t->len += n;
	t->at[t->len] = '\0';
}

static inline void text_add(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

static inline struct config *new_config(void)
{
	struct config *c = config_init(calloc(1, config_size()));
	assert_non_null(c);
	return c;
}

static inline struct text printed(const struct node_config *n)
{
	struct text t = {0};
	config_print(n, text_put, &t);
	return t;
}

/* Reads a text that must be taken, and commits it. */
static inline void accept_text(struct config *c, const char *text)
{
	struct config_report r;
	enum config_outcome o = config_read(c, text, strlen(text), &r);
	if (o == CONFIG_REFUSED)
		fail_msg("%u:%u: %s", r.error.line, r.error.column, r.error.text);
	config_commit(c);
}

/* Reads a text that must be refused with this message at this place. */
static inline void refuse_text(struct config *c, const char *text, size_t len, const char *message)
{
	struct config_report r;
	char got[400];
	assert_int_equal(config_read(c, text, len, &r), CONFIG_REFUSED);
	config_format(&r.error, "text", got, sizeof got);
	assert_string_equal(got, message);
}

#endif
