/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dom0_group.c: Dom0 as a member of a group, between a simulated NIC and the switch: ann is
 * Dom0, ben another member, node[0] a guest outside of the group.
 */
#include "tests/unit/rig/nic_sim.h"
#include "tests/unit/rig/shm_nodes.h"
#include "drivers/shm/shm_parts.h"
/* Dom0's own files are not part of the host library, and sleeping is only counted here. */
#include "guest-images/lib/cpu.h"
#define irq_wait() (slept++)
static unsigned slept;
#include "guest-images/dom0/group.c"

#define ANN  member[0]
#define BEN  member[1]
#define WIRE mac_of(15) /* a host outside */

const char *const bridge_counter_name[BRIDGE_COUNTER_COUNT];

static struct sim *sim;
static struct bridge *dom0;
static void *rings;
static uint8_t frame[1600];

const char *group_port_start(struct group_port *port)
{
	port->lib = ANN.lib;
	return NULL;
}

/* ---- what comes and goes on the wire ---- */

static void from_wire(mac_t dst, uint32_t len, uint8_t seed)
{
	memset(frame, 0, sizeof frame);
	mac_write(frame, dst);
	mac_write(frame + 6, WIRE);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	for (uint32_t i = 14; i < len; i++)
		frame[i] = (uint8_t)(seed + i);
	assert_true(sim_receive(sim, frame, len, 0));
}

static void check_wire(uint32_t len, uint8_t seed)
{
	assert_int_equal(sim->n_out, 1);
	assert_int_equal(sim->out[0].len, len);
	for (uint32_t i = 14; i < len; i++)
		assert_int_equal(sim->out[0].data[i], (uint8_t)(seed + i));
	sim_forget(sim);
}

static void polls(void)
{
	while (poll_group(dom0))
		;
}

static unsigned in_nic(void)
{
	return E1000_RX_RING - 1 - e1000_rx_room(&dom0->nic);
}

/* Nothing of any device's was copied, so far. */
static void nothing_was_copied(void)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_int_equal(member[i].device->copied, 0);
	assert_int_equal(node[0].nic->copied, 0);
	assert_int_equal(dom0->count[BRIDGE_copied], 0);
}

static int setup(void **state)
{
	struct e1000_config config = {.device = E1000_82540EM, .promiscuous = true};

	members_setup(state);
	members_introduce();
	for (unsigned i = 1; i < MEMBERS; i++)
		assert_true(vnet_port_set_mac(member[i].port, member_mac_of(i)));
	sim = sim_new(config.device);
	rings = aligned_alloc(4096, (E1000_RING_BYTES + 4095) & ~4095ul);
	dom0 = calloc(1, sizeof *dom0);
	assert_null(e1000_start(&dom0->nic, &sim_ops, sim, &config, rings));
	assert_null(bridge_group.open(dom0));
	assert_null(bridge_group.start(dom0));
	slept = 0;
	/* The switch learns where the host is. */
	from_wire(member_mac_of(1), 60, 0);
	polls();
	members_drain();
	check_shares();
	return 0;
}

static int teardown(void **state)
{
	sim_forget(sim);
	free(sim);
	free(rings);
	free(dom0);
	return members_teardown(state);
}

/* ---- tests ---- */

static void the_ring_gets_half_of_the_share(void **state)
{
	(void)state;
	assert_int_equal(dom0->group.nic_most, group->share / 2);
	assert_int_equal(in_nic(), dom0->group.nic_most);
	assert_int_equal(dom0->mtu_most, E1000_MTU);
	assert_int_equal(dom0->mtu, 1500);
}

/* From the wire to a member and back: each byte is where the NIC put it. */
static void wire_to_member_and_back(void **state)
{
	struct netlib_frame f;
	const uint8_t *notes;

	(void)state;
	for (uint32_t len = 60; len <= 1514; len += 727) {
		uint64_t handed = member_counter(&BEN, "handed");

		/* What an earlier frame left is not told of this one. */
		for (unsigned i = 0; i < E1000_RX_RING; i++)
			if (dom0->nic.rx_buffer[i])
				memset((uint8_t *)dom0->nic.rx_buffer[i] - SHM_HEADROOM, 0xaa,
				       SHM_NOTES);
		from_wire(member_mac_of(1), len, (uint8_t)len);
		assert_true(poll_group(dom0));
		f = member_receive(&BEN, len, (uint8_t)len);
		notes = netlib_notes(&BEN.lib, &f);
		for (unsigned i = 0; i < SHM_NOTES; i++)
			assert_int_equal(notes[i], 0);
		assert_int_equal(member_counter(&BEN, "handed"), handed + 1);
		mac_write(f.data, WIRE);
		mac_write(f.data + 6, member_mac_of(1));
		handed = member_counter(&ANN, "handed");
		assert_int_equal(netlib_send(&BEN.lib, &f, 1), 1);
		assert_int_equal(member_counter(&ANN, "handed"), handed + 1);
		polls();
		check_wire(len, (uint8_t)len);
	}
	nothing_was_copied();
	assert_int_equal(in_nic(), dom0->group.nic_most);
	check_shares();
}

