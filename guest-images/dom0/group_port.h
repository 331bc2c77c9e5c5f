/* SPDX-License-Identifier: BSD-2-Clause */
/* Dom0's port of the switch as a member of a trust group, whose buffers hold its frames. */
#ifndef DOM0_GROUP_PORT_H
#define DOM0_GROUP_PORT_H
#include <stdbool.h>
#include <stdint.h>
#include "guest-images/netlib/netlib.h"

struct group_port {
	struct netlib lib;
	uint16_t io; /* I/O port of its registers */

	/* The bridge's, see group.c. */
	unsigned nic_most;                    /* buffers in the NIC's receive ring, at most */
	unsigned kept_most;                   /* empty buffers that Dom0 keeps beside those */
	struct netlib_frame in[NETLIB_BURST]; /* received; from `next` on they wait for the NIC */
	unsigned n, next;
	struct netlib_frame out[3 * NETLIB_BURST]; /* gathered by one poll */
	uint8_t *kept[2 * NETLIB_BURST];
	unsigned nkept;
	bool tx_wakes; /* what the NIC has sent ends the sleep */
};

/* Whether Dom0 has such a port. */
bool group_port_found(void);

/* Finds it, and starts it with its interrupt by MSI-X.  Returns NULL, or what is wrong. */
const char *group_port_start(struct group_port *port);

uint64_t group_port_irqs(void);
#endif
