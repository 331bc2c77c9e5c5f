/* SPDX-License-Identifier: BSD-2-Clause */
/* What the measurements share: errors, sockets, statistics. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "probe.h"

void probe_fail(const char *kind, const char *what)
{
	printf("{\"kind\":\"%s\",\"error\":\"%s\",\"errno\":%d,\"text\":\"%s\"}\n", kind, what,
	       errno, strerror(errno));
	exit(1);
}

uint64_t *samples_new(const char *kind, size_t n)
{
	uint64_t *v = malloc(n * sizeof(*v));

	if (!v)
		probe_fail(kind, "memory");
	/* calloc() would hand out untouched pages, and the measured loop would pay for the faults
	 */
	memset(v, 0, n * sizeof(*v));
	return v;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void samples_print_raw(const char *tag, const uint64_t *v, size_t n)
{
	printf(",\"%s_samples\":[", tag);
	for (size_t i = 0; i < n; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)v[i]);
	putchar(']');
}

void samples_print(const char *tag, uint64_t *v, size_t n)
{
	static const struct {
		const char *name;
		unsigned int permille;
	} places[] = {{"med", 500}, {"p90", 900}, {"p99", 990}, {"p999", 999}};
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	qsort(v, n, sizeof(*v), compare);
	printf(",\"%s\":{\"min\":%llu,\"mean\":%llu", tag, (unsigned long long)v[0],
	       (unsigned long long)(sum / n));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		printf(",\"%s\":%llu", places[i].name,
		       (unsigned long long)v[n * places[i].permille / 1000]);
	printf(",\"max\":%llu}", (unsigned long long)v[n - 1]);
}

int probe_socket(const char *kind, int type, const char *host, uint16_t port,
                 struct sockaddr_in *sa)
{
	int one = 1, fd;

	memset(sa, 0, sizeof(*sa));
	sa->sin_family = AF_INET;
	sa->sin_port = htons(port);
	if (host && !inet_aton(host, &sa->sin_addr)) {
		errno = EINVAL;
		probe_fail(kind, "address");
	}
	fd = socket(AF_INET, type, 0);
	if (fd < 0)
		probe_fail(kind, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		probe_fail(kind, "reuseaddr");
	return fd;
}

void probe_timeout(const char *kind, int fd, unsigned int seconds)
{
	struct timeval tv = {.tv_sec = (time_t)seconds};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)))
		probe_fail(kind, "timeout");
}
