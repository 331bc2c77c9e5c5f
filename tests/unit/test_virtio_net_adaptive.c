/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_net_adaptive.c: ports in mode adaptive: polled while frames come; when the polling
 * core rests, a driver's kick moves its frames and wakes that core.
 */
#include "tests/unit/rig/virtio_nodes.h"

#define POLLER 1 /* number of the core that polls */

static unsigned woken;

static void wake(unsigned core)
{
	assert_int_equal(core, POLLER);
	woken++;
}

static struct vnet_core *poller(void)
{
	return vnet_core(net, POLLER);
}

static int setup(void **state)
{
	nics_setup(state);
	nics_up(FULL);
	nics_introduce();
	woken = 0;
	vnet_poller_set(net, poller(), wake);
	assert_int_equal(woken, 1); /* it begins */
	woken = 0;
	vnet_poller_set(net, poller(), wake);
	assert_int_equal(woken, 0); /* nothing new */
	for (unsigned i = 0; i < GUESTS; i++)
		vnet_port_set_mode(node[i].port, VNET_ADAPTIVE);
	vnet_unrest(poller());
	return 0;
}

/* Offers a frame; returns whether the driver must kick for it. */
static bool offer(struct node *n, mac_t dst, uint8_t seed)
{
	uint16_t old = n->tx.avail_idx;

	nic_compose(n, old % 64u, dst, 60, seed);
	queue_offer(&n->tx, old % 64u);
	return queue_kick_wanted(&n->tx, old);
}

/* As a driver does: it kicks when it must. */
static void send(struct node *n, mac_t dst, uint8_t seed)
{
	if (offer(n, dst, seed))
		nic_kick(n);
}

static uint64_t kicks(const struct node *n)
{
	return device_counter(&n->nic->v, "kicks");
}

static void awake_it_polls_and_nobody_kicks(void **state)
{
	uint64_t before = kicks(&node[0]);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		assert_false(offer(&node[0], mac_of(1), (uint8_t)i));
		assert_int_equal(vnet_poll(poller(), 64), 1);
		nic_receive(&node[1], 60, (uint8_t)i);
	}
	assert_int_equal(kicks(&node[0]), before);
	assert_int_equal(woken, 0);
}

static void at_rest_a_kick_moves_its_frame_and_wakes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(vnet_poll(poller(), 64), 0);
		assert_true(vnet_rest(poller()));
		assert_true(offer(&node[0], mac_of(1), 1));
		assert_true(nic_idle(&node[1]));
		nic_kick(&node[0]);
		nic_receive(&node[1], 60, 1); /* at once, not only when the core is awake */
		assert_int_equal(woken, i + 1);
		/* Until it is, the others still kick; it is called no more. */
		send(&node[2], mac_of(1), 2);
		nic_receive(&node[1], 60, 2);
		assert_false(offer(&node[0], mac_of(1), 3));
		assert_int_equal(woken, i + 1);
		vnet_unrest(poller());
		assert_false(offer(&node[1], mac_of(0), 4));
		assert_int_equal(vnet_poll(poller(), 64), 2);
		nic_receive(&node[1], 60, 3);
		nic_receive(&node[0], 60, 4);
	}
	assert_int_equal(vnet_rests_get(net).rests, 3);
	assert_int_equal(vnet_rests_get(net).wakes, 3);
}

/* A frame that no kick was wanted for, since the core was awake, keeps it awake. */
static void a_frame_that_waits_forbids_the_rest(void **state)
{
	(void)state;
	for (unsigned i = 0; i < GUESTS; i++) {
		assert_false(offer(&node[i], mac_of((i + 1) % GUESTS), 5));
		assert_false(vnet_rest(poller()));
		assert_false(offer(&node[(i + 2) % GUESTS], mac_of((i + 1) % GUESTS), 6));
		assert_int_equal(vnet_poll(poller(), 64), 2);
		nic_receive(&node[(i + 1) % GUESTS], 60, i < 1 ? 5 : 6);
		nic_receive(&node[(i + 1) % GUESTS], 60, i < 1 ? 6 : 5);
		for (unsigned k = 0; k < GUESTS; k++) /* nobody was left to kick */
			assert_false(offer(&node[k], mac_of(k), 7));
		assert_int_equal(vnet_poll(poller(), 64), 3);
	}
	assert_int_equal(vnet_rests_get(net).rests, 0);
}

