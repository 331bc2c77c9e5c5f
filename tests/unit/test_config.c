/*
 * Golden files: refused texts with their messages, accepted texts with their canonical form.
 *
 * A file is a list of cases: `@case NAME`, the text, `@expect`, what must come out.  Run with
 * GOLDEN_SHOW=1 it prints each file as it would have to be.
 */
#include "tests/unit/config_test.h"

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

typedef void run_case(const char *text, struct text *got);

static void check_case(struct golden *g, run_case *run)
{
	struct text got = {0};
	if (!g->name[0])
		return;
	run(g->input.at, &got);
	if (getenv("GOLDEN_SHOW"))
		printf("@case %s\n%s@expect\n%s", g->name, g->input.at, got.at);
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

static void forget_lines(struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		n->guest[i].line = 0;
	for (unsigned i = 0; i < CONFIG_NETS; i++)
		n->net[i].line = 0;
	for (unsigned i = 0; i < CONFIG_PORTS; i++)
		n->port[i].line = 0;
}

static void check_qual(const struct vnet_qual *a, const struct vnet_qual *b)
{
	assert_int_equal(a->match, b->match);
	assert_int_equal(a->mac, b->mac);
}

static void check_route(const struct vnet_route *a, const struct vnet_route *b)
{
	check_qual(&a->src, &b->src);
	check_qual(&a->dst, &b->dst);
	assert_int_equal(a->net, b->net);
	assert_int_equal(a->from, b->from);
	assert_int_equal(a->to, b->to);
	assert_int_equal(a->reflect, b->reflect);
}

/* parse(print(x)) == x; but for the routes byte by byte, as their memory began as zero. */
static void check_round_trip(const struct node_config *n, const char *text)
{
	struct config *again = new_config();
	struct node_config *a = malloc(sizeof *a), *b = malloc(sizeof *b);
	accept_text(again, text);
	memcpy(a, n, sizeof *a);
	memcpy(b, config_live(again), sizeof *b);
	forget_lines(a);
	forget_lines(b);
	assert_memory_equal(a, b, offsetof(struct node_config, route));
	for (unsigned i = 0; i < a->routes; i++)
		check_route(&a->route[i], &b->route[i]);
	free(a);
	free(b);
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
		if (!strstr(text, "remove"))
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
