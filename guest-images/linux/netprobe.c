/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netprobe: one static program that measures the network between two guests.
 *
 * Under an emulator that counts instructions (QEMU's -icount shift=0) both clocks count executed
 * instructions: one tick = one nanosecond = one instruction.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
#include "probe.h"

static const char usage[] =
    "usage: netprobe udp-server PORT\n"
    "       netprobe udp HOST PORT N WARM SIZE [samples]\n"
    "       netprobe tcp-server PORT\n"
    "       netprobe tcp HOST PORT MIB [BUF] [sha]\n"
    "       netprobe tcp-echo HOST PORT N WARM SIZE [samples]\n"
    "       netprobe exitcost N     an intercepted instruction's cost (CPUID)\n"
    "       netprobe clock          both clocks, now\n"
    "       netprobe pattern MIB    the bytes that `tcp .. sha` sends, on stdout\n";

_Noreturn static void bad_usage(void)
{
	fputs(usage, stderr);
	exit(2);
}

/* A decimal number within [min, max], or the usage. */
static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || v < min || v > max) {
		fprintf(stderr, "netprobe: %s: a number from %u to %u is wanted\n", text, min, max);
		bad_usage();
	}
	return (uint32_t)v;
}

static uint16_t port_number(const char *text)
{
	return (uint16_t)number(text, 1, 65535);
}

#define TRIPS_MAX 10000000U

typedef int round_trips(const char *host, uint16_t port, uint32_t n, uint32_t warm, uint32_t size,
                        int raw);

/* HOST PORT N WARM SIZE [samples], of `min` to `max` bytes. */
static int run_round_trips(int argc, char **argv, round_trips *client, uint32_t min, uint32_t max)
{
	int raw = argc == 8 && !strcmp(argv[7], "samples");

	if (argc != 7 + raw)
		bad_usage();
	return client(argv[2], port_number(argv[3]), number(argv[4], 1, TRIPS_MAX),
	              number(argv[5], 0, TRIPS_MAX), number(argv[6], min, max), raw);
}

static int run_tcp(int argc, char **argv)
{
	int sha = argc > 5 && !strcmp(argv[argc - 1], "sha");
	uint32_t size = BLOCK;

	argc -= sha;
	if (argc == 6)
		size = number(argv[5], 8, 16U << 20) & ~7U;
	if (argc < 5 || argc > 6)
		bad_usage();
	return tcp_client(argv[2], port_number(argv[3]), number(argv[4], 1, 1U << 20), size, sha);
}

static int run_exitcost(uint32_t n)
{
	uint64_t *with = samples_new("exitcost", n), *without = samples_new("exitcost", n);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t a = 0, b, c = 0, d;
		uint64_t t0 = now_tsc();

		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		with[i] = now_tsc() - t0;
		t0 = now_tsc();
		without[i] = now_tsc() - t0;
	}
	printf("{\"kind\":\"exitcost\",\"n\":%u", n);
	samples_print("cpuid", with, n);
	samples_print("empty", without, n);
	puts("}");
	return 0;
}

static int run_clock(void)
{
	printf("{\"kind\":\"clock\",\"tsc\":%llu,\"ns\":%llu}\n", (unsigned long long)now_tsc(),
	       (unsigned long long)now_ns());
	return 0;
}

static int run_pattern(uint32_t mib)
{
	static uint8_t buf[BLOCK];
	uint64_t state = PATTERN_START;

	for (uint64_t left = (uint64_t)mib << 20; left; left -= BLOCK) {
		pattern_fill(&state, buf, BLOCK);
		if (fwrite(buf, 1, BLOCK, stdout) != BLOCK) {
			perror("netprobe: write");
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN); /* write() to a closed connection fails with EPIPE instead */
	setvbuf(stdout, NULL, _IOFBF, 4096);
	if (argc == 3 && !strcmp(what, "udp-server"))
		udp_server(port_number(argv[2]));
	if (argc == 3 && !strcmp(what, "tcp-server"))
		tcp_server(port_number(argv[2]));
	if (argc >= 7 && !strcmp(what, "udp"))
		return run_round_trips(argc, argv, udp_client, 4, 65507);
	if (argc >= 7 && !strcmp(what, "tcp-echo"))
		return run_round_trips(argc, argv, tcp_echo_client, 1, MESSAGE_MAX);
	if (argc >= 5 && !strcmp(what, "tcp"))
		return run_tcp(argc, argv);
	if (argc == 3 && !strcmp(what, "exitcost"))
		return run_exitcost(number(argv[2], 1, 10000000));
	if (argc == 2 && !strcmp(what, "clock"))
		return run_clock();
	if (argc == 3 && !strcmp(what, "pattern"))
		return run_pattern(number(argv[2], 1, 1U << 20));
	bad_usage();
}
