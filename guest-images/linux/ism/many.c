/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * many.c: more connections than there are buffers for.
 *   smc-many accept PORT           sends each number back; keeps all connections
 *   smc-many connect HOST PORT N   makes N of them, sends a number on each, and waits, with all of
 *                                  them open, when all have come back
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1000

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(void)
{
	int fd = socket(AF_SMC, SOCK_STREAM, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

static struct sockaddr_in place(const char *host, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (!inet_aton(host, &a.sin_addr))
		fail(host);
	return a;
}

/* False: the connection is over. */
static bool send_back(int fd)
{
	uint32_t number;

	return read(fd, &number, sizeof number) == sizeof number &&
	       write(fd, &number, sizeof number) == sizeof number;
}

static void serve(const char *port)
{
	static struct pollfd all[MOST + 1];
	struct sockaddr_in a = place("0.0.0.0", port);
	nfds_t n = 1;

	all[0] = (struct pollfd){open_socket(), POLLIN, 0};
	if (bind(all[0].fd, (struct sockaddr *)&a, sizeof a) || listen(all[0].fd, MOST))
		fail("listen");
	while (poll(all, n, -1) >= 0) {
		for (nfds_t i = 1; i < n; i++)
			if (all[i].revents && !send_back(all[i].fd)) {
				close(all[i].fd);
				all[i].fd = -1; /* poll() passes it over */
			}
		if (all[0].revents && n <= MOST)
			all[n++] = (struct pollfd){accept(all[0].fd, NULL, NULL), POLLIN, 0};
	}
	fail("poll");
}

static void check_number(int fd, uint32_t number)
{
	uint32_t back = 0;

	if (write(fd, &number, sizeof number) != sizeof number ||
	    read(fd, &back, sizeof back) != sizeof back || back != number)
		fail("number");
}

static void connect_all(const struct sockaddr_in *a, unsigned n)
{
	static int fd[MOST];

	for (unsigned i = 0; i < n; i++) {
		fd[i] = open_socket();
		if (connect(fd[i], (const struct sockaddr *)a, sizeof *a))
			fail("connect");
	}
	for (unsigned i = 0; i < n; i++)
		check_number(fd[i], i);
	printf("all %u\n", n);
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	struct sockaddr_in a;
	int n = argc == 5 ? atoi(argv[4]) : 0;

	if (argc == 3 && !strcmp(argv[1], "accept"))
		serve(argv[2]);
	if (n < 1 || n > MOST || strcmp(argv[1], "connect")) {
		fprintf(stderr, "usage: smc-many accept PORT | smc-many connect HOST PORT N\n");
		return 2;
	}
	a = place(argv[2], argv[3]);
	connect_all(&a, (unsigned)n);
	return 0;
}
