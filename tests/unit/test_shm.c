/* SPDX-License-Identifier: BSD-2-Clause */
/* test_shm.c: frames of a trust group's members: who gets which buffer, what is copied, who is
 * notified. */
#include "tests/unit/rig/shm_nodes.h"
#include "vnet/chain/chain.h"

#define ANN member[0]
#define BEN member[1]
#define CAT member[2]

static void a_hop_copies_nothing(void **state)
{
	struct netlib_frame sent, got;

	(void)state;
	members_introduce();
	sent = member_compose(&ANN, member_mac_of(1), 1514, 7);
	memcpy(netlib_notes(&ANN.lib, &sent), "from ann", 8);
	assert_int_equal(netlib_send(&ANN.lib, &sent, 1), 1);
	got = member_receive(&BEN, 1514, 7);
	assert_ptr_equal(got.data, sent.data);
	assert_memory_equal(netlib_notes(&BEN.lib, &got), "from ann", 8);
	assert_int_equal(BEN.device->copied, 0);
	assert_int_equal(member_counter(&BEN, "handed"), 1);
	check_shares();
	member_drop(&BEN, got);
	assert_int_equal(member_counter(&BEN, "dropped"), 1);
	check_shares();
}

/* A function changes a frame in place, with its start moved, and sends it on. */
static void a_frame_goes_on_from_hop_to_hop(void **state)
{
	struct netlib_frame f;

	(void)state;
	members_introduce();
	member_send(&ANN, member_mac_of(1), 100, 1);
	f = member_receive(&BEN, 100, 1);
	f.data -= 4;
	f.length += 4;
	mac_write(f.data, member_mac_of(2));
	mac_write(f.data + 6, member_mac_of(1));
	assert_int_equal(netlib_send(&BEN.lib, &f, 1), 1);
	assert_true(member_idle(&ANN));
	assert_int_equal(netlib_receive(&CAT.lib, &f, 1), 1);
	assert_int_equal(f.length, 104);
	assert_int_equal(mac_read(f.data), member_mac_of(2));
	assert_int_equal(f.data[103], 1 + 99);
	check_shares();
}

static void a_burst_keeps_its_order_and_wakes_once(void **state)
{
	struct netlib_frame f[32];
	unsigned msis;

	(void)state;
	members_introduce();
	msis = BEN.g->msis;
	atomic_store(&BEN.shared->in.event, BEN.lib.in_tail);
	for (unsigned i = 0; i < 32; i++)
		f[i] = member_compose(&ANN, member_mac_of(1 + i % 2), 60 + i, (uint8_t)i);
	assert_int_equal(netlib_send(&ANN.lib, f, 32), 32);
	for (unsigned i = 0; i < 32; i++)
		member_receive(&member[1 + i % 2], 60 + i, (uint8_t)i);
	assert_int_equal(BEN.g->msis, msis + 1);
	assert_int_equal(CAT.g->msis, 0);
	check_shares();
}

/* For several destinations the buffer goes to one, and the others get a copy of the same bytes. */
static void a_broadcast_is_copied_for_all_but_one(void **state)
{
	struct netlib_frame one, two;

	(void)state;
	members_introduce();
	member_send(&ANN, MAC_BROADCAST, 200, 9);
	one = member_receive(&BEN, 200, 9);
	two = member_receive(&CAT, 200, 9);
	assert_ptr_not_equal(one.data, two.data);
	for (unsigned i = 0; i < GUESTS; i++)
		nic_receive(&node[i], 200, 9);
	assert_int_equal(BEN.device->copied + CAT.device->copied, 200);
	assert_true(member_idle(&ANN));
	check_shares();
}

/* A batch in which one of a member's frames went to another destination first. */
static void order_is_kept_where_some_are_copied(void **state)
{
	struct netlib_frame f[6];

	(void)state;
	members_introduce();
	for (unsigned i = 0; i < 6; i++) {
		mac_t dst = i % 3 == 1 ? MAC_BROADCAST : member_mac_of(1 + i % 2);

		f[i] = member_compose(&ANN, dst, 70 + i, (uint8_t)i);
	}
	/* 0 to ben, 1 to all, 2 to ben, 3 to cat, 4 to all, 5 to cat */
	mac_write(f[2].data, member_mac_of(1));
	assert_int_equal(netlib_send(&ANN.lib, f, 6), 6);
	for (unsigned i = 0; i < 6; i++)
		if (i != 3 && i != 5)
			member_receive(&BEN, 70 + i, (uint8_t)i);
	for (unsigned i = 0; i < 6; i++)
		if (i != 0 && i != 2)
			member_receive(&CAT, 70 + i, (uint8_t)i);
	assert_true(member_idle(&BEN) && member_idle(&CAT));
	check_shares();
}

