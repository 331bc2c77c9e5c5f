/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/config_text.h"
#include "tests/unit/rig/config_print.h"

void text_put(void *ctx, const char *s, size_t n)
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

void text_add(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

struct config *new_config(void)
{
	struct config *c = config_init(calloc(1, config_size()));

	assert_non_null(c);
	return c;
}

struct text printed(const struct node_config *n)
{
	struct text t = {0};

	config_print(n, text_put, &t);
	return t;
}

void accept_text(struct config *c, const char *text)
{
	struct config_report r;
	enum config_outcome o = config_read(c, text, strlen(text), &r);

	if (o == CONFIG_REFUSED)
		fail_msg("%u:%u: %s", r.error.line, r.error.column, r.error.text);
	config_commit(c);
}

void refuse_text(struct config *c, const char *text, size_t len, const char *message)
{
	struct config_report r;
	char got[400];

	assert_int_equal(config_read(c, text, len, &r), CONFIG_REFUSED);
	config_format(&r.error, "text", got, sizeof got);
	assert_string_equal(got, message);
}