/* A guest with a virtio device is reached, and answers, with one copy each way. */
static void an_outsider_costs_one_copy(void **state)
{
	(void)state;
	from_wire(mac_of(0), 1000, 7);
	assert_true(poll_group(dom0));
	nic_receive(&node[0], 1000, 7);
	assert_int_equal(node[0].nic->copied, 1000);
	nic_send(&node[0], WIRE, 900, 9);
	polls();
	check_wire(900, 9);
	assert_int_equal(ANN.device->copied, 900);
	assert_int_equal(node[0].nic->copied, 1000);
	assert_int_equal(dom0->count[BRIDGE_copied], 0);
	check_shares();
}

/* Many more frames than anybody has buffers, both ways at once. */
static void buffers_go_round(void **state)
{
	uint64_t frames = dom0->count[BRIDGE_in_frames];

	(void)state;
	for (unsigned i = 0; i < 20u * group->share; i++) {
		uint8_t seed = (uint8_t)i;
		struct netlib_frame f;

		from_wire(member_mac_of(1), 100, seed);
		polls();
		f = member_receive(&BEN, 100, seed);
		if (i % 3) {
			mac_write(f.data, WIRE);
			mac_write(f.data + 6, member_mac_of(1));
			assert_int_equal(netlib_send(&BEN.lib, &f, 1), 1);
			polls();
			check_wire(100, seed);
		} else {
			member_drop(&BEN, f);
		}
		assert_true(in_nic() > dom0->group.nic_most / 2);
	}
	assert_int_equal(dom0->count[BRIDGE_in_frames], frames + 20u * group->share);
	nothing_was_copied();
	assert_true(netlib_running(&dom0->group.lib));
	check_shares();
}

/* Only outward: what the NIC has sent goes back, and some at a time: each time is an exit. */
static void sent_buffers_go_back(void **state)
{
	unsigned n = 4 * group->share;
	uint64_t doorbells = member_counter(&ANN, "doorbells");

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		member_send(&BEN, WIRE, 60, (uint8_t)i);
		polls();
		check_wire(60, (uint8_t)i);
	}
	doorbells = member_counter(&ANN, "doorbells") - doorbells;
	assert_true(doorbells >= 1 && doorbells <= n / dom0->group.kept_most);
	assert_int_equal(member_drops(&ANN, VNET_DROP_rx_full), 0);
	assert_int_equal(dom0->count[BRIDGE_out_frames], n);
	check_shares();
}

/* The NIC stands still: frames wait in Dom0 and in its ring, the next ones are its own loss. */
static void a_nic_that_stands_still(void **state)
{
	unsigned sent = 0;

	(void)state;
	sim->tx_stopped = true;
	while (!member_drops(&ANN, VNET_DROP_rx_full)) {
		member_send(&BEN, WIRE, 60, 1);
		polls();
		sent++;
		assert_true(sent <= 2 * group->share);
	}
	assert_int_equal(sim->n_out, 0);
	/* What the NIC sends must end its sleep, though it could receive. */
	assert_true(tx_must_wake(dom0));
	sleep_group(dom0);
	assert_true(*sim_reg(sim, IMS) & INT_TXDW);
	member_send(&BEN, member_mac_of(2), 60, 3);
	member_drop(&member[2], member_receive(&member[2], 60, 3));
	sim->tx_stopped = false;
	sim_transmit(sim);
	polls();
	assert_int_equal(sim->n_out, sent - 1);
	sim_forget(sim);
	member_send(&BEN, WIRE, 60, 5);
	polls();
	check_wire(60, 5);
	check_shares();
}

