/* SPDX-License-Identifier: BSD-2-Clause */
/* Matches a line's words to the grammar's table, checks for missing and surplus terms, then applies
 * the statement. */
#include <stdio.h>
#include <string.h>
#include "vmm/config/parse.h"

static bool is_word(const struct word *w, const char *text)
{
	return !w->quoted && strcmp(w->text, text) == 0;
}

static const struct statement *statement_of(const char *word, const char *second)
{
	for (const struct statement *s = config_statement; s->word; s++) {
		if (strcmp(s->word, word) == 0 && (!s->second || strcmp(s->second, second) == 0))
			return s;
	}
	return NULL;
}

static bool fail_second(struct parser *p)
{
	struct nearest near;
	char hint[100] = "write one of";
	const char *between = "";
	const struct word *w = &p->word[1];

	nearest_init(&near, w->text);
	for (const struct statement *s = config_statement; s->word; s++) {
		size_t used;

		if (strcmp(s->word, p->word[0].text) != 0)
			continue;
		used = strlen(hint);
		snprintf(hint + used, sizeof hint - used, "%s %s", between, s->second);
		between = ",";
		nearest_offer(&near, s->second);
	}
	if (p->words == 1)
		return config_fail(p, w, "\"%s\" needs a word after it; %s", p->word[0].text, hint);
	return config_fail_unknown(p, w, "unknown word", &near, hint);
}

static bool fail_statement(struct parser *p, const struct word *w)
{
	struct nearest near;

	nearest_init(&near, w->text);
	for (const struct statement *s = config_statement; s->word; s++)
		nearest_offer(&near, s->word);
	return config_fail_unknown(p, w, "unknown statement", &near, "`help` lists them");
}

static bool find_statement(struct parser *p)
{
	const struct word *w = &p->word[0];
	bool known = false;

	for (const struct statement *s = config_statement; s->word && !known; s++)
		known = is_word(w, s->word);
	if (w->quoted)
		return config_fail(p, w, "a statement begins with a word that is not in quotes");
	if (!known)
		return fail_statement(p, w);
	p->statement = statement_of(w->text, p->words > 1 ? p->word[1].text : "");
	if (!p->statement)
		return fail_second(p);
	p->at = p->statement->second ? 2 : 1;
	if (p->statement->run_time && !p->action)
		return config_fail(
		    p, w, "\"%s\" is for the monitor; a text only describes the node", w->text);
	return true;
}

static bool was_given(const struct parser *p, const struct term *t)
{
	for (uint32_t i = 0; i < p->args; i++) {
		if (p->arg[i].term == t)
			return true;
	}
	return false;
}

static const struct term *find_keyword(const struct parser *p, const struct word *w)
{
	for (const struct term *t = p->statement->term; !config_last_term(t); t++) {
		if (t->word && is_word(w, t->word))
			return t;
	}
	return NULL;
}

bool config_is_keyword(const struct parser *p, const struct word *w)
{
	return find_keyword(p, w);
}

/* The next positional term not yet given, or NULL. */
static const struct term *next_positional(const struct parser *p)
{
	for (const struct term *t = p->statement->term; !config_last_term(t); t++) {
		if (!t->word && !was_given(p, t))
			return t;
	}
	return NULL;
}

static bool fail_unexpected(struct parser *p, const struct word *w)
{
	struct nearest near;
	char hint[224] = "expected";
	const char *between = "";

	nearest_init(&near, w->text);
	for (const struct term *t = p->statement->term; !config_last_term(t); t++) {
		size_t used;

		if (!t->word || (was_given(p, t) && !t->repeat))
			continue;
		used = strlen(hint);
		snprintf(hint + used, sizeof hint - used, "%s %s", between, t->word);
		between = ",";
		nearest_offer(&near, t->word);
	}
	if (!between[0])
		return config_fail(p, w, "\"%.40s\" is unexpected; the statement ends before it",
		                   w->text);
	return config_fail_unknown(p, w, "unknown word", &near, hint);
}

/* The term that the word at p->at begins; NULL after an error. */
static const struct term *choose_term(struct parser *p)
{
	const struct word *w = &p->word[p->at];
	const struct term *keyword = find_keyword(p, w);
	const struct term *place = next_positional(p);

	if (place && keyword && !place->optional) {
		config_fail(p, w,
		            "%s is missing before \"%s\", a word of `%s` that cannot be its %s",
		            place->arg, w->text, p->statement->word, place->arg);
		return NULL;
	}
	if (keyword && was_given(p, keyword) && !keyword->repeat) {
		config_fail(p, w, "\"%s\" is given twice", w->text);
		return NULL;
	}
	if (!keyword && !place)
		fail_unexpected(p, w);
	return keyword ? keyword : place;
}

static bool read_term(struct parser *p)
{
	const struct term *t = choose_term(p);
	struct arg *a;

	if (!t)
		return false;
	if (p->args == CONFIG_TERMS)
		return config_fail(p, &p->word[p->at], "more than %u terms in one statement",
		                   CONFIG_TERMS);
	if (t->word && t->kind != TERM_FLAG)
		p->at++;
	a = &p->arg[p->args];
	*a = (struct arg){0};
	if (!config_value(p, t, a))
		return false;
	p->args++;
	return true;
}

static bool fail_missing(struct parser *p, const struct term *t)
{
	char hint[224];

	if (t->kind == TERM_CHOICE)
		config_choices(t, hint, sizeof hint);
	else
		snprintf(hint, sizeof hint, "see `help %s`", p->statement->word);
	return config_fail(p, &p->word[p->words], "missing: %s%s%s; %s", t->word ? t->word : "",
	                   t->word ? " " : "", t->arg, hint);
}

static bool check_missing(struct parser *p)
{
	for (const struct term *t = p->statement->term; !config_last_term(t); t++)
		if (!t->optional && !was_given(p, t))
			return fail_missing(p, t);
	return true;
}

const struct arg *config_arg(const struct parser *p, const char *name)
{
	for (uint32_t i = 0; i < p->args; i++) {
		const struct term *t = p->arg[i].term;

		if (strcmp(t->word ? t->word : t->arg, name) == 0)
			return &p->arg[i];
	}
	return NULL;
}

bool config_statement_read(struct parser *p)
{
	p->args = 0;
	if (!find_statement(p))
		return false;
	while (p->at < p->words) {
		if (!read_term(p))
			return false;
	}
	return check_missing(p) && p->statement->apply(p);
}
