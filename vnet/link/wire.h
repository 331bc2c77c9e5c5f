/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h: the state of underlays and links, shared by these files (private to vnet/):
 *
 *   underlay.c  control of underlays; ARP requests for next hops
 *   inbound.c   frames from an edge port: ARP, echo, decapsulation
 *   link.c      control of links
 *   outbound.c  frames to a link
 *   waiting.c   the frame to a link that waits for its next hop's MAC
 *   guard.c     checks of other ports' frames
 */
#ifndef VNET_LINK_WIRE_H
#define VNET_LINK_WIRE_H
#include "vnet/link/encap.h"
#include "lib/hash.h"
#include "vnet/link/neighbour.h"
#include "vnet/link/peers.h"
#include "vnet/link/waiting.h"
#include "vnet/state.h"

struct underlay {
	struct vnet_underlay_config config;
	struct vnet_port *edge;
	_Atomic(struct underlay *) next; /* of all underlays */
	_Atomic uint64_t unsent; /* second << 16 | path MTU messages with a wrong identification
	                          * in that second */
	unsigned links;          /* over it; control path only */
	_Atomic(struct peers *) peers; /* NULL: there was never a link */
	struct neighbour neighbour[VNET_NEIGHBOURS];
};

struct link {
	struct vnet_link_config config;
	struct underlay *underlay;
	struct vnet_port *port;
	struct neighbour *hop;
	struct vnet_held waiting; /* the frame that waits for the next hop's MAC */
	struct mix_key key;       /* of the identification of its packets */
	_Atomic uint8_t
	    sent[ENCAP_FLOWS];    /* the time slot in which each flow last sent; pathmtu.h */
	unsigned bytes;           /* of the outer headers */
	unsigned full;            /* bytes of the largest inner frame by the underlay's MTU */
	_Atomic unsigned limit;   /* ... and by the path's */
	_Atomic uint64_t lowered; /* the second in which a router's message lowered it */
	atomic_bool ignores;      /* path MTU messages */
	uint8_t head[ENCAP_MAX];  /* the outer headers, as encap_template() wrote them */
};

/* The link of a port with VNET_LINK. */
static inline struct link *link_of(const struct vnet_port *port)
{
	return port->dev;
}

/* The underlay of a port; NULL: it has none. */
static inline struct underlay *underlay_of(struct vnet_port *port)
{
	return atomic_load_explicit(&port->underlay, memory_order_acquire);
}

/* Bytes of the largest frame whose outer packet fits the MTU. */
static inline unsigned link_limit_over(enum vnet_link_kind kind, unsigned mtu)
{
	return vnet_link_mtu_over(kind, mtu) + VNET_FRAME_MIN;
}

/* Whether an address is one of a single host, of any network (RFC 1122, 3.2.1.3). */
bool address_is_host(uint32_t address);

/* Whether an address is in the underlay's prefix. */
bool underlay_in_prefix(const struct vnet_underlay_config *c, uint32_t address);

/* Whether an address is the prefix's network or broadcast address. */
bool underlay_not_host(const struct vnet_underlay_config *c, uint32_t address);

/* Sends an ARP request for a next hop whose MAC is unknown or old, at most one a second; returns
 * the MAC to send to meanwhile, 0: none.  In the walk. */
mac_t underlay_ask(struct vnet_core *core, struct underlay *u, struct neighbour *n);

/* The same for all next hops of an edge's underlay: its stage's ready(). */
void underlay_ready(struct vnet_core *core, struct vnet_port *edge);

/* Removes an underlay from the list of all.  Walks may still read it. */
void underlay_unlist(struct vnet *v, struct underlay *u);

/* Frees an underlay that no walk uses any more. */
void underlay_free(struct vnet *v, struct underlay *u);

/* inbound.c: the stage of an edge port with an underlay. */
extern const struct vnet_stage inbound_stage;

/* A link's operations: see struct vnet_port_ops. */
unsigned outbound_egress(struct vnet_port *port, struct vnet_core *core,
                         struct vnet_frame *const *frames, unsigned n);
int outbound_blocked(const struct vnet_port *port);

/* The peers of an underlay with one link more or less (NULL: none); NULL: no memory. */
struct peers *link_peers(struct vnet *v, const struct underlay *u, const struct link *more,
                         const struct link *less);

/* Publishes them; on return no core uses the old ones, which are freed. */
void link_peers_publish(struct vnet *v, struct underlay *u, struct peers *peers);

/* Frees a link that no walk uses any more, its underlay being still there. */
void link_free(struct vnet *v, struct link *l);

#endif
