/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.h: links to other nodes, which are ports of the switch.  Included by vnet.h.
 *
 * A frame delivered to a link's port gets an outer header, built in the core's scratch space, and
 * is delivered to the edge port in the same call: the payload is copied once, into Dom0's ring. The
 * peer's frames come in as from the link's port (underlay.h).  Each end is configured with the
 * other's address.  A link belongs to one network and carries no frame of another.
 *
 * A frame is counted on the link's port, and each packet made of it on the edge port; drops by the
 * edge port's device are counted there.
 */
#ifndef VNET_LINK_LINK_H
#define VNET_LINK_LINK_H
#include "vnet/vnet.h"

enum vnet_link_kind {
	VNET_LINK_VXLAN, /* RFC 7348 */
	VNET_LINK_UDP,   /* the Ethernet frame is the datagram's payload, as in the VNET/P paper */
};

#define VNET_VXLAN_PORT 4789 /* IANA, RFC 7348, 8 */
#define VNET_UDP_PORT   9000 /* default for plain Ethernet in UDP */
#define VNET_VNI_MAX    0xffffff
#define VNET_DSCP_COPY  64

struct vnet_link_config {
	enum vnet_link_kind kind;
	uint32_t remote;   /* the peer's IPv4 address, in host order */
	uint32_t vni;      /* VXLAN: the network's number on the wire, 0 to VNET_VNI_MAX; UDP: 0 */
	uint16_t udp_port; /* where both ends listen; 0: the kind's default */
	uint8_t dscp; /* of the outer headers, 0 to 63, or VNET_DSCP_COPY: the inner packet's */
};

/*
 * Makes a link and its port, up, in network `net`, over an edge port that has an underlay; its next
 * hop is resolved (ARP) from the edge's next vnet_port_ready() or the first frame on.  The port is
 * like any other: routes may lead to it and come from it.  NULL, and err says why: as
 * vnet_port_add(), or the peer cannot be reached from the underlay, is the underlay itself, or is
 * no single host; the VNI or the DSCP is too large; the UDP port belongs to links of the other
 * kind; a link of this kind, remote and VNI is there already; there are VNET_NEIGHBOURS next hops;
 * memory is short.
 */
struct vnet_port *vnet_link_add(struct vnet *v, const char *name, unsigned net,
                                struct vnet_port *edge, const struct vnet_link_config *config,
                                char *err, size_t size);

/*
 * Removes a link as vnet_port_remove() does a port.  False, and nothing changed: the port is no
 * link, or memory is short.  Removing an edge port removes all links over it in the same way.
 */
bool vnet_link_remove(struct vnet_port *port);

struct vnet_link_info {
	struct vnet_link_config config; /* udp_port is never 0 */
	struct vnet_port *edge;
	uint32_t next_hop; /* the peer or the gateway */
	mac_t next_mac;    /* of the next hop; 0: unresolved */
	unsigned mtu; /* bytes of the largest IP packet that untagged frames can carry over the link
	               * now, by what routers on its path reported in the last ten minutes */
};

/* A link's configuration and the state of its next hop; false: the port is no link. */
bool vnet_link_get(const struct vnet_port *port, struct vnet_link_info *info);

/* The largest IP packet that untagged frames can carry over a link of this kind, over an underlay
 * with this MTU. */
unsigned vnet_link_mtu_over(enum vnet_link_kind kind, unsigned underlay_mtu);

/*
 * Whether the link accepts "fragmentation needed" from routers on its path (default: yes); if not,
 * only its underlay's MTU counts.  Without effect on a port that is no link.
 */
void vnet_link_set_path_mtu(struct vnet_port *port, bool learn);

#endif
