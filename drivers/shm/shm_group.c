/* SPDX-License-Identifier: BSD-2-Clause */
/* shm_group.c: the group's buffers, its members' start and stop; see shm.h. */
#include <stdio.h>
#include <string.h>
#include "drivers/shm/shm_parts.h"
#include "lib/spinlock.h"

/* An event index that no head reaches soon: nobody has asked to be notified. */
#define NEVER 0x80000000u

static const char *const counter_name[SHM_COUNTER_COUNT] = {
#define X(name, help) #name,
    SHM_COUNTERS(X)
#undef X
};

static const char *const error_name[SHM_ERROR_COUNT] = {"",
#define X(name) #name,
                                                        SHM_ERRORS(X)
#undef X
};

/* --- the group ------------------------------------------------------------------------------ */

static uint32_t power_of_two(uint32_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

bool shm_group_init(struct shm_group *g, void *region, uint64_t bytes, unsigned seats)
{
	uint64_t fit = bytes / SHM_BUFFER, share;

	if (seats < 1 || seats > SHM_SEATS)
		return false;
	share = (fit < SHM_BUFFERS_MAX ? fit : SHM_BUFFERS_MAX) / seats;
	if (share < SHM_SHARE_MIN)
		return false;
	g->share = share < SHM_SHARE_MAX ? (uint32_t)share : SHM_SHARE_MAX;
	g->seats = seats;
	g->buffers = g->share * seats;
	g->buffer = region;
	g->bytes = (uint64_t)g->buffers * SHM_BUFFER;
	g->entries = power_of_two(g->share);
	for (uint32_t i = 0; i < g->buffers; i++)
		shm_set_owner(g, i, SHM_KEPT | (i / g->share + 1));
	return true;
}

/* --- a member ------------------------------------------------------------------------------- */

static void set_status(struct shm_member *m, uint32_t status)
{
	atomic_store(&m->status, status);
	atomic_store(&m->shared->status, status);
}

void shm_break(struct shm_member *m, enum shm_error why)
{
	if (m->port)
		vnet_port_set_up(m->port, vnet_this_core(), false);
	atomic_store(&m->ready, false);
	set_status(m, SHM_BROKEN);
	atomic_fetch_add_explicit(&m->violation[why], 1, memory_order_relaxed);
	shm_notify(m); /* a member that sleeps would wait for frames for ever */
}

static void clear_index(struct shm_index *i)
{
	atomic_store(&i->head, 0);
	atomic_store(&i->tail, 0);
	atomic_store(&i->event, NEVER);
}

/* The rings are empty, and the member is asked to ring for its first frame. */
static void clear_rings(struct shm_member *m)
{
	clear_index(&m->shared->in);
	clear_index(&m->shared->out);
	clear_index(&m->shared->free);
	atomic_store(&m->shared->out.event, 0);
	m->out_tail = m->out_seen = 0;
	m->in_head = m->in_tail = m->free_head = 0;
}

/* All buffers of that owner become the member's spare ones: its own, while it does not run, the
 * gate is held and nothing is incoming, or those of its seat.  Nobody else changes whose they
 * are. */
static void take_back(struct shm_member *m, uint32_t owner)
{
	struct shm_group *g = m->group;

	for (uint32_t i = 0; i < g->buffers; i++)
		if (shm_owner(g, i) == owner) {
			shm_set_owner(g, i, SHM_OF_VMM);
			m->spare[m->nspare++] = (uint16_t)i;
		}
}

/* Waits until other cores have put, or lost, the frames for the member whose buffers they have:
 * each at the end of its walk, or of its copies of one batch. */
static void wait_for_incoming(struct shm_member *m)
{
	for (;;) {
		uint32_t incoming;

		spin_lock(&m->lock);
		atomic_store(&m->ready, false);
		incoming = m->incoming;
		spin_unlock(&m->lock);
		if (!incoming)
			return;
		SPIN_WAIT();
	}
}

/* `control` held. */
static void stop(struct shm_member *m)
{
	if (m->port)
		vnet_port_set_up(m->port, vnet_this_core(), false);
	vgate_lock(&m->gate);
	wait_for_incoming(m);
	take_back(m, shm_id(m));
	clear_rings(m);
	set_status(m, 0);
	vgate_unlock(&m->gate);
	vpci_msix_forget(&m->pci);
}

void shm_member_reset(struct shm_member *m)
{
	spin_lock(&m->control);
	stop(m);
	shm_count(m, SHM_COUNT_resets);
	spin_unlock(&m->control);
}

/* Waits until no core sends that may have found a member who has left: each finds it with the
 * sender's gate held. */
static void wait_for_senders(struct shm_group *g)
{
	for (unsigned i = 0; i < g->seats; i++) {
		struct shm_member *m = atomic_load(&g->member[i]);

		if (!m)
			continue;
		vgate_lock(&m->gate);
		if (!vgate_leave(&m->gate)) {
			vgate_unlock(&m->gate);
			vpci_schedule_work(&m->pci);
		}
	}
}

void shm_member_leave(struct shm_member *m)
{
	struct shm_group *g = m->group;

	m->port = NULL;
	atomic_store(&g->member[m->seat], NULL);
	shm_member_reset(m);
	wait_for_senders(g);
	/* A core that walks another device's batch may have found it, too: walking_member(). */
	vnet_wait_for_walks(vnet_this_core());
	while (m->nspare)
		shm_set_owner(g, m->spare[--m->nspare], SHM_KEPT | shm_id(m));
}

void shm_start(struct shm_member *m)
{
	bool starts;

	spin_lock(&m->control);
	starts = m->port && !atomic_load(&m->status);
	if (starts) {
		vgate_lock(&m->gate);
		spin_lock(&m->lock);
		set_status(m, SHM_START);
		atomic_store(&m->ready, true);
		vnet_port_set_up(m->port, vnet_this_core(), true);
		/* Last, since it may find that the guest has broken `free` already. */
		shm_refill(m);
		spin_unlock(&m->lock);
		/* Another vCPU may have seen that it runs, and rung: that is left to who holds the
		 * gate. */
		if (!vgate_leave(&m->gate)) {
			vgate_unlock(&m->gate);
			vpci_schedule_work(&m->pci);
		}
		shm_count(m, SHM_COUNT_starts);
	}
	spin_unlock(&m->control);
	/* It may be an edge, whose links have next hops to ask for. */
	if (starts && shm_ready(m))
		vnet_port_ready(vnet_this_core(), m->port);
}

/*
 * A quarter of the share is offered by `free`, and a quarter of it stays for frames that come: who
 * takes empty buffers and sends none can still receive.
 */
void shm_refill(struct shm_member *m)
{
	struct shm_group *g = m->group;
	uint32_t quarter = g->share / 4, first = m->free_head;
	uint32_t offered =
	    first - atomic_load_explicit(&m->shared->free.tail, memory_order_acquire);

	if (offered > g->entries) {
		shm_break(m, SHM_E_ring_broken);
		return;
	}
	for (; offered < quarter && m->nspare > quarter; offered++) {
		uint32_t buffer = m->spare[--m->nspare];

		shm_set_owner(g, buffer, shm_id(m));
		m->shared->free_ring[m->free_head++ & m->mask] = buffer;
	}
	if (m->free_head != first)
		atomic_store_explicit(&m->shared->free.head, m->free_head, memory_order_release);
}

static void describe(const struct shm_group *g, const struct shm_member *m, mac_t mac)
{
	struct shm_private *p = m->shared;

	p->version = SHM_VERSION;
	p->seat = m->seat;
	p->seats = g->seats;
	p->share = g->share;
	p->buffers = g->buffers;
	p->entries = g->entries;
	p->region_bytes = g->bytes;
	p->mtu = m->mtu;
	mac_write(p->mac, mac);
	p->magic = SHM_MAGIC;
}

/* Every member finds every member's number by its name. */
static void exchange_names(struct shm_group *g, struct shm_member *m, const char *name)
{
	for (unsigned i = 0; i < g->seats; i++) {
		struct shm_member *other = atomic_load(&g->member[i]);

		if (!other)
			continue;
		snprintf(other->shared->name[m->seat], SHM_NAME, "%s", name);
		if (other != m)
			memcpy(m->shared->name[i], other->pci.name,
			       strnlen(other->pci.name, SHM_NAME - 1));
	}
}

bool shm_member_init(struct shm_member *m, struct shm_group *g, unsigned seat,
                     const struct shm_member_config *c)
{
	if (seat >= g->seats || atomic_load(&g->member[seat]))
		return false;
	m->group = g;
	m->seat = seat;
	m->shared = c->shared;
	m->mask = g->entries - 1;
	m->mtu = c->mtu < SHM_MTU ? c->mtu : SHM_MTU;
	m->moved = c->moved;
	m->region_at = c->region_at;
	m->region_bytes = c->region_bytes;
	describe(g, m, c->mac);
	clear_rings(m);
	take_back(m, SHM_KEPT | shm_id(m));
	shm_pci_init(m, c->name);
	atomic_store(&g->member[seat], m);
	exchange_names(g, m, c->name);
	return true;
}

void shm_member_attach(struct shm_member *m, struct vnet_port *port)
{
	m->port = port;
}

bool shm_member_counter(const struct shm_member *m, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	if (i < SHM_COUNTER_COUNT) {
		snprintf(name, size, "%s", counter_name[i]);
		*value = count_read(&m->count[i]);
		return true;
	}
	i -= SHM_COUNTER_COUNT;
	if (i < VPCI_MSIX_COUNTER_COUNT) {
		snprintf(name, size, "%s", vpci_msix_counter_name[i]);
		*value = count_read(&m->pci.msix_count[i]);
		return true;
	}
	i -= VPCI_MSIX_COUNTER_COUNT;
	if (++i >= SHM_ERROR_COUNT)
		return false;
	snprintf(name, size, "violation.%s", error_name[i]);
	*value = atomic_load(&m->violation[i]);
	return true;
}
