/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfunction: a network function in a Linux guest that has a port in a group's memory
 * (docs/groups.md).
 *
 *   netfunction DEVICE count N              until N frames came
 *   netfunction DEVICE relay N              sends N frames back to where they came from
 *   netfunction DEVICE generate N MAC       N frames to that address
 *   netfunction DEVICE ask N MAC            the same, each when the one before came back
 *
 * DEVICE is the group's devdax, which has the frames.  Polls.  The last line is JSON; the status is
 * 0 if all went well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guest-images/linux/function/port.h"
#include "guest-images/netlib/functions.h"
#include "lib/address_text.h"

#define LENGTH 200 /* of a frame that is generated */

static struct group_port port;

static _Noreturn void give_up(const char *what, const char *why)
{
	fprintf(stderr, "netfunction: %s: %s\n", what, why);
	exit(1);
}

static void start(const char *device)
{
	const char *why = port_open(&port, device);

	if (why)
		give_up("port", why);
	printf("ready\n");
	fflush(stdout);
}

/* ---- functions ---- */

struct counting {
	struct netlib_counter counter;
	uint64_t next, wrong;
};

static void count_burst(void *state, struct netlib_frame *frame, unsigned count)
{
	struct counting *c = state;
	uint64_t serial = 0;

	for (unsigned i = 0; i < count; i++) {
		c->wrong += !netlib_serial(&frame[i], &serial) || serial < c->next;
		c->next = serial + 1;
	}
	netlib_count(&c->counter, frame, count);
}

static struct counting count(uint64_t n)
{
	struct counting c = {.counter = {.onward = {SHM_DROP, 0}}};

	while (c.counter.frames < n && netlib_running(&port.lib))
		netlib_serve(&port.lib, count_burst, &c);
	return c;
}

static uint64_t relay(uint64_t n)
{
	struct netlib_relay r = {.onward = {SHM_NEXT, 0}, .back = true};

	while (r.relayed < n && netlib_running(&port.lib))
		netlib_serve(&port.lib, netlib_relay_frames, &r);
	return r.relayed;
}

/* With `ask` each frame is to come back before the next one is sent. */
static struct counting generate(uint64_t n, const char *mac, bool ask)
{
	struct counting c = {.counter = {.onward = {SHM_DROP, 0}}};
	struct netlib_generator g = {.length = LENGTH, .dst_port = 53};
	uint64_t dst;

	if (!mac_from_text(mac, &dst))
		give_up(mac, "no MAC address");
	memcpy(g.dst, &dst, 6);
	memcpy(g.src, port.lib.mac, 6);
	while (g.sent < n && netlib_running(&port.lib)) {
		netlib_generate(&port.lib, &g, 1);
		while (ask && c.counter.frames < g.sent && netlib_running(&port.lib))
			netlib_serve(&port.lib, count_burst, &c);
	}
	if (!ask)
		c.counter.frames = g.sent;
	return c;
}

int main(int argc, char **argv)
{
	struct counting c = {.wrong = 0};
	const char *what = argc > 3 ? argv[2] : "";
	uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	bool ask = !strcmp(what, "ask"), ok;

	if (argc < 4)
		give_up("usage", "netfunction DEVICE count|relay|generate|ask N [MAC]");
	start(argv[1]);
	if (!strcmp(what, "count"))
		c = count(n);
	else if (!strcmp(what, "relay"))
		c.counter.frames = relay(n);
	else if (argc > 4 && (ask || !strcmp(what, "generate")))
		c = generate(n, argv[4], ask);
	else
		give_up(what, "no such function");
	ok = c.counter.frames == n && !c.wrong && netlib_running(&port.lib);
	printf("{\"frames\":%lu,\"wrong\":%lu,\"rings\":%lu,\"ok\":%s}\n", c.counter.frames,
	       c.wrong, port.lib.rings, ok ? "true" : "false");
	return !ok;
}