static void the_edge_copies_once(void **state)
{
	struct netlib_frame f;

	(void)state;
	members_introduce();
	nic_send(&node[0], member_mac_of(0), 1000, 3);
	f = member_receive(&ANN, 1000, 3);
	assert_int_equal((f.data - group->buffer) % SHM_BUFFER, SHM_HEADROOM);
	assert_int_equal(ANN.device->copied, 1000);
	mac_write(f.data, mac_of(0));
	mac_write(f.data + 6, member_mac_of(0));
	assert_int_equal(netlib_send(&ANN.lib, &f, 1), 1);
	nic_receive(&node[0], 1000, 3);
	assert_int_equal(node[0].nic->copied, 1000);
	check_shares();
}

/* A guest's stack leaves checksums and segmentation to the device; members get plain frames. */
static void offloads_are_done(void **state)
{
	struct netlib_frame f;
	struct vnet_hdr *h;
	uint8_t *at;

	(void)state;
	members_introduce();
	at = nic_compose(&node[0], node[0].tx.avail_idx % 64, member_mac_of(0), 100, 0);
	h = (struct vnet_hdr *)(void *)(at - VIRTIO_NET_HDR);
	h->flags = VNET_HDR_F_NEEDS_CSUM;
	h->csum_start = 34;
	h->csum_offset = 6;
	memset(at + 34, 0, 66);
	at[34] = 0x12;
	at[35] = 0x34;
	queue_offer(&node[0].tx, node[0].tx.avail_idx % 64);
	nic_kick(&node[0]);
	assert_int_equal(netlib_receive(&ANN.lib, &f, 1), 1);
	assert_int_equal(f.data[40], 0xed);
	assert_int_equal(f.data[41], 0xcb);
	check_shares();
}

static void compose_tcp(uint8_t *at, uint32_t len)
{
	memset(at + 14, 0, 40);
	at[12] = 0x08;
	at[13] = 0;
	at[14] = 0x45;
	at[16] = (uint8_t)((len - 14) >> 8);
	at[17] = (uint8_t)(len - 14);
	at[22] = 64;
	at[23] = 6;
	at[46] = 5 << 4;
}

static void a_large_frame_comes_in_segments(void **state)
{
	struct netlib_frame f;
	struct vnet_hdr *h;
	uint32_t bytes = 0;
	uint8_t *at;

	(void)state;
	members_introduce();
	at = nic_compose(&node[0], node[0].tx.avail_idx % 64, member_mac_of(0), 54 + 14000, 0);
	compose_tcp(at, 54 + 14000);
	h = (struct vnet_hdr *)(void *)(at - VIRTIO_NET_HDR);
	*h = (struct vnet_hdr){.flags = VNET_HDR_F_NEEDS_CSUM,
	                       .gso_type = VNET_GSO_TCPV4,
	                       .hdr_len = 54,
	                       .gso_size = 1400,
	                       .csum_start = 34,
	                       .csum_offset = 16};
	queue_offer(&node[0].tx, node[0].tx.avail_idx % 64);
	nic_kick(&node[0]);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(netlib_receive(&ANN.lib, &f, 1), 1);
		assert_int_equal(f.length, 1454);
		for (unsigned k = 54; k < f.length; k++, bytes++)
			assert_int_equal(f.data[k], (uint8_t)(54 + bytes));
	}
	assert_true(member_idle(&ANN));
	check_shares();
	/* All of its segments or none. */
	while (netlib_take(&ANN.lib, &f, 1))
		;
	while (ANN.device->nspare > 5)
		nic_send(&node[1], member_mac_of(0), 60, 0);
	queue_offer(&node[0].tx, (uint16_t)((node[0].tx.avail_idx - 1) % 64));
	nic_kick(&node[0]);
	assert_int_equal(member_drops(&ANN, VNET_DROP_rx_full), 1);
	assert_int_equal(ANN.device->nspare, 5);
	check_shares();
}

