/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NETPROBE_PROBE_H
#define NETPROBE_PROBE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * What the parts of netprobe share: clocks, sockets, sample statistics.  Every result is one line
 * of JSON on stdout; a failure is the line {"kind":..,"error":..,"errno":..} and exit status 1.
 */

#define BLOCK       65536U /* one read or write of bulk data, and the largest datagram buffer, bytes */
#define MESSAGE_MAX (16U << 20) /* of a round trip over TCP, bytes */

/** The time stamp counter, in ticks of this CPU (AMD64 APM vol. 3, RDTSC). */
static inline uint64_t now_tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

/** CLOCK_MONOTONIC in nanoseconds. */
static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/** Print the failure of step `what` in measurement `kind`, with errno, and exit with status 1. */
_Noreturn void probe_fail(const char *kind, const char *what);

/** An array of `n` zeroed samples, its pages already touched; never NULL (fails the probe). */
uint64_t *samples_new(const char *kind, size_t n);

/** Print `,"<tag>_samples":[..]`: `n` samples in the order in which they were taken. */
void samples_print_raw(const char *tag, const uint64_t *v, size_t n);

/**
 * Sort `n` >= 1 samples and print `,"<tag>":{"min":..,"med":..,"mean":..,"p90":..,"p99":..,
 * "p999":..,"max":..}`; p999 is the 99.9th percentile.  The p-th permille is the sample at place
 * n * p / 1000 of the sorted ones, counted from 0.
 */
void samples_print(const char *tag, uint64_t *v, size_t n);

/**
 * An IPv4 socket.
 * @param kind  measurement, for the error line
 * @param type  SOCK_DGRAM or SOCK_STREAM
 * @param host  dotted quad, or NULL for any local address (a server)
 * @param port  1..65535
 * @param sa    filled with the address to bind or to connect to
 * @return the descriptor; a failure ends the probe
 */
int probe_socket(const char *kind, int type, const char *host, uint16_t port,
                 struct sockaddr_in *sa);

/** Bound every later receive (and send, and connect) on `fd` by `seconds`. */
void probe_timeout(const char *kind, int fd, unsigned int seconds);

/** Echo datagrams on `port` for ever. */
_Noreturn void udp_server(uint16_t port);

/**
 * UDP ping-pong with one datagram in flight.
 * @param n     round trips that count, >= 1
 * @param warm  round trips before them that do not: while the peer is still starting, say
 * @param size  payload in bytes, 4..65507
 * @param raw   also print each round trip's ticks, in their order
 * @return 0; a datagram that does not come back within two minutes is sent again and counted in
 *         "lost", and too many of them end the probe; before the trips that count it is sent again
 *         after a second, and counted in "warm_lost"
 */
int udp_client(const char *host, uint16_t port, uint32_t n, uint32_t warm, uint32_t size, int raw);

/** The other end of tcp_client() and tcp_echo_client(): one connection after the other, for ever.
 */
_Noreturn void tcp_server(uint16_t port);

/**
 * Send `mib` MiB of the pattern in writes of `buf` bytes; the server answers with what it received.
 * @param sha  also hash the bytes on both sides and compare (then the time includes the hashing)
 * @return 0 when the server received every byte (and the same ones, with `sha`), else 1
 */
int tcp_client(const char *host, uint16_t port, uint32_t mib, uint32_t buf, int sha);

/**
 * Round trips of messages over one connection, one at a time, sent without Nagle's delay.
 * @param n     round trips that count, >= 1
 * @param warm  round trips before them that do not
 * @param size  of a message in bytes, 1..MESSAGE_MAX
 * @param raw   also print each round trip's ticks, in their order
 * @return 0 when each message came back as it was, else 1
 */
int tcp_echo_client(const char *host, uint16_t port, uint32_t n, uint32_t warm, uint32_t size,
                    int raw);

#endif
