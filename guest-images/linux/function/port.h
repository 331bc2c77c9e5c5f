/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h: a Linux program's port in a group's memory (docs/groups.md), for the library of
 * guest-images/netlib.
 *
 * The private region is a PCI function's BAR, mapped by /dev/mem, which maps it cached, as /sys's
 * resource files do not; the doorbell is an I/O port.  Needs root and no driver.
 */
#ifndef GUEST_IMAGES_LINUX_FUNCTION_PORT_H
#define GUEST_IMAGES_LINUX_FUNCTION_PORT_H
#include <stdbool.h>
#include <stdint.h>
#include "guest-images/netlib/netlib.h"

struct group_port {
	struct netlib lib;
	unsigned short io; /* the registers */
	void *frames;      /* the group's buffers, and how many bytes */
	uint64_t frames_size;
};

/*
 * Opens the port, the first one if there are several, resets and starts it; `device` is the devdax
 * of its group.  NULL: done; else why not, until the next call, and nothing is open.
 */
const char *port_open(struct group_port *p, const char *device);

/* Gives the port back, and with it all buffers that the program has. */
void port_close(struct group_port *p);

#endif
