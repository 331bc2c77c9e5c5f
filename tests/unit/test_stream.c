/* SPDX-License-Identifier: BSD-2-Clause */
/* test_stream.c: what patio-capture writes while ports and mirrors of the node come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "tools/capture/reader.h"
#include "tools/replay/replay.h"

#define LENGTH 60

static struct capture capture;
static struct window_port port[2];
static struct stream s;
static char *text;
static size_t size;

static int setup(void **state)
{
	(void)state;
	memset(&capture, 0, sizeof capture);
	capture.tsc_khz = 1000;
	strcpy(capture.mirror[0].name, "m");
	capture.mirror[0].cut = 20;
	memset(port, 0, sizeof port);
	strcpy(port[1].name, "alice.0");
	s = (struct stream){.capture = &capture, .port = port, .ports = 2, .mirrors = 0xff};
	s.out = open_memstream(&text, &size);
	assert_non_null(s.out);
	assert_true(stream_begin(&s));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(text);
	return 0;
}

/* A frame that port 1 has sent, for mirror 0. */
static void send_frame(void)
{
	struct item *item = calloc(1, sizeof *item + LENGTH);
	const struct group group = {.item = item};

	assert_non_null(item);
	item->r = (struct capture_record){
	    .kind = CAPTURE_frame, .mirrors = 1, .port = 1, .length = LENGTH, .captured = LENGTH};
	assert_true(stream_group(&s, &group));
	free(item);
}

/* Reads the stream: the names of its interfaces, and how many bytes each packet has. */
static void read_stream(char names[256], char packets[256])
{
	struct blocks b;
	struct block block;

	names[0] = packets[0] = 0;
	fclose(s.out);
	blocks_begin(&b, (const uint8_t *)text, size);
	for (blocks_next(&b, &block); block.kind != BLOCK_END; blocks_next(&b, &block)) {
		assert_int_not_equal(block.kind, BLOCK_BAD);
		if (block.kind == BLOCK_INTERFACE)
			snprintf(names + strlen(names), 256 - strlen(names), "%s ", block.name);
		if (block.kind == BLOCK_PACKET)
			snprintf(packets + strlen(packets), 256 - strlen(packets), "%u:%u ",
			         block.interface, block.captured);
	}
}

static void a_port_that_was_removed_keeps_its_name(void **state)
{
	char names[256], packets[256];

	(void)state;

	send_frame();
	memset(port, 0, sizeof port);
	send_frame();
	strcpy(port[1].name, "bob.0"); /* another port with its number */
	send_frame();
	read_stream(names, packets);
	assert_string_equal(names, "alice.0 bob.0 ");
	assert_string_equal(packets, "0:20 0:20 1:20 ");
}

static void a_mirror_that_was_removed_keeps_its_cut(void **state)
{
	char names[256], packets[256];

	(void)state;

	send_frame();
	memset(&capture.mirror[0], 0, sizeof capture.mirror[0]);
	send_frame();
	read_stream(names, packets);
	assert_string_equal(packets, "0:20 0:20 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_port_that_was_removed_keeps_its_name, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(a_mirror_that_was_removed_keeps_its_cut, setup,
	                                    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
