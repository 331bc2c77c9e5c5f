/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Golden files: refused texts with their messages, accepted texts with their canonical form.
 *
 * A file is a list of cases: `@case NAME`, the text, `@expect`, the expected output.
 * `build/unit/test_config --write` rewrites both files with the output of the present code, to be
 * reviewed as a diff.
 */
#include "tests/unit/rig/config_text.h"

#define ERRORS   "tests/unit/golden/config_errors.txt"
#define ACCEPTED "tests/unit/golden/config_accepted.txt"

struct golden {
	char name[64];
	struct text input, expected;
};

static void golden_free(struct golden *g)
{
	free(g->input.at);
	free(g->expected.at);
	memset(g, 0, sizeof *g);
	text_add(&g->input, "");
	text_add(&g->expected, "");
}

static FILE *rewritten; /* the new file; NULL: cases are compared */

typedef void run_case(const char *text, struct text *got);

static void check_case(struct golden *g, run_case *run)
{
	struct text got = {0};

	if (!g->name[0])
		return;
	run(g->input.at, &got);
	if (rewritten)
		fprintf(rewritten, "@case %s\n%s@expect\n%s", g->name, g->input.at, got.at);
	else if (strcmp(got.at, g->expected.at) != 0)
		fail_msg("case %s:\nexpected %sgot      %s", g->name, g->expected.at, got.at);
	free(got.at);
}

static unsigned run_file(const char *path, run_case *run)
{
	struct golden g = {0};
	struct text *section = NULL;
	char line[8192];
	unsigned n = 0;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	golden_free(&g);
	while (fgets(line, sizeof line, f)) {
		if (strncmp(line, "@case ", 6) == 0) {
			check_case(&g, run);
			golden_free(&g);
			assert_int_equal(sscanf(line, "@case %63s", g.name), 1);
			section = &g.input;
			n++;
		} else if (strcmp(line, "@expect\n") == 0) {
			section = &g.expected;
		} else if (section) {
			text_add(section, line);
		} else if (rewritten) {
			fputs(line, rewritten); /* the heading */
		}
	}
	check_case(&g, run);
	free(g.input.at);
	free(g.expected.at);
	fclose(f);
	return n;
}

/* A refused text leaves the live description as it was, to the last byte. */
static void run_error(const char *text, struct text *got)
{
	struct config *c = new_config();
	struct config_report r;
	char message[400];
	void *before = malloc(sizeof *config_live(c));

	memcpy(before, config_live(c), sizeof *config_live(c));
	if (config_read(c, text, strlen(text), &r) != CONFIG_REFUSED) {
		text_add(got, "taken\n");
	} else {
		config_format(&r.error, "patio.conf", message, sizeof message);
		text_add(got, message);
		text_add(got, "\n");
	}
	assert_memory_equal(before, config_live(c), sizeof *config_live(c));
	free(before);
	free(c);
}

static void add_warnings(const struct config_report *r, struct text *got)
{
	char message[400];

	for (uint32_t i = 0; i < r->warnings && i < CONFIG_WARNINGS; i++) {
		config_format(&r->warning[i], "warning", message, sizeof message);
		text_add(got, message);
		text_add(got, "\n");
	}
}

/* parse(print(x)) == x: printed again it is the same text, and no guest or network has another
 * slot. */
static void check_round_trip(const struct node_config *n, const char *text)
{
	struct config *again = new_config();
	const struct node_config *m;
	struct text canonical;

	accept_text(again, text);
	m = config_live(again);
	canonical = printed(m);
	assert_string_equal(canonical.at, text);
	assert_int_equal(m->guests, n->guests);
	assert_int_equal(m->routes, n->routes);
	for (unsigned i = 0; i < n->guests; i++)
		assert_memory_equal(m->guest[i].name, n->guest[i].name, CONFIG_NAME);
	for (unsigned i = 0; i < n->ports; i++) {
		int slot = config_find_port(m, n->port[i].name);

		assert_true(!n->port[i].name[0] || slot >= 0);
		if (n->port[i].name[0])
			assert_int_equal(m->port[slot].mtu, n->port[i].mtu);
	}
	free(canonical.at);
	free(again);
}

static void run_accepted(const char *text, struct text *got)
{
	struct config *c = new_config();
	struct config_report r;
	char message[400];

	if (config_read(c, text, strlen(text), &r) == CONFIG_REFUSED) {
		config_format(&r.error, "refused", message, sizeof message);
		text_add(got, message);
		text_add(got, "\n");
	} else {
		struct text canonical = printed(config_staged(c));

		add_warnings(&r, got);
		text_add(got, canonical.at);
		check_round_trip(config_staged(c), canonical.at);
		free(canonical.at);
	}
	free(c);
}

static void test_errors(void **state)
{
	(void)state;
	assert_true(run_file(ERRORS, run_error) >= 60);
}

static void test_accepted(void **state)
{
	(void)state;
	assert_true(run_file(ACCEPTED, run_accepted) >= 8);
}

static bool rewrite(const char *path, run_case *run)
{
	char draft[100];

	snprintf(draft, sizeof draft, "%s.new", path);
	rewritten = fopen(draft, "w");
	if (!rewritten)
		return false;
	run_file(path, run);
	return !fclose(rewritten) && !rename(draft, path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_accepted),
	};

	if (argc > 1 && !strcmp(argv[1], "--write"))
		return !(rewrite(ERRORS, run_error) && rewrite(ACCEPTED, run_accepted));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
