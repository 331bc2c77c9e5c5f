/* SPDX-License-Identifier: BSD-2-Clause */
/* frame.h: a frame is a view of the sender's memory and an offload header.  Independent of the
 * switch: NIC drivers, rings and guests share it. */
#ifndef VNET_FRAME_FRAME_H
#define VNET_FRAME_FRAME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vnet/frame/mac.h"

#define VNET_FRAME_MIN 14               /* an Ethernet header */
#define VNET_FRAME_MAX (65536 + 14 + 4) /* a GSO frame with a VLAN tag */

/* The offload header that travels with each frame (virtio 1.2, 5.1.6; little endian). */
struct vnet_hdr {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
#define VNET_HDR_F_NEEDS_CSUM 1
#define VNET_HDR_F_DATA_VALID 2
#define VNET_GSO_NONE         0
#define VNET_GSO_TCPV4        1
#define VNET_GSO_UDP          3
#define VNET_GSO_TCPV6        4
#define VNET_GSO_UDP_L4       5
#define VNET_GSO_ECN          0x80

/* A piece of the sender's memory; it stays valid until the walk of its batch returns. */
struct vnet_seg {
	uint8_t *base;
	uint32_t len;
};

/* A view of one frame in the sender's memory, which the receiver's device copies. */
struct vnet_frame {
	struct vnet_seg *seg;
	uint32_t len; /* bytes of the Ethernet frame, the offload header not counted */
	uint16_t nseg;
	uint16_t contiguous_head; /* bool: the first 14 bytes lie in seg[0]; 16 bits: one store with
	                             nseg */
	struct vnet_hdr hdr;
	mac_t dst, src;
};

#endif
