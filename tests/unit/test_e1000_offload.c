/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offload headers on a simulated NIC: frames that leave are right, and headers that contradict the
 * frame are refused.
 */
#include "tests/unit/rig/e1000_rig.h"
/* Shared with the test guest that asks the same of real NICs; not part of the host library. */
#include "guest-images/lib/packet.c"
#include "guest-images/tests/tso_frame.c"

static uint8_t big[65536 + 64];

static void send_big(struct rig *r, uint32_t len, const struct vnet_hdr *hdr)
{
	struct vnet_seg piece[E1000_PIECES];
	unsigned n = tso_pieces(big, len, piece);

	assert_int_equal(e1000_tx_send(&r->nic, piece, n, hdr, big), E1000_SENT);
	e1000_tx_flush(&r->nic);
	assert_ptr_equal(e1000_tx_done(&r->nic), big);
}

static void check_segments(struct rig *r, struct tso_check *c)
{
	for (unsigned i = 0; i < r->sim->n_out; i++) {
		const char *error = tso_check_segment(c, r->sim->out[i].data, r->sim->out[i].len);

		if (error)
			fail_msg("segment %u: %s", i, error);
	}
	assert_true(tso_check_complete(c));
	sim_forget(r->sim);
}

static void test_tso(void **state)
{
	struct rig r;
	struct vnet_hdr hdr;
	struct tso_check c;

	(void)state;
	rig_open(&r, E1000_82574L);
	for (uint32_t i = 0; i < 200; i++) {
		bool v6 = i & 2;
		uint32_t payload = 1 + i / 4 * 1307; /* each frame twice in a row */
		uint16_t mss = (uint16_t)(64 + i / 4 * 41 % 1397);
		uint32_t len = tso_build(big, &hdr, v6, payload, mss);

		send_big(&r, len, &hdr);
		tso_check_begin(&c, v6, payload, mss);
		check_segments(&r, &c);
	}
	assert_int_equal(r.nic.count[E1000_COUNT_tx_tso], 200);
	assert_int_equal(r.sim->contexts, 200);
	rig_close(&r);
}

static void test_csum_keeps_context(void **state)
{
	struct rig r;
	struct vnet_hdr hdr;
	struct tso_check c;

	(void)state;
	rig_open(&r, E1000_82540EM);
	for (uint32_t i = 0; i < 40; i++) {
		bool v6 = i >= 20;
		uint32_t len = tso_build(big, &hdr, v6, 30 * i + 1, 1448);

		hdr.gso_type = VNET_GSO_NONE;
		send_big(&r, len, &hdr);
		tso_check_begin(&c, v6, 30 * i + 1, 1448);
		check_segments(&r, &c);
	}
	assert_int_equal(r.sim->contexts, 2); /* one for each kind */
	assert_int_equal(r.nic.count[E1000_COUNT_tx_csum], 40);
	rig_close(&r);
}

static void test_tso6_only_where_it_works(void **state)
{
	struct rig r;
	struct vnet_hdr hdr;
	uint32_t len;
	struct vnet_seg all;

	(void)state;
	rig_open(&r, E1000_82540EM);
	len = tso_build(big, &hdr, true, 5000, 1000);
	all = (struct vnet_seg){big, len};
	assert_false(e1000_tso6(&r.nic));
	assert_int_equal(e1000_tx_send(&r.nic, &all, 1, &hdr, big), E1000_UNABLE);
	assert_int_equal(r.nic.count[E1000_COUNT_tx_unable], 1);
	rig_close(&r);
}

/* The frame becomes one inside VXLAN: returns the bytes that come in front. */
static uint32_t in_vxlan(uint32_t len, struct vnet_hdr *hdr, bool v6)
{
	uint32_t l4 = v6 ? 54 : 34, outer = l4 + 16;

	memmove(big + outer, big, len);
	memset(big, 0, outer);
	put_be32(big + 12, v6 ? 0x86dd6000 : 0x08004500);
	big[v6 ? 20 : 23] = 17;
	hdr->csum_start = (uint16_t)(hdr->csum_start + outer);
	hdr->gso_type = VNET_GSO_NONE;
	return outer;
}

