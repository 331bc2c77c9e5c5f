/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_reader.c: see metrics_reader.h. */
#include "tests/unit/rig/metrics_reader.h"
#include <inttypes.h>
#include <regex.h>
#include "tests/unit/rig/config_text.h"

/* The samples of one object of a histogram, as far as they were read. */
struct series {
	bool begun, infinite, sum, count;
	char labels[300]; /* without `le` */
	double le;        /* of the last bucket */
	uint64_t below;   /* its value */
};

/* What is known of the present family while its lines are read. */
struct reader {
	bool prometheus;
	char family[100], type[20];
	bool unit, help;
	unsigned families, samples;
	struct series series;
	char seen[200][100];    /* families so far */
	char sample[2000][300]; /* samples of all, without their values */
};

static void match(const char *line, const char *pattern)
{
	regex_t r;

	assert_int_equal(regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&r, line, 0, NULL, 0) != 0)
		fail_msg("%s\nis not of the form %s", line, pattern);
	regfree(&r);
}

/* ---- histograms ---- */

/* A series has all its samples before the next one begins. */
static void end_series(struct reader *r)
{
	const struct series *s = &r->series;

	if (s->begun && !(s->infinite && s->sum && s->count))
		fail_msg("%s{%s} lacks a bucket +Inf, a sum or a count", r->family, s->labels);
	r->series = (struct series){0};
}

/* A bucket is above the last one, and has no fewer values; `+Inf` is the last. */
static void read_bucket(struct series *s, const char *le, uint64_t below)
{
	double bound = strtod(le, NULL);

	if (s->infinite || s->sum || s->count)
		fail_msg("{%s}: bucket %s comes late", s->labels, le);
	if (s->begun && (bound <= s->le || below < s->below))
		fail_msg("{%s}: bucket %g has %" PRIu64 ", the next one, %s, %" PRIu64, s->labels,
		         s->le, s->below, le, below);
	s->infinite = strncmp(le, "+Inf\"", 5) == 0;
	s->le = bound;
	s->below = below;
}

/* Takes `le`, the last label, from the others; returns its value, or NULL if there is none. */
static const char *cut_bound(char *labels)
{
	char *le = strstr(labels, "le=\"");

	if (!le || (le > labels && le[-1] != ','))
		return NULL;
	le[le > labels ? -1 : 0] = 0;
	return le + strlen("le=\"");
}

static void read_part(struct reader *r, const char *suffix, char *labels, const char *value)
{
	struct series *s = &r->series;
	const char *le = cut_bound(labels);

	if (s->begun && strcmp(s->labels, labels) != 0)
		end_series(r);
	strcpy(s->labels, labels);
	assert_int_equal(le != NULL, strcmp(suffix, "_bucket") == 0);
	if (le)
		read_bucket(s, le, strtoull(value, NULL, 10));
	else if (strcmp(suffix, "_sum") == 0)
		s->sum = true;
	else {
		assert_true(s->infinite);
		assert_int_equal(strtoull(value, NULL, 10), s->below);
		s->count = true;
	}
	s->begun = true;
}

/* ---- lines ---- */

static void read_type(struct reader *r, const char *line)
{
	end_series(r);
	assert_int_equal(sscanf(line, "# TYPE %99s %19s", r->family, r->type), 2);
	match(line, r->prometheus ? "^# TYPE patio[a-z0-9_]* (gauge|counter|histogram)$"
	                          : "^# TYPE patio[a-z0-9_]* "
	                            "(gauge|counter|info|stateset|histogram)$");
	for (unsigned i = 0; i < r->families; i++)
		assert_string_not_equal(r->seen[i], r->family);
	assert_true(r->families < sizeof r->seen / sizeof r->seen[0]);
	strcpy(r->seen[r->families++], r->family);
	r->unit = r->help = false;
}

/* The unit comes between type and help, and ends the family's name (without `_total`). */
static void read_unit(struct reader *r, const char *line)
{
	char name[100], unit[20];

	assert_false(r->prometheus || r->unit || r->help);
	assert_int_equal(sscanf(line, "# UNIT %99s %19s", name, unit), 2);
	assert_string_equal(name, r->family);
	assert_true(strcmp(r->type, "info") != 0 && strcmp(r->type, "stateset") != 0);
	assert_string_equal(name + strlen(name) - strlen(unit), unit);
	r->unit = true;
}

