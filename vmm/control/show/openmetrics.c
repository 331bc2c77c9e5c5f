/* SPDX-License-Identifier: BSD-2-Clause */
/* openmetrics.c: see openmetrics.h. */
#include <stdio.h>
#include <string.h>
#include "vmm/control/show/openmetrics.h"
#include "vmm/control/show/utf8.h"

#define NS 1000000000ull /* in a second */

static void put_text(struct metrics *m, const char *text)
{
	m->put(m->ctx, text, strlen(text));
}

/* A family's name, as all its lines begin: with its unit. */
static void put_name(struct metrics *m)
{
	put_text(m, m->family->name);
	if (m->family->unit) {
		put_text(m, "_");
		put_text(m, m->family->unit);
	}
}

/* What the names of its samples have besides. */
static const char *suffix(const struct metric_family *f)
{
	return f->type == METRIC_COUNTER ? "_total" : f->type == METRIC_INFO ? "_info" : "";
}

/* ---- the head of a family ---- */

static const char *type_name(const struct metrics *m)
{
	static const char *const name[] = {[METRIC_GAUGE] = "gauge",
	                                   [METRIC_COUNTER] = "counter",
	                                   [METRIC_INFO] = "info",
	                                   [METRIC_STATESET] = "stateset"};
	enum metric_type type = m->family->type;
	return name[m->prometheus && type != METRIC_COUNTER ? METRIC_GAUGE : type];
}

/* OpenMetrics names the family in its head, Prometheus its samples. */
static void put_head(struct metrics *m, const char *what, const char *text)
{
	put_text(m, "# ");
	put_text(m, what);
	put_text(m, " ");
	put_name(m);
	put_text(m, m->prometheus ? suffix(m->family) : "");
	put_text(m, " ");
	put_text(m, text);
	put_text(m, "\n");
}

void metrics_family(struct metrics *m, const struct metric_family *f)
{
	m->family = f;
	put_head(m, "TYPE", type_name(m));
	if (f->unit && !m->prometheus)
		put_head(m, "UNIT", f->unit);
	put_head(m, "HELP", f->help);
}

/* ---- samples ---- */

/* Writes the next character of a label's value; returns how many bytes it covers. */
static unsigned put_character(struct metrics *m, const char *s)
{
	unsigned n = utf8_length((const uint8_t *)s);
	if (*s == '\n')
		put_text(m, "\\n");
	else if (!n || (*s >= 0 && *s < ' ') || *s == 0x7f)
		put_text(m, "\xef\xbf\xbd");
	else {
		put_text(m, *s == '"' || *s == '\\' ? "\\" : "");
		m->put(m->ctx, s, n);
	}
	return n ? n : 1;
}

static void put_label(struct metrics *m, const char *name, size_t len, const char *value)
{
	m->put(m->ctx, name, len);
	put_text(m, "=\"");
	while (*value)
		value += put_character(m, value);
	put_text(m, "\"");
}

/* Writes the sample's name and labels; those of a state have the family's name as the last one. */
static void put_labels(struct metrics *m, const char *const *value, const char *state)
{
	const char *between = "{";
	put_name(m);
	put_text(m, suffix(m->family));
	for (const char *p = m->family->labels; *p; p += *p == ',') {
		const char *comma = strchr(p, ',');
		size_t len = comma ? (size_t)(comma - p) : strlen(p);
		put_text(m, between);
		put_label(m, p, len, *value++);
		p += len;
		between = ",";
	}
	if (state) {
		put_text(m, between);
		put_label(m, m->family->name, strlen(m->family->name), state);
		between = ",";
	}
	put_text(m, *between == ',' ? "} " : " ");
}

void metrics_number(struct metrics *m, const char *const *value, uint64_t n)
{
	char text[24];
	put_labels(m, value, NULL);
	snprintf(text, sizeof text, "%llu\n", (unsigned long long)n);
	put_text(m, text);
}

void metrics_nanoseconds(struct metrics *m, const char *const *value, uint64_t n)
{
	char text[32];
	put_labels(m, value, NULL);
	snprintf(text, sizeof text, "%llu.%09llu\n", (unsigned long long)(n / NS),
	         (unsigned long long)(n % NS));
	put_text(m, text);
}

void metrics_states(struct metrics *m, const char *const *value, const char *const *state,
                    unsigned states, unsigned now)
{
	for (unsigned i = 0; i < states; i++) {
		put_labels(m, value, state[i]);
		put_text(m, i == now ? "1\n" : "0\n");
	}
}

/* ---- the text ---- */

void metrics_begin(struct metrics *m, bool prometheus, void (*put)(void *, const char *, size_t),
                   void *ctx)
{
	*m = (struct metrics){.put = put, .ctx = ctx, .prometheus = prometheus};
}

void metrics_end(struct metrics *m)
{
	put_text(m, m->prometheus ? "" : "# EOF\n");
}
