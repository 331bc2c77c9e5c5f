/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control language against any bytes.
 *
 * Bytes from 0x80 on may stand for words of the language, so that few inputs already make whole
 * statements; 0xff and the next byte for those that are left.  What is accepted is
 * printed, read again and printed again: the two must be equal; what is refused must say where.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/unit/rig/config_print.h"
#include "vmm/config/parse.h"

static const char *const words[] = {
    "guest",
    "network",
    "underlay",
    "link",
    "lint",
    "address",
    "gateway",
    "vxlan",
    "udp",
    "direct",
    "vni",
    "remote",
    "local",
    "udp-port",
    "exact",
    "192.0.2.1/24",
    "192.0.2.1",
    "192.0.2.2",
    "198.51.100.1",
    "9000",
    "l",
    "port u guest g edge\nunderlay u address 192.0.2.1/24 gateway 192.0.2.9\n",
    "link l vxlan vni 1 remote 192.0.2.2\n",
    "network n mtu 1450\n",
    "port",
    "route",
    "add",
    "remove",
    "move",
    "log",
    "console",
    "idle",
    "node",
    "iommu",
    "require",
    "use",
    "smt",
    "share",
    "show",
    "metrics",
    "explain",
    "start",
    "load",
    "help",
    "cpus",
    "memory",
    "kernel",
    "initrd",
    "cmdline",
    "module",
    "args",
    "pci",
    "core",
    "mode",
    "mtu",
    "mac",
    "edge",
    "src",
    "dst",
    "from",
    "to",
    "reflect",
    "any",
    "none",
    "not",
    "kick",
    "poll",
    "adaptive",
    "for",
    "50us",
    "2ms",
    "learn",
    "interface",
    "debug",
    "restart",
    "exit-with",
    "json",
    "all",
    "ports",
    "g",
    "h",
    "p",
    "q",
    "default",
    "n",
    "1",
    "2",
    "64M",
    "1G",
    "00:03.0",
    "1,2",
    "\"x y\"",
    "k",
    "always",
    "yes",
    "\\\n",
    "\n",
    "guest g kernel k\n",
    "guest h kernel k\n",
    "port p guest g\n",
    "port q guest h\n",
    "network n mode route\n",
    "02:00:00:00:00:01",
    "02:00:00:00:00:02",
    "ff:ff:ff:ff:ff:ff",
    "not-02:00:00:00:00:01",
    "move poll core 3\n",
    "debug-exit",
    "debug-absent stop",
    "control",
    "ism",
    "autostart",
    "panic",
    "halt",
    "10s",
    "trace on port p\n",
    "trace",
    "off",
    "mirror",
    "cut",
    "mirror m network default\n",
    "histogram",
    "group",
    "members",
    "buffers",
    "4M",
    "may-leave",
    "group m memory 4M buffers 2M members g h\n",
    "port u guest g edge group m\n",
    "group m memory 4M members g h\n",
    "service",
    "flow",
    "service s ports p\n",
    "service t ports q fail open\n",
    "flow f chain s t out\n",
    "chain",
    "ports",
    "proto",
    "before",
    "fail",
    "out",
    "drop",
    "tcp",
    "icmp6",
    "80-90",
    "10.0.0.0/8",
    "2001:db8::/32",
    "s",
    "t",
    "f",
};

#define TEXT 65536

struct text {
	size_t len;
	char at[8 * TEXT];
};

static struct text input, first, second;

static void put(void *ctx, const char *s, size_t n)
{
	struct text *t = ctx;

	if (n > sizeof t->at - t->len)
		abort();
	memcpy(t->at + t->len, s, n);
	t->len += n;
}

static void expand(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size && input.len < TEXT; i++) {
		char c = (char)data[i];
		unsigned number;
		const char *w;

		if (data[i] < 0x80) {
			put(&input, &c, 1);
			continue;
		}
		number = data[i] - 0x80u;
		if (data[i] == 0xff && i + 1 < size)
			number += data[++i];
		w = words[number % (sizeof words / sizeof words[0])];
		put(&input, w, strlen(w));
		put(&input, " ", 1);
	}
}

static void check_report(const struct config_report *r)
{
	if (!r->error.line || !r->error.column || !r->error.text[0])
		abort();
}

static void check_print(struct config *c, struct config *again)
{
	struct config_report r;

	first.len = second.len = 0;
	config_print(config_live(c), put, &first);
	if (config_read(again, first.at, first.len, &r) != CONFIG_CHANGED)
		abort();
	config_print(config_staged(again), put, &second);
	if (first.len != second.len || memcmp(first.at, second.at, first.len) != 0)
		abort();
}

/* Each line on its own, as the monitor gives them; whether any changed something. */
static bool read_lines(struct config *c)
{
	bool changed = false;
	struct config_report r;
	struct config_action a;

	for (size_t at = 0, end; at < input.len; at = end + 1) {
		const char *stop = memchr(input.at + at, '\n', input.len - at);
		enum config_outcome o;

		end = stop ? (size_t)(stop - input.at) : input.len;
		o = config_read_line(c, input.at + at, end - at, &a, &r);
		if (o == CONFIG_REFUSED)
			check_report(&r);
		if (o != CONFIG_CHANGED)
			continue;
		config_commit(c);
		changed = true;
	}
	return changed;
}

/* All of it at once, as a file; whether it changed something. */
static bool read_whole(struct config *c)
{
	struct config_report r;
	enum config_outcome o = config_read(c, input.at, input.len, &r);

	if (o == CONFIG_REFUSED)
		check_report(&r);
	if (o == CONFIG_CHANGED)
		config_commit(c);
	return o == CONFIG_CHANGED;
}

/*
 * A description with nothing in it.  It is megabytes, of which a text uses few pages: given back to
 * the kernel, only these are zeroed again.  All of the parser is in use, and is cleared.
 */
static struct config *empty(struct config **c)
{
	size_t nodes = offsetof(struct config, parser) & ~(size_t)4095;

	if (!*c) {
		*c = mmap(NULL, sizeof **c, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		          0);
		/* Huge pages would be cleared whole. */
		if (*c == MAP_FAILED || madvise(*c, sizeof **c, MADV_NOHUGEPAGE))
			abort();
	} else {
		if (madvise(*c, nodes, MADV_DONTNEED))
			abort();
		memset((uint8_t *)*c + nodes, 0, sizeof **c - nodes);
	}
	return config_init(*c);
}

/* The first byte says how the others are read: as they are (1) or with words for what is no ASCII;
 * line by line (2), all at once, or one after the other (2 and 4). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config *c, *again;
	unsigned how = size ? data[0] : 0;
	bool changed = false;

	empty(&c);
	input.len = 0;
	if (how & 1)
		put(&input, (const char *)data + 1, size - 1 < TEXT ? size - 1 : TEXT);
	else if (size)
		expand(data + 1, size - 1);
	if (how & 2)
		changed = read_lines(c);
	if (!(how & 2) || how & 4)
		changed |= read_whole(c);
	if (changed)
		check_print(c, empty(&again));
	return 0;
}
