/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_replay.c: a capture of any content, played through a switch: packets and events of the
 * input's choice in blocks that replay reads, at ports and links of a description that has all
 * modes.  The file is exactly as long as its blocks.  Played again, it does the same.
 */
#include <stdlib.h>
#include <string.h>
#include "tools/replay/replay.h"

#define STEP      12 /* bytes of the input for a block */
#define FILE_MAX  (1u << 20)
#define FRAME_MAX 200

static const char text[] = "network lab mode route\n"
                           "network flat mode exact\n"
                           "guest g kernel k\n"
                           "port a guest g mac 52:54:00:00:00:01 addresses 3\n"
                           "port b guest g mac 52:54:00:00:00:02\n"
                           "port u guest g edge\n"
                           "port d guest g network lab mac 52:54:00:00:00:03\n"
                           "port f guest g network flat mac 52:54:00:00:00:05\n"
                           "underlay u address 192.0.2.1/24\n"
                           "link far vxlan vni 7 remote 192.0.2.2 edge u network flat\n"
                           "route network lab src any dst any to port d\n"
                           "mirror m network default\n";
static const char *const name[] = {"a", "b", "u", "d", "f", "far", "gone"};
static const char *const comment[] = {"",
                                      "drop=rx_full",
                                      "drop=spoofed",
                                      "drop=port_down",
                                      "drop=none_such",
                                      "offload=1,1,54,100,34,16",
                                      "offload=",
                                      "by=node",
                                      "seconds=",
                                      "was_seconds=",
                                      "up=",
                                      "was_up=",
                                      "changed=1",
                                      "lost=3"};

/* The file that is being made. */
static struct {
	uint8_t bytes[FILE_MAX];
	size_t n;
} file;

static void add(const void *bytes, size_t n)
{
	memcpy(file.bytes + file.n, bytes, n);
	file.n += n;
}

static void add32(uint32_t v)
{
	add(&v, sizeof v);
}

static void pad(void)
{
	static const uint8_t zero[4];

	add(zero, -file.n & 3);
}

static void add_option(uint16_t code, const void *value, uint16_t len)
{
	add(&code, sizeof code);
	add(&len, sizeof len);
	add(value, len);
	pad();
}

static size_t begin_block(uint32_t type)
{
	size_t at = file.n;

	add32(type);
	add32(0);
	return at;
}

static void end_block(size_t at)
{
	uint32_t len = (uint32_t)(file.n + 4 - at);

	memcpy(file.bytes + at + 4, &len, sizeof len);
	add32(len);
}

static void begin_file(void)
{
	static const char mirrors[] = "mirror m network default";
	static const uint64_t unknown = ~0ull;
	size_t at = begin_block(0x0a0d0d0a);

	add32(0x1a2b3c4d);
	add32(1);
	add(&unknown, sizeof unknown);
	add_option(1, mirrors, sizeof mirrors - 1);
	end_block(at);
	for (unsigned i = 0; i < sizeof name / sizeof name[0]; i++) {
		at = begin_block(1);
		add32(1);
		add32(0);
		add_option(2, name[i], (uint16_t)strlen(name[i]));
		end_block(at);
	}
}

/* A comment, with a number where it needs one. */
static void add_comment(const uint8_t *p)
{
	const char *words = comment[p[0] % (sizeof comment / sizeof comment[0])];
	char whole[64];
	int n = snprintf(whole, sizeof whole, "%s", words);

	if (n && words[n - 1] == '=')
		n = snprintf(whole, sizeof whole, "%s%llu", words,
		             (unsigned long long)p[1] << (p[2] & 63));
	add_option(1, whole, (uint16_t)n);
}

static void add_frame(const uint8_t *p, uint32_t captured)
{
	uint8_t frame[FRAME_MAX] = {0x52, 0x54, 0, 0, 0,        p[0] % 7, 0x52,
	                            0x54, 0,    0, 0, p[1] % 7, 8,        p[2] % 8};

	memset(frame + 14, p[2], sizeof frame - 14);
	frame[0] |= p[0] >> 7; /* a group */
	add(frame, captured);
	pad();
}

static void add_packet(const uint8_t *p)
{
	uint32_t captured = p[3] % (FRAME_MAX + 1), flags = p[7] % 3, queue = p[8] % 3;
	uint64_t id = (uint64_t)p[8] % 3 << 56 | (uint64_t)(p[9] & 7) << 8 |
	              (p[10] & 0x80 ? 0xff : p[10] & 3);
	size_t at = begin_block(6);

	add32(p[1] % 8); /* one more than there are interfaces */
	add32(0);
	add32(p[2]);
	add32(captured);
	add32(captured + (p[11] & 0x80 ? (uint32_t)p[11] << 10 : 0));
	add_frame(p + 4, captured);
	add_comment(p + 5);
	add_option(2, &flags, sizeof flags);
	add_option(5, &id, sizeof id);
	add_option(6, &queue, sizeof queue);
	end_block(at);
}

static void add_event(const uint8_t *p)
{
	size_t at = begin_block(5);

	add32(p[1] % 8);
	add32(0);
	add32(p[2]);
	add_comment(p + 3);
	end_block(at);
}

static const struct node_config *description(void)
{
	static struct config *c;
	struct config_report r;

	if (!c) {
		c = config_init(calloc(1, config_size()));
		if (config_read(c, text, sizeof text - 1, &r) == CONFIG_REFUSED)
			abort();
	}
	return config_staged(c);
}

static bool play_once(const uint8_t *bytes, size_t size, struct outcome *o)
{
	char why[200] = "";
	struct vnet *v = play(description(), bytes, size, o, why, sizeof why);

	if (v)
		vnet_destroy(v);
	else if (!why[0])
		abort();
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome first, second;
	uint8_t *bytes;

	file.n = 0;
	begin_file();
	for (; size >= STEP; data += STEP, size -= STEP) {
		if (data[0] % 4)
			add_packet(data);
		else
			add_event(data);
	}
	bytes = malloc(file.n);
	memcpy(bytes, file.bytes, file.n);
	if (play_once(bytes, file.n, &first) &&
	    (!play_once(bytes, file.n, &second) || memcmp(&first, &second, sizeof first)))
		abort();
	free(bytes);
	return 0;
}
