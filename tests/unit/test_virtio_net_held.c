/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_net_held.c: frames that wait in the switch: their chains are given back later, each
 * once, and nothing else waits for them.
 */
#include "tests/unit/rig/virtio_nodes.h"

#define HOLDERS 2
#define WORTH   5 /* seconds that a frame is worth sending */

/* A port whose frames wait, as many as it has room for, until the test releases them. */
static struct holder {
	struct vnet_port *port;
	struct vnet_held held[64];
	unsigned order[64], n; /* held[order[i]] was the i-th to come */
	bool idle;             /* it holds none: they are delivered at once */
} holder[HOLDERS];

static unsigned hold_frames(struct vnet_port *port, struct vnet_core *core,
                            struct vnet_frame *const *frames, unsigned n)
{
	struct holder *h = port->dev;
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		struct vnet_held *one = h->held;

		if (h->idle) {
			done++;
			continue;
		}
		while (!vnet_held_begin(one))
			one++;
		if (vnet_hold(core, one, frames[i], port, VNET_DROP_rx_full, WORTH)) {
			vnet_held_wait(one);
			h->order[h->n++] = (unsigned)(one - h->held);
		} else {
			vnet_held_end(one);
			vnet_refuse(core, port, frames[i], VNET_DROP_rx_full);
		}
	}
	return done;
}

static const struct vnet_port_ops holder_ops = {.egress = hold_frames};

/* The i-th frame that came is sent. */
static void send_held(struct holder *h, unsigned i)
{
	struct vnet_held *one = &h->held[h->order[i]];

	assert_true(vnet_held_take(one));
	vnet_release(one);
	vnet_held_end(one);
}

static mac_t holder_mac(unsigned i)
{
	return 0x200000005452ull | (mac_t)i << 40;
}

static int setup(void **state)
{
	static const char *const name[HOLDERS] = {"h0", "h1"};

	nics_setup(state);
	memset(holder, 0, sizeof holder);
	for (unsigned i = 0; i < HOLDERS; i++) {
		holder[i].port = vnet_port_add(net, name[i], 0, &holder_ops, &holder[i], 0);
		assert_true(vnet_port_set_mac(holder[i].port, holder_mac(i)));
		vnet_port_set_up(holder[i].port, vnet_this_core(), true);
	}
	holder[0].idle = holder[1].idle = true;
	nics_up(FULL);
	nics_introduce();
	holder[0].idle = holder[1].idle = false;
	vnet_clock_set(vnet_this_core(), 1);
	return 0;
}

/* A frame in descriptor `slot`. */
static void offer(struct node *a, unsigned slot, mac_t dst)
{
	nic_compose(a, slot, dst, 60, (uint8_t)slot);
	queue_offer(&a->tx, (uint16_t)slot);
}

static void work(struct node *a)
{
	for (unsigned i = 0; vpci_work(&a->g->pci); i++)
		assert_true(i < 100);
}

static void assert_used(struct node *a, unsigned id)
{
	assert_int_equal(queue_used(&a->tx).id, id);
}

static bool none_used(const struct node *a)
{
	return queue_used_idx(&a->tx) == a->tx.last_used;
}

static void test_given_back_when_released(void **state)
{
	struct node *a = &node[0];
	unsigned interrupts;

	(void)state;
	offer(a, 10, holder_mac(0));
	nic_kick(a);
	assert_true(none_used(a));
	for (unsigned i = 11; i < 14; i++)
		offer(a, i, mac_of(1));
	nic_kick(a);
	for (unsigned i = 11; i < 14; i++) {
		assert_used(a, i); /* others do not wait for it */
		nic_receive(&node[1], 60, (uint8_t)i);
	}
	assert_true(none_used(a));
	queue_interrupt_at(&a->tx, a->tx.last_used);
	interrupts = a->g->msi_of[2];
	send_held(&holder[0], 0);
	assert_true(none_used(a)); /* not by the core that released it */
	work(a);
	assert_used(a, 10);
	assert_true(none_used(a));
	assert_int_equal(a->g->msi_of[2], interrupts + 1);
	offer(a, 20, mac_of(1));
	nic_kick(a);
	assert_used(a, 20);
	assert_int_equal(a->nic->v.queue[1].ring.held, 0);
}

