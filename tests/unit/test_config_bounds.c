/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes that a text may have, every bound at its last good and first bad value, and that a
 * refused text changes nothing.
 */
#include "lib/address_text.h"
#include "tests/unit/rig/config_text.h"
#include "vmm/config/parse.h"

static void test_bytes(void **state)
{
	struct config *c = new_config();

	(void)state;
#define REFUSE(text, message) refuse_text(c, text, sizeof(text) - 1, message)
	REFUSE("log\0info", "text:1:4: a NUL byte; the text is plain ASCII");
	REFUSE("log info\n\0", "text:2:1: a NUL byte; the text is plain ASCII");
	REFUSE("# a\0b", "text:1:4: a NUL byte; the text is plain ASCII");
	REFUSE("log\x1b info", "text:1:4: control character 0x1b; the text is plain ASCII");
	REFUSE("log info\rlog info", "text:1:9: control character 0x0d; the text is plain ASCII");
	REFUSE("log info \x7f", "text:1:10: control character 0x7f; the text is plain ASCII");
	REFUSE("log \xc3\xa4",
	       "text:1:5: byte 0xc3 outside quotes and comments; words are plain ASCII");
	REFUSE("log info # \x1b", "text:1:12: control character 0x1b; the text is plain ASCII");
	REFUSE("guest a kernel \"\0\"", "text:1:17: a NUL byte; the text is plain ASCII");
	REFUSE("guest a kernel \"\x01\"",
	       "text:1:17: control character 0x01; the text is plain ASCII");
	REFUSE("guest a kernel \"k",
	       "text:1:16: the quote that opens here is not closed on its line");
	REFUSE("guest a kernel \"k\\",
	       "text:1:18: inside quotes `\\` stands only before `\"` or `\\`");
	REFUSE("log info \\", "text:1:10: a `\\` outside quotes stands only at a line's end");
	free(c);
}

/* UTF-8 where it says nothing to the node; its mark in front of the text, and there only. */
static void test_utf8(void **state)
{
	struct config *c = new_config();

	(void)state;
	accept_text(c, "\xef\xbb\xbflog debug # \xc3\xa4\n# \xe6\x97\xa5\xe6\x9c\xac\xff\n");
	assert_int_equal(config_live(c)->log, CONFIG_LOG_DEBUG);
	accept_text(c, "\xef\xbb\xbf");
	REFUSE("\xef\xbb\xbflog inf", "text:1:5: unknown word \"inf\"; did you mean \"info\"?");
	REFUSE("log info\n\xef\xbb\xbflog info",
	       "text:2:1: byte 0xef outside quotes and comments; words are plain ASCII");
	REFUSE("\xef\xbblog info",
	       "text:1:1: byte 0xef outside quotes and comments; words are plain ASCII");
	free(c);
}

static void test_line_ends(void **state)
{
	struct config *c = new_config();

	(void)state;
	accept_text(c, "log debug\r\nguest a \\\r\n kernel k\r\n\r\nguest b kernel \"\xc3\xa4\t\"");
	assert_int_equal(config_live(c)->log, CONFIG_LOG_DEBUG);
	assert_int_equal(config_live(c)->guests, 2);
	assert_int_equal(config_live(c)->guest[1].line, 5);
	assert_string_equal(config_live(c)->guest[1].kernel, "\xc3\xa4\t");
	accept_text(c, "guest c kernel \\\nk");
	accept_text(c, "log info \\\n");
	free(c);
}

/* `first`, n times `fill`, `last`: the caller frees it. */
static struct text long_text(const char *first, size_t n, const char *fill, const char *last)
{
	struct text t = {0};

	text_add(&t, first);
	while (n--)
		text_add(&t, fill);
	text_add(&t, last);
	return t;
}

static void refuse_long(struct config *c, struct text t, const char *message)
{
	refuse_text(c, t.at, t.len, message);
	free(t.at);
}

static void accept_long(struct config *c, struct text t)
{
	accept_text(c, t.at);
	free(t.at);
}

