/* SPDX-License-Identifier: BSD-2-Clause */
/* pathmtu.c: see pathmtu.h. */
#include "vnet/link/pathmtu.h"
#include "lib/bytes.h"
#include "vnet/frame/view.h"

#define UNREACHABLE  3 /* and its code 4: fragmentation needed and DF set */
#define NEEDED       4
#define DF           0x4000
#define QUOTED_PLAIN 28u /* bytes of the quoted packet that are read: IPv4, UDP */
#define QUOTED_VXLAN 36u

static bool icmp_sum_right(const struct encap_packet *p, const struct vnet_frame *frame)
{
	struct sum sum = {0, false};
	uint8_t result[2];

	view_sum(&sum, frame->seg, frame->nseg, p->l4, p->end);
	sum_store(&sum, result);
	return !(result[0] | result[1]);
}

/* Whether the quoted IPv4 and UDP headers are as we write them, of a packet larger than the MTU. */
static bool quote_plausible(const struct underlay *u, const uint8_t *ip, unsigned mtu)
{
	unsigned total = be16(ip + 2);

	return ip[0] == 0x45 && be16(ip + 6) == DF && ip[9] == IP_UDP &&
	       be32(ip + 12) == u->config.address && total > mtu && total <= u->config.mtu &&
	       be16(ip + 20) >= ENCAP_FLOW_FIRST;
}

/* The link that sent the quoted packet; NULL: none, or the quotation is too short to tell. */
static struct link *quoted_link(struct vnet *v, const struct underlay *u, const uint8_t *ip,
                                unsigned quoted)
{
	const struct peers *peers = atomic_load_explicit(&u->peers, memory_order_acquire);
	uint16_t udp_port = be16(ip + 22);
	int kind = peers ? peers_kind(peers, udp_port) : -1, number;
	struct vnet_port *port;
	enum vnet_drop why;
	uint32_t vni = 0;

	if (kind < 0 || (kind == VNET_LINK_VXLAN && quoted < QUOTED_VXLAN))
		return NULL;
	if (kind == VNET_LINK_VXLAN)
		vni = be32(ip + 32) >> 8;
	number = peers_find(peers, udp_port, vni, be32(ip + 16), &why);
	port = number < 0 ? NULL : port_at(v, (unsigned)number);
	return port ? link_of(port) : NULL;
}

/* Whether the link sent anything in the quoted packet's flow a few seconds ago. */
static bool flow_sent(const struct link *l, const uint8_t *ip, uint64_t now)
{
	uint64_t slot = pathmtu_slot(now);
	uint8_t mark =
	    atomic_load_explicit(&l->sent[be16(ip + 20) % ENCAP_FLOWS], memory_order_relaxed);

	return mark == pathmtu_mark(slot) || (slot && mark == pathmtu_mark(slot - 1));
}

/* Whether the quoted packet has the identification that such a packet had. */
static bool id_right(const struct link *l, const uint8_t *ip, uint64_t now)
{
	uint16_t id = be16(ip + 4), flow = be16(ip + 20);
	uint64_t slot = pathmtu_slot(now);

	return id == pathmtu_id(l, slot, flow) || (slot && id == pathmtu_id(l, slot - 1, flow));
}

/* With messages on two cores at once the larger MTU may win: the next frame brings another. */
static enum vnet_drop limit_lower(struct link *l, unsigned mtu, uint64_t now)
{
	const unsigned least = PATHMTU_INSIDE + VNET_FRAME_MIN;
	unsigned limit = link_limit_over(l->config.kind, mtu);
	bool low = limit < least;

	if (low)
		limit = least;
	if (limit <= pathmtu_limit(l, now)) {
		atomic_store_explicit(&l->lowered, now, memory_order_relaxed);
		atomic_store_explicit(&l->limit, limit, memory_order_relaxed);
	}
	return low ? VNET_DROP_path_mtu_low : VNET_DROP_path_mtu;
}

/* Whether this second's limit of wrong identifications is reached. */
static bool too_many_wrong(const struct underlay *u, uint64_t now)
{
	uint64_t unsent = atomic_load_explicit(&u->unsent, memory_order_relaxed);

	return unsent >> 16 == now && (unsent & 0xffff) >= PATHMTU_GUESSES;
}

static enum vnet_drop count_wrong(struct underlay *u, uint64_t now)
{
	uint64_t was = atomic_load_explicit(&u->unsent, memory_order_relaxed);

	/* Cores that count at once may count one: there are few. */
	atomic_compare_exchange_strong(&u->unsent, &was, (was >> 16 == now ? was : now << 16) + 1);
	return VNET_DROP_path_mtu_unsent;
}

/* A well-formed message with an MTU: checks the quoted packet. */
static enum vnet_drop message_apply(struct vnet_core *core, struct underlay *u, const uint8_t *ip,
                                    unsigned quoted, unsigned mtu)
{
	uint64_t now = atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed);
	struct link *l =
	    quote_plausible(u, ip, mtu) ? quoted_link(core->vnet, u, ip, quoted) : NULL;

	if (!l)
		return VNET_DROP_path_mtu_unsent;
	if (atomic_load_explicit(&l->ignores, memory_order_relaxed))
		return VNET_DROP_path_mtu_ignored;
	if (!flow_sent(l, ip, now))
		return VNET_DROP_path_mtu_unsent;
	if (too_many_wrong(u, now))
		return VNET_DROP_path_mtu_excess;
	return id_right(l, ip, now) ? limit_lower(l, mtu, now) : count_wrong(u, now);
}

enum vnet_drop pathmtu_message(struct vnet_core *core, struct underlay *u,
                               const struct vnet_frame *frame, const struct encap_packet *p)
{
	const uint8_t *icmp = p->head + p->l4, *ip = icmp + 8;
	unsigned have = p->have < p->end ? p->have : p->end, mtu;

	if (have < p->l4 + 8u || icmp[0] != UNREACHABLE || icmp[1] != NEEDED)
		return VNET_DROP_outer_other;
	mtu = be16(icmp + 6);
	if (!mtu) /* a router from before RFC 1191 */
		return VNET_DROP_path_mtu_low;
	if (have < p->l4 + 8u + QUOTED_PLAIN || !icmp_sum_right(p, frame))
		return VNET_DROP_path_mtu_unsent;
	return message_apply(core, u, ip, have - p->l4 - 8u, mtu);
}
