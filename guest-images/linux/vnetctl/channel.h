/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel.h: the control console of a Patio guest, as a channel of requests and answers
 * (docs/control.md, "From Dom0").
 */
#ifndef VNETCTL_CHANNEL_H
#define VNETCTL_CHANNEL_H
#include <stdbool.h>
#include <stddef.h>

struct channel {
	int fd;
	const char *path;
	int limit_ms; /* how long to wait for each piece of an answer */
	char *buf;    /* what was read and not yet taken */
	size_t size, start, end;
};

/* Opens and locks the device, and discards what earlier programs left in the stream; a failure ends
 * the program with EXIT_DEVICE. */
void channel_open(struct channel *c, const char *path, int limit_ms);

/* Sends bytes, all of them. */
void channel_send(struct channel *c, const char *buf, size_t len);

/* The next line, without its end, valid until the next call. */
char *channel_line(struct channel *c, size_t *len);

#define EXIT_REFUSED 1
#define EXIT_USAGE   2
#define EXIT_DEVICE  3

/* Prints the program's name and an error (printf form), and ends the program. */
void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
#endif
