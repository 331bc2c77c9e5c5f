/* SPDX-License-Identifier: BSD-2-Clause */
/* peers.c: see peers.h. */
#include "lib/hash.h"
#include "vnet/link/peers.h"

static unsigned peer_hash(uint32_t remote, uint32_t vni, uint16_t udp_port)
{
	uint64_t h = hash_spread((uint64_t)remote << 32 | vni);

	return (unsigned)(hash_spread(h ^ udp_port) >> 32);
}

/* The slot of the key, or the free one for it. */
static unsigned peer_slot(const struct peers *p, uint32_t remote, uint32_t vni, uint16_t udp_port)
{
	unsigned i = peer_hash(remote, vni, udp_port) & p->mask;
	const struct peer *s = &p->slot[i];

	while (s->udp_port && (s->remote != remote || s->vni != vni || s->udp_port != udp_port)) {
		i = (i + 1) & p->mask;
		s = &p->slot[i];
	}
	return i;
}

static const struct peer *peer_entry(const struct peers *p, uint32_t remote, uint32_t vni,
                                     uint16_t udp_port)
{
	const struct peer *s = &p->slot[peer_slot(p, remote, vni, udp_port)];

	return s->udp_port ? s : NULL;
}

static void peer_insert(struct peers *p, const struct peer *e)
{
	p->slot[peer_slot(p, e->remote, e->vni, e->udp_port)] = *e;
}

struct peers *peers_make(const struct vnet_mem *mem, const struct peer *links, const uint8_t *kind,
                         unsigned n)
{
	unsigned slots = 16; /* four entries for a link, and as many free */
	struct peers *p;
	size_t size;

	while (slots < 8 * n)
		slots *= 2;
	size = sizeof *p + slots * sizeof p->slot[0];
	p = mem->alloc(size);
	if (!p)
		return NULL;
	p->size = size;
	p->mask = slots - 1;
	for (unsigned i = 0; i < n; i++) {
		const struct peer vni = {0, links[i].vni, links[i].udp_port, 0};
		const struct peer port = {0, PEER_PORT, links[i].udp_port, kind[i]};
		const struct peer any = {links[i].remote, PEER_ANY, 1, 0};

		peer_insert(p, &links[i]);
		peer_insert(p, &vni);
		peer_insert(p, &port);
		peer_insert(p, &any);
	}
	return p;
}

int peers_kind(const struct peers *p, uint16_t udp_port)
{
	const struct peer *s = peer_entry(p, 0, PEER_PORT, udp_port);

	return s ? s->link : -1;
}

int peers_find(const struct peers *p, uint16_t udp_port, uint32_t vni, uint32_t remote,
               enum vnet_drop *why)
{
	const struct peer *s = remote ? peer_entry(p, remote, vni, udp_port) : NULL;

	if (s)
		return s->link;
	*why = peer_entry(p, 0, vni, udp_port) ? VNET_DROP_unknown_peer : VNET_DROP_unknown_vni;
	return -1;
}

bool peers_have(const struct peers *p, uint32_t remote)
{
	return remote && peer_entry(p, remote, PEER_ANY, 1);
}
