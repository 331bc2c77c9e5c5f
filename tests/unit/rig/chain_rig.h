/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain_rig.h: a switch with hosts and functions.  A function's port gives back what it got, in
 * order, when chain_run() visits it; the way of each frame is recorded, by the serial number in its
 * payload.
 */
#ifndef TESTS_UNIT_RIG_CHAIN_RIG_H
#define TESTS_UNIT_RIG_CHAIN_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rig/ask.h"
#include "vnet/chain/chain.h"

#define CHAIN_PORTS  16 /* 0 to 3 are hosts h0 .. h3, the others functions f4 .. f15 */
#define CHAIN_HOSTS  4
#define CHAIN_FRAME  256 /* bytes of a frame, at most */
#define CHAIN_QUEUE  256
#define CHAIN_SERIAL 4096
#define CHAIN_STEPS  32

struct chain_dev {
	struct vnet_port *port;
	unsigned n; /* frames that wait here */
	struct {
		unsigned len;
		struct vnet_hdr hdr;
		uint8_t bytes[CHAIN_FRAME];
	} frame[CHAIN_QUEUE];
};

struct chain_rig {
	struct vnet *v;
	struct vnet_core *core;
	struct chain_dev dev[CHAIN_PORTS];
	uint8_t way[CHAIN_SERIAL][CHAIN_STEPS]; /* the ports where a frame arrived, in order */
	unsigned steps[CHAIN_SERIAL];
	uint32_t serial;                /* of the next frame */
	uint32_t arrived[CHAIN_SERIAL]; /* at hosts, in order */
	unsigned narrived;
	unsigned batch;  /* frames of a batch that a function sends, at most */
	unsigned pieces; /* bytes of a frame's pieces; 0: one piece */
	/* Changes what a function gives back; NULL: nothing is changed. */
	void (*change)(struct chain_rig *r, unsigned port, uint8_t *bytes, unsigned len);
	struct vnet_service service[VNET_SERVICES];
	struct vnet_flow flow[VNET_FLOWS];
	unsigned services, flows;
};

/* What a frame is; an address is 4 or 16 bytes in `a`. */
struct chain_packet {
	mac_t dst, src;
	unsigned version, protocol; /* 0: no IP */
	uint8_t from[16], to[16];
	unsigned port[2];
	unsigned tags, options; /* VLAN tags; words of IPv4 options or IPv6 destination options */
	unsigned fragment;      /* IPv4: flags and offset; IPv6: likewise, with a fragment header */
};

/* cmocka's: a switch of two cores, all ports in network 0 in mode learn, up, with their MACs. */
int chain_setup(void **state);
int chain_teardown(void **state);

/* A MAC: the declared one of a port. */
mac_t chain_mac(unsigned port);

/* A UDP packet 10.0.0.`a` -> 10.0.0.`b` from host to host, with ports. */
struct chain_packet chain_udp(unsigned a, unsigned b, unsigned sport, unsigned dport);

/* The same with IPv6, 2001:db8::a. */
struct chain_packet chain_udp6(unsigned a, unsigned b, unsigned sport, unsigned dport);

/* Sends one frame from a port; returns its serial number. */
uint32_t chain_send(struct chain_rig *r, unsigned from, const struct chain_packet *p);

/* Lets one function give back one batch of what it got. */
void chain_give_back(struct chain_rig *r, unsigned port);

/* Lets functions give back what they got until nothing moves; returns the batches sent. */
unsigned chain_run(struct chain_rig *r);

/* Sends and runs; the frame's way as text: names of the ports where it arrived, "f4 f5 h1". */
const char *chain_way(struct chain_rig *r, unsigned from, const struct chain_packet *p);

/* The way of a frame that was sent. */
const char *chain_way_of(const struct chain_rig *r, uint32_t serial);

/* Services and flows as text, a statement a line, to r->service and r->flow:
 *   service NAME PORT.. [open]
 *   flow NAME [src A/N] [dst A/N] [proto N] [ports A-B].. [from PORT] [chain S..] to PORT|out|drop
 */
void chain_text(struct chain_rig *r, const char *text);

/* Puts r->service and r->flow to use; NULL, or why not. */
const char *chain_try(struct chain_rig *r);

/* chain_text() and chain_try(), which must succeed. */
void chain_use(struct chain_rig *r, const char *text);

uint64_t chain_drops(struct chain_rig *r, unsigned port, enum vnet_drop why);

#endif
