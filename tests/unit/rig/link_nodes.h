/* SPDX-License-Identifier: BSD-2-Clause */
/* link_nodes.h: nodes whose edge ports are joined by a wire, and devices that keep what they get.
 */
#ifndef TESTS_UNIT_RIG_LINK_NODES_H
#define TESTS_UNIT_RIG_LINK_NODES_H
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

#define DEV_GOT 192
#define DEVS    6 /* of a node; number 0 is the edge */

struct got {
	uint32_t len;
	struct vnet_hdr hdr;
	uint8_t *bytes;
};

struct dev {
	struct vnet_port *port;
	unsigned slots; /* with frames that wait, one bit each */
	uint8_t *held[VNET_HOLDS];
	unsigned n, calls;
	struct got got[DEV_GOT];
};

struct node {
	struct vnet *v;
	struct vnet_core *core;
	struct dev dev[DEVS];
	uint64_t seconds;
};

extern unsigned node_alloc_fails; /* allocations that succeed before one fails; 0: none fails */

extern const struct vnet_mem node_mem;     /* malloc(), as that allows */
extern const struct vnet_port_ops dev_ops; /* of a struct dev */

/* Forgets what a device got, or all of a node's. */
void dev_clear(struct dev *d);

void node_clear(struct node *n);

/* Makes device i a port of network `net`, up. */
struct vnet_port *node_port(struct node *n, unsigned i, unsigned net, unsigned flags);

/* The addresses of node i: 192.0.2.(1 + i)/24, behind the gateway 192.0.2.254. */
#define NODE_IP(i)  (0xc0000201u + (i))
#define NODE_MAC(i) ((mac_t)(1 + (i)) << 40 | 0x02)
#define GATEWAY     0xc00002feu

/* Gives the node's edge the addresses of node i. */
void node_underlay(struct node *n, unsigned i, unsigned mtu);

/* A node with an edge in network 0, and networks 1 and 2 of the given policy. */
struct node *node_make(unsigned i, enum vnet_policy policy);

/* Frees it, and what its devices got. */
void node_free(struct node *n);

/* Adds a link over the edge; fails the test when the switch refuses it. */
struct vnet_port *node_link(struct node *n, const char *name, unsigned net,
                            const struct vnet_link_config *c);

/* The mtu of vnet_link_get(); 0: the port is no link. */
unsigned node_link_mtu(const struct vnet_port *link);

/* One second passes, and the edge asks for the next hops that are due. */
void node_tick(struct node *n);

/* Appends a frame to the core's batch, in segments of `piece` bytes; 0: in one. */
void batch_add(struct node *n, uint8_t *bytes, uint32_t len, const struct vnet_hdr *hdr,
               uint32_t piece);

/* Empties the core's batch, and sends it from a port; returns what vnet_input() does. */
void batch_start(struct node *n);

unsigned batch_send(struct node *n, struct vnet_port *from);

/* Sends one frame from a port. */
unsigned node_send(struct node *n, struct vnet_port *from, uint8_t *bytes, uint32_t len);

/* Carries what a's edge got to b; returns how many frames. */
unsigned node_wire(struct node *a, struct node *b);

/* Both ways until nothing moves; fails when that does not end. */
unsigned nodes_settle(struct node *a, struct node *b);

/* A port's drops of one kind. */
uint64_t port_drops(struct vnet_port *port, enum vnet_drop why);

/* All drops of a port. */
uint64_t port_drops_all(struct vnet_port *port);

/* An Ethernet frame of `len` bytes whose payload is counted up from `seed`. */
void ether_frame(uint8_t *p, mac_t dst, mac_t src, unsigned type, uint32_t len, unsigned seed);

#define A 0x0a0052ull /* unicast addresses: the first byte on the wire is 0x52 */
#define B 0x0b0052ull
#define C 0x0c0052ull

#endif
