/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: replay, which plays a capture of a node's switch again on this machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/replay/replay.h"

static const char usage[] =
    "usage: replay PATIO.CONF CAPTURE.pcapng\n"
    "Makes the switch that PATIO.CONF describes, gives it the frames of the capture in their\n"
    "batches, and compares what it gives to each port with what the node's did.  Prints its\n"
    "counters, one a line, as `show counters` names them.\n"
    "Status: 0 equal, 1 different, or the capture lacks something, 2 for what cannot be read.\n";

static void fail(const char *what, const char *why) __attribute__((noreturn));
static void fail(const char *what, const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", what, why);
	exit(2);
}

static const uint8_t *read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		fail(path, strerror(errno));
	*size = (size_t)st.st_size;
	if (!*size)
		return (const uint8_t *)"";
	p = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		fail(path, strerror(errno));
	close(fd);
	return p;
}

static const struct node_config *read_config(const char *path)
{
	struct config *c = config_init(calloc(1, config_size()));
	struct config_report r;
	char why[400];
	size_t size;
	const uint8_t *text = read_file(path, &size);

	if (config_read(c, (const char *)text, size, &r) == CONFIG_REFUSED) {
		config_format(&r.error, path, why, sizeof why);
		fail("refused", why);
	}
	return config_staged(c);
}

static void print_counter(const char *port, const char *name, uint64_t value)
{
	if (value)
		printf("%s %s %lu\n", port, name, value);
}

static void print_counters(struct vnet *v)
{
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		const struct vnet_port *port = vnet_port_get(v, i);
		struct vnet_port_stats s;
		char name[64];

		if (!port)
			continue;
		vnet_port_stats(port, &s);
		print_counter(port->name, "in_frames", s.in_frames);
		print_counter(port->name, "in_bytes", s.in_bytes);
		print_counter(port->name, "out_frames", s.out_frames);
		print_counter(port->name, "out_bytes", s.out_bytes);
		print_counter(port->name, "flooded", s.flooded);
		for (unsigned d = 0; d < VNET_DROP_CAUSES; d++) {
			snprintf(name, sizeof name, "drop.%s", vnet_drop_name[d]);
			print_counter(port->name, name, s.drop[d]);
		}
	}
}

int main(int argc, char **argv)
{
	struct outcome o;
	char why[400] = "";
	size_t size;
	const uint8_t *bytes;
	struct vnet *v;

	if (argc != 3 || argv[1][0] == '-') {
		fputs(usage, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
		return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
	}
	bytes = read_file(argv[2], &size);
	v = play(read_config(argv[1]), bytes, size, &o, why, sizeof why);
	if (!v)
		fail(argv[2], why);
	print_counters(v);
	fprintf(stderr, "replay: %lu batches, %lu frames in, %lu delivered, %lu refused\n",
	        o.batches, o.frames, o.delivered, o.refused);
	if (o.incomplete[0])
		fprintf(stderr, "replay: the capture is not whole: %s\n", o.incomplete);
	if (o.differences)
		fprintf(stderr, "replay: %lu differences; the first: %s\n", o.differences, o.first);
	vnet_destroy(v);
	return o.differences || o.incomplete[0] ? 1 : 0;
}
