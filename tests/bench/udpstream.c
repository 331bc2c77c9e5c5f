/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udpstream: how fast datagrams get through, for make bench BENCH=paths.
 *
 * The sender sends as fast as its socket takes them; what arrives, and when the first and the last
 * of them did, the receiver says when it is asked behind them.  Both structures travel in the byte
 * order of x86, the only machine this runs on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest-images/linux/probe.h"

#define PORT         11
#define BUFFER       (8 << 20) /* bytes that may wait at the receiver's socket */
#define QUESTIONS    60U       /* asked once a second, until there is an answer */
#define SIZE_MIN     sizeof(struct datagram)
#define DATAGRAM_MAX 65507UL
#define COUNT_MAX    1000000UL
#define QUESTION     UINT32_MAX /* as a datagram's number */

struct datagram {
	uint32_t run, number;
};

struct answer {
	uint32_t run, received;
	uint64_t first_ns, last_ns;
};

static const char kind[] = "udpstream";

/* Enters a datagram that came at `now`; the first of another run begins anew. */
static void enter(struct answer *a, const struct datagram *d, uint64_t now)
{
	if (!a->received || a->run != d->run)
		*a = (struct answer){.run = d->run, .first_ns = now};
	a->received++;
	a->last_ns = now;
}

/* Tells whoever asked; nothing came of a run that is not the last one seen. */
static void send_answer(int fd, const struct answer *a, uint32_t run, const struct sockaddr_in *to)
{
	struct answer said = a->run == run ? *a : (struct answer){.run = run};

	if (sendto(fd, &said, sizeof(said), 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		perror("udpstream: answer");
}

_Noreturn static void receiver(void)
{
	static uint8_t in[BLOCK];
	struct answer a = {0};
	struct sockaddr_in sa, from;
	int size = BUFFER, fd = probe_socket(kind, SOCK_DGRAM, NULL, PORT, &sa);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		probe_fail(kind, "buffer");
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		probe_fail(kind, "bind");
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len);
		struct datagram d;

		if (n < 0)
			probe_fail(kind, "recvfrom");
		if ((size_t)n < sizeof(d))
			continue; /* nobody's here */
		memcpy(&d, in, sizeof(d));
		if (d.number == QUESTION)
			send_answer(fd, &a, d.run, &from);
		else
			enter(&a, &d, now_ns());
	}
}

/* What came of run `run`; it is asked behind the datagrams, whose queues may be long. */
static struct answer query_result(int fd, uint32_t run)
{
	struct datagram d = {.run = run, .number = QUESTION};
	struct answer a;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		if (send(fd, &d, sizeof(d), 0) < 0)
			probe_fail(kind, "question");
		if (recv(fd, &a, sizeof(a), 0) == (ssize_t)sizeof(a) && a.run == run)
			return a;
	}
	probe_fail(kind, "no answer");
}

static int sender(const char *host, uint32_t count, uint32_t size)
{
	static uint8_t out[DATAGRAM_MAX];
	struct datagram d = {.run = (uint32_t)now_ns()};
	struct sockaddr_in sa;
	struct answer a;
	int fd = probe_socket(kind, SOCK_DGRAM, host, PORT, &sa);
	uint64_t ns;

	probe_timeout(kind, fd, 1);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		probe_fail(kind, "connect");
	for (; d.number < count; d.number++) {
		memcpy(out, &d, sizeof(d));
		if (send(fd, out, size, 0) != (ssize_t)size)
			probe_fail(kind, "send");
	}
	a = query_result(fd, d.run);
	ns = a.last_ns - a.first_ns;
	printf("{\"kind\":\"%s\",\"sent\":%u,\"received\":%u,\"size\":%u,\"ns\":%llu}\n", kind,
	       count, a.received, size, (unsigned long long)ns);
	return a.received < 2;
}

/* A decimal number within [min, max], or the end. */
static uint32_t number(const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || v < min || v > max) {
		fprintf(stderr, "udpstream: %s: a number from %lu to %lu is wanted\n", text, min,
		        max);
		exit(2);
	}
	return (uint32_t)v;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		receiver();
	if (argc == 4)
		return sender(argv[1], number(argv[2], 2, COUNT_MAX),
		              number(argv[3], SIZE_MIN, DATAGRAM_MAX));
	fputs("usage: udpstream             receives\n"
	      "       udpstream HOST COUNT SIZE\n",
	      stderr);
	return 2;
}