/* A guest that kicks for nothing wakes nobody, and keeps its kicks. */
static void a_kick_for_nothing_wakes_nobody(void **state)
{
	(void)state;
	assert_true(vnet_rest(poller()));
	for (unsigned i = 0; i < 1000; i++)
		nic_kick(&node[0]);
	assert_int_equal(woken, 0);
	assert_true(offer(&node[0], mac_of(1), 1));
	nic_kick(&node[0]);
	nic_receive(&node[1], 60, 1);
	assert_int_equal(woken, 1);
	for (unsigned i = 0; i < 1000; i++) { /* also with frames, while the core is awake */
		offer(&node[0], mac_of(1), 2);
		nic_kick(&node[0]);
		nic_receive(&node[1], 60, 2);
	}
	assert_int_equal(woken, 1);
}

/* The rest of what a kick finds is for the core that polls: the kick is one batch of work. */
static void a_kick_takes_one_batch(void **state)
{
	struct node *n = &node[0];

	(void)state;
	assert_true(vnet_rest(poller()));
	nic_up(n, FULL, 64, 2048);
	for (unsigned i = 0; i < 63; i++) {
		/* Ten of them are all that a batch may weigh. */
		nic_compose(n, i, mac_of(1), 14000, 0);
		queue_offer(&n->tx, (uint16_t)i);
	}
	nic_kick(n);
	assert_int_equal(queue_used_idx(&n->tx), 10);
	assert_false(vpci_work(&n->g->pci)); /* nothing is left to the guest's own core */
	assert_int_equal(woken, 1);
	vnet_unrest(poller());
	assert_int_equal(vnet_poll(poller(), 64), 10);
}

static void a_port_in_mode_poll_keeps_it_awake(void **state)
{
	(void)state;
	vnet_port_set_mode(node[1].port, VNET_POLL);
	assert_false(vnet_rest(poller()));
	assert_false(offer(&node[0], mac_of(1), 1));
	assert_int_equal(vnet_poll(poller(), 64), 1);
	nic_receive(&node[1], 60, 1);
	vnet_port_set_mode(node[1].port, VNET_KICK);
	virtio_net_kick(&node[1].nic->v, VIRTIO_NET_TX);
	assert_true(vnet_rest(poller()));
	send(&node[1], mac_of(0), 2); /* that one has nothing to do with the core that polls */
	nic_receive(&node[0], 60, 2);
	assert_int_equal(woken, 0);
}

/* As control does it: the mode, then a kick, then the core that polls is woken. */
static void set_mode(unsigned i, enum vnet_mode mode)
{
	vnet_port_set_mode(node[i].port, mode);
	virtio_net_kick(&node[i].nic->v, VIRTIO_NET_TX);
	vnet_wake(vnet_this_core());
}

static void modes_change_at_rest_and_awake(void **state)
{
	static const enum vnet_mode mode[] = {VNET_KICK, VNET_POLL, VNET_ADAPTIVE};

	(void)state;
	for (unsigned k = 0; k < 36; k++) {
		enum vnet_mode from = mode[k % 3], to = mode[k / 3 % 3];
		bool rested, waits = k / 9 & 1;

		set_mode(0, from);
		vnet_unrest(poller());
		while (vnet_poll(poller(), 64))
			;
		rested = k / 18 && vnet_rest(poller());
		assert_int_equal(rested, k / 18 && from != VNET_POLL);
		woken = 0;
		if (waits) /* its kick, if one is wanted, comes late */
			offer(&node[0], mac_of(1), 1);
		set_mode(0, to);
		assert_int_equal(woken, rested);
		if (rested)
			vnet_unrest(poller());
		if (waits) {
			if (nic_idle(&node[1]))
				vnet_poll(poller(), 64);
			nic_receive(&node[1], 60, 1);
		}
		/* And then, after one frame at most, it is as that mode has it. */
		for (unsigned again = 0; again < 2; again++) {
			bool kicks = offer(&node[0], mac_of(1), 2);

			assert_true(!again || kicks == (to == VNET_KICK));
			if (kicks)
				nic_kick(&node[0]);
			vnet_poll(poller(), 64);
			nic_receive(&node[1], 60, 2);
		}
	}
}

static void a_driver_starts_anew_while_it_rests(void **state)
{
	(void)state;
	assert_true(vnet_rest(poller()));
	for (unsigned i = 0; i < 3; i++) {
		nic_up(&node[0], i & 1 ? FULL : BASIC, 64, 2048);
		assert_true(offer(&node[0], mac_of(1), 1));
		nic_kick(&node[0]);
		nic_receive(&node[1], 60, 1);
		assert_int_equal(woken, i + 1);
		vnet_unrest(poller());
		assert_true(vnet_rest(poller()));
	}
	guest_out(node[0].g, (uint16_t)(node[0].p.common + 0x14), 1, 0); /* reset */
	nic_kick(&node[0]);
	assert_int_equal(woken, 3);
	vnet_unrest(poller());
	assert_true(vnet_rest(poller())); /* beside a port that is down */
}

