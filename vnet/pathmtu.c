/* pathmtu.c: routers that tell what fits the path to a link's peer. */
#include "vnet/pathmtu.h"
#include "vnet/bytes.h"
#include "vnet/view.h"

#define UNREACHABLE  3 /* and its code 4: fragmentation needed and DF set */
#define NEEDED       4
#define DF           0x4000
#define QUOTED_PLAIN 28u /* bytes of our packet that are looked at: IPv4, UDP */
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
static bool ours(const struct underlay *u, const uint8_t *ip, unsigned mtu)
{
	unsigned total = be16(ip + 2);

	return ip[0] == 0x45 && be16(ip + 6) == DF && ip[9] == PROTO_UDP &&
	       be32(ip + 12) == u->config.address && total > mtu && total <= u->config.mtu &&
	       be16(ip + 20) >= ENCAP_FLOW_FIRST;
}

/* The link that sent the quoted packet; NULL: none, or the quotation is too short to tell. */
static struct link *sender(struct vnet *v, const struct underlay *u, const uint8_t *ip,
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

/* Two cores that are told at once may keep the larger one: the next frame is answered again. */
static void lower(struct link *l, unsigned mtu, uint64_t now)
{
	unsigned limit = link_limit_over(l->config.kind, mtu);

	if (limit > atomic_load_explicit(&l->limit, memory_order_relaxed))
		return;
	atomic_store_explicit(&l->lowered, now, memory_order_relaxed);
	atomic_store_explicit(&l->limit, limit, memory_order_relaxed);
}

bool pathmtu_told(struct vnet_core *core, struct underlay *u, const struct vnet_frame *frame,
                  const struct encap_packet *p)
{
	const uint8_t *icmp = p->head + p->l4, *ip = icmp + 8;
	unsigned have = p->have < p->end ? p->have : p->end, mtu;
	struct link *l;

	if (have < p->l4 + 8u || icmp[0] != UNREACHABLE || icmp[1] != NEEDED)
		return false;
	mtu = be16(icmp + 6);
	if (have < p->l4 + 8u + QUOTED_PLAIN || !mtu || !ours(u, ip, mtu) ||
	    !icmp_sum_right(p, frame))
		return true;
	l = sender(core->vnet, u, ip, have - p->l4 - 8u);
	if (l)
		lower(l, mtu > VNET_UNDERLAY_MTU_MIN ? mtu : VNET_UNDERLAY_MTU_MIN,
		      atomic_load_explicit(&core->vnet->seconds, memory_order_relaxed));
	return true;
}

void pathmtu_tick(struct link *l, uint64_t now)
{
	unsigned full = link_limit_over(l->config.kind, l->underlay->config.mtu);

	/* A clock that went back makes the difference huge. */
	if (now - atomic_load_explicit(&l->lowered, memory_order_relaxed) >= PATHMTU_SECONDS)
		atomic_store_explicit(&l->limit, full, memory_order_relaxed);
}
