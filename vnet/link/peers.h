/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers.h: finds the link of a datagram, by an immutable hash of UDP port, VNI and peer (private to
 * vnet/).  It also has entries for each UDP port, each VNI and each peer alone, so that one more
 * probe each tells whether port, VNI or peer is unknown.
 */
#ifndef VNET_LINK_PEERS_H
#define VNET_LINK_PEERS_H
#include "vnet/vnet.h"

struct peer {
	uint32_t remote; /* 0: the entry of a VNI or of a UDP port */
	uint32_t vni;    /* PEER_PORT: the entry of a UDP port; PEER_ANY: of a peer alone */
	uint16_t udp_port;
	uint16_t link; /* the link's port number; of a UDP port: its enum vnet_link_kind */
};
#define PEER_PORT 0xffffffffu
#define PEER_ANY  0xfffffffeu

struct peers {
	size_t size; /* bytes of this allocation */
	unsigned mask;
	struct peer slot[]; /* udp_port 0: free */
};

/* Compiles n links; NULL: no memory.  `link` of each is its port number, `kind[i]` its kind. */
struct peers *peers_make(const struct vnet_mem *mem, const struct peer *links, const uint8_t *kind,
                         unsigned n);

/* The kind of the links that use a UDP port; -1: none does. */
int peers_kind(const struct peers *p, uint16_t udp_port);

/* The port number of the link; -1, and *why says whether the VNI or the peer is unknown. */
int peers_find(const struct peers *p, uint16_t udp_port, uint32_t vni, uint32_t remote,
               enum vnet_drop *why);

/* Whether a link's peer has the address. */
bool peers_have(const struct peers *p, uint32_t remote);

#endif
