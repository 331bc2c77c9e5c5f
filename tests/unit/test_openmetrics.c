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

static void histograms(struct metrics *m)
{
	static const struct metric_family time = {"time", METRIC_HISTOGRAM, "seconds", "a", "T."};
	static const struct metric_family all = {"all", METRIC_HISTOGRAM, "seconds", "", "A."};
	static const struct metric_bucket bucket[] = {{107, 0}, {1500000000, UINT64_MAX - 1}};

	metrics_family(m, &time);
	metrics_histogram(m, (const char *const[]){"x"},
	                  &(struct metric_histogram){bucket, 2, UINT64_MAX, 12003000004});
	metrics_histogram(m, (const char *const[]){"y"},
	                  &(struct metric_histogram){bucket, 1, 7, 8});
	metrics_family(m, &all);
	metrics_histogram(m, NULL, &(struct metric_histogram){NULL, 0, 0, 0});
}

#define TIMES                                                                                      \
	"# HELP time_seconds T.\n"                                                                 \
	"time_seconds_bucket{a=\"x\",le=\"1.07e-07\"} 0\n"                                         \
	"time_seconds_bucket{a=\"x\",le=\"1.5\"} 18446744073709551614\n"                           \
	"time_seconds_bucket{a=\"x\",le=\"+Inf\"} 18446744073709551615\n"                          \
	"time_seconds_sum{a=\"x\"} 12.003000004\n"                                                 \
	"time_seconds_count{a=\"x\"} 18446744073709551615\n"                                       \
	"time_seconds_bucket{a=\"y\",le=\"1.07e-07\"} 0\n"                                         \
	"time_seconds_bucket{a=\"y\",le=\"+Inf\"} 7\n"                                             \
	"time_seconds_sum{a=\"y\"} 0.000000008\n"                                                  \
	"time_seconds_count{a=\"y\"} 7\n"
#define ALL                                                                                        \
	"# HELP all_seconds A.\n"                                                                  \
	"all_seconds_bucket{le=\"+Inf\"} 0\n"                                                      \
	"all_seconds_sum 0.000000000\n"                                                            \
	"all_seconds_count 0\n"

static void test_histograms(void **state)
{
	(void)state;
	check(histograms,
	      "# TYPE time_seconds histogram\n# UNIT time_seconds seconds\n" TIMES
	      "# TYPE all_seconds histogram\n# UNIT all_seconds seconds\n" ALL "# EOF\n",
	      "# TYPE time_seconds histogram\n" TIMES "# TYPE all_seconds histogram\n" ALL);
}

/* The examples of "Canonical Numbers" in the specification, as far as they are whole nanoseconds,
 * and where the form changes. */
static void test_bounds(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} bound[] = {
	    {0, "0.0"},
	    {1, "1e-09"},
	    {9, "9e-09"},
	    {10, "1e-08"},
	    {106, "1.06e-07"},
	    {1000, "1e-06"},
	    {99999, "9.9999e-05"},
	    {100000, "0.0001"},
	    {100001, "0.000100001"},
	    {1000000, "0.001"},
	    {2000000, "0.002"},
	    {900000000, "0.9"},
	    {999000000, "0.999"},
	    {1000000000, "1.0"},
	    {1700000000, "1.7"},
	    {10000000000, "10.0"},
	    {100000000000000, "100000.0"},
	    {999999999999999, "999999.999999999"},
	};
	static const struct metric_family f = {"f", METRIC_HISTOGRAM, "seconds", "", "F."};

	(void)state;
	for (unsigned i = 0; i < sizeof bound / sizeof bound[0]; i++) {
		struct metric_bucket bucket = {bound[i].ns, 3};
		struct text got = {0};
		struct metrics m;
		char want[80];

		metrics_begin(&m, true, text_put, &got);
		metrics_family(&m, &f);
		metrics_histogram(&m, NULL, &(struct metric_histogram){&bucket, 1, 3, 3});
		snprintf(want, sizeof want, "{le=\"%s\"} 3\n", bound[i].text);
		if (!strstr(got.at, want))
			fail_msg("no %s in %s", want, got.at);
		free(got.at);
	}
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
	    cmocka_unit_test(test_many_labels), cmocka_unit_test(test_histograms),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
