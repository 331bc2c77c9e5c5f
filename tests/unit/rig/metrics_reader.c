/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_reader.c: see metrics_reader.h. */
#include "tests/unit/rig/metrics_reader.h"
#include <regex.h>
#include "tests/unit/rig/config_text.h"

/* What is known of the present family while its lines are read. */
struct reader {
	bool prometheus;
	char family[100], type[20];
	bool unit, help;
	unsigned families, samples;
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

static void read_type(struct reader *r, const char *line)
{
	assert_int_equal(sscanf(line, "# TYPE %99s %19s", r->family, r->type), 2);
	match(line, r->prometheus ? "^# TYPE patio[a-z0-9_]* (gauge|counter)$"
	                          : "^# TYPE patio[a-z0-9_]* (gauge|counter|info|stateset)$");
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
	assert_true(strcmp(r->type, "gauge") == 0 || strcmp(r->type, "counter") == 0);
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

/* A sample follows its family's head, has its name and suffix, and comes once. */
static void read_sample(struct reader *r, const char *line)
{
	char want[120], *value = strrchr(line, ' ');
	assert_true(r->help);
	match(line,
	      "^[a-z0-9_]+(\\{[a-z_]+=\"([^\"\\]|\\\\[\"\\n])*\"(,[a-z_]+=\"([^\"\\]|\\\\[\"\\n]"
	      ")*\")*\\})? [0-9]+(\\.[0-9]{9})?$");
	snprintf(want, sizeof want, "%s%s", r->family,
	         r->prometheus                     ? ""
	         : strcmp(r->type, "counter") == 0 ? "_total"
	         : strcmp(r->type, "info") == 0    ? "_info"
	                                           : "");
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
	free(copy);
	free(r);
	return samples.at;
}