static void test_lengths(void **state)
{
	struct config *c = new_config();

	(void)state;
	accept_long(c, long_text("log info", CONFIG_LINE - 8, " ", "\n"));
	refuse_long(c, long_text("log info", CONFIG_LINE - 7, " ", "\n"),
	            "text:1:4097: the line is longer than 4096 bytes");
	refuse_long(c, long_text("#", CONFIG_LINE, "x", ""),
	            "text:1:4097: the line is longer than 4096 bytes");
	accept_long(c, long_text("log info", CONFIG_STATEMENT - 8, "\\\n", ""));
	refuse_long(c, long_text("log info", CONFIG_STATEMENT - 7, "\\\n", ""),
	            "text:8185:1: the statement is longer than 8192 bytes");
	refuse_long(c, long_text("", CONFIG_WORDS + 1, "a ", ""),
	            "text:1:513: more than 256 words in one line");
	refuse_long(c, long_text("guest a", CONFIG_TERMS, " module m", ""),
	            "text:1:288: more than 32 terms in one statement");
	accept_long(c, long_text("log info", CONFIG_TEXT - 8, "\n", ""));
	refuse_long(c, long_text("log info", CONFIG_TEXT - 7, "\n", ""),
	            "text:1:1: the text has more than 1048576 bytes");
	free(c);
}

/* The longest guest there can be, its texts all escapes, is printed so that it can be read. */
static void test_texts(void **state)
{
	struct config *c = new_config(), *again = new_config();
	struct text t = long_text("guest a kernel \"", CONFIG_MODULE - 1, "\\\\", "\" initrd \"");

	(void)state;
	accept_long(c, long_text("guest b kernel k module m args \"", CONFIG_ARGS - 1, "x", "\""));
	refuse_long(c, long_text("guest c kernel k module m args \"", CONFIG_ARGS, "x", "\""),
	            "text:1:32: args has 128 bytes; 127 at most");
	refuse_long(c, long_text("guest c kernel k cmdline \"", CONFIG_CMDLINE, "x", "\""),
	            "text:1:26: cmdline has 2040 bytes; 2039 at most");
	for (unsigned i = 0; i < CONFIG_MODULE - 1; i++)
		text_add(&t, "\\\"");
	text_add(&t, "\" \\\n");
	for (unsigned m = 0; m < CONFIG_MODULES; m++) {
		struct text name = long_text("module \"", CONFIG_MODULE - 1, "\\\\", "\" args \"");
		struct text args = long_text(name.at, CONFIG_ARGS - 1, "\\\"", "\" \\\n");

		text_add(&t, args.at);
		free(name.at);
		free(args.at);
	}
	text_add(&t, "cmdline \"");
	for (unsigned i = 0; i < CONFIG_CMDLINE - 1; i++)
		text_add(&t, "\\\"");
	text_add(&t, "\"");
	accept_long(c, t);
	assert_int_equal(strlen(config_live(c)->guest[1].cmdline), CONFIG_CMDLINE - 1);
	t = printed(config_live(c));
	accept_text(again, t.at);
	assert_string_equal(config_live(again)->guest[1].cmdline, config_live(c)->guest[1].cmdline);
	assert_string_equal(config_live(again)->guest[1].module[3].args,
	                    config_live(c)->guest[1].module[3].args);
	free(t.at);
	free(c);
	free(again);
}

/* Lines made of a number: `count` times what `format` says, from `first` on. */
static struct text numbered(const char *format, unsigned first, unsigned count)
{
	struct text t = {0};
	char line[160];

	text_add(&t, "");
	for (unsigned i = first; i < first + count; i++) {
		snprintf(line, sizeof line, format, i);
		text_add(&t, line);
	}
	return t;
}

static void test_counts(void **state)
{
	struct config *c = new_config();

	(void)state;
	accept_long(c, numbered("guest g%u kernel k\n", 0, CONFIG_GUESTS));
	refuse_long(c, numbered("guest g%u kernel k\n", CONFIG_GUESTS, 1),
	            "text:1:7: more than 64 guests");
	accept_long(c, numbered("network n%u mode route\n", 0, CONFIG_NETS - 1));
	refuse_long(c, numbered("network n%u\n", CONFIG_NETS, 1),
	            "text:1:9: more than 64 networks");
	accept_long(c, numbered("port p%u guest g63 network n62\n", 0, CONFIG_PORTS));
	refuse_long(c, numbered("port p%u guest g63\n", CONFIG_PORTS, 1),
	            "text:1:6: more than 1024 ports and links");
	free(c);
}

static struct text routes(unsigned first, unsigned count)
{
	struct text t = {0};
	char line[100];

	for (unsigned i = first; i < first + count; i++) {
		snprintf(line, sizeof line, "route src any dst 52:54:00:00:%02x:%02x to port a\n",
		         i >> 8, i & 0xff);
		text_add(&t, line);
	}
	return t;
}

