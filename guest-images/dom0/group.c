/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames between the NIC and a port in a group, both ways: the NIC receives into the group's
 * buffers and sends from them, and neither Dom0 nor the VMM copies a byte on the way to and from
 * another member.
 *
 * A buffer in one of the NIC's rings is Dom0's.  It came by `in` or `free`, and goes by `out`: with
 * a frame that was received, or empty.  Those that the NIC has sent are kept for its receive ring,
 * some beside that, and the rest goes back to the VMM, which needs them for frames to Dom0.
 */
#include <string.h>
#include "guest-images/dom0/bridge.h"
#include "guest-images/lib/cpu.h"

/* Without RCTL.LPE the NIC discards what is longer, VLAN tag and CRC included (8254x 13.4.22);
 * with it, it would fill all that it takes for a buffer, which is more than is left here. */
#define LONGEST 1522

_Static_assert(SHM_HEADROOM + LONGEST <= SHM_BUFFER, "the NIC writes into no other buffer");

/* How many buffers are missing in the NIC's receive ring. */
static unsigned missing(const struct bridge *b)
{
	unsigned have = E1000_RX_RING - 1 - e1000_rx_room(&b->nic);

	return have < b->group.nic_most ? b->group.nic_most - have : 0;
}

/* The buffer of the frame at `at` is empty, and Dom0's. */
static void keep(struct group_port *g, uint8_t *at)
{
	uintptr_t offset = (uintptr_t)(at - g->lib.buffer) % SHM_BUFFER;

	g->kept[g->nkept++] = at - offset + SHM_HEADROOM;
}

/* Fills the NIC's receive ring with kept buffers, and with new ones.  With `ask` the VMM is asked
 * for some if it offers none: that is an exit. */
static void refill(struct bridge *b, bool ask)
{
	struct group_port *g = &b->group;
	struct netlib_frame fresh[NETLIB_BURST];
	unsigned wanted = missing(b), n;

	for (; wanted && g->nkept; wanted--)
		e1000_rx_give(&b->nic, g->kept[--g->nkept]);
	if (!wanted || (!ask && !netlib_offered(&g->lib)))
		return;
	n = netlib_take(&g->lib, fresh, wanted < NETLIB_BURST ? wanted : NETLIB_BURST);
	for (unsigned i = 0; i < n; i++)
		e1000_rx_give(&b->nic, fresh[i].data);
}

static const char *open_group(struct bridge *b)
{
	struct group_port *g = &b->group;
	const char *error = group_port_start(g);
	unsigned share;

	if (error)
		return error;
	b->mtu = g->lib.mtu;
	b->mtu_most = E1000_MTU;
	share = g->lib.shared->share;
	g->nic_most = share / 2 < E1000_RX_RING - 1 ? share / 2 : E1000_RX_RING - 1;
	g->kept_most = share / 8 < NETLIB_BURST ? share / 8 : NETLIB_BURST;
	return NULL;
}

/* The VMM offers a part of the share at a time, and more when it is asked. */
static const char *start_group(struct bridge *b)
{
	unsigned before;

	do {
		before = missing(b);
		refill(b, true);
		refill(b, true);
	} while (missing(b) && missing(b) < before);
	e1000_rx_flush(&b->nic);
	return missing(b) < b->group.nic_most ? NULL : "the group has no buffers for the NIC";
}

/* Buffers whose frames the NIC has sent are empty. */
static bool reclaim_sent(struct bridge *b)
{
	struct group_port *g = &b->group;
	uint8_t *at;
	bool any = false;

	while (g->nkept < NETLIB_BURST && (at = e1000_tx_done(&b->nic))) {
		keep(g, at);
		any = true;
	}
	return any;
}

/* Whether a frame waits for room in the NIC's ring. */
static bool is_blocked(const struct bridge *b)
{
	return b->group.next < b->group.n;
}

