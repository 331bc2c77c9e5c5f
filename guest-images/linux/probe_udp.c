/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP echo and ping-pong. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

/* While the peer is still starting, a datagram may be lost, and is sent again soon, lost or late.
 * In the measured trips a datagram is lost only if it never comes back, however slow the machine
 * is. */
#define WARM_SECONDS  1U
#define REPLY_SECONDS 120U
#define WARM_LOST_MAX 300U  /* give up after more: there is no network */
#define LOST_MAX      2U    /* the same in the measured trips */
#define REFUSED_MAX   6000U /* the peer may start later than we do; 10 ms each */

static const char kind[] = "udp";

static uint8_t out[BLOCK], in[BLOCK];
static uint32_t lost, lost_max, refused, stale;

_Noreturn void udp_server(uint16_t port)
{
	struct sockaddr_in sa, from;
	int fd = probe_socket(kind, SOCK_DGRAM, NULL, port, &sa);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		probe_fail(kind, "bind");
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			probe_fail(kind, "recvfrom");
		if (sendto(fd, in, (size_t)n, 0, (struct sockaddr *)&from, len) != n)
			perror("udp-server: sendto");
	}
}

/* True when `err` only says that the peer is not up yet (no echo, or no answer to ARP); waits then.
 */
static int not_up_yet(int err)
{
	if (err != ECONNREFUSED && err != EHOSTUNREACH)
		return 0;
	if (++refused > REFUSED_MAX)
		return 0;
	usleep(10000);
	return 1;
}

/* Send the datagram; false: not sent, try again. */
static int send_once(int fd, uint32_t size)
{
	if (send(fd, out, size, 0) == (ssize_t)size)
		return 1;
	if (!not_up_yet(errno))
		probe_fail(kind, "send");
	return 0;
}

/* Wait for datagram `seq`; false when it is lost.  Late answers to a datagram that was sent twice
 * are skipped: each one follows a counted loss, so their number is bounded. */
static int await(int fd, uint32_t seq, uint32_t size)
{
	for (;;) {
		ssize_t n = recv(fd, in, sizeof(in), 0);
		uint32_t got;

		if (n < 0) {
			if (not_up_yet(errno))
				return 0;
			if (errno != EAGAIN)
				probe_fail(kind, "recv");
			if (++lost > lost_max)
				probe_fail(kind, "too many lost");
			return 0;
		}
		memcpy(&got, in, sizeof(got));
		if (n == (ssize_t)size && got == seq)
			return 1;
		if (++stale > WARM_LOST_MAX)
			probe_fail(kind, "foreign datagrams");
	}
}

static void round_trip(int fd, uint32_t seq, uint32_t size)
{
	memcpy(out, &seq, sizeof(seq));
	while (!send_once(fd, size) || !await(fd, seq, size))
		;
}

int udp_client(const char *host, uint16_t port, uint32_t n, uint32_t warm, uint32_t size, int raw)
{
	uint64_t *tsc = samples_new(kind, n), *ns = samples_new(kind, n);
	uint64_t first_tsc, first_ns, last_tsc, last_ns;
	uint32_t warm_lost;
	struct sockaddr_in sa;
	int fd = probe_socket(kind, SOCK_DGRAM, host, port, &sa);

	lost_max = WARM_LOST_MAX;
	probe_timeout(kind, fd, WARM_SECONDS);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		probe_fail(kind, "connect");
	for (uint32_t i = 0; i < warm; i++)
		round_trip(fd, i, size);
	warm_lost = lost;
	lost_max = lost + LOST_MAX;
	probe_timeout(kind, fd, REPLY_SECONDS);
	first_ns = now_ns();
	first_tsc = now_tsc();
	for (uint32_t i = 0; i < n; i++) {
		uint64_t t0 = now_ns(), c0 = now_tsc();

		round_trip(fd, warm + i, size);
		tsc[i] = now_tsc() - c0;
		ns[i] = now_ns() - t0;
	}
	last_tsc = now_tsc();
	last_ns = now_ns();
	printf("{\"kind\":\"udp\",\"n\":%u,\"size\":%u,\"lost\":%u,\"warm_lost\":%u,\"stale\":%u,"
	       "\"refused\":%u",
	       n, size, lost - warm_lost, warm_lost, stale, refused);
	if (raw)
		samples_print_raw("tsc", tsc, n);
	samples_print("tsc", tsc, n);
	samples_print("ns", ns, n);
	printf(",\"tsc_total\":%llu,\"ns_total\":%llu}\n",
	       (unsigned long long)(last_tsc - first_tsc),
	       (unsigned long long)(last_ns - first_ns));
	return 0;
}
