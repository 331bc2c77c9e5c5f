/* SPDX-License-Identifier: BSD-2-Clause */
/* group_port.c: see group_port.h. */
#include "lib/mem.h"
#include "vmm/devices/group_port.h"

_Static_assert(CONFIG_GUESTS <= SHM_SEATS, "each member has a seat");
_Static_assert(CONFIG_FRAMES_MAX == (uint64_t)SHM_BUFFERS_MAX * SHM_BUFFER,
               "more would not be used");
_Static_assert(CONFIG_FRAMES_MTU == SHM_MTU, "what an edge in a group can carry");

static void moved(struct shm_member *m)
{
	shown_move(&((struct group_port *)m)->map, atomic_load(&m->pci.bar[SHM_BAR_PRIVATE].base));
}

static bool init(struct group_port *p, const struct group_member *m, const char *name, mac_t mac,
                 uint16_t mtu)
{
	const struct group *g = m->group;
	struct shm_member_config c = {.name = name,
	                              .mac = mac,
	                              .mtu = mtu,
	                              .shared = mem_zalloc(SHM_PRIVATE_BYTES),
	                              .region_at = m->gpa + g->size - g->frames_size,
	                              .region_bytes = g->frames_size,
	                              .moved = moved};

	if (!c.shared)
		return false;
	p->map = (struct shown_memory){.vm = m->vm,
	                               .memory = (uint8_t *)c.shared,
	                               .size = SHM_PRIVATE_BYTES,
	                               .writable = true};
	if (shm_member_init(&p->dev, g->frames, group_seat(g, m->vm->slot), &c))
		return true;
	mem_zfree(c.shared, SHM_PRIVATE_BYTES);
	return false;
}

struct group_port *group_port_create(const struct group_member *m, const char *name, mac_t mac,
                                     uint16_t mtu)
{
	struct group_port *p = m->group->frames ? mem_zalloc(sizeof *p) : NULL;

	if (p && init(p, m, name, mac, mtu))
		return p;
	if (p)
		mem_zfree(p, sizeof *p);
	return NULL;
}

void group_port_destroy(struct group_port *p)
{
	shm_member_leave(&p->dev);
	if (p->dev.pci.bus) {
		vpci_remove(&p->dev.pci);
		shown_move(&p->map, 0);
	}
	mem_zfree(p->map.memory, SHM_PRIVATE_BYTES);
	mem_zfree(p, sizeof *p);
}
