/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * encap.h: the outer headers of a link: building and reading them (private to vnet/).  No state.
 *
 *   14  Ethernet
 *   20  IPv4: DF, TTL 64, no options; DSCP as the link has it, ECN the inner packet's (RFC 6040)
 *    8  UDP: no checksum
 *    8  VXLAN (RFC 7348, 5); a link of kind UDP has none
 *       the inner Ethernet frame
 */
#ifndef VNET_LINK_ENCAP_H
#define VNET_LINK_ENCAP_H
#include "vnet/frame/headers.h"
#include "vnet/vnet.h"

#define ENCAP_MAX        50    /* bytes of all outer headers, at most, as built here */
#define ENCAP_FLOW_FIRST 49152 /* UDP source ports: the dynamic ones, RFC 6335, 6 */
#define ENCAP_FLOWS      16384 /* how many of them */
#define ENCAP_HEAD       104   /* bytes to read: also IP options and the inner Ethernet header */

/* Bytes of the outer headers of a kind. */
static inline unsigned encap_bytes(enum vnet_link_kind kind)
{
	return kind == VNET_LINK_VXLAN ? 50 : 42;
}

/* The part of the outer headers that is the same for all frames of a link. */
struct encap_path {
	enum vnet_link_kind kind;
	mac_t mac; /* ours */
	uint32_t local, remote, vni;
	uint16_t udp_port;
};

/* Writes that part of the outer headers. */
void encap_template(uint8_t *out, const struct encap_path *path);

/* The part of the outer headers that depends on the inner frame. */
struct encap_outer {
	mac_t next; /* the next hop */
	uint32_t len;
	uint16_t flow; /* UDP source port */
	uint16_t id;   /* the IP header's identification */
	uint8_t tos;   /* DSCP and ECN */
};

/*
 * Sets `flow` and `tos` from the inner frame.  The UDP source port is a dynamic one (49152 to
 * 65535, RFC 7348, 5), by a hash of the inner flow, also behind tags and extension headers.  TOS is
 * the inner packet's, 0 without IP.  frame->dst and frame->src are set.
 */
void encap_inner(struct encap_outer *outer, const struct vnet_frame *frame);

/* Writes the outer headers for an inner frame of outer->len bytes; `bytes` is encap_bytes() of the
 * template's kind.  Header and frame fit an IPv4 packet. */
void encap_build(uint8_t *out, const uint8_t *template, unsigned bytes,
                 const struct encap_outer *outer);

/* An outer packet being read, from a private copy that Dom0 cannot change. */
struct encap_packet {
	uint8_t head[ENCAP_HEAD];
	uint32_t have;                /* bytes in head */
	uint32_t source, destination; /* IPv4 addresses */
	uint8_t protocol, tos;
	uint16_t l4;       /* offset of the IP payload ... */
	uint32_t end;      /* ... and of its end; behind it lies padding */
	uint16_t udp_port; /* the destination's */
	uint32_t vni;      /* 0 for plain UDP */
	uint32_t inner;    /* offset of the inner frame, which reaches to the end */
	mac_t inner_dst;
};

#define ENCAP_OK VNET_DROP_CAUSES /* nothing is wrong */

/* Reads and checks the IPv4 header of a frame; ENCAP_OK, or why it is dropped. */
enum vnet_drop encap_read_ip(struct encap_packet *p, const struct vnet_frame *frame);

/* The same for the UDP header behind it: lengths, and the checksum if there is one. */
enum vnet_drop encap_read_udp(struct encap_packet *p, const struct vnet_frame *frame);

/* The same for the datagram's content, for a link of this kind. */
enum vnet_drop encap_read_inner(struct encap_packet *p, enum vnet_link_kind kind);

#endif
