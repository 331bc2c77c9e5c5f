/* SPDX-License-Identifier: BSD-2-Clause */
/* An answer in both forms, escapes, alignment, and calls that do not fit the nesting. */
#include "tests/unit/rig/config_text.h"
#include "vmm/control/show/out.h"

static const struct out_column guest_columns[] = {
    {"guest", 8, false}, {"state", 0, false}, {"exits", 7, true},
    {"memory", 0, true}, {"mac", 0, false},
};

typedef void answer(struct out *o);

static void check(answer *write, const char *as_text, const char *as_json)
{
	struct text t = {0}, j = {0};
	struct out o;

	text_add(&t, "");
	out_begin(&o, false, text_put, &t);
	write(&o);
	out_end(&o);
	assert_string_equal(t.at, as_text);
	out_begin(&o, true, text_put, &j);
	write(&o);
	out_end(&o);
	assert_string_equal(j.at, as_json);
	free(t.at);
	free(j.at);
}

static void write_nothing(struct out *o)
{
	(void)o;
}

static void write_tables(struct out *o)
{
	out_begin_table(o, "guests", guest_columns, 5);
	out_row(o);
	out_string(o, NULL, "alice");
	out_string(o, NULL, "running");
	out_number(o, NULL, 12345678901ull);
	out_size(o, NULL, 256ull << 20);
	out_mac(o, NULL, 0x0a0000005452ull);
	out_row(o);
	out_string(o, NULL, "bob-with-a-long-name");
	out_string(o, NULL, NULL);
	out_signed(o, NULL, -1);
	out_end_table(o);
	out_begin_table(o, "none", guest_columns, 2);
	out_end_table(o);
}

static void write_objects(struct out *o)
{
	out_string(o, "node", "a \"b\" \\ \n\x01\xc3\xa4\xc3(\xed\xa0\x80\xf0\x9f\x98\x80");
	out_string(o, "empty", "");
	out_begin_object(o, "memory");
	out_size(o, "total", 3ull << 30);
	out_size(o, "odd", 1025);
	out_size(o, "zero", 0);
	out_size(o, "huge", UINT64_MAX);
	out_begin_object(o, "inner");
	out_bool(o, "yes", true);
	out_bool(o, "no", false);
	out_begin_table(o, "rows", guest_columns, 1);
	out_row(o);
	out_string(o, NULL, "x");
	out_end_table(o);
	out_end_object(o);
	out_end_object(o);
	out_null(o, "last");
}

static void test_nothing(void **state)
{
	(void)state;
	check(write_nothing, "", "{}\n");
}

static void test_tables(void **state)
{
	(void)state;
	check(write_tables,
	      "guest     state    exits  memory  mac\n"
	      "alice     running  12345678901    256M  52:54:00:00:00:0a\n"
	      "bob-with-a-long-name  -           -1       -  -\n"
	      "\n"
	      "guest     state\n",
	      "{\"guests\":[{\"guest\":\"alice\",\"state\":\"running\",\"exits\":12345678901,"
	      "\"memory\":268435456,\"mac\":\"52:54:00:00:00:0a\"},"
	      "{\"guest\":\"bob-with-a-long-name\",\"state\":null,\"exits\":-1,"
	      "\"memory\":null,\"mac\":null}],\"none\":[]}\n");
}

static void test_objects(void **state)
{
	(void)state;
	check(write_objects,
	      "node: a \"b\" \\ \\x0a\\x01\xc3\xa4\\xc3(\\xed\\xa0\\x80\xf0\x9f\x98\x80\n"
	      "empty: \"\"\n"
	      "memory:\n"
	      "  total: 3G\n"
	      "  odd: 1025\n"
	      "  zero: 0\n"
	      "  huge: 18446744073709551615\n"
	      "  inner:\n"
	      "    yes: yes\n"
	      "    no: no\n"
	      "\n"
	      "    guest\n"
	      "    x\n"
	      "last: -\n",
	      "{\"node\":\"a \\\"b\\\" \\\\ \\u000a\\u0001\xc3\xa4\\ufffd(\\ufffd\\ufffd\\ufffd"
	      "\xf0\x9f\x98\x80\",\"empty\":\"\",\"memory\":{\"total\":3221225472,\"odd\":1025,"
	      "\"zero\":0,\"huge\":18446744073709551615,\"inner\":{\"yes\":true,\"no\":false,"
	      "\"rows\":[{\"guest\":\"x\"}]}},\"last\":null}\n");
}

/* What does not fit is counted and left out; what is still open at the end is closed. */
static void write_wrong(struct out *o)
{
	out_row(o);
	out_end_table(o);
	out_number(o, NULL, 1);
	out_begin_table(o, "t", guest_columns, 2);
	out_number(o, NULL, 1);
	out_row(o);
	out_number(o, "name", 1);
	out_begin_object(o, "in-a-row");
	out_number(o, "lost", 1);
	out_end_object(o);
	out_end_object(o);
	out_number(o, NULL, 1);
	out_number(o, NULL, 2);
	out_number(o, NULL, 3);
	out_row(o);
	assert_int_equal(o->errors, 9);
}

static void test_wrong(void **state)
{
	(void)state;
	check(write_wrong, "guest     state\n1         2\n-         -\n",
	      "{\"t\":[{\"guest\":1,\"state\":2},{\"guest\":null,\"state\":null}]}\n");
}

static void test_depth(void **state)
{
	struct text j = {0};
	struct out o;

	(void)state;
	out_begin(&o, true, text_put, &j);
	for (unsigned i = 1; i < OUT_DEPTH + 2; i++)
		out_begin_object(&o, "o");
	assert_int_equal(o.errors, 2);
	for (unsigned i = 1; i < OUT_DEPTH + 2; i++)
		out_end_object(&o);
	out_number(&o, "n", 1);
	out_end(&o);
	assert_string_equal(j.at,
	                    "{\"o\":{\"o\":{\"o\":{\"o\":{\"o\":{\"o\":{\"o\":{}}}}}}},\"n\":1}\n");
	free(j.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing), cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_objects), cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
