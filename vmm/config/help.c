/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the help from the grammar's table. */
#include <string.h>
#include "vmm/config/parse.h"

struct writer {
	config_put *put;
	void *ctx;
};

static void put_text(const struct writer *w, const char *text)
{
	w->put(w->ctx, text, strlen(text));
}

static void put_value(const struct writer *w, const struct term *t)
{
	if (!t->choice)
		put_text(w, t->arg);
	for (const struct config_word *c = t->choice; c && c->text; c++) {
		put_text(w, c == t->choice ? "" : "|");
		put_text(w, c->text);
	}
}

static void put_term(const struct writer *w, const struct term *t)
{
	put_text(w, t->optional ? " [" : " ");
	if (t->word)
		put_text(w, t->word);
	if (t->word && t->arg)
		put_text(w, " ");
	if (t->arg)
		put_value(w, t);
	if (t->optional)
		put_text(w, "]");
	if (t->repeat)
		put_text(w, "..");
}

static void put_syntax(const struct writer *w, const struct statement *s)
{
	put_text(w, s->word);
	if (s->second) {
		put_text(w, " ");
		put_text(w, s->second);
	}
	for (const struct term *t = s->term; !config_last_term(t); t++)
		put_term(w, t);
	put_text(w, "\n    ");
	put_text(w, s->help);
	put_text(w, "\n");
}

void config_help(const char *word, config_put *put, void *ctx)
{
	struct writer w = {put, ctx};

	for (const struct statement *s = config_statement; s->word; s++) {
		if (!word[0] || strcmp(word, s->word) == 0)
			put_syntax(&w, s);
	}
}