static void test_in_tunnel(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct rig r;
		struct vnet_hdr hdr;
		struct tso_check c;
		bool v6 = i & 1, outer_v6 = i & 2, new = i & 4;
		uint32_t len, outer;
		struct vnet_seg all;

		rig_open(&r, new ? E1000_82574L : E1000_82540EM);
		len = tso_build(big, &hdr, v6, 1000, 1448);
		outer = in_vxlan(len, &hdr, outer_v6);
		all = (struct vnet_seg){big, outer + len};
		assert_int_equal(e1000_tx_send(&r.nic, &all, 1, &hdr, big),
		                 new ? E1000_UNABLE : E1000_SENT);
		assert_int_equal(r.nic.count[E1000_COUNT_tx_unable], new);
		e1000_tx_flush(&r.nic);
		assert_int_equal(r.sim->n_out, !new);
		if (!new) {
			r.sim->out[0].len -= outer;
			memmove(r.sim->out[0].data, r.sim->out[0].data + outer, len);
			tso_check_begin(&c, v6, 1000, 1448);
			check_segments(&r, &c);
		}
		rig_close(&r);
	}
}

/* Only a checksum behind a UDP header is one in a tunnel, and headers cut short are none. */
static void test_in_no_tunnel(void **state)
{
	struct vnet_hdr hdr;
	uint32_t len = tso_build(big, &hdr, false, 1000, 1448);

	(void)state;
	assert_false(e1000_in_tunnel(&hdr, big, len));
	big[23] = 17;
	assert_false(e1000_in_tunnel(&hdr, big, len)); /* that UDP header's own */
	hdr.csum_start++;
	assert_true(e1000_in_tunnel(&hdr, big, len));
	for (uint32_t i = 0; i < 34; i++) {
		uint8_t *head = malloc(i ? i : 1); /* ASan sees a byte too far */

		memcpy(head, big, i);
		assert_false(e1000_in_tunnel(&hdr, head, i));
		free(head);
	}
	hdr.flags = 0;
	assert_false(e1000_in_tunnel(&hdr, big, len));
}

/* A frame with a VLAN tag: everything lies 4 bytes further. */
static void test_vlan(void **state)
{
	struct rig r;
	struct vnet_hdr hdr;
	struct tso_check c;
	uint32_t len;

	(void)state;
	rig_open(&r, E1000_82540EM);
	len = tso_build(big, &hdr, false, 3000, 1400);
	memmove(big + 16, big + 12, len - 12);
	put_be32(big + 12, 0x81000007);
	hdr.csum_start += 4;
	send_big(&r, len + 4, &hdr);
	assert_int_equal(r.sim->n_out, 3);
	tso_check_begin(&c, false, 3000, 1400);
	for (unsigned i = 0; i < r.sim->n_out; i++) {
		uint8_t *f = r.sim->out[i].data;

		assert_int_equal(be32(f + 12), 0x81000007);
		memmove(f + 12, f + 16, r.sim->out[i].len - 16);
		r.sim->out[i].len -= 4;
	}
	check_segments(&r, &c);
	rig_close(&r);
}

/* Two tags, of whichever of the types. */
static void test_two_tags(void **state)
{
	static const uint32_t outer[] = {0x88a80007, 0x81000007, 0x91000007};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct vnet_hdr hdr;
		struct e1000_context c;
		uint32_t len = tso_build(big, &hdr, i & 1, 3000, 1400);

		memmove(big + 20, big + 12, len - 12);
		put_be32(big + 12, outer[i]);
		put_be32(big + 16, 0x81000008);
		hdr.csum_start += 8;
		assert_int_equal(e1000_offload(&hdr, big, len + 8, len + 8, &c), E1000_SENT);
		assert_int_equal(c.low & 0xff, 22);
	}
}

/* What stands behind extension headers, or was routed by way of others, is for software. */
static void test_extended_is_for_software(void **state)
{
	static const uint8_t kind[] = {0, 43, 51, 60, 135};
	struct vnet_hdr hdr;
	struct e1000_context c;

	(void)state;
	for (unsigned i = 0; i < sizeof kind; i++) {
		uint32_t len = tso_build(big, &hdr, true, 3000, 1400);

		memmove(big + 54 + 24, big + 54, len - 54);
		memset(big + 54, 0, 24);
		big[20] = kind[i];
		big[54] = 6;
		big[55] = kind[i] == 51 ? 4 : 2;
		assert_int_equal(e1000_offload(&hdr, big, len + 24, len + 24, &c), E1000_BAD);
		hdr.csum_start += 24;
		assert_int_equal(e1000_offload(&hdr, big, len + 24, len + 24, &c), E1000_UNABLE);
	}
	for (unsigned pointer = 4; pointer <= 8; pointer += 4) { /* a source route, and used up */
		static const uint8_t route[8] = {131, 7, 0, 10, 9, 9, 9, 0};
		uint32_t len = tso_build(big, &hdr, false, 3000, 1400);
		memmove(big + 34 + 8, big + 34, len - 34);
		memcpy(big + 34, route, 8);
		big[14] = 0x47;
		big[36] = (uint8_t)pointer;
		hdr.csum_start += 8;
		assert_int_equal(e1000_offload(&hdr, big, len + 8, len + 8, &c),
		                 pointer == 4 ? E1000_UNABLE : E1000_SENT);
	}
}