static void a_port_goes_while_it_rests(void **state)
{
	(void)state;
	assert_true(vnet_rest(poller()));
	guest_out(node[0].g, (uint16_t)(node[0].p.common + 0x14), 1, 0);
	assert_true(vnet_port_remove(node[0].port));
	vnet_unrest(poller());
	assert_false(offer(&node[2], mac_of(1), 1));
	assert_int_equal(vnet_poll(poller(), 64), 1);
	assert_true(vnet_rest(poller()));
	nic_receive(&node[1], 60, 1);
}

static unsigned others_woken;

static void wake_other(unsigned core)
{
	assert_int_equal(core, 2);
	others_woken++;
}

/* The last one's rest ends with its role, and it touches no ring any more, whatever it does. */
static void another_core_polls(void **state)
{
	struct vnet_core *last = poller(), *other = vnet_core(net, 2);

	(void)state;
	others_woken = 0;
	assert_true(vnet_rest(last));
	vnet_poller_set(net, other, wake_other);
	assert_int_equal(others_woken, 1);
	assert_false(vnet_rest(last));
	vnet_unrest(other);
	assert_true(vnet_rest(other));
	vnet_unrest(last); /* late */
	assert_true(offer(&node[0], mac_of(1), 1));
	nic_kick(&node[0]);
	nic_receive(&node[1], 60, 1);
	assert_int_equal(others_woken, 2);
	assert_int_equal(woken, 0);
	vnet_poller_set(net, NULL, NULL);
	assert_false(vnet_rest(other));
	offer(&node[0], mac_of(1), 2);
	nic_kick(&node[0]);
	nic_receive(&node[1], 60, 2);
}

/* The ring is being looked at by the polling core when the kick comes: it must not sleep. */
static void a_kick_at_a_closed_gate_is_not_lost(void **state)
{
	(void)state;
	assert_true(vgate_trylock(&node[0].nic->tx_gate)); /* a visit of another core */
	assert_false(vnet_rest(poller()));
	vgate_unlock(&node[0].nic->tx_gate);
	assert_true(vnet_rest(poller()));
}

/* One kick wakes the core while it asks the drivers, another one's frame keeps it awake. */
static bool wake_meanwhile(void *core, bool on)
{
	if (on)
		vnet_wake(core);
	return on;
}

static unsigned nothing(void *dev, struct vnet_core *core, unsigned budget)
{
	(void)dev, (void)core, (void)budget;
	return 0;
}

/* Each wake-up that is counted has ended a rest that is counted. */
static void a_wake_up_before_the_sleep_is_a_rest(void **state)
{
	static const struct vnet_port_ops ops = {.poll = nothing, .arm = wake_meanwhile};
	struct vnet_port *late = vnet_port_add(net, "late", 0, &ops, poller(), 0);

	(void)state;
	assert_non_null(late);
	vnet_port_set_up(late, vnet_this_core(), true);
	vnet_port_set_mode(late, VNET_ADAPTIVE);
	for (unsigned i = 1; i <= 3; i++) {
		assert_false(vnet_rest(poller()));
		assert_int_equal(woken, i);
		assert_int_equal(vnet_rests_get(net).wakes, i);
		assert_int_equal(vnet_rests_get(net).rests, i);
	}
	assert_true(vnet_port_remove(late));
	assert_true(vnet_rest(poller()));
	assert_int_equal(vnet_rests_get(net).rests, 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, nics_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(awake_it_polls_and_nobody_kicks),
	    T(at_rest_a_kick_moves_its_frame_and_wakes),
	    T(a_frame_that_waits_forbids_the_rest),
	    T(a_kick_for_nothing_wakes_nobody),
	    T(a_kick_takes_one_batch),
	    T(a_port_in_mode_poll_keeps_it_awake),
	    T(modes_change_at_rest_and_awake),
	    T(a_driver_starts_anew_while_it_rests),
	    T(a_port_goes_while_it_rests),
	    T(another_core_polls),
	    T(a_kick_at_a_closed_gate_is_not_lost),
	    T(a_wake_up_before_the_sleep_is_a_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
