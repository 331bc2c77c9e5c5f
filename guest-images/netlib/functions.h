/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * functions.h: network functions over netlib.h, each a file.  Each is a netlib_function, to be
 * called with its state by netlib_serve(), but for the generator, which serves no frames.
 */
#ifndef GUEST_IMAGES_NETLIB_FUNCTIONS_H
#define GUEST_IMAGES_NETLIB_FUNCTIONS_H
#include "guest-images/netlib/netlib.h"

/* What a function does with the frames that it lets pass. */
struct netlib_onward {
	uint8_t action; /* enum shm_action */
	uint8_t to;     /* of SHM_TO */
};

/* ---- counter.c: counts what comes, by protocol. */

struct netlib_counter {
	struct netlib_onward onward; /* SHM_DROP: it is the last one */
	uint64_t frames, bytes, ipv4, ipv6, arp, other;
};

void netlib_count(void *state, struct netlib_frame *frame, unsigned count);

/* ---- forwarder.c: an IPv4 router: new MAC addresses, TTL and its checksum (RFC 1812, 5.2).
 * Frames that are not IPv4 get new addresses alone, if `bridge` is set; else they are dropped. */

#define NETLIB_NEXT_HOPS 64

struct netlib_next_hop {
	uint32_t prefix; /* in host order; only the first `bits` count */
	uint8_t bits;    /* 0 to 32; the longest prefix wins, of equals the first */
	uint8_t mac[6];
};

struct netlib_forwarder {
	struct netlib_onward onward;
	uint8_t mac[6]; /* its own, the source of what it sends */
	bool bridge;    /* what is not IPv4 goes to the first next hop */
	unsigned hops;
	struct netlib_next_hop hop[NETLIB_NEXT_HOPS];
	uint64_t forwarded, no_hop, expired, malformed;
};

void netlib_forward(void *state, struct netlib_frame *frame, unsigned count);

/* ---- firewall.c: the first rule that matches decides; without one, `otherwise`.  IPv4 and IPv6,
 * behind up to two VLAN tags; other frames (ARP) pass.  A fragment other than the first has no
 * ports, and no rule that asks for ports matches it. */

#define NETLIB_RULES 64

struct netlib_prefix {
	uint8_t address[16]; /* in wire order; of IPv4 the first four */
	uint8_t bits;        /* 0: any address */
};

struct netlib_rule {
	uint8_t version; /* 4, 6, or 0: any */
	struct netlib_prefix src, dst;
	int16_t protocol;             /* -1: any */
	uint16_t port_low, port_high; /* of the destination, TCP and UDP; 0 to 65535: any */
	bool pass;
	uint64_t hits;
};

struct netlib_firewall {
	struct netlib_onward onward;
	bool otherwise; /* pass what no rule matches */
	unsigned rules;
	struct netlib_rule rule[NETLIB_RULES];
	uint64_t passed, blocked, malformed;
};

void netlib_filter(void *state, struct netlib_frame *frame, unsigned count);

/* ---- generator.c: sends UDP frames with a serial number as payload. */

struct netlib_generator {
	struct netlib_onward onward;
	uint8_t src[6], dst[6];
	uint32_t src_ip, dst_ip; /* in host order */
	uint16_t src_port, dst_port;
	uint32_t length; /* of a frame, NETLIB_LOAD_MIN to SHM_FRAME_MAX */
	uint64_t serial; /* of the next frame */
	uint64_t sent, no_buffer;
};

#define NETLIB_LOAD_MIN 60

/* Sends up to `count` frames; returns how many. */
unsigned netlib_generate(struct netlib *n, struct netlib_generator *g, unsigned count);

/* The serial number of such a frame; false: it is none. */
bool netlib_serial(const struct netlib_frame *frame, uint64_t *serial);

/* ---- relay.c: sends each frame back to where it came from (addresses exchanged), or onward as it
 * is. */

struct netlib_relay {
	struct netlib_onward onward;
	bool back;
	uint64_t relayed;
};

void netlib_relay_frames(void *state, struct netlib_frame *frame, unsigned count);

#endif
