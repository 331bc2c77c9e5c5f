/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors and warnings of the control language, and "did you mean". */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "vmm/config/parse.h"

/* Copies the word, truncated to the message's field, with '?' for every byte that is not printable
 * ASCII. */
static void copy_word(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; from[i] && i + 1 < size; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}

static void fill_message(struct config_message *m, const struct word *w, const char *fmt,
                         va_list ap)
{
	m->line = w->line;
	m->column = w->column;
	copy_word(m->word, sizeof m->word, w->text);
	vsnprintf(m->text, sizeof m->text, fmt, ap);
	copy_word(m->text, sizeof m->text, m->text);
}

bool config_fail(struct parser *p, const struct word *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill_message(&p->report->error, w, fmt, ap);
	va_end(ap);
	return false;
}

void config_warn(struct parser *p, const struct word *w, const char *fmt, ...)
{
	uint32_t n = p->report->warnings++;
	va_list ap;

	if (n >= CONFIG_WARNINGS)
		return;
	va_start(ap, fmt);
	fill_message(&p->report->warning[n], w, fmt, ap);
	va_end(ap);
}

void config_format(const struct config_message *m, const char *source, char *buf, size_t size)
{
	if (m->line)
		snprintf(buf, size, "%s:%u:%u: %s", source, m->line, m->column, m->text);
	else
		snprintf(buf, size, "%s: %s", source, m->text);
}

/* Levenshtein distance; both are shorter than CONFIG_NAME. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[CONFIG_NAME + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

void nearest_init(struct nearest *n, const char *word)
{
	size_t len = strnlen(word, CONFIG_NAME);

	n->word = word;
	n->best = NULL;
	n->distance = len < 4 ? 2 : 3; /* a candidate must be nearer than this */
	if (len == CONFIG_NAME)
		n->distance = 0;
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t len = strnlen(candidate, CONFIG_NAME), own = strlen(n->word);
	unsigned d;

	if (!len || !n->distance || len == CONFIG_NAME)
		return;
	/* The distance is at least the difference in length. */
	if ((len < own ? own - len : len - own) >= n->distance)
		return;
	d = edit_distance(n->word, candidate);
	if (d >= n->distance || d >= len)
		return;
	n->best = candidate;
	n->distance = d;
}

bool config_fail_unknown(struct parser *p, const struct word *w, const char *what,
                         const struct nearest *n, const char *hint)
{
	if (n->best)
		return config_fail(p, w, "%s \"%.40s\"; did you mean \"%s\"?", what, w->text,
		                   n->best);
	return config_fail(p, w, "%s \"%.40s\"; %s", what, w->text, hint);
}
