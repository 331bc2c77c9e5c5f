/* SPDX-License-Identifier: BSD-2-Clause */
/* Both forms of metrics: heads, samples, escapes. */
#include "tests/unit/rig/config_text.h"
#include "vmm/control/show/openmetrics.h"

typedef void answer(struct metrics *m);

static void check(answer *write, const char *openmetrics, const char *prometheus)
{
	struct text got[2] = {{0}};
	struct metrics m;
	for (unsigned i = 0; i < 2; i++) {
		text_add(&got[i], "");
		metrics_begin(&m, i, text_put, &got[i]);
		write(&m);
		metrics_end(&m);
	}
	assert_string_equal(got[0].at, openmetrics);
	assert_string_equal(got[1].at, prometheus);
	free(got[0].at);
	free(got[1].at);
}

static void nothing(struct metrics *m)
{
	(void)m;
}

static void test_nothing(void **state)
{
	(void)state;
	check(nothing, "# EOF\n", "");
}

static void counters(struct metrics *m)
{
	static const struct metric_family lines = {"log_lines", METRIC_COUNTER, NULL, "", "Lines."};
	static const struct metric_family in = {"in", METRIC_COUNTER, "bytes", "port,cause",
	                                        "What came in."};
	metrics_family(m, &lines);
	metrics_number(m, NULL, 0);
	metrics_family(m, &in);
	metrics_number(m, (const char *const[]){"a", "x"}, UINT64_MAX);
	metrics_number(m, (const char *const[]){"b", "y"}, 7);
}

static void test_counters(void **state)
{
	(void)state;
	check(counters,
	      "# TYPE log_lines counter\n"
	      "# HELP log_lines Lines.\n"
	      "log_lines_total 0\n"
	      "# TYPE in_bytes counter\n"
	      "# UNIT in_bytes bytes\n"
	      "# HELP in_bytes What came in.\n"
	      "in_bytes_total{port=\"a\",cause=\"x\"} 18446744073709551615\n"
	      "in_bytes_total{port=\"b\",cause=\"y\"} 7\n"
	      "# EOF\n",
	      "# TYPE log_lines_total counter\n"
	      "# HELP log_lines_total Lines.\n"
	      "log_lines_total 0\n"
	      "# TYPE in_bytes_total counter\n"
	      "# HELP in_bytes_total What came in.\n"
	      "in_bytes_total{port=\"a\",cause=\"x\"} 18446744073709551615\n"
	      "in_bytes_total{port=\"b\",cause=\"y\"} 7\n");
}

static void others(struct metrics *m)
{
	static const struct metric_family node = {"node", METRIC_INFO, NULL, "name", "A node."};
	static const struct metric_family up = {"up", METRIC_GAUGE, "seconds", "", "Time."};
	static const struct metric_family guest = {"guest", METRIC_STATESET, NULL, "name", "S."};
	static const struct metric_family role = {"role", METRIC_STATESET, NULL, "", "R."};
	static const char *const states[] = {"off", "on"};
	metrics_family(m, &node);
	metrics_number(m, (const char *const[]){"n"}, 1);
	metrics_family(m, &up);
	metrics_nanoseconds(m, NULL, 0);
	metrics_nanoseconds(m, NULL, 12003000004);
	metrics_family(m, &guest);
	metrics_states(m, (const char *const[]){"g"}, states, 2, 1);
	metrics_family(m, &role);
	metrics_states(m, NULL, states, 2, 0);
}

static void test_others(void **state)
{
	(void)state;
	check(others,
	      "# TYPE node info\n"
	      "# HELP node A node.\n"
	      "node_info{name=\"n\"} 1\n"
	      "# TYPE up_seconds gauge\n"
	      "# UNIT up_seconds seconds\n"
	      "# HELP up_seconds Time.\n"
	      "up_seconds 0.000000000\n"
	      "up_seconds 12.003000004\n"
	      "# TYPE guest stateset\n"
	      "# HELP guest S.\n"
	      "guest{name=\"g\",guest=\"off\"} 0\n"
	      "guest{name=\"g\",guest=\"on\"} 1\n"
	      "# TYPE role stateset\n"
	      "# HELP role R.\n"
	      "role{role=\"off\"} 1\n"
	      "role{role=\"on\"} 0\n"
	      "# EOF\n",
	      "# TYPE node_info gauge\n"
	      "# HELP node_info A node.\n"
	      "node_info{name=\"n\"} 1\n"
	      "# TYPE up_seconds gauge\n"
	      "# HELP up_seconds Time.\n"
	      "up_seconds 0.000000000\n"
	      "up_seconds 12.003000004\n"
	      "# TYPE guest gauge\n"
	      "# HELP guest S.\n"
	      "guest{name=\"g\",guest=\"off\"} 0\n"
	      "guest{name=\"g\",guest=\"on\"} 1\n"
	      "# TYPE role gauge\n"
	      "# HELP role R.\n"
	      "role{role=\"off\"} 1\n"
	      "role{role=\"on\"} 0\n");
}

/* Quotes, backslashes and newlines are escaped; what is not printable UTF-8 is replaced. */
static void escapes(struct metrics *m)
{
	static const struct metric_family f = {"f", METRIC_GAUGE, NULL, "l", "H."};
	metrics_family(m, &f);
	metrics_number(m, (const char *const[]){""}, 1);
	metrics_number(m, (const char *const[]){"a \"b\" \\ \n."}, 2);
	metrics_number(m, (const char *const[]){"\xc3\xa4\xf0\x9f\x98\x80\xc3(\xed\xa0\x80"}, 3);
	metrics_number(m, (const char *const[]){"\x01\r\x7f{}=,"}, 4);
}

#define BAD "\xef\xbf\xbd"
#define ESCAPED                                                                                    \
	"# HELP f H.\n"                                                                            \
	"f{l=\"\"} 1\n"                                                                            \
	"f{l=\"a \\\"b\\\" \\\\ \\n.\"} 2\n"                                                       \
	"f{l=\"\xc3\xa4\xf0\x9f\x98\x80" BAD "(" BAD BAD BAD "\"} 3\n"                             \
	"f{l=\"" BAD BAD BAD "{}=,\"} 4\n"

static void test_escapes(void **state)
{
	(void)state;
	check(escapes, "# TYPE f gauge\n" ESCAPED "# EOF\n", "# TYPE f gauge\n" ESCAPED);
}

/* As many labels as there can be. */
static void many_labels(struct metrics *m)
{
	static const struct metric_family f = {"f", METRIC_GAUGE, NULL, "a,b,c,d,e,f,g,h", "H."};
	metrics_family(m, &f);
	metrics_number(m, (const char *const[]){"1", "2", "3", "4", "5", "6", "7", "8"}, 9);
}

static void test_many_labels(void **state)
{
	static const char head[] = "# TYPE f gauge\n# HELP f H.\n";
	static const char sample[] = "f{a=\"1\",b=\"2\",c=\"3\",d=\"4\",e=\"5\",f=\"6\",g=\"7\","
	                             "h=\"8\"} 9\n";
	char openmetrics[200], prometheus[200];
	(void)state;
	snprintf(openmetrics, sizeof openmetrics, "%s%s# EOF\n", head, sample);
	snprintf(prometheus, sizeof prometheus, "%s%s", head, sample);
	check(many_labels, openmetrics, prometheus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing),     cmocka_unit_test(test_counters),
	    cmocka_unit_test(test_others),      cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_many_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
