/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain.h: flows of a network, and the chains of functions that they pass, for control.
 *
 * A service is a function (a firewall, a counter, ...) with one or more replicas, each a port of
 * the network; what is behind such a port takes frames, and gives back to the same port those that
 * go on. A flow says which frames it takes, by their IP addresses, protocol, ports and the port
 * where they came in, through which services they go, and where they end.  The first flow that
 * matches, in the order given, has the frame; one that no flow matches is looked up as the
 * network's mode says.
 *
 * Where a frame is in its chain is not written into it: one that comes from a service's port is in
 * the first flow that matches it and has that service, and goes on behind that.  So no service is
 * twice in a chain, and flows that could not be told apart then are refused (vnet_chains_wrong()).
 * From a service's port a frame enters a flow anew only if the flow says `from` that port.
 *
 * Nothing goes in circles that functions give back as they got it.  Where a flow has sent a frame,
 * that flow may have it again, so the first that matches is the same one or one before it; in the
 * same one the frame is a service further each time.  Behind the end of a chain no service's port
 * gets it.  By the network's own look-up such a port gets frames to its own MAC, never floods, and
 * what is given back of these ends there, or in a flow that has that service.
 *
 * Replicas share flows by a keyed hash of addresses, protocol and ports in which both directions
 * are equal: a part of its bits is the share that a flow is in.  Of the replicas that are up, the
 * one with the highest hash of share and replica together gets the share (rendezvous hashing), so
 * that one that goes takes only its own flows elsewhere.  A share stays where it is while frames
 * come and its replica is up, so that frames of a flow keep their order when replicas come and go.
 */
#ifndef VNET_CHAIN_CHAIN_H
#define VNET_CHAIN_CHAIN_H
#include "vnet/vnet.h"

#ifndef VNET_FLOWS
#define VNET_FLOWS 1024 /* of all networks, at most; fewer in the fuzzers */
#endif
#define VNET_SERVICES    64 /* of all networks, at most */
#define VNET_REPLICAS    16 /* of a service, at most */
#define VNET_CHAIN       8  /* services of a flow, at most */
#define VNET_FLOW_RANGES 4  /* ranges of ports of a flow, at most */

struct vnet_service {
	char name[VNET_NAME]; /* "": this number is not used */
	uint16_t net;
	uint16_t replicas;
	uint16_t port[VNET_REPLICAS]; /* numbers of ports */
	bool fail_open; /* is left out while no replica is up; else frames are dropped */
	bool may_leave; /* its functions may end a frame's chain: vnet_input_leaving() */
};

/* An IP address's first bits; version 0: any address, with or without IP. */
struct vnet_prefix {
	uint8_t version; /* 0, 4, 6 */
	uint8_t bits;
	uint8_t address[16]; /* as on the wire; of version 4 the first four bytes */
};

struct vnet_port_range {
	uint16_t first, last;
};

/* Where a frame goes behind the last service of its chain. */
enum vnet_flow_end {
	VNET_FLOW_TO,  /* to port `to` */
	VNET_FLOW_OUT, /* where the network's own look-up says */
	VNET_FLOW_DROP /* nowhere: it is dropped; the chain is empty */
};

struct vnet_flow {
	char name[VNET_NAME];
	uint16_t net;
	uint8_t version;  /* of IP: 0 (any, or none), 4, 6 */
	int16_t protocol; /* of IP; -1: any */
	struct vnet_prefix src, dst;
	uint16_t ranges; /* 0: any ports */
	struct vnet_port_range
	    range[VNET_FLOW_RANGES]; /* source or destination port in one of them */
	int32_t from; /* number of the port where it came in; -1: any but a service's */
	uint16_t services;
	uint16_t service[VNET_CHAIN]; /* indices of services, in order */
	enum vnet_flow_end end;
	uint16_t to;
};

/* Services by number, and flows in their order. */
struct vnet_chain_rules {
	const struct vnet_service *service;
	unsigned services; /* VNET_SERVICES at most */
	const struct vnet_flow *flow;
	unsigned flows; /* VNET_FLOWS at most */
};

/* Whether a protocol of IP is one whose ports flows know: its header begins with them. */
bool vnet_protocol_has_ports(unsigned protocol);

/*
 * Whether flow `i` contradicts itself or those before and behind it; `why` (of `size` bytes) says
 * how.  Port numbers may be any that stand for ports: only their equality matters.
 *
 *   - it needs an IP version and has another, or ports and a protocol without, or ranges that end
 *     before they begin;
 *   - a service twice in its chain, or of another network;
 *   - it comes from a port of a service of its chain, or ends at a port of a service;
 *   - it leads back to where it came from without any service;
 *   - another flow may match the same frames, has a service in common with it, and takes its frames
 *     from elsewhere: behind that service nothing tells which of the two a frame is in.
 */
bool vnet_chains_wrong(const struct vnet_chain_rules *r, unsigned i, char *why, size_t size);

/* The first flow before number `i` that takes all of its frames, so that it never gets any; -1:
 * there is none. */
int vnet_flow_hidden(const struct vnet_chain_rules *r, unsigned i);

/* A table of services and flows that is not used yet. */
struct vnet_chains;

/*
 * Makes a table of services and flows, and what each core needs for them.  NULL, and err (of `size`
 * bytes) says why: a flow is wrong; a port is not there, in another network, leads out of the node
 * or is in two services; a service without replicas; no memory.
 */
struct vnet_chains *vnet_chains_make(struct vnet *v, const struct vnet_chain_rules *r, char *err,
                                     size_t size);

/*
 * Puts the table in place of the present one, of all networks; a batch sees the old one or the new
 * one.  Flows and replicas of the same name, network and port keep their counters.  On return no
 * core uses the old one, which is freed.  Cannot fail.  Not from within the walk.
 */
void vnet_chains_use(struct vnet *v, struct vnet_chains *c);

/* Frees a table that was never used. */
void vnet_chains_free(struct vnet *v, struct vnet_chains *c);

struct vnet_flow_count {
	uint64_t frames,
	    bytes; /* that came in, each counted once however many services it passes */
};

/* Flow i of the present table, and its counters, summed over the cores; false: there are not so
 * many.  A port that was removed is VNET_PORTS in it. */
bool vnet_flow_get(struct vnet *v, unsigned i, struct vnet_flow *flow,
                   struct vnet_flow_count *count);

/* Service i, whose name may be "", and the frames that went to each replica. */
bool vnet_service_get(struct vnet *v, unsigned i, struct vnet_service *service,
                      uint64_t hits[VNET_REPLICAS]);

#endif