/* The NIC's own ring is full before the buffers are used up: the burst waits, in order. */
static void a_full_ring_keeps_the_order(void **state)
{
	unsigned sent = 0;

	(void)state;
	sim->tx_stopped = true;
	dom0->nic.tx_next = dom0->nic.tx_tail = E1000_TX_RING - 4; /* few descriptors are left */
	*sim_reg(sim, TDH) = *sim_reg(sim, TDT) = E1000_TX_RING - 4;
	for (; sent < 20; sent++) {
		member_send(&BEN, WIRE, 60, (uint8_t)sent);
		poll_group(dom0);
	}
	assert_true(is_blocked(dom0));
	assert_true(dom0->count[BRIDGE_out_waits] > 0);
	dom0->nic.tx_clean = E1000_TX_RING - 4;
	sim->tx_stopped = false;
	sim_transmit(sim);
	polls();
	assert_int_equal(sim->n_out, 20);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(sim->out[i].data[14], (uint8_t)(i + 14));
	sim_forget(sim);
	check_shares();
}

/* A frame that is none is not sent; its buffer is not lost. */
static void a_frame_that_is_none(void **state)
{
	struct netlib_frame f;

	(void)state;
	for (unsigned i = 0; i < 2 * group->share; i++) {
		assert_int_equal(netlib_take(&BEN.lib, &f, 1), 1);
		f.length = VNET_FRAME_MIN - 1;
		f.action = SHM_TO;
		f.to = 0;
		assert_int_equal(netlib_send(&BEN.lib, &f, 1), 1);
		polls();
	}
	assert_int_equal(dom0->count[BRIDGE_out_bad], 2 * group->share);
	assert_int_equal(sim->n_out, 0);
	check_shares();
}

/* It sleeps when nothing is there, and only then; either side may wake it. */
static void sleep_and_wake(void **state)
{
	uint64_t sleeps = dom0->count[BRIDGE_sleeps];

	(void)state;
	assert_false(poll_group(dom0));
	sleep_group(dom0);
	assert_int_equal(slept, 1);
	assert_int_equal(dom0->count[BRIDGE_sleeps], sleeps + 1);
	assert_false(*sim_reg(sim, IMS) & INT_TXDW);
	assert_true(*sim_reg(sim, IMS) & INT_RXT0);
	/* It has asked for the next frame. */
	assert_int_equal(atomic_load(&ANN.shared->in.event), dom0->group.lib.in_tail);
	member_send(&BEN, WIRE, 60, 1);
	sleep_group(dom0);
	assert_int_equal(slept, 1);
	polls();
	check_wire(60, 1);
	from_wire(member_mac_of(1), 60, 2);
	sleep_group(dom0);
	assert_int_equal(slept, 1);
	polls();
	member_drop(&BEN, member_receive(&BEN, 60, 2));
}

/* The edge of links: as soon as it runs, their next hop is asked for, on the wire. */
static void an_edge_asks_for_next_hops(void **state)
{
	const struct vnet_underlay_config u = {
	    .address = 0xc0000201, .prefix = 24, .mac = 0x010203005002, .mtu = 1500};
	const struct vnet_link_config c = {
	    .kind = VNET_LINK_VXLAN, .remote = 0xc0000202, .vni = 7, .udp_port = 4789};
	char why[200];

	(void)state;
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	assert_true(vnet_port_remove(ANN.port));
	ANN.port = vnet_port_add(net, "ext", 0, shm_nic.port, ANN.device, VNET_EDGE);
	assert_non_null(ANN.port);
	shm_member_attach(ANN.device, ANN.port);
	assert_true(vnet_underlay_set(ANN.port, &u, why, sizeof why));
	assert_non_null(vnet_link_add(net, "far", 0, ANN.port, &c, why, sizeof why));
	member_start(&ANN);
	dom0->group.lib = ANN.lib;
	polls();
	assert_int_equal(sim->n_out, 1);
	assert_memory_equal(sim->out[0].data, "\xff\xff\xff\xff\xff\xff", 6);
	assert_memory_equal(sim->out[0].data + 12, "\x08\x06", 2);
	assert_memory_equal(sim->out[0].data + 38, "\xc0\x00\x02\x02", 4);
	check_shares();
}

