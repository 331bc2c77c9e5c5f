/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfunction: a network function in a Linux guest that has a port in a group's memory
 * (docs/groups.md).
 *
 *   netfunction [-s] DEVICE count N                    until N frames came
 *   netfunction [-s] DEVICE relay N                    sends N frames back to where they came from
 *   netfunction DEVICE generate N MAC [BURST]          N frames to that address
 *   netfunction [-s] DEVICE ask N MAC [BURST]          ... each when the one before came back
 *
 * DEVICE is the group's devdax, which has the frames.  With -s it sleeps while no frames come, for
 * which the port must be the module patio_shm's; else it polls.  Frames are sent one by one, or
 * BURST at a time.  The last line is JSON; the status is 0 if all went well.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest-images/linux/function/port.h"
#include "guest-images/netlib/functions.h"
#include "lib/address_text.h"

#define LENGTH 200 /* of a frame that is generated */

static struct group_port port;
static bool sleeps;    /* -s */
static uint64_t empty; /* looks that found no frame */

static _Noreturn void give_up(const char *what, const char *why)
{
	fprintf(stderr, "netfunction: %s: %s\n", what, why);
	exit(1);
}

/* The port was taken from the program while it was looking at it. */
static void taken(int signal)
{
	static const char why[] = "netfunction: port: it was taken away\n";

	(void)signal;
	_exit(write(STDERR_FILENO, why, sizeof why - 1) < 0 ? 2 : 1);
}

static void start(const char *device)
{
	const char *why = port_open(&port, device);

	if (why)
		give_up("port", why);
	if (sleeps && port.fd < 0)
		give_up("-s", "the module patio_shm does not have the port");
	signal(SIGBUS, taken);
	printf("ready\n");
	fflush(stdout);
}

/* Serves a burst; without one it sleeps, or returns to look again. */
static void serve(netlib_function *function, void *state)
{
	if (netlib_serve(&port.lib, function, state))
		return;
	empty++;
	if (sleeps && !port_wait(&port))
		give_up("port", "it was taken away");
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
		serve(count_burst, &c);
	return c;
}

static uint64_t relay(uint64_t n)
{
	struct netlib_relay r = {.onward = {SHM_NEXT, 0}, .back = true};

	while (r.relayed < n && netlib_running(&port.lib))
		serve(netlib_relay_frames, &r);
	return r.relayed;
}

/* With `ask` each burst is to come back before the next one is sent. */
static struct counting generate(uint64_t n, const char *mac, uint64_t burst, bool ask)
{
	struct counting c = {.counter = {.onward = {SHM_DROP, 0}}};
	struct netlib_generator g = {.length = LENGTH, .dst_port = 53};
	uint64_t dst;

	if (!mac_from_text(mac, &dst))
		give_up(mac, "no MAC address");
	memcpy(g.dst, &dst, 6);
	memcpy(g.src, port.lib.mac, 6);
	while (g.sent < n && netlib_running(&port.lib)) {
		netlib_generate(&port.lib, &g, (unsigned)(burst < n - g.sent ? burst : n - g.sent));
		while (ask && c.counter.frames < g.sent && netlib_running(&port.lib))
			serve(count_burst, &c);
	}
	if (!ask)
		c.counter.frames = g.sent;
	return c;
}

static struct counting perform(const char *what, uint64_t n, const char *mac, uint64_t burst)
{
	struct counting c = {.wrong = 0};
	bool ask = !strcmp(what, "ask");

	if (!strcmp(what, "count"))
		c = count(n);
	else if (!strcmp(what, "relay"))
		c.counter.frames = relay(n);
	else if (mac && burst && (ask || (!sleeps && !strcmp(what, "generate"))))
		c = generate(n, mac, burst, ask);
	else
		give_up(what, "no such function");
	return c;
}

int main(int argc, char **argv)
{
	struct counting c;
	uint64_t n;
	bool ok;

	sleeps = argc > 1 && !strcmp(argv[1], "-s");
	argc -= sleeps;
	argv += sleeps;
	if (argc < 4)
		give_up("usage",
		        "netfunction [-s] DEVICE count|relay|generate|ask N [MAC [BURST]]");
	n = strtoull(argv[3], NULL, 0);
	start(argv[1]);
	c = perform(argv[2], n, argc > 4 ? argv[4] : NULL,
	            argc > 5 ? strtoull(argv[5], NULL, 0) : 1);
	port_flush(&port);
	ok = c.counter.frames == n && !c.wrong && netlib_running(&port.lib);
	printf("{\"frames\":%lu,\"wrong\":%lu,\"rings\":%lu,\"empty\":%lu,\"sleeps\":%lu,"
	       "\"wakeups\":%lu,\"ok\":%s}\n",
	       c.counter.frames, c.wrong, port.lib.rings, empty, port.sleeps, port.wakeups,
	       ok ? "true" : "false");
	port_close(&port);
	return !ok;
}
