/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hop: a user-level hop of an overlay, as VNET/U has it (Sundararaj, Dinda: Towards Virtual
 * Networks for Virtual Machine Grid Computing, 2004): Ethernet frames between a TAP device and UDP.
 * For make bench BENCH=memory.
 *
 *     hop TAP OWN-PORT PEER-PORT     UDP by 127.0.0.1: both hops are in one machine
 *
 * One frame at a time, each in a datagram of its own, and a system call for each: what it stands
 * for is a daemon between the guests' NICs, not the fastest that can be written.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 65536

_Noreturn static void fail(const char *what)
{
	fprintf(stderr, "hop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint16_t port_number(const char *text)
{
	long v = strtol(text, NULL, 10);

	if (v < 1 || v > 65535) {
		fprintf(stderr, "hop: %s: not a port\n", text);
		exit(2);
	}
	return (uint16_t)v;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_port = htons(port),
	                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* The device's frames as they are: no header in front, no offload. */
static int open_tap(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		fail("/dev/net/tun");
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	if (ioctl(fd, TUNSETIFF, &r))
		fail(name);
	return fd;
}

static int open_udp(uint16_t own, uint16_t peer)
{
	struct sockaddr_in from = loopback(own), to = loopback(peer);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) ||
	    connect(fd, (struct sockaddr *)&to, sizeof to))
		fail("UDP");
	return fd;
}

/* Moves one frame, if there is one.  What the other side does not take is lost, as on a wire: its
 * queue is full, the device is down, or the peer has not started. */
static void move(const struct pollfd *from, const struct pollfd *to)
{
	static char frame[FRAME_MAX];
	ssize_t n;

	if (!(from->revents & (POLLIN | POLLERR)))
		return;
	n = read(from->fd, frame, sizeof frame);
	if (n < 0 && errno != ECONNREFUSED && errno != EAGAIN)
		fail("read");
	if (n > 0 && write(to->fd, frame, (size_t)n) != n && errno != ECONNREFUSED &&
	    errno != EIO && errno != ENOBUFS)
		fail("write");
}

int main(int argc, char **argv)
{
	struct pollfd end[2] = {{.events = POLLIN}, {.events = POLLIN}};

	if (argc != 4) {
		fputs("usage: hop TAP OWN-PORT PEER-PORT\n", stderr);
		return 2;
	}
	end[0].fd = open_tap(argv[1]);
	end[1].fd = open_udp(port_number(argv[2]), port_number(argv[3]));
	for (;;) {
		if (poll(end, 2, -1) < 0)
			fail("poll");
		move(&end[0], &end[1]);
		move(&end[1], &end[0]);
	}
}
