/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP bulk.  The client sends a header, the bytes, and end of stream; the server answers with what
 * it received.  Both structures travel in the byte order of x86, the only machine this runs on.
 */
#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"
#include "probe.h"

#define IDLE_SECONDS 600U /* after which a silent peer counts as gone */
#define MAGIC        0x3170727074656e70ULL
#define FLAG_SHA     1U

struct header {
	uint64_t magic;
	uint64_t flags;
};

struct answer {
	uint64_t received; /* bytes after the header */
	uint8_t digest[SHA256_DIGEST_LENGTH];
};

static const char kind[] = "tcp";

static void sink(int fd, uint8_t *buf)
{
	struct answer a = {0};
	struct header h;
	SHA2_CTX s;
	ssize_t n;

	if (recv(fd, &h, sizeof(h), MSG_WAITALL) != (ssize_t)sizeof(h) || h.magic != MAGIC ||
	    (h.flags & ~(uint64_t)FLAG_SHA)) {
		fprintf(stderr, "tcp-server: not a netprobe client\n");
		return;
	}
	SHA256Init(&s);
	while ((n = read(fd, buf, BLOCK)) > 0) {
		a.received += (uint64_t)n;
		if (h.flags & FLAG_SHA)
			SHA256Update(&s, buf, (size_t)n);
	}
	if (n < 0) {
		perror("tcp-server: read");
		return;
	}
	if (h.flags & FLAG_SHA)
		SHA256Final(a.digest, &s);
	if (write(fd, &a, sizeof(a)) != (ssize_t)sizeof(a))
		perror("tcp-server: write");
}

_Noreturn void tcp_server(uint16_t port)
{
	static uint8_t buf[BLOCK];
	struct sockaddr_in sa;
	int fd = probe_socket(kind, SOCK_STREAM, NULL, port, &sa);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 4))
		probe_fail(kind, "bind");
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0 && errno != ECONNABORTED)
			probe_fail(kind, "accept");
		if (c < 0)
			continue;
		probe_timeout(kind, c, IDLE_SECONDS);
		sink(c, buf);
		close(c);
	}
}

/* Write the whole of `buf`, in as many pieces as the socket takes. */
static void write_all(int fd, const uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			probe_fail(kind, "write");
		buf += n;
		len -= (size_t)n;
	}
}

/* The measured part: `buf` holds the first block.  With `s`, every block is new and hashed;
 * without, the first is sent repeatedly, so that only the network's cost is measured. */
static void send_bulk(int fd, uint64_t left, uint8_t *buf, uint32_t size, SHA2_CTX *s,
                      uint64_t state)
{
	while (left) {
		size_t n = left < size ? (size_t)left : size;

		if (s)
			SHA256Update(s, buf, n);
		write_all(fd, buf, n);
		left -= n;
		if (s)
			pattern_fill(&state, buf, size);
	}
	if (shutdown(fd, SHUT_WR))
		probe_fail(kind, "shutdown");
}

/* One more member of the JSON object that is being printed. */
static void print_digest(const char *name, const uint8_t *digest)
{
	printf(",\"%s\":\"", name);
	for (unsigned i = 0; i < SHA256_DIGEST_LENGTH; i++)
		printf("%02x", digest[i]);
	printf("\"");
}

static int same_digest(SHA2_CTX *s, const struct answer *a)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256Final(digest, s);
	print_digest("sha256", digest);
	print_digest("peer_sha256", a->digest);
	return !memcmp(digest, a->digest, sizeof(digest));
}

int tcp_client(const char *host, uint16_t port, uint32_t mib, uint32_t size, int sha)
{
	struct header h = {.magic = MAGIC, .flags = sha ? FLAG_SHA : 0};
	uint64_t want = (uint64_t)mib << 20, state = PATTERN_START, t0, c0, tsc, ns;
	uint8_t *buf = malloc(size);
	struct sockaddr_in sa;
	struct answer a;
	SHA2_CTX s;
	int ok, fd = probe_socket(kind, SOCK_STREAM, host, port, &sa);

	if (!buf)
		probe_fail(kind, "memory");
	probe_timeout(kind, fd, IDLE_SECONDS);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		probe_fail(kind, "connect");
	write_all(fd, (const uint8_t *)&h, sizeof(h));
	SHA256Init(&s);
	pattern_fill(&state, buf, size);
	t0 = now_ns();
	c0 = now_tsc();
	send_bulk(fd, want, buf, size, sha ? &s : NULL, state);
	if (recv(fd, &a, sizeof(a), MSG_WAITALL) != (ssize_t)sizeof(a))
		probe_fail(kind, "answer");
	tsc = now_tsc() - c0;
	ns = now_ns() - t0;
	ok = a.received == want;
	printf("{\"kind\":\"tcp\",\"mib\":%u,\"buf\":%u", mib, size);
	if (sha)
		ok &= same_digest(&s, &a);
	printf(",\"ok\":%s,\"tsc\":%llu,\"ns\":%llu,\"tsc_per_mib\":%llu,\"ns_per_mib\":%llu}\n",
	       ok ? "true" : "false", (unsigned long long)tsc, (unsigned long long)ns,
	       (unsigned long long)(tsc / mib), (unsigned long long)(ns / mib));
	return !ok;
}
