/* SPDX-License-Identifier: BSD-2-Clause */
/* test_shm.c: frames of a trust group's members: who gets which buffer, and what is copied. */
#include "tests/unit/rig/shm_nodes.h"

#define ANN member[0]
#define BEN member[1]
#define CAT member[2]

/* Takes away what waits for anybody who runs. */
static void drain(void)
{
	struct netlib_frame f;

	for (unsigned i = 0; i < MEMBERS; i++)
		while (netlib_running(&member[i].lib) && netlib_receive(&member[i].lib, &f, 1))
			member_drop(&member[i], f);
	for (unsigned i = 0; i < GUESTS; i++)
		while (!nic_idle(&node[i]))
			nic_receive(&node[i], 60, 0);
}

/* The switch has learned everybody's address. */
static void introduce(void)
{
	nics_up(FULL);
	nics_introduce();
	for (unsigned i = 0; i < MEMBERS; i++)
		member_send(&member[i], MAC_BROADCAST, 60, 0);
	drain();
	for (unsigned i = 0; i < MEMBERS; i++) {
		member[i].device->copied = 0;
		memset(member[i].device->count, 0, sizeof member[i].device->count);
	}
	for (unsigned i = 0; i < GUESTS; i++)
		node[i].nic->copied = 0;
	check_shares();
}

static void a_hop_copies_nothing(void **state)
{
	struct netlib_frame sent, got;

	(void)state;
	introduce();
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
	introduce();
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
	introduce();
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
	introduce();
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
	introduce();
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
	introduce();
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
	introduce();
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
	introduce();
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
	introduce();
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
	introduce();
	while (netlib_take(&BEN.lib, &f, 1))
		;
	for (unsigned i = 0; i < 3 * group->share; i++)
		member_send(&ANN, member_mac_of(1), 60, (uint8_t)i);
	while (!member_idle(&BEN))
		member_receive(&BEN, 60, (uint8_t)got++);
	assert_int_equal(BEN.device->nspare, 0);
	assert_true(got >= group->share / 4);
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
	introduce();
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
	assert_int_equal(member_drops(&CAT, VNET_DROP_port_down), 1);
	member_leave(2);
	f[0] = member_compose(&ANN, mac_of(0), 80, 0);
	f[0].action = SHM_TO;
	f[0].to = 2;
	assert_int_equal(netlib_send(&ANN.lib, f, 1), 1);
	assert_int_equal(member_drops(&ANN, VNET_DROP_port_down), 1);
	assert_true(netlib_running(&ANN.lib));
	check_shares();
}

/* ---- who breaks a rule stops, alone ---- */

static void breaks(struct shm_desc d, const char *counter, unsigned number)
{
	struct netlib_frame f;

	member_write_out(&ANN, d);
	assert_false(netlib_running(&ANN.lib));
	assert_int_equal(guest_in(ANN.g, ANN.io + SHM_IO_STATUS, 4), SHM_BROKEN);
	assert_int_equal(member_counter(&ANN, counter), number);
	check_shares();
	/* No start without a reset; nothing is taken, and nothing comes. */
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, SHM_START);
	assert_false(netlib_running(&ANN.lib));
	nic_send(&node[0], member_mac_of(0), 60, 0);
	assert_true(member_idle(&ANN));
	drain(); /* an address whose port is down is unknown */
	member_send(&BEN, member_mac_of(2), 60, 5);
	member_drop(&CAT, member_receive(&CAT, 60, 5));
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	check_shares();
	member_start(&ANN);
	nic_send(&node[0], member_mac_of(0), 60, 2);
	f = member_receive(&ANN, 60, 2);
	member_drop(&ANN, f);
	check_shares();
}

static uint32_t place(const struct netlib_frame *f)
{
	return (uint32_t)(f->data - group->buffer);
}