static void what_fits_no_buffer_is_refused(void **state)
{
	(void)state;
	members_introduce();
	nic_send(&node[0], member_mac_of(0), SHM_FRAME_MAX, 1);
	member_drop(&ANN, member_receive(&ANN, SHM_FRAME_MAX, 1));
	nic_send(&node[0], member_mac_of(0), SHM_FRAME_MAX + 1, 1);
	assert_true(member_idle(&ANN));
	assert_int_equal(member_drops(&ANN, VNET_DROP_oversize), 1);
	/* A buffer that was not used is used for the next frame. */
	nic_send(&node[0], member_mac_of(0), 60, 1);
	member_receive(&ANN, 60, 1);
	check_shares();
}

/* A member that gives nothing back runs out of its own buffers, and nobody else of theirs. */
static void a_hoarder_hoards_its_own(void **state)
{
	unsigned got = 0;
	struct netlib_frame f;

	(void)state;
	members_introduce();
	for (unsigned i = 0; i < 3 * group->share; i++) /* also what the doorbell brings */
		netlib_take(&BEN.lib, &f, 1);
	assert_int_equal(BEN.device->nspare, group->share / 4);
	for (unsigned i = 0; i < 3 * group->share; i++)
		member_send(&ANN, member_mac_of(1), 60, (uint8_t)i);
	while (!member_idle(&BEN))
		member_receive(&BEN, 60, (uint8_t)got++);
	assert_int_equal(BEN.device->nspare, 0);
	assert_int_equal(got, group->share / 4);
	assert_int_equal(member_drops(&BEN, VNET_DROP_rx_full), 3 * group->share - got);
	check_shares();
	for (unsigned i = 0; i < 100; i++) {
		member_send(&ANN, member_mac_of(2), 60, (uint8_t)i);
		member_drop(&CAT, member_receive(&CAT, 60, (uint8_t)i));
	}
	nic_send(&node[0], member_mac_of(0), 60, 1);
	member_receive(&ANN, 60, 1);
	assert_int_equal(member_drops(&ANN, VNET_DROP_rx_full), 0);
	assert_int_equal(member_drops(&CAT, VNET_DROP_rx_full), 0);
	assert_int_equal(ANN.device->violation[SHM_E_wrong_owner], 0);
}

static void straight_to_another_member(void **state)
{
	struct netlib_frame f[4];

	(void)state;
	members_introduce();
	assert_int_equal(netlib_member(&ANN.lib, "cat"), 2);
	assert_int_equal(netlib_member(&CAT.lib, "ann"), 0);
	assert_int_equal(netlib_member(&ANN.lib, "dan"), -1);
	for (unsigned i = 0; i < 4; i++) {
		f[i] = member_compose(&ANN, mac_of(0), 80, (uint8_t)i);
		f[i].action = SHM_TO;
		f[i].to = i < 3 ? 2 : 1;
	}
	assert_int_equal(netlib_send(&ANN.lib, f, 4), 4);
	for (unsigned i = 0; i < 3; i++)
		member_receive(&CAT, 80, (uint8_t)i);
	member_receive(&BEN, 80, 3);
	assert_int_equal(member_counter(&ANN, "direct"), 4);
	assert_int_equal(CAT.device->copied, 0);
	check_shares();
	/* To one that is not there, or does not run. */
	guest_out(CAT.g, CAT.io + SHM_IO_STATUS, 4, 0);
	f[0] = member_compose(&ANN, mac_of(0), 80, 0);
	f[0].action = SHM_TO;
	f[0].to = 2;
	assert_int_equal(netlib_send(&ANN.lib, f, 1), 1);
	assert_int_equal(member_counter(&ANN, "direct_lost"), 1);
	member_leave(2);
	f[0] = member_compose(&ANN, mac_of(0), 80, 0);
	f[0].action = SHM_TO;
	f[0].to = 2;
	assert_int_equal(netlib_send(&ANN.lib, f, 1), 1);
	assert_int_equal(member_counter(&ANN, "direct_lost"), 2);
	assert_int_equal(member_counter(&ANN, "direct"), 4);
	assert_true(netlib_running(&ANN.lib));
	check_shares();
}

/* ---- a network with flows checks heads in copies ---- */

