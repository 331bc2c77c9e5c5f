/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP bulk, and round trips of messages.  In bulk the client sends a header, the bytes, and end of
 * stream, and the server answers with what it received.  Of round trips the header has the size of
 * the messages; the server takes each one whole and sends it back, until end of stream.  The
 * structures travel in the byte order of x86, the only machine this runs on.
 */
#include <errno.h>
#include <netinet/tcp.h>
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
#define FLAG_ECHO    2U /* round trips; `message` is their size */

struct header {
	uint64_t magic;
	uint32_t flags;
	uint32_t message;
};

struct answer {
	uint64_t received; /* bytes after the header */
	uint8_t digest[SHA256_DIGEST_LENGTH];
};

static const char kind[] = "tcp", echo_kind[] = "tcp-echo";

/* False when the rest of the connection makes no sense. */
static int is_ours(const struct header *h)
{
	if (h->magic != MAGIC)
		return 0;
	if (h->flags == FLAG_ECHO)
		return h->message > 0 && h->message <= MESSAGE_MAX;
	return !(h->flags & ~FLAG_SHA) && !h->message;
}

/* A segment that is not full is sent at once, instead of waiting for an acknowledgement. */
static int send_at_once(int fd)
{
	int one = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void sink(int fd, uint8_t *buf, uint32_t flags)
{
	struct answer a = {0};

	SHA2_CTX s;
	ssize_t n;

	SHA256Init(&s);
	while ((n = read(fd, buf, BLOCK)) > 0) {
		a.received += (uint64_t)n;
		if (flags & FLAG_SHA)
			SHA256Update(&s, buf, (size_t)n);
	}
	if (n < 0) {
		perror("tcp-server: read");
		return;
	}
	if (flags & FLAG_SHA)
		SHA256Final(a.digest, &s);
	if (write(fd, &a, sizeof(a)) != (ssize_t)sizeof(a))
		perror("tcp-server: write");
}

/* Sends each message back; ends with the stream. */
static void echo(int fd, uint32_t message)
{
	uint8_t *buf = malloc(message);

	if (!buf || send_at_once(fd)) {
		perror("tcp-server: echo");
		free(buf);
		return;
	}
	while (recv(fd, buf, message, MSG_WAITALL) == (ssize_t)message)
		for (uint32_t sent = 0; sent < message;) {
			ssize_t n = write(fd, buf + sent, message - sent);

			if (n <= 0) {
				perror("tcp-server: echo");
				free(buf);
				return;
			}
			sent += (uint32_t)n;
		}
	free(buf);
}

static void serve(int fd, uint8_t *buf)
{
	struct header h;

	if (recv(fd, &h, sizeof(h), MSG_WAITALL) != (ssize_t)sizeof(h) || !is_ours(&h))
		fprintf(stderr, "tcp-server: not a netprobe client\n");
	else if (h.flags & FLAG_ECHO)
		echo(fd, h.message);
	else
		sink(fd, buf, h.flags);
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
		serve(c, buf);
		close(c);
	}
}

/* Write the whole of `buf`, in as many pieces as the socket takes. */
static void write_all(const char *what, int fd, const uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			probe_fail(what, "write");
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
		write_all(kind, fd, buf, n);
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
	write_all(kind, fd, (const uint8_t *)&h, sizeof(h));
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

/* Bytes that the message of a round trip differs in from that of the one before. */
static void number_message(uint8_t *buf, uint32_t size, uint32_t number)
{
	memcpy(buf, &number, size < sizeof(number) ? size : sizeof(number));
}

/* A connection whose server sends back messages of `size` bytes. */
static int connect_echo(const char *host, uint16_t port, uint32_t size)
{
	struct header h = {.magic = MAGIC, .flags = FLAG_ECHO, .message = size};
	struct sockaddr_in sa;
	int fd = probe_socket(echo_kind, SOCK_STREAM, host, port, &sa);

	probe_timeout(echo_kind, fd, IDLE_SECONDS);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		probe_fail(echo_kind, "connect");
	if (send_at_once(fd))
		probe_fail(echo_kind, "nodelay");
	write_all(echo_kind, fd, (const uint8_t *)&h, sizeof(h));
	return fd;
}

/* Takes the message back that was sent. */
static void await_message(int fd, uint8_t *in, uint32_t size)
{
	if (recv(fd, in, size, MSG_WAITALL) != (ssize_t)size)
		probe_fail(echo_kind, "receive");
}

int tcp_echo_client(const char *host, uint16_t port, uint32_t n, uint32_t warm, uint32_t size,
                    int raw)
{
	uint64_t *tsc = samples_new(echo_kind, n), *ns = samples_new(echo_kind, n);
	uint64_t state = PATTERN_START;
	uint8_t *out = malloc((size_t)size + 8), *in = malloc(size);
	int ok = 1, fd = connect_echo(host, port, size);

	if (!out || !in)
		probe_fail(echo_kind, "memory");
	pattern_fill(&state, out, (size + 7) & ~7U);
	for (uint32_t i = 0; i < warm + n; i++) {
		uint64_t t0, c0, c1;

		number_message(out, size, i);
		t0 = now_ns();
		c0 = now_tsc();
		write_all(echo_kind, fd, out, size);
		await_message(fd, in, size);
		c1 = now_tsc();
		if (i >= warm) {
			tsc[i - warm] = c1 - c0;
			ns[i - warm] = now_ns() - t0;
		}
		ok &= !memcmp(in, out, size);
	}
	printf("{\"kind\":\"tcp-echo\",\"n\":%u,\"size\":%u,\"ok\":%s", n, size,
	       ok ? "true" : "false");
	if (raw)
		samples_print_raw("tsc", tsc, n);
	samples_print("tsc", tsc, n);
	samples_print("ns", ns, n);
	puts("}");
	return !ok;
}