/* Each case spoils one thing of a good header or frame. */
enum spoil {
	NO_NEEDS_CSUM,
	START_IN_ETHERNET,
	START_BEYOND,
	WRONG_OFFSET,
	NO_MSS,
	OTHER_TYPE,
	WRONG_IHL,
	NOT_TCP,
	SHORT_TCP,
	LONG_TCP,
	NO_PAYLOAD,
	SPOILS,
};

static void spoil(enum spoil what, struct vnet_hdr *hdr, uint32_t *len)
{
	switch (what) {
	case NO_NEEDS_CSUM:
		hdr->flags = 0;
		break;
	case START_IN_ETHERNET:
		hdr->csum_start = 13;
		break;
	case START_BEYOND:
		hdr->csum_start = 0xfff0;
		break;
	case WRONG_OFFSET:
		hdr->csum_offset = 6;
		break;
	case NO_MSS:
		hdr->gso_size = 0;
		break;
	case OTHER_TYPE:
		hdr->gso_type = VNET_GSO_TCPV6;
		break;
	case WRONG_IHL:
		big[14] = 0x46;
		break;
	case NOT_TCP:
		big[23] = 17;
		break;
	case SHORT_TCP:
		big[34 + 12] = 0x40;
		break;
	case LONG_TCP:
		big[34 + 12] = 0xf0;
		*len = 34 + 59;
		break;
	case NO_PAYLOAD:
		*len = 54;
		break;
	case SPOILS:
		break;
	}
}

static void test_refuses_contradictions(void **state)
{
	static uint8_t before[1100];
	struct rig r;

	(void)state;
	rig_open(&r, E1000_82574L);
	for (enum spoil what = 0; what < SPOILS; what++) {
		struct vnet_hdr hdr;
		uint32_t len = tso_build(big, &hdr, false, 1000, 500);
		struct vnet_seg all;

		spoil(what, &hdr, &len);
		memcpy(before, big, len);
		all = (struct vnet_seg){big, len};
		assert_int_equal(e1000_tx_send(&r.nic, &all, 1, &hdr, big), E1000_BAD);
		assert_memory_equal(before, big, len);
	}
	assert_int_equal(r.nic.count[E1000_COUNT_tx_bad], SPOILS);
	assert_int_equal(e1000_tx_pending(&r.nic), 0);
	rig_close(&r);
}

/* Exact allocations: no byte beyond the first piece is looked at. */
static void test_short_first_piece(void **state)
{
	struct vnet_hdr hdr;
	struct e1000_context c;
	uint32_t len = tso_build(big, &hdr, false, 1000, 500);

	(void)state;
	for (uint32_t head = 14; head < 54; head++) {
		uint8_t *p = malloc(head);

		memcpy(p, big, head);
		assert_int_equal(e1000_offload(&hdr, p, head, len, &c), E1000_BAD);
		free(p);
	}
}

static void test_unable(void **state)
{
	struct e1000_context c;
	struct vnet_hdr hdr = {.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 250, .csum_offset = 6};

	(void)state;
	assert_int_equal(e1000_offload(&hdr, big, 1000, 1000, &c), E1000_UNABLE);
	hdr.gso_type = VNET_GSO_UDP_L4;
	assert_int_equal(e1000_offload(&hdr, big, 1000, 1000, &c), E1000_UNABLE);
	tso_build(big, &hdr, false, 1000, 500);
	hdr.gso_type |= VNET_GSO_ECN;
	assert_int_equal(e1000_offload(&hdr, big, 1054, 1054, &c), E1000_UNABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tso),
	    cmocka_unit_test(test_csum_keeps_context),
	    cmocka_unit_test(test_tso6_only_where_it_works),
	    cmocka_unit_test(test_in_tunnel),
	    cmocka_unit_test(test_in_no_tunnel),
	    cmocka_unit_test(test_vlan),
	    cmocka_unit_test(test_two_tags),
	    cmocka_unit_test(test_extended_is_for_software),
	    cmocka_unit_test(test_refuses_contradictions),
	    cmocka_unit_test(test_short_first_piece),
	    cmocka_unit_test(test_unable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
