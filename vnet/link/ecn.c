/* SPDX-License-Identifier: BSD-2-Clause */
/* ecn.c: see ecn.h. */
#include "vnet/link/ecn.h"
#include "lib/bytes.h"
#include "vnet/frame/headers.h"
#include "vnet/state.h"
#include "vnet/frame/view.h"

_Static_assert(GUARD_HEAD >= HEADERS_L3 + 40, "an IP header behind its tags fits");

/* RFC 6040, figure 4: the ECN field of the forwarded inner packet. */
static enum ecn combine(enum ecn inner, enum ecn outer)
{
	static const uint8_t becomes[4][4] = {
	    /* outer     Not-ECT   ECT(1)    ECT(0)    CE */
	    [ECN_NONE] = {ECN_NONE, ECN_NONE, ECN_NONE, ECN_DROP},
	    [ECN_ECT1] = {ECN_ECT1, ECN_ECT1, ECN_ECT1, ECN_CE},
	    [ECN_ECT0] = {ECN_ECT0, ECN_ECT1, ECN_ECT0, ECN_CE},
	    [ECN_CE] = {ECN_CE, ECN_CE, ECN_CE, ECN_CE},
	};

	return (enum ecn)becomes[inner][outer];
}

/* The IPv4 header checksum after one of its words has changed: RFC 1624, eqn. 3. */
static void sum_changed(uint8_t *field, unsigned was, unsigned is)
{
	uint32_t sum = (uint16_t)~be16(field) + (uint16_t)~was + is;

	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(field, ~(sum + (sum >> 16)) & 0xffff);
}

static void write_ecn(const struct headers *h, uint8_t *ip, enum ecn ecn)
{
	unsigned was = be16(ip), shift = h->ipv6 ? 4 : 0;
	unsigned is = (was & ~((unsigned)ECN_MASK << shift)) | (unsigned)ecn << shift;

	put_be16(ip, is);
	if (h->ipv4)
		sum_changed(ip + 10, was, is);
}

bool ecn_carry(struct vnet_core *core, struct vnet_frame *frame, enum ecn outer)
{
	struct vnet_heads *m = &core->marks;
	uint8_t *head = m->head[m->n];
	unsigned have;
	struct headers h;
	enum ecn inner, ecn;

	if (outer == ECN_NONE)
		return true;
	have = view_read(frame, head, GUARD_HEAD);
	headers_read(&h, head, have);
	if (!h.ipv4 && !h.ipv6)
		return true;
	inner = (enum ecn)(headers_tos(&h, head) & ECN_MASK);
	ecn = combine(inner, outer);
	if (ecn == ECN_DROP || ecn == inner)
		return ecn != ECN_DROP;
	write_ecn(&h, head + h.l3, ecn);
	m->nseg += view_replace_head(frame, head, have, m->seg + m->nseg);
	m->n++;
	return true;
}