static void test_routes(void **state)
{
	struct config *c = new_config(), *again = new_config();
	struct text t;

	(void)state;
	accept_text(c, "network default mode route\nguest g kernel k\nport a guest g\n");
	accept_long(c, routes(0, CONFIG_ROUTES));
	assert_int_equal(config_live(c)->routes, CONFIG_ROUTES);
	refuse_long(c, routes(CONFIG_ROUTES, 1), "text:1:1: more than 16384 routes");
	refuse_long(c, routes(CONFIG_ROUTES - 1, 1),
	            "text:1:1: the same route exists already; each frame would be delivered twice");
	t = printed(config_live(c));
	assert_true(t.len < CONFIG_TEXT * 2);
	free(t.at);
	accept_text(c, "remove route src any dst 52:54:00:00:01:00 to port a\n"
	               "route src any dst 52:54:00:00:01:00 to port a\n");
	assert_int_equal(config_live(c)->routes, CONFIG_ROUTES);
	assert_int_equal(config_live(c)->route[CONFIG_ROUTES - 1].dst.mac, 0x000100005452ull);
	free(c);
	free(again);
}

/* What is refused at its last word leaves nothing behind, and what is not committed is forgotten.
 */
static void test_atomic(void **state)
{
	struct config *c = new_config();
	struct config_report r;
	const char *good = "network lab\nguest g kernel k\nport a guest g network lab\n";
	struct text before = printed(config_live(c));
	struct text after;

	(void)state;
	refuse_text(
	    c, "network lab\nguest g kernel k\nport a guest g network lab\nremove network lab\n",
	    strlen(good) + 18, "text:4:16: network \"lab\" has ports or links; remove them first");
	assert_int_equal(config_read(c, good, strlen(good), &r), CONFIG_CHANGED);
	assert_int_equal(config_staged(c)->ports, 1);
	after = printed(config_live(c));
	assert_string_equal(before.at, after.at);
	assert_int_equal(config_read(c, good, strlen(good), &r), CONFIG_CHANGED);
	config_commit(c);
	assert_int_equal(config_live(c)->ports, 1);
	assert_int_equal(config_read(c, "# nothing\n", 10, &r), CONFIG_NOTHING);
	assert_int_equal(config_read(c, good, strlen(good), &r), CONFIG_REFUSED);
	assert_string_equal(r.error.text, "network \"lab\" exists already");
	assert_string_equal(r.error.word, "lab");
	free(before.at);
	free(after.at);
	free(c);
}

/* Warnings beyond those that are kept are counted: default routes that never win. */
static void test_warnings(void **state)
{
	struct config *c = new_config();
	struct config_report r;
	struct text t;

	(void)state;
	accept_text(c, "network default mode route\nguest g kernel k\nport a guest g\n");
	accept_long(c, numbered("route src 02:00:00:00:00:%02x dst any to port a\n", 0, 20));
	t = numbered("route src 02:00:00:00:00:%02x dst none to port a\n", 0, 20);
	assert_int_equal(config_read(c, t.at, t.len, &r), CONFIG_CHANGED);
	assert_int_equal(r.warnings, 20);
	assert_int_equal(r.warning[CONFIG_WARNINGS - 1].line, CONFIG_WARNINGS);
	free(t.at);
	free(c);
}

/* A port's address comes from its name alone; two names that give the same one are told apart. */
static void test_derived_mac(void **state)
{
	struct config *c = new_config();
	char line[64], message[200], text[MAC_TEXT];
	struct config_report r;
	mac_t mac;

	(void)state;
	accept_text(c, "guest g kernel k\nport alice.0 guest g\n");
	mac = config_live(c)->port[0].mac;
	assert_int_equal(mac & 0xffffff, 0x005452);
	mac_to_text(mac, text);
	snprintf(line, sizeof line, "port b guest g mac %s\n", text);
	assert_int_equal(config_read(c, line, strlen(line), &r), CONFIG_REFUSED);
	accept_text(c, "remove port alice.0");
	accept_text(c, line);
	snprintf(message, sizeof message, "port alice.0 guest g");
	assert_int_equal(config_read(c, message, strlen(message), &r), CONFIG_REFUSED);
	assert_non_null(strstr(r.error.text, "give this one with `mac`"));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes),     cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_line_ends), cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_texts),     cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_routes),    cmocka_unit_test(test_atomic),
	    cmocka_unit_test(test_warnings),  cmocka_unit_test(test_derived_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