static void read_help(struct reader *r, const char *line)
{
	char name[100];

	assert_false(r->help);
	assert_int_equal(sscanf(line, "# HELP %99s ", name), 1);
	assert_string_equal(name, r->family);
	match(line, "^# HELP [a-z0-9_]+ [A-Z][^\"\\]*\\.$");
	if (!r->prometheus)
		assert_int_equal(r->unit, strstr(name, "_bytes") || strstr(name, "_seconds"));
	r->help = true;
}

/* What the names of a family's samples have besides, which is in its head in the Prometheus form; a
 * histogram's have one of three. */
static const char *suffix_of(const struct reader *r, const char *line)
{
	static const char *const part[] = {"_bucket", "_sum", "_count"};
	size_t n = strlen(r->family);

	if (strcmp(r->type, "histogram") == 0 && strncmp(line, r->family, n) == 0)
		for (unsigned i = 0; i < sizeof part / sizeof part[0]; i++)
			if (strncmp(line + n, part[i], strlen(part[i])) == 0)
				return part[i];
	return r->prometheus                     ? ""
	       : strcmp(r->type, "counter") == 0 ? "_total"
	       : strcmp(r->type, "info") == 0    ? "_info"
	                                         : "";
}

/* A sample follows its family's head, has its name and suffix, and comes once. */
static void read_sample(struct reader *r, const char *line)
{
	const char *suffix = suffix_of(r, line);
	char want[120], labels[300] = "", *value = strrchr(line, ' ');

	assert_true(r->help);
	match(line,
	      "^[a-z0-9_]+(\\{[a-z_]+=\"([^\"\\]|\\\\[\"\\n])*\"(,[a-z_]+=\"([^\"\\]|\\\\[\"\\n]"
	      ")*\")*\\})? [0-9]+(\\.[0-9]{9})?$");
	snprintf(want, sizeof want, "%s%s", r->family, suffix);
	assert_int_equal(strncmp(line, want, strlen(want)), 0);
	assert_true(line[strlen(want)] == '{' || line[strlen(want)] == ' ');
	if (r->prometheus)
		assert_int_equal(strcmp(want + strlen(want) - 6, "_total") == 0,
		                 strcmp(r->type, "counter") == 0);
	assert_true(r->samples < sizeof r->sample / sizeof r->sample[0]);
	snprintf(r->sample[r->samples], sizeof r->sample[0], "%.*s", (int)(value - line), line);
	for (unsigned i = 0; i < r->samples; i++)
		assert_string_not_equal(r->sample[i], r->sample[r->samples]);
	r->samples++;
	sscanf(line + strlen(want), "{%299[^}]", labels);
	if (strcmp(r->type, "histogram") == 0)
		read_part(r, suffix, labels, value);
}

static void read_line(struct reader *r, const char *line)
{
	if (strncmp(line, "# TYPE ", 7) == 0)
		read_type(r, line);
	else if (strncmp(line, "# UNIT ", 7) == 0)
		read_unit(r, line);
	else if (strncmp(line, "# HELP ", 7) == 0)
		read_help(r, line);
	else
		read_sample(r, line);
}

/* The text without its end. */
static char *without_end(const char *text, bool prometheus)
{
	static const char eof[] = "# EOF\n";
	char *copy = strdup(text), *end = copy + strlen(copy);

	if (!prometheus) {
		end -= strlen(eof);
		assert_true(end > copy);
		assert_string_equal(end, eof);
	}
	*end = 0;
	assert_int_equal(end[-1], '\n');
	return copy;
}

char *metrics_read(const char *text, bool prometheus)
{
	struct reader *r = calloc(1, sizeof *r);
	struct text samples = {0};
	char *copy = without_end(text, prometheus);

	r->prometheus = prometheus;
	text_add(&samples, "");
	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
		read_line(r, line);
		if (*line == '#')
			continue;
		text_add(&samples, line);
		text_add(&samples, "\n");
	}
	end_series(r);
	free(copy);
	free(r);
	return samples.at;
}