/* Of one batch, some wait; one is dropped for what its header asks, before it is a frame. */
static void test_some_of_a_batch(void **state)
{
	struct node *a = &node[0];
	uint8_t *header;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		offer(a, i, i == 2 || i == 5 ? holder_mac(0) : mac_of(1));
	header = guest_at(a->g, a->tx.desc[1].addr);
	header[1] = VNET_GSO_UDP; /* not negotiated */
	nic_kick(a);
	assert_int_equal(nic_drops(a, VNET_DROP_bad_offload), 1);
	for (unsigned i = 0; i < 8; i++)
		if (i != 2 && i != 5)
			assert_used(a, i);
	assert_true(none_used(a));
	assert_int_equal(holder[0].n, 2);
	assert_ptr_equal(holder[0].held[1].seg[1].base,
	                 (uint8_t *)guest_at(a->g, a->tx.desc[5].addr) + VIRTIO_NET_HDR +
	                     VNET_FRAME_MIN);
	send_held(&holder[0], 1);
	send_held(&holder[0], 0);
	work(a);
	assert_used(a, 2);
	assert_used(a, 5);
	assert_true(none_used(a));
}

/* A frame for several destinations is given back when the last of them has it. */
static void test_several_destinations(void **state)
{
	struct node *a = &node[0];

	(void)state;
	offer(a, 7, MAC_BROADCAST);
	offer(a, 8, holder_mac(1));
	nic_kick(a);
	assert_int_equal(holder[0].n, 1);
	assert_int_equal(holder[1].n, 2);
	assert_int_equal(a->nic->v.queue[1].ring.held, 2);
	send_held(&holder[0], 0);
	work(a);
	assert_true(none_used(a));
	send_held(&holder[1], 0);
	work(a);
	assert_used(a, 7);
	assert_true(none_used(a));
	send_held(&holder[1], 1);
	work(a);
	assert_used(a, 8);
}

/* No more than there are slots, and not more than half of the ring. */
static void test_limit(void **state)
{
	struct node *a = &node[0];

	(void)state;
	for (unsigned i = 0; i < VNET_HOLDS + 4; i++)
		offer(a, i, holder_mac(0));
	nic_kick(a);
	assert_int_equal(holder[0].n, VNET_HOLDS);
	for (unsigned i = VNET_HOLDS; i < VNET_HOLDS + 4; i++)
		assert_used(a, i);
	assert_true(none_used(a));
	for (unsigned i = 0; i < VNET_HOLDS; i++)
		send_held(&holder[0], i);
	work(a);
	for (unsigned i = 0; i < VNET_HOLDS; i++)
		assert_used(a, i);
	a->nic->v.queue[1].ring.held = 32;
	assert_int_equal(virtio_net_nic.port->hold(a->nic, 0, &holder[0].held[0]), -1);
	a->nic->v.queue[1].ring.held = 0;
}

/* On a port that is polled, the core that polls gives it back. */
static void test_polled(void **state)
{
	struct node *a = &node[0];

	(void)state;
	vnet_port_set_mode(a->port, VNET_POLL);
	offer(a, 3, holder_mac(0));
	assert_int_equal(vnet_poll(vnet_this_core(), 64), 1);
	send_held(&holder[0], 0);
	work(a);
	assert_true(none_used(a));
	assert_int_equal(vnet_poll(vnet_this_core(), 64), 0);
	assert_used(a, 3);
}

static unsigned woken;

static void wake(unsigned core)
{
	(void)core;
	woken++;
}

/* The core that polls may sleep beside a frame that waits; its chain is then given back on the
 * guest's core, which wakes nobody.  It must not sleep when that core came while it was at the
 * ring, and left the chain to it. */
static void test_adaptive(void **state)
{
	struct node *a = &node[0];
	struct vnet_core *core = vnet_this_core();

	(void)state;
	vnet_poller_set(net, core, wake);
	vnet_port_set_mode(a->port, VNET_ADAPTIVE);
	vnet_unrest(core);
	woken = 0;
	offer(a, 10, holder_mac(0));
	assert_int_equal(vnet_poll(core, 64), 1);
	assert_true(vnet_rest(core));
	assert_true(none_used(a));
	send_held(&holder[0], 0);
	work(a);
	assert_used(a, 10);
	assert_int_equal(woken, 0);
	vnet_unrest(core);
	offer(a, 11, holder_mac(0));
	assert_int_equal(vnet_poll(core, 64), 1);
	assert_true(vgate_trylock(&a->nic->tx_gate)); /* it polls */
	send_held(&holder[0], 1);
	work(a);
	vgate_unlock(&a->nic->tx_gate);
	assert_true(none_used(a));
	assert_false(vnet_rest(core));
	assert_int_equal(vnet_poll(core, 64), 0);
	assert_used(a, 11);
	assert_true(vnet_rest(core));
	vnet_poller_set(net, NULL, NULL);
}

