/* SPDX-License-Identifier: BSD-2-Clause */
/* vnet_rig.h: a switch with devices that record what they were given. */
#ifndef TESTS_UNIT_RIG_VNET_RIG_H
#define TESTS_UNIT_RIG_VNET_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rig/ask.h"
#include "vnet/vnet.h"

#define RIG_PORTS 8
#define RIG_GOT   256

struct rig_dev {
	struct vnet_port *port;
	unsigned calls, n;        /* egress() calls; frames delivered */
	unsigned room;            /* frames that still fit */
	uint32_t serial[RIG_GOT]; /* of the frames, in order */
	unsigned to_send;         /* frames that poll() will send */
	mac_t poll_dst;
};

struct rig {
	struct vnet *v;
	struct vnet_core *core;
	struct rig_dev dev[RIG_PORTS];
	uint8_t bytes[VNET_BATCH][64];
};

extern unsigned rig_alloc_fails; /* allocations that succeed before one fails; 0: none fails */

extern const struct vnet_mem rig_mem;      /* malloc(), as that allows */
extern const struct vnet_port_ops rig_ops; /* of a struct rig_dev */

/* Appends a frame of 64 bytes to the batch; `serial` is its payload. */
void rig_add(struct rig *r, struct vnet_batch *b, mac_t dst, mac_t src, uint32_t serial);

/* Sends one such frame from a port; returns what vnet_input() does. */
unsigned rig_send(struct rig *r, unsigned from, mac_t dst, mac_t src, uint32_t serial);

/* Makes port i, up, in network `net`. */
void rig_port(struct rig *r, unsigned i, unsigned net, unsigned flags);

/* cmocka's: makes the rig, with ports 0 to 5 in network 0, and 6 and 7 in network 1. */
int rig_setup(void **state);

/* cmocka's: frees it. */
int rig_teardown(void **state);

/* How many routes a switch has. */
unsigned rig_count_routes(struct vnet *v);

/* The drops of one kind on a port. */
uint64_t rig_drops(struct rig *r, unsigned port, enum vnet_drop why);

/* Qualifiers and routes, shortly. */
#define IS(m)  ((struct vnet_qual){VNET_MAC_IS, (m)})
#define NOT(m) ((struct vnet_qual){VNET_MAC_NOT, (m)})
#define ANY    ((struct vnet_qual){VNET_MAC_ANY, 0})
#define NONE   ((struct vnet_qual){VNET_MAC_NONE, 0})

/* A route to port `to` in each network. */
struct vnet_route rig_route(struct vnet_qual src, struct vnet_qual dst, unsigned to);

/* Sets the routes; fails the test when the switch refuses them. */
void rig_routes(struct rig *r, const struct vnet_route *routes, unsigned n);

/* Sends one frame; returns which ports got it, as a bit mask. */
unsigned rig_reach_from(struct rig *r, unsigned from, mac_t dst, mac_t src);

/* The same from port 0. */
unsigned rig_reach(struct rig *r, mac_t dst, mac_t src);

#define A 0x0a0052ull /* unicast addresses: the first byte on the wire is 0x52 */
#define B 0x0b0052ull
#define C 0x0c0052ull
#define D 0x0d0052ull

#endif