static void each_broken_rule_has_its_counter(void **state)
{
	struct netlib_frame own, others;
	struct shm_desc d;

	(void)state;
	introduce();
	breaks((struct shm_desc){.at = (uint32_t)group->bytes, .length = 60},
	       "violation.out_of_region", 1);
	breaks((struct shm_desc){.at = ~0u, .length = 60}, "violation.out_of_region", 2);
	/* A spare one of its own, another's, one of its own after it was given. */
	breaks((struct shm_desc){.at = ANN.device->spare[0] * SHM_BUFFER, .length = 60},
	       "violation.wrong_owner", 1);
	others = member_compose(&BEN, mac_of(0), 60, 0);
	breaks((struct shm_desc){.at = place(&others), .length = 60}, "violation.wrong_owner", 2);
	own = member_compose(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(netlib_send(&ANN.lib, &own, 1), 1);
	breaks((struct shm_desc){.at = place(&own), .length = 60}, "violation.wrong_owner", 3);
	for (unsigned i = 0; i < 4; i++) {
		own = member_compose(&ANN, mac_of(0), 60, 0);
		d = (struct shm_desc){.at = place(&own), .action = i < 2 ? SHM_NEXT : SHM_TO};
		d.length = i % 2 ? SHM_BUFFER - SHM_HEADROOM + 1 : 0xffff;
		breaks(d, "violation.bad_length", i + 1);
	}
	own = member_compose(&ANN, mac_of(0), 60, 0);
	d = (struct shm_desc){.at = place(&own), .length = 60, .action = SHM_DROP + 1};
	breaks(d, "violation.bad_action", 1);
	own = member_compose(&ANN, mac_of(0), 60, 0);
	breaks((struct shm_desc){.at = place(&own), .length = 60, .to = 1}, "violation.bad_action",
	       2);
	own = member_compose(&ANN, mac_of(0), 60, 0);
	breaks((struct shm_desc){.at = place(&own), .length = 60, .action = SHM_TO, .to = 3},
	       "violation.bad_action", 3);
}

/* A frame of no bytes is the switch's to refuse, as any that is too short. */
static void an_empty_frame_is_a_runt(void **state)
{
	struct netlib_frame f;

	(void)state;
	introduce();
	f = member_compose(&ANN, mac_of(0), 60, 0);
	f.length = 0;
	assert_int_equal(netlib_send(&ANN.lib, &f, 1), 1);
	assert_int_equal(member_drops(&ANN, VNET_DROP_runt), 1);
	assert_true(netlib_running(&ANN.lib));
	check_shares();
}

/* The same buffer twice in one batch: the first counts. */
static void a_buffer_twice_in_a_batch(void **state)
{
	struct netlib_frame f[2];

	(void)state;
	introduce();
	f[0] = f[1] = member_compose(&ANN, member_mac_of(1), 60, 4);
	assert_int_equal(netlib_send(&ANN.lib, f, 2), 2);
	member_receive(&BEN, 60, 4);
	assert_true(member_idle(&BEN));
	assert_int_equal(member_counter(&ANN, "violation.wrong_owner"), 1);
	assert_false(netlib_running(&ANN.lib));
	check_shares();
}

static void indices_that_run_ahead(void **state)
{
	struct shm_private *s = ANN.shared;

	(void)state;
	introduce();
	atomic_store(&s->out.head, ANN.device->out_tail + group->entries + 1);
	guest_out(ANN.g, ANN.io + SHM_IO_DOORBELL, 2, 0);
	assert_int_equal(member_counter(&ANN, "violation.ring_broken"), 1);
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	member_start(&ANN);
	atomic_store(&s->free.tail, atomic_load(&s->free.head) + 1);
	guest_out(ANN.g, ANN.io + SHM_IO_DOORBELL, 2, 0);
	assert_int_equal(member_counter(&ANN, "violation.ring_broken"), 2);
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	member_start(&ANN);
	/* Seen by who delivers, when the tail is needed. */
	ANN.device->in_head += group->entries;
	atomic_store(&s->in.tail, ANN.device->in_head + 1);
	nic_send(&node[0], member_mac_of(0), 60, 0);
	assert_int_equal(member_counter(&ANN, "violation.ring_broken"), 3);
	assert_false(netlib_running(&ANN.lib));
	check_shares();
	guest_out(ANN.g, ANN.io + SHM_IO_STATUS, 4, 0);
	check_shares();
}

/* A tail that does not move: the ring is full before the buffers are used up. */
static void a_ring_that_is_never_emptied(void **state)
{
	struct netlib_frame f;
	unsigned sent = 0;

	(void)state;
	introduce();
	for (; sent < 3 * group->entries; sent++) {
		member_send(&BEN, member_mac_of(0), 60, 0);
		/* It takes the frame and drops it, but does not say that it took it. */
		if (netlib_receive(&ANN.lib, &f, 1))
			member_drop(&ANN, f);
		atomic_store(&ANN.shared->in.tail, 5);
	}
	assert_true(member_drops(&ANN, VNET_DROP_rx_full) > group->entries);
	assert_true(netlib_running(&BEN.lib));
	check_shares();
}

/* ---- joining, leaving, restart ---- */

static void a_restart_brings_its_buffers_back(void **state)
{
	struct netlib_frame f;

	(void)state;
	introduce();
	for (unsigned i = 0; i < 50; i++)
		member_send(&ANN, member_mac_of(1), 60, (uint8_t)i);
	for (unsigned i = 0; i < 20; i++)
		member_receive(&BEN, 60, (uint8_t)i);
	while (netlib_take(&BEN.lib, &f, 1))
		;
	vpci_reset(&BEN.g->pci);
	assert_int_equal(BEN.device->nspare, group->share);
	check_shares();
	assert_int_equal(member_counter(&BEN, "resets"), 1);
	member_send(&ANN, member_mac_of(1), 60, 0);
	assert_int_equal(member_drops(&BEN, VNET_DROP_port_down), 1);
	guest_cfg_set(BEN.g, 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	member_start(&BEN);
	member_send(&ANN, member_mac_of(1), 60, 8);
	member_receive(&BEN, 60, 8);
	check_shares();
}

/* Another guest in its seat gets what the last one had, though none of it is where it began. */
static void who_leaves_makes_room(void **state)
{
	struct netlib_frame f;

	(void)state;
	introduce();
	for (unsigned i = 0; i < 40; i++)
		member_send(&ANN, member_mac_of(1), 60, 0);
	while (netlib_receive(&BEN.lib, &f, 1))
		;
	member_leave(1);
	check_shares();
	assert_null(atomic_load(&group->member[1]));
	member_join(1);
	member_start(&BEN);
	check_shares();
	member_send(&BEN, member_mac_of(0), 99, 1);
	member_receive(&ANN, 99, 1);
}

static void seats_and_sizes(void **state)
{
	static struct shm_member other;
	static struct shm_group g;
	struct shm_member_config c = {.name = "x", .shared = ANN.shared};

	(void)state;
	assert_false(shm_member_init(&other, group, 0, &c));
	assert_false(shm_member_init(&other, group, MEMBERS, &c));
	assert_false(shm_group_init(&g, region, 2 << 20, 0));
	assert_false(shm_group_init(&g, region, 2 << 20, SHM_SEATS + 1));
	assert_false(shm_group_init(&g, region, 4096, 1));
	assert_false(shm_group_init(&g, region, 16 * 2 * SHM_BUFFER - 1, 2));
	assert_true(shm_group_init(&g, region, 16 * 2 * SHM_BUFFER, 2));
	assert_int_equal(g.share, 16);
	/* Not more than a guest can have, however large the region is. */
	assert_true(shm_group_init(&g, region, 1ull << 40, 2));
	assert_int_equal(g.share, SHM_SHARE_MAX);
	assert_int_equal(g.entries, SHM_ENTRIES_MAX);
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
	introduce();
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
	introduce();
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
	introduce();
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
	    T(each_broken_rule_has_its_counter),
	    T(an_empty_frame_is_a_runt),
	    T(a_buffer_twice_in_a_batch),
	    T(indices_that_run_ahead),
	    T(a_ring_that_is_never_emptied),
	    T(a_restart_brings_its_buffers_back),
	    T(who_leaves_makes_room),
	    T(seats_and_sizes),
	    T(registers),
	    T(an_interrupt_for_who_sleeps_only),
	    T(modes),
	    T(a_visit_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