/* Frames from ann: UDP to port 7 goes to cat, the rest where addresses say. */
static void use_flows(uint16_t to)
{
	struct vnet_flow f[2] = {{.name = "to", .protocol = 17, .ranges = 1, .range = {{7, 7}}},
	                         {.name = "out", .protocol = -1, .end = VNET_FLOW_OUT}};
	struct vnet_chain_rules r = {
	    .service = &(struct vnet_service){.name = ""}, .flow = f, .flows = 2};
	struct vnet_chains *c;
	char err[128];

	for (unsigned i = 0; i < 2; i++)
		f[i].from = ANN.port->number;
	f[0].to = to;
	c = vnet_chains_make(net, &r, err, sizeof err);
	assert_non_null(c);
	vnet_chains_use(net, c);
}

static void send_udp(mac_t dst, uint32_t length)
{
	struct netlib_frame f = member_compose(&ANN, dst, length, 3);

	memcpy(f.data + 12,
	       "\x08\0\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2\0\7\0\7\0\0\0", 30);
	assert_int_equal(netlib_send(&ANN.lib, &f, 1), 1);
}

static void a_checked_head_is_no_obstacle(void **state)
{
	static const uint32_t length[] = {60, 64, 65, 1514};
	struct netlib_frame f;

	(void)state;
	members_introduce();
	use_flows(CAT.port->number);
	for (unsigned i = 0; i < 4; i++) {
		send_udp(mac_of(0), length[i]);
		assert_int_equal(netlib_receive(&CAT.lib, &f, 1), 1);
		assert_int_equal(f.length, length[i]);
		assert_int_equal(mac_read(f.data), mac_of(0));
		assert_int_equal(f.data[length[i] - 1], (uint8_t)(3 + length[i] - 1));
	}
	assert_int_equal(member_counter(&CAT, "handed"), 4);
	assert_int_equal(CAT.device->copied, 0);
	check_shares();
}

/* What the sender writes to a frame's head on its way: a port in front of the receiver does it
 * here. */
static unsigned scribbled;

static unsigned scribble(struct vnet_port *port, struct vnet_core *core,
                         struct vnet_frame *const *frames, unsigned n)
{
	(void)port, (void)core;
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(frames[i]->nseg, 2);
		memset(frames[i]->seg[1].base - frames[i]->seg[0].len, 0xee, 20);
		scribbled++;
	}
	return n;
}

static void a_head_is_as_it_was_checked(void **state)
{
	static const struct vnet_port_ops ops = {.egress = scribble};
	struct netlib_frame f;
	struct vnet_port *port;

	(void)state;
	members_introduce();
	member_leave(1);
	member_leave(2);
	port = vnet_port_add(net, "scribbler", 0, &ops, NULL, 0);
	vnet_port_set_up(port, vnet_this_core(), true);
	member_join(2);
	member_start(&CAT);
	assert_true(CAT.port->number > port->number);
	use_flows(CAT.port->number);
	scribbled = 0;
	f = member_compose(&ANN, MAC_BROADCAST, 300, 5);
	assert_int_equal(netlib_send(&ANN.lib, &f, 1), 1);
	assert_int_equal(scribbled, 1);
	f = member_receive(&CAT, 300, 5);
	assert_int_equal(mac_read(f.data), MAC_BROADCAST);
	assert_int_equal(mac_read(f.data + 6), member_mac_of(0));
	assert_int_equal(member_counter(&CAT, "handed"), 1);
	assert_int_equal(CAT.device->copied, 64);
	check_shares();
	member_drop(&CAT, f);
}

/* ---- registers, modes ---- */

static void registers(void **state)
{
	(void)state;
	assert_int_equal(guest_cfg(ANN.g, 1, 0, 4), SHM_PCI_DEVICE << 16 | SHM_PCI_VENDOR);
	assert_int_equal(guest_in(BEN.g, BEN.io + SHM_IO_SEAT, 4), 1);
	assert_int_equal(guest_in(BEN.g, BEN.io + SHM_IO_REGION, 4), 0);
	assert_int_equal(guest_in(BEN.g, BEN.io + SHM_IO_REGION + 4, 4), 1);
	assert_int_equal(guest_in(BEN.g, BEN.io + SHM_IO_REGION_LEN, 4), region_bytes);
	assert_int_equal(guest_in(BEN.g, BEN.io + SHM_IO_REGION_LEN + 4, 4), 0);
	assert_int_equal(member_counter(&BEN, "bad_access"), 0);
	assert_int_equal(guest_in(BEN.g, BEN.io + 12, 4), ~0u);
	guest_in(BEN.g, BEN.io + SHM_IO_SEAT, 2);
	guest_out(BEN.g, BEN.io + SHM_IO_STATUS, 2, 0);
	guest_out(BEN.g, BEN.io + SHM_IO_STATUS, 4, SHM_BROKEN);
	guest_out(BEN.g, BEN.io + SHM_IO_SEAT, 4, 0);
	assert_int_equal(member_counter(&BEN, "bad_access"), 5);
	assert_true(netlib_running(&BEN.lib));
}

