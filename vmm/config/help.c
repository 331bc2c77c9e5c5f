/* SPDX-License-Identifier: BSD-2-Clause */
/* The help: the grammar's table, written out. */
#include <string.h>
#include "vmm/config/parse.h"

struct writer {
	config_put *put;
	void *ctx;
};

static void say(const struct writer *w, const char *text)
{
	w->put(w->ctx, text, strlen(text));
}

static void say_value(const struct writer *w, const struct term *t)
{
	if (!t->choice)
		say(w, t->arg);
	for (const struct config_word *c = t->choice; c && c->text; c++) {
		say(w, c == t->choice ? "" : "|");
		say(w, c->text);
	}
}

static void say_term(const struct writer *w, const struct term *t)
{
	say(w, t->optional ? " [" : " ");
	if (t->word)
		say(w, t->word);
	if (t->word && t->arg)
		say(w, " ");
	if (t->arg)
		say_value(w, t);
	if (t->optional)
		say(w, "]");
	if (t->repeat)
		say(w, "..");
}

static void say_syntax(const struct writer *w, const struct statement *s)
{
	say(w, s->word);
	if (s->second) {
		say(w, " ");
		say(w, s->second);
	}
	for (const struct term *t = s->term; !config_last_term(t); t++)
		say_term(w, t);
	say(w, "\n    ");
	say(w, s->help);
	say(w, "\n");
}

void config_help(const char *word, config_put *put, void *ctx)
{
	struct writer w = {put, ctx};
	for (const struct statement *s = config_statement; s->word; s++) {
		if (!word[0] || strcmp(word, s->word) == 0)
			say_syntax(&w, s);
	}
}