/* The driver resets the device: what waits is dropped before it has its memory back. */
static void test_reset(void **state)
{
	struct node *a = &node[0];
	struct vnet_port_stats s;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		offer(a, i, holder_mac(0));
	nic_kick(a);
	send_held(&holder[0], 2); /* released, not yet given back */
	guest_out(a->g, (uint16_t)(a->p.common + 20), 1, 0);
	vnet_port_stats(holder[0].port, &s);
	assert_int_equal(s.drop[VNET_DROP_rx_full], 3);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(holder[0].held[i].state, HELD_FREE);
	nic_up(a, FULL, 64, 2048);
	work(a);
	assert_true(none_used(a));
	holder[0].n = 0;
	offer(a, 9, holder_mac(0));
	offer(a, 1, mac_of(1));
	nic_kick(a);
	assert_used(a, 1);
	send_held(&holder[0], 0);
	work(a);
	assert_used(a, 9);
	assert_true(none_used(a));
}

/* What waits for too long is given back at the sender's next visit. */
static void test_late(void **state)
{
	struct node *a = &node[0];
	struct vnet_port_stats s;

	(void)state;
	offer(a, 4, holder_mac(0));
	nic_kick(a);
	vnet_clock_set(vnet_this_core(), WORTH + 1);
	offer(a, 5, mac_of(1));
	nic_kick(a);
	vnet_port_stats(holder[0].port, &s);
	assert_int_equal(s.drop[VNET_DROP_rx_full], 1);
	work(a);
	assert_used(a, 5);
	assert_used(a, 4);
	assert_true(none_used(a));
}

/* For long, over many turns of the ring: each chain comes back once, those that do not wait in
 * order. */
static void test_random(void **state)
{
	struct node *a = &node[0];
	unsigned waiting[64], nwaiting = 0, inside[64] = {0}; /* descriptors that the device has */
	unsigned seed = 1;

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		unsigned order[8], norder = 0, n, next = 0;

		n = (unsigned)rand_r(&seed) % 8;
		holder[0].n = nwaiting;
		for (unsigned i = 0, d = 0; i < n; i++, d++) {
			bool waits = rand_r(&seed) % 3 == 0 && nwaiting < VNET_HOLDS;

			while (d < 64 && inside[d])
				d++;
			assert_true(d < 64);
			inside[d] = 1;
			offer(a, d, waits ? holder_mac(0) : mac_of(1));
			if (waits)
				waiting[nwaiting++] = d;
			else
				order[norder++] = d;
		}
		nic_kick(a);
		assert_int_equal(holder[0].n, nwaiting);
		while (!none_used(a)) {
			unsigned id = queue_used(&a->tx).id;

			assert_true(id < 64 && inside[id]);
			inside[id] = 0;
			if (next < norder && order[next] == id)
				next++;
		}
		assert_int_equal(next, norder);
		while (nwaiting && rand_r(&seed) % 2) {
			unsigned i = (unsigned)rand_r(&seed) % nwaiting--;

			assert_int_equal(inside[waiting[i]], 1);
			send_held(&holder[0], i);
			waiting[i] = waiting[nwaiting];
			holder[0].order[i] = holder[0].order[nwaiting];
		}
		work(a);
		while (!nic_idle(&node[1])) {
			struct vring_used_elem e = queue_used(&node[1].rx);

			queue_offer(&node[1].rx, (uint16_t)e.id);
		}
	}
	for (unsigned i = 0; i < nwaiting; i++)
		send_held(&holder[0], i);
	work(a);
	for (; !none_used(a); nwaiting--)
		inside[queue_used(&a->tx).id] = 0;
	for (unsigned d = 0; d < 64; d++)
		assert_int_equal(inside[d], 0);
	assert_int_equal(a->nic->v.queue[1].ring.held, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, nics_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_given_back_when_released),
	    T(test_some_of_a_batch),
	    T(test_several_destinations),
	    T(test_limit),
	    T(test_polled),
	    T(test_adaptive),
	    T(test_reset),
	    T(test_late),
	    T(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
