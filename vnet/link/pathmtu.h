/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pathmtu.h: path MTU discovery of links (private to vnet/): takes "fragmentation needed" for outer
 * packets (RFC 1191); the link's senders are then answered in turn (toobig.h).
 *
 * Anybody can forge such a message, so it must quote a packet that was sent a few seconds ago.  To
 * prove it, only the time slot in which each flow (UDP source port) last sent is stored.  The
 * identification of an outer packet, which may have any value with DF set (RFC 6864, 4.1), is a
 * keyed hash of link, flow and time slot, and is computed again for the quoted packet.  A forger
 * who does not see the packets must guess both, 14 and 16 bits.  Guesses that name an active flow,
 * of which 2 in 65 536 are right, are limited to a few a second.
 */
#ifndef VNET_LINK_PATHMTU_H
#define VNET_LINK_PATHMTU_H
#include "vnet/link/wire.h"

#define PATHMTU_SECONDS 600  /* for which a lower path MTU is kept (RFC 1191, 6.3) */
#define PATHMTU_SLOT    4    /* seconds of a time slot; the present one and the last count */
#define PATHMTU_GUESSES 16   /* wrong identifications in active flows, examined in a second */
#define PATHMTU_INSIDE  1280 /* least inner MTU accepted: IPv6's (RFC 8200, 5; RFC 8201, 4) */

/* The slot of a time in seconds. */
static inline uint64_t pathmtu_slot(uint64_t seconds)
{
	return seconds / PATHMTU_SLOT;
}

/* The identification of the link's packets of this flow (encap_inner()) in this slot. */
static inline uint16_t pathmtu_id(const struct link *l, uint64_t slot, uint16_t flow)
{
	return (uint16_t)(mix_keyed(&l->key, slot << 16 | flow) >> 48);
}

/* The mark of a flow that sent in this slot; 0 stands for never.  Repeats after 255 slots. */
static inline uint8_t pathmtu_mark(uint64_t slot)
{
	return (uint8_t)(1 + slot % 255);
}

/* Notes that the link sends a packet of the flow in the slot; any core. */
static inline void pathmtu_sends(struct link *l, uint64_t slot, uint16_t flow)
{
	_Atomic uint8_t *sent = &l->sent[flow % ENCAP_FLOWS];
	uint8_t mark = pathmtu_mark(slot);

	/* Written once in a slot, so that cores do not contend for the cache line. */
	if (__builtin_expect(atomic_load_explicit(sent, memory_order_relaxed) != mark, 0))
		atomic_store_explicit(sent, mark, memory_order_relaxed);
}

/* Bytes of the largest frame that fits the link's path, by messages of the last ten minutes. */
static inline unsigned pathmtu_limit(struct link *l, uint64_t now)
{
	unsigned limit = atomic_load_explicit(&l->limit, memory_order_relaxed);

	/* A clock that went back makes the difference huge. */
	if (__builtin_expect(limit != l->full, 0) &&
	    now - atomic_load_explicit(&l->lowered, memory_order_relaxed) >= PATHMTU_SECONDS) {
		atomic_store_explicit(&l->limit, l->full, memory_order_relaxed);
		limit = l->full;
	}
	return limit;
}

/*
 * Takes an ICMP message whose IP header was checked; returns what to count it as.  path_mtu: it
 * quotes a packet that a link sent in the last seconds, and lowers that link's limit to the MTU
 * that it names; path_mtu_low: the same, but to no less than carries a packet of PATHMTU_INSIDE
 * bytes. No other message has an effect; outer_other: it is no "fragmentation needed".
 */
enum vnet_drop pathmtu_message(struct vnet_core *core, struct underlay *u,
                               const struct vnet_frame *frame, const struct encap_packet *p);

#endif
