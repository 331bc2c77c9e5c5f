/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pathmtu.h: what routers tell of the path to a link's peer (private to vnet/): "fragmentation
 * needed" for a packet of ours (RFC 1191), so that the link's senders are told in turn (toobig.h).
 *
 * Anybody can write such a message, so it must quote a packet that was really sent a few seconds
 * ago.  Of those only the slot of time is stored in which each flow, which is the UDP source port,
 * was last there.  The identification of an outer packet, which with DF set may be any (RFC 6864,
 * 4.1), is a keyed hash of its link, its flow and the time, and is computed again for what is
 * quoted.  Who does not see the packets has to guess both, 14 and 16 bits; and of the guesses with
 * a flow that is there, 2 in 65 536 of which are right, few are looked at in a second.
 */
#ifndef VNET_LINK_PATHMTU_H
#define VNET_LINK_PATHMTU_H
#include "vnet/link/wire.h"

#define PATHMTU_SECONDS 600  /* for which a path's MTU is believed (RFC 1191, 6.3) */
#define PATHMTU_SLOT    4    /* seconds; a packet was sent in this slot or the one before, or not */
#define PATHMTU_GUESSES 16   /* of the identification in a flow, looked at in a second */
#define PATHMTU_INSIDE  1280 /* bytes that each IPv6 link carries (RFC 8200, 5; RFC 8201, 4) */

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

/* What a flow that was there in a slot is marked with; 0: never.  It comes again after 255. */
static inline uint8_t pathmtu_mark(uint64_t slot)
{
	return (uint8_t)(1 + slot % 255);
}

/* The link sends a packet of the flow in the slot; any core. */
static inline void pathmtu_sends(struct link *l, uint64_t slot, uint16_t flow)
{
	_Atomic uint8_t *sent = &l->sent[flow % ENCAP_FLOWS];
	uint8_t mark = pathmtu_mark(slot);

	/* The line is written once in a slot, so that cores do not take it from each other. */
	if (__builtin_expect(atomic_load_explicit(sent, memory_order_relaxed) != mark, 0))
		atomic_store_explicit(sent, mark, memory_order_relaxed);
}

/* Bytes of the largest frame that fits the link's path, by what was told in the last ten minutes.
 */
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
 * Takes an ICMP message whose IP header was checked, and tells what it is counted as: path_mtu for
 * one that quotes a packet which a link sent in the last seconds; it lowers that link's limit to
 * the MTU that it names, but (path_mtu_low) to no less than what carries a packet of PATHMTU_INSIDE
 * bytes.  No other one changes anything; outer_other: it says something else.
 */
enum vnet_drop pathmtu_told(struct vnet_core *core, struct underlay *u,
                            const struct vnet_frame *frame, const struct encap_packet *p);

#endif
