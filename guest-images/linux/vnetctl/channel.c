/* SPDX-License-Identifier: BSD-2-Clause */
/* channel.c: see channel.h. */
#include "channel.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CTRL_C "\003"

/* Locks the device, so that no other program's requests come between ours. */
static void lock(const struct channel *c)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int waited = 0; flock(c->fd, LOCK_EX | LOCK_NB) != 0; waited += 20) {
		if (errno != EWOULDBLOCK)
			die(EXIT_DEVICE, "%s: cannot lock: %s", c->path, strerror(errno));
		if (waited >= c->limit_ms)
			die(EXIT_DEVICE, "%s is in use by another vnetctl", c->path);
		nanosleep(&pause, NULL);
	}
}

static void make_raw(const struct channel *c)
{
	struct termios t;

	if (tcgetattr(c->fd, &t) != 0)
		die(EXIT_DEVICE, "%s: not a terminal device: %s", c->path, strerror(errno));
	cfmakeraw(&t);
	if (tcsetattr(c->fd, TCSANOW, &t) != 0)
		die(EXIT_DEVICE, "%s: cannot set raw mode: %s", c->path, strerror(errno));
}

/* Waits until the device can be read or written. */
static void wait_for(const struct channel *c, short what)
{
	struct pollfd p = {.fd = c->fd, .events = what};
	int n = poll(&p, 1, c->limit_ms);

	if (n == 0)
		die(EXIT_DEVICE, "%s: no answer within %d s", c->path, c->limit_ms / 1000);
	if (n < 0 && errno != EINTR)
		die(EXIT_DEVICE, "%s: %s", c->path, strerror(errno));
}

void channel_send(struct channel *c, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(c->fd, buf, len);

		if (n >= 0) {
			buf += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			wait_for(c, POLLOUT);
		} else if (errno != EINTR) {
			die(EXIT_DEVICE, "%s: %s", c->path, strerror(errno));
		}
	}
}

/* Makes room behind the unread bytes, and reads more. */
static void read_more(struct channel *c)
{
	ssize_t n;

	if (c->start) {
		memmove(c->buf, c->buf + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end == c->size) {
		c->size = c->size ? 2 * c->size : 4096;
		c->buf = realloc(c->buf, c->size);
		if (!c->buf)
			die(EXIT_DEVICE, "no memory left for an answer");
	}
	n = read(c->fd, c->buf + c->end, c->size - c->end);
	if (n > 0)
		c->end += (size_t)n;
	else if (n == 0)
		die(EXIT_DEVICE, "%s: the device has gone", c->path);
	else if (errno == EAGAIN)
		wait_for(c, POLLIN);
	else if (errno != EINTR)
		die(EXIT_DEVICE, "%s: %s", c->path, strerror(errno));
}

char *channel_line(struct channel *c, size_t *len)
{
	size_t looked = 0;

	for (;;) {
		char *from = c->buf + c->start, *nl = NULL;
		size_t n = c->end - c->start;

		if (n > looked)
			nl = memchr(from + looked, '\n', n - looked);
		if (nl) {
			*len = (size_t)(nl - from);
			*nl = 0;
			c->start += *len + 1;
			return from;
		}
		looked = n;
		read_more(c);
	}
}

/* Discards what a killed vnetctl may have left: half a request, and unread answers. */
static void synchronize(struct channel *c)
{
	struct timespec now;
	char line[80], want[64];
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(want, sizeof want, "+sync %d-%lld-%ld", (int)getpid(), (long long)now.tv_sec,
	         now.tv_nsec);
	snprintf(line, sizeof line, CTRL_C "%s\n", want + 1);
	channel_send(c, line, strlen(line));
	while (strcmp(channel_line(c, &len), want) != 0)
		;
}

void channel_open(struct channel *c, const char *path, int limit_ms)
{
	*c = (struct channel){.path = path, .limit_ms = limit_ms};
	c->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		die(EXIT_DEVICE, "%s: %s: has this guest a control console?", path,
		    strerror(errno));
	lock(c);
	make_raw(c);
	synchronize(c);
}
