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
	                                   [METRIC_STATESET] = "stateset",
	                                   [METRIC_HISTOGRAM] = "histogram"};
	enum metric_type type = m->family->type;
	bool openmetrics_only = type == METRIC_INFO || type == METRIC_STATESET;

	return name[m->prometheus && openmetrics_only ? METRIC_GAUGE : type];
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

/* A label that a family does not name: of a state the family's name, of a bucket `le`. */
struct last_label {
	const char *name, *value;
};

/* Writes the sample's name, of which `part` is the end, and its labels; last: NULL, or one more. */
static void put_labels(struct metrics *m, const char *part, const char *const *value,
                       const struct last_label *last)
{
	const char *between = "{";

	put_name(m);
	put_text(m, part);
	for (const char *p = m->family->labels; *p; p += *p == ',') {
		const char *comma = strchr(p, ',');
		size_t len = comma ? (size_t)(comma - p) : strlen(p);

		put_text(m, between);
		put_label(m, p, len, *value++);
		p += len;
		between = ",";
	}
	if (last) {
		put_text(m, between);
		put_label(m, last->name, strlen(last->name), last->value);
		between = ",";
	}
	put_text(m, *between == ',' ? "} " : " ");
}

static void put_number(struct metrics *m, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%llu\n", (unsigned long long)n);
	put_text(m, text);
}

static void put_nanoseconds(struct metrics *m, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof text, "%llu.%09llu\n", (unsigned long long)(n / NS),
	         (unsigned long long)(n % NS));
	put_text(m, text);
}

void metrics_number(struct metrics *m, const char *const *value, uint64_t n)
{
	put_labels(m, suffix(m->family), value, NULL);
	put_number(m, n);
}

void metrics_nanoseconds(struct metrics *m, const char *const *value, uint64_t n)
{
	put_labels(m, suffix(m->family), value, NULL);
	put_nanoseconds(m, n);
}

void metrics_states(struct metrics *m, const char *const *value, const char *const *state,
                    unsigned states, unsigned now)
{
	for (unsigned i = 0; i < states; i++) {
		put_labels(m, suffix(m->family), value,
		           &(struct last_label){m->family->name, state[i]});
		put_text(m, i == now ? "1\n" : "0\n");
	}
}

/* ---- histograms ---- */

#define BOUND 40 /* bytes of a bound as text, with its NUL */

/*
 * Nanoseconds in seconds, below 10^6, in the form in which the specification wants bounds
 * ("Canonical Numbers") and Go prints them: as short as possible, below 0.0001 with an exponent.  A
 * reader takes another text of the same number for another bucket.
 */
static void bound_text(char text[BOUND], uint64_t ns)
{
	bool small = ns && ns < NS / 10000;
	unsigned long long unit = NS; /* of what stands before the point */
	unsigned digits = 9;          /* behind it */
	char *last;

	for (; small && unit > ns; digits--)
		unit /= 10;
	last = text - 1 + snprintf(text, BOUND, "%llu.%0*llu", ns / unit, (int)digits, ns % unit);
	while (*last == '0' && (small || last[-1] != '.'))
		*last-- = 0;
	if (*last == '.')
		*last-- = 0;
	if (small)
		snprintf(last + 1, 5, "e-0%u", 9 - digits);
}

static void put_bucket(struct metrics *m, const char *const *value, const char *le, uint64_t count)
{
	put_labels(m, "_bucket", value, &(struct last_label){"le", le});
	put_number(m, count);
}

void metrics_histogram(struct metrics *m, const char *const *value,
                       const struct metric_histogram *h)
{
	char le[BOUND];

	for (unsigned i = 0; i < h->buckets; i++) {
		bound_text(le, h->bucket[i].le);
		put_bucket(m, value, le, h->bucket[i].count);
	}
	put_bucket(m, value, "+Inf", h->count);
	put_labels(m, "_sum", value, NULL);
	put_nanoseconds(m, h->sum);
	put_labels(m, "_count", value, NULL);
	put_number(m, h->count);
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
