/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h: a Linux program's port in a group's memory (docs/groups.md), for the library of
 * guest-images/netlib.
 *
 * If the module patio_shm has the port, the program gets it by /dev/uioN, alone, and can sleep
 * until frames come.  Else it maps the port by /dev/mem, and can only poll.  Needs root.
 *
 * A program that waits for several things at once has its own poll(2) or epoll(7): when
 * netlib_arm() is false, and port.fd readable, port_woken(), and then netlib_receive().
 */
#ifndef GUEST_IMAGES_LINUX_FUNCTION_PORT_H
#define GUEST_IMAGES_LINUX_FUNCTION_PORT_H
#include <stdbool.h>
#include <stdint.h>
#include "guest-images/netlib/netlib.h"

struct group_port {
	struct netlib lib;
	int fd;            /* as an eventfd: readable from an interrupt on; -1: it cannot sleep */
	unsigned short io; /* the registers */
	void *frames;      /* the group's buffers, and how many bytes */
	uint64_t frames_size;
	uint64_t sleeps, wakeups; /* times that port_wait() waited; that an interrupt had come */
};

/*
 * Opens the port, the first one if there are several, resets and starts it; `device` is the devdax
 * of its group.  NULL: done; else why not, until the next call, and nothing is open.
 */
const char *port_open(struct group_port *p, const char *device);

/* Clears what made the descriptor readable; does not wait.  False: the port was taken from the
 * program, and is to be closed: a touch of its memory is a SIGBUS. */
bool port_woken(struct group_port *p);

/* Waits until frames may be there, on a port that can sleep; also returns after a signal.  False:
 * as port_woken(). */
bool port_wait(struct group_port *p);

/* Waits until the VMM has taken all that was sent. */
void port_flush(struct group_port *p);

/* Gives the port back, and with it all buffers that the program has, also those of frames that the
 * VMM has not taken yet. */
void port_close(struct group_port *p);

#endif