/* It stops, after the NIC: all of its buffers are back, and it can start anew. */
static void it_starts_anew(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		from_wire(member_mac_of(1), 60, 2);
		vpci_reset(&ANN.g->pci);
		assert_int_equal(ANN.device->nspare, group->share);
		check_shares();
		teardown(state);
		setup(state);
	}
}

static int small_setup(void **state)
{
	int status;

	region_bytes = MEMBERS * 32ul * SHM_BUFFER;
	status = setup(state);
	region_bytes = 0;
	return status;
}

/* The core that polls is elsewhere while the NIC's ring runs empty: Dom0 does not sleep, since no
 * interrupt would come with its buffers, nor does it ask for them, which is an exit, before the VMM
 * has read what it sent. */
static void no_sleep_without_buffers(void **state)
{
	uint64_t doorbells;

	(void)state;
	vnet_port_set_mode(ANN.port, VNET_POLL);
	do {
		from_wire(member_mac_of(1), 60, 1);
		polls();
	} while (in_nic());
	sleep_group(dom0);
	assert_int_equal(slept, 0);
	doorbells = member_counter(&ANN, "doorbells");
	for (unsigned i = 0; i < 100; i++)
		poll_group(dom0);
	assert_int_equal(member_counter(&ANN, "doorbells"), doorbells);
	while (vnet_poll(vnet_this_core(), 64))
		;
	sleep_group(dom0);
	assert_int_equal(slept, 0);
	polls();
	assert_true(in_nic() >= dom0->group.nic_most / 2);
	sleep_group(dom0);
	assert_int_equal(slept, 1);
	/* Its port stops: nothing comes any more. */
	while (sim_receive(sim, frame, 60, 0))
		;
	polls();
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	assert_false(buffers_come(dom0));
}

static void edge_sends(struct netlib_frame *f, mac_t dst, uint8_t number)
{
	assert_int_equal(netlib_take(&ANN.lib, f, 1), 1);
	memset(f->data, 0, 60);
	mac_write(f->data, dst);
	mac_write(f->data + 6, WIRE);
	f->data[12] = 0x88;
	f->data[13] = 0xb5;
	f->data[59] = number;
	f->length = 60;
}

/* The switch walks one batch of an edge in parts, before and behind a frame for the node itself: a
 * copy in a later part is behind what was handed over in an earlier one. */
static void parts_of_a_batch_keep_the_order(void **state)
{
	const struct vnet_underlay_config u = {
	    .address = 0xc0000201, .prefix = 24, .mac = 0x010203005002, .mtu = 1500};
	struct netlib_frame f[5], got;
	uint8_t number[4];
	unsigned n = 0;
	char why[200];

	(void)state;
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	assert_true(vnet_port_remove(ANN.port));
	ANN.port = vnet_port_add(net, "ext", 0, shm_nic.port, ANN.device, VNET_EDGE);
	assert_non_null(ANN.port);
	shm_member_attach(ANN.device, ANN.port);
	assert_true(vnet_underlay_set(ANN.port, &u, why, sizeof why));
	member_start(&ANN);
	edge_sends(&f[0], member_mac_of(2), 1);
	edge_sends(&f[1], u.mac, 0); /* for the node, and of no use to it */
	edge_sends(&f[2], member_mac_of(1), 0);
	edge_sends(&f[3], MAC_BROADCAST, 2);
	edge_sends(&f[4], member_mac_of(2), 3);
	assert_int_equal(netlib_send(&ANN.lib, f, 5), 5);
	for (; n < 4 && netlib_receive(&member[2].lib, &got, 1); n++) {
		number[n] = got.data[59];
		member_drop(&member[2], got);
	}
	assert_int_equal(n, 3);
	assert_memory_equal(number, "\1\2\3", 3);
	assert_int_equal(member_counter(&member[2], "handed"), 1);
	dom0->group.lib = ANN.lib;
	check_shares();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	    T(the_ring_gets_half_of_the_share),
	    T(wire_to_member_and_back),
	    T(an_outsider_costs_one_copy),
	    T(buffers_go_round),
	    T(sent_buffers_go_back),
	    T(a_nic_that_stands_still),
	    T(a_full_ring_keeps_the_order),
	    T(a_frame_that_is_none),
	    T(sleep_and_wake),
	    T(an_edge_asks_for_next_hops),
	    T(it_starts_anew),
	    cmocka_unit_test_setup_teardown(no_sleep_without_buffers, small_setup, teardown),
	    T(parts_of_a_batch_keep_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
