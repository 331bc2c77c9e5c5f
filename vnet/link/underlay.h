/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * underlay.h: the node's own address behind an edge port, over which links run.  Included by
 * vnet.h.
 *
 * Frames from an edge port with an underlay are examined before they are switched: ARP for its
 * address is answered, what a link's peer sent is decapsulated and switched as coming from that
 * link's port, and anything else to its MAC is dropped, each cause with a counter.  All other
 * frames are switched in the edge port's own network, as without an underlay.
 */
#ifndef VNET_LINK_UNDERLAY_H
#define VNET_LINK_UNDERLAY_H
#include "vnet/vnet.h"

#define VNET_UNDERLAY_MTU_MIN 576   /* what each IPv4 host must accept, RFC 791 */
#define VNET_UNDERLAY_MTU_MAX 16128 /* the largest of the NICs that Dom0 may have */
#ifndef VNET_NEIGHBOURS
#define VNET_NEIGHBOURS                                                                            \
	256 /* distinct next hops of one underlay, at most; fewer in the fuzzers                   \
	     */
#endif

/* IPv4 addresses are numbers in host order: 192.0.2.1 is 0xc0000201. */
struct vnet_underlay_config {
	uint32_t address;
	unsigned prefix;  /* bits of the network, 1 to 30 */
	uint32_t gateway; /* 0: only what is in the prefix can be reached */
	mac_t mac;        /* the node's own on that wire; not Dom0's */
	unsigned mtu;     /* bytes of an IP packet on that wire */
};

/*
 * Gives the edge port an address, or changes it while no link is over it.  The config is copied.
 * False, and nothing changed: the port is no edge, a field is out of its range or contradicts the
 * others, links are over it (an equal config is accepted), or memory is short; err says which.
 */
bool vnet_underlay_set(struct vnet_port *edge, const struct vnet_underlay_config *config, char *err,
                       size_t size);

/* Removes the address.  False: there is none, or links are over it; err says which. */
bool vnet_underlay_remove(struct vnet_port *edge, char *err, size_t size);

/* The port's address, into *config; false: it has none. */
bool vnet_underlay_get(struct vnet_port *edge, struct vnet_underlay_config *config);

#endif