static bool slept;

static void no_sleep(void *ctx)
{
	(void)ctx;
	slept = true;
}

static void an_interrupt_for_who_sleeps_only(void **state)
{
	(void)state;
	members_introduce();
	assert_false(netlib_wait(&BEN.lib, no_sleep, NULL));
	assert_true(slept);
	slept = false;
	member_send(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(BEN.g->msis, 1);
	/* It is at work: no more of them until it asks again. */
	member_send(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(BEN.g->msis, 1);
	assert_true(netlib_wait(&BEN.lib, no_sleep, NULL));
	assert_false(slept);
	member_receive(&BEN, 60, 0);
	member_receive(&BEN, 60, 0);
	assert_false(netlib_wait(&BEN.lib, no_sleep, NULL));
	member_send(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(BEN.g->msis, 2);
}

static unsigned woken;

static void wake(unsigned core)
{
	(void)core;
	woken++;
}

static void modes(void **state)
{
	struct vnet_core *core = vnet_this_core();
	uint64_t rings;

	(void)state;
	members_introduce();
	vnet_port_set_mode(ANN.port, VNET_POLL);
	member_send(&ANN, member_mac_of(1), 60, 0); /* may ring once more */
	rings = ANN.lib.rings;
	vnet_poll(core, 64);
	member_send(&ANN, member_mac_of(1), 60, 1);
	assert_int_equal(ANN.lib.rings, rings);
	assert_int_equal(vnet_poll(core, 64), 1);
	member_receive(&BEN, 60, 0);
	member_receive(&BEN, 60, 1);
	vnet_port_set_mode(ANN.port, VNET_ADAPTIVE);
	vnet_poller_set(net, core, wake);
	woken = 0;
	assert_true(vnet_rest(core));
	member_send(&ANN, member_mac_of(1), 60, 2);
	assert_int_equal(ANN.lib.rings, rings + 1);
	assert_int_equal(woken, 1);
	member_receive(&BEN, 60, 2);
	/* A frame that came before it could rest. */
	atomic_store(&ANN.shared->out.event, 0);
	member_send(&ANN, member_mac_of(1), 60, 3);
	assert_false(vnet_rest(core));
	assert_int_equal(vnet_poll(core, 64), 1);
	member_receive(&BEN, 60, 3);
	vnet_port_set_mode(ANN.port, VNET_KICK);
	shm_member_kick(ANN.device);
	member_send(&ANN, member_mac_of(1), 60, 4);
	member_receive(&BEN, 60, 4);
	vnet_poller_set(net, NULL, NULL);
}

/* A visit takes a batch; the rest is taken by the next ones. */
static void a_visit_is_bounded(void **state)
{
	struct netlib_frame f[85];

	(void)state;
	members_introduce();
	for (unsigned i = 0; i < 85; i++)
		f[i] = member_compose(&ANN, member_mac_of(1), 60, (uint8_t)i);
	assert_int_equal(netlib_send(&ANN.lib, f, 85), 85);
	assert_int_equal(atomic_load(&BEN.shared->in.head) - BEN.lib.in_tail, VNET_BATCH);
	vpci_work(&ANN.g->pci);
	for (unsigned i = 0; i < 85; i++)
		member_receive(&BEN, 60, (uint8_t)i);
	assert_int_equal(member_counter(&ANN, "visits"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, members_setup, members_teardown)
	    T(a_hop_copies_nothing),
	    T(a_frame_goes_on_from_hop_to_hop),
	    T(a_burst_keeps_its_order_and_wakes_once),
	    T(a_broadcast_is_copied_for_all_but_one),
	    T(order_is_kept_where_some_are_copied),
	    T(the_edge_copies_once),
	    T(offloads_are_done),
	    T(a_large_frame_comes_in_segments),
	    T(what_fits_no_buffer_is_refused),
	    T(a_hoarder_hoards_its_own),
	    T(straight_to_another_member),
	    T(a_checked_head_is_no_obstacle),
	    T(a_head_is_as_it_was_checked),
	    T(registers),
	    T(an_interrupt_for_who_sleeps_only),
	    T(modes),
	    T(a_visit_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