/* Sends what came for the wire.  Frames of a group's port are complete: they ask for no offload. */
static bool send_burst(struct bridge *b)
{
	static const struct vnet_hdr plain;
	struct group_port *g = &b->group;
	unsigned first;

	if (!is_blocked(b)) {
		g->next = 0;
		g->n = netlib_receive(&g->lib, g->in, NETLIB_BURST);
	}
	for (first = g->next; g->next < g->n; g->next++) {
		uint8_t *at = g->in[g->next].data;
		struct vnet_seg piece = {at, g->in[g->next].length};
		enum e1000_sent sent = e1000_tx_send(&b->nic, &piece, 1, &plain, at);

		if (sent == E1000_FULL) {
			b->count[BRIDGE_out_waits]++;
			break;
		}
		b->count[sent == E1000_SENT ? BRIDGE_out_frames : BRIDGE_out_bad]++;
		if (sent != E1000_SENT)
			keep(g, at);
	}
	return g->next != first;
}

/* Gathers what the NIC has received, with clear notes (shm_abi.h). */
static unsigned gather_received(struct bridge *b, unsigned most)
{
	struct group_port *g = &b->group;
	uint8_t *at;
	uint32_t len;
	unsigned n = 0;

	while (n < most && (at = e1000_rx_next(&b->nic, &len))) {
		g->out[n] = (struct netlib_frame){.data = at, .length = len, .action = SHM_NEXT};
		memset(netlib_notes(&g->lib, &g->out[n++]), 0, SHM_NOTES);
	}
	b->count[BRIDGE_in_frames] += n;
	return n;
}

/* ... and all empty buffers, if those are too many to be kept. */
static unsigned gather_kept(struct group_port *g, unsigned n, unsigned most)
{
	if (g->nkept < g->kept_most || g->nkept > most)
		return n;
	while (g->nkept)
		g->out[n++] =
		    (struct netlib_frame){.data = g->kept[--g->nkept], .action = SHM_DROP};
	return n;
}

static bool poll_group(struct bridge *b)
{
	struct group_port *g = &b->group;
	bool moved = reclaim_sent(b);
	unsigned room, n;

	refill(b, false);
	moved |= send_burst(b);
	e1000_tx_flush(&b->nic);
	room = netlib_room(&g->lib);
	n = gather_received(b, room < NETLIB_BURST ? room : NETLIB_BURST);
	n = gather_kept(g, n, room - n);
	netlib_send(&g->lib, g->out, n); /* there is room for all of them */
	refill(b, missing(b) > g->nic_most / 2 && !netlib_unread(&g->lib));
	e1000_rx_flush(&b->nic);
	return moved || n;
}

/* The NIC must say when it has sent something: a frame waits for that, or the buffers are missed.
 */
static bool tx_must_wake(const struct bridge *b)
{
	unsigned pending = e1000_tx_pending(&b->nic);

	return is_blocked(b) || pending > b->group.kept_most ||
	       (pending && missing(b) > b->group.nic_most / 2);
}

static void wait_for_irq(void *bridge)
{
	struct bridge *b = bridge;

	if (e1000_rx_ready(&b->nic) || (b->group.tx_wakes && e1000_tx_ready(&b->nic)))
		return;
	b->count[BRIDGE_sleeps]++;
	irq_wait();
}

/* The NIC needs buffers, and gets some without an interrupt: the VMM offers some, or will when it
 * has read what was sent. */
static bool buffers_come(struct bridge *b)
{
	struct netlib *lib = &b->group.lib;

	return missing(b) > b->group.nic_most / 2 && netlib_running(lib) &&
	       (netlib_unread(lib) || netlib_offered(lib));
}

static void sleep_group(struct bridge *b)
{
	if (buffers_come(b))
		return;
	b->group.tx_wakes = tx_must_wake(b);
	e1000_irq_on(&b->nic, b->group.tx_wakes);
	if (is_blocked(b))
		wait_for_irq(b);
	else
		netlib_wait(&b->group.lib, wait_for_irq, b);
}

const struct bridge_kind bridge_group = {open_group, start_group, poll_group, sleep_group};
