/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_link_offload.c: checksums and large frames over a link, and the ICMP answer to a frame that
 * does not fit.  Checksums are verified by the simplest algorithm.
 */
#include "tests/unit/rig/link_nodes.h"
#include "lib/bytes.h"

#define PAYLOAD 5000

static const struct vnet_link_config to1 = {VNET_LINK_VXLAN, NODE_IP(1), 1, 0, 0};
static const struct vnet_link_config to0 = {VNET_LINK_VXLAN, NODE_IP(0), 1, 0, 0};

struct pair {
	struct node *n[2];
	struct vnet_port *link[2], *guest[2];
};

static void join(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		p->n[i] = node_make(i, VNET_LEARN);
		p->guest[i] = node_port(p->n[i], 1, 1, 0);
		p->link[i] = node_link(p->n[i], "far", 1, i ? &to0 : &to1);
	}
	node_tick(p->n[0]);
	node_tick(p->n[1]);
	nodes_settle(p->n[0], p->n[1]);
	node_clear(p->n[0]);
	node_clear(p->n[1]);
}

static void part(struct pair *p)
{
	node_free(p->n[0]);
	node_free(p->n[1]);
}

static uint32_t plain_sum(uint32_t sum, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* The pseudo-header's sum. */
static uint32_t pseudo(const uint8_t *ip, unsigned protocol, unsigned len)
{
	return *ip >> 4 == 6 ? plain_sum(protocol + len, ip + 8, 32)
	                     : plain_sum(protocol + len, ip + 12, 8);
}

/* The types of the tags of a frame with one or two, from the outer one on. */
static unsigned tag_type[2] = {0x88a8, 0x8100};

/* A frame of TCP over IPv4 or IPv6 with `payload` bytes; returns its length. */
static uint32_t tcp(uint8_t *p, bool ipv6, unsigned at, uint32_t payload)
{
	unsigned l4 = at + (ipv6 ? 40 : 20);
	uint32_t len = l4 + 20 + payload;
	uint8_t *ip = p + at;

	ether_frame(p, B, A, 0, len, 0);
	memset(p + 14, 0, l4 + 20 - 14);
	for (unsigned tag = 12, i = at == 18; tag + 2 < at; tag += 4)
		put_be16(p + tag, tag_type[i++]);
	put_be16(p + at - 2, ipv6 ? 0x86dd : 0x0800);
	ip[0] = ipv6 ? 0x60 : 0x45;
	if (ipv6) {
		put_be16(ip + 4, 20 + payload);
		ip[6] = 6;
		ip[8] = 0xfd;
		ip[23] = 1;
		ip[24] = 0xfd;
		ip[39] = 2;
	} else {
		put_be16(ip + 2, 40 + payload);
		put_be16(ip + 6, 0x4000);
		ip[9] = 6;
		put_be32(ip + 12, 0x0a000001);
		put_be32(ip + 16, 0x0a000002);
		put_be16(ip + 10, plain_sum(0, ip, 20) ^ 0xffff);
	}
	put_be16(p + l4, 4711);
	put_be16(p + l4 + 2, 80);
	put_be32(p + l4 + 4, 1000);
	p[l4 + 12] = 5 << 4;
	p[l4 + 13] = 0x18;
	put_be16(p + l4 + 16, pseudo(ip, 6, 20 + payload));
	return len;
}

static struct vnet_hdr large(bool ipv6, unsigned at, unsigned size)
{
	struct vnet_hdr h = {.flags = VNET_HDR_F_NEEDS_CSUM, .csum_offset = 16};

	h.csum_start = (uint16_t)(at + (ipv6 ? 40 : 20));
	h.gso_type = ipv6 ? VNET_GSO_TCPV6 : VNET_GSO_TCPV4;
	h.gso_size = (uint16_t)size;
	return h;
}

static void a_checksum_to_be_done_moves_along(void **state)
{
	struct pair p;
	uint8_t out[300];
	uint32_t len = tcp(out, false, 14, 101);
	struct vnet_hdr hdr = large(false, 14, 0);
	struct got *g;

	(void)state;
	join(&p);
	hdr.gso_type = VNET_GSO_NONE;
	for (uint32_t piece = 0; piece < 60; piece += 17) {
		batch_start(p.n[0]);
		batch_add(p.n[0], out, len, &hdr, piece);
		assert_int_equal(batch_send(p.n[0], p.guest[0]), 1);
		g = &p.n[0]->dev[0].got[0];
		assert_int_equal(g->len, len + 50);
		assert_int_equal(g->hdr.flags, VNET_HDR_F_NEEDS_CSUM);
		assert_int_equal(g->hdr.csum_start, 34 + 50);
		assert_int_equal(g->hdr.csum_offset, 16);
		assert_memory_equal(g->bytes + 50, out, len);
		node_clear(p.n[0]);
	}
	part(&p);
}

/* The segments that came out at the other node, put together and verified. */
static void whole(struct dev *d, const uint8_t *sent, bool ipv6, unsigned at, unsigned size)
{
	unsigned head = at + (ipv6 ? 60 : 40), l4 = head - 20;
	uint32_t done = 0;

	for (unsigned i = 0; i < d->n; i++) {
		const uint8_t *b = d->got[i].bytes;
		uint32_t payload = d->got[i].len - head;
		uint32_t sum = pseudo(b + at, 6, 20 + payload);

		assert_int_equal(d->got[i].hdr.flags, 0);
		assert_int_equal(payload, PAYLOAD - done < size ? PAYLOAD - done : size);
		assert_int_equal(be32(b + l4 + 4), 1000 + done);
		assert_int_equal(plain_sum(sum, b + l4, 20 + payload), 0xffff);
		if (!ipv6)
			assert_int_equal(plain_sum(0, b + at, 20), 0xffff);
		assert_memory_equal(b + head, sent + head + done, payload);
		done += payload;
	}
	assert_int_equal(done, PAYLOAD);
}

static void large_frames_are_cut_inside(void **state)
{
	static uint8_t out[PAYLOAD + 100];
	struct pair p;

	(void)state;
	join(&p);
	for (unsigned which = 0; which < 24; which++) {
		bool ipv6 = which & 1;
		unsigned at = 14 + 4 * (which / 8), size = which & 4 ? 1372 : 500;
		uint32_t len = tcp(out, ipv6, at, PAYLOAD);
		struct vnet_hdr hdr = large(ipv6, at, size);

		batch_start(p.n[0]);
		batch_add(p.n[0], out, len, &hdr, which & 2 ? 333 : 0);
		assert_int_equal(batch_send(p.n[0], p.guest[0]), 1);
		assert_int_equal(p.n[0]->dev[0].calls, 1);
		nodes_settle(p.n[0], p.n[1]);
		whole(&p.n[1]->dev[1], out, ipv6, at, size);
		node_clear(p.n[0]);
		node_clear(p.n[1]);
	}
	assert_int_equal(port_drops_all(p.link[0]), 0);
	part(&p);
}

static unsigned seven(const struct vnet_port *port)
{
	(void)port;
	return 7;
}

/* Dom0's ring has room for seven: a frame of eight segments is not begun, one of seven goes. */
static void nothing_is_cut_for_a_full_edge(void **state)
{
	static uint8_t out[PAYLOAD + 100];
	struct pair p;
	struct vnet_hdr hdr = large(false, 14, 500);
	struct vnet_port_stats s;
	struct vnet_port_ops ops;

	(void)state;
	join(&p);
	ops = *p.n[0]->dev[0].port->ops;
	ops.room = seven;
	p.n[0]->dev[0].port->ops = &ops;
	for (uint32_t payload = 3500; payload <= 3501; payload++) {
		batch_start(p.n[0]);
		batch_add(p.n[0], out, tcp(out, false, 14, payload), &hdr, 0);
		batch_send(p.n[0], p.guest[0]);
		assert_int_equal(p.n[0]->dev[0].n, 7);
	}
	vnet_port_stats(p.link[0], &s);
	assert_int_equal(s.drop[VNET_DROP_rx_full], 1);
	part(&p);
}

/* More segments than a batch holds go on in several. */
static void small_segments_fill_many_batches(void **state)
{
	static uint8_t out[PAYLOAD + 100];
	struct pair p;
	struct vnet_hdr hdr = large(false, 14, 40);
	struct vnet_port_stats s;

	(void)state;
	join(&p);
	batch_start(p.n[0]);
	batch_add(p.n[0], out, tcp(out, false, 14, PAYLOAD), &hdr, 11);
	batch_send(p.n[0], p.guest[0]);
	assert_int_equal(p.n[0]->dev[0].n, PAYLOAD / 40);
	nodes_settle(p.n[0], p.n[1]);
	whole(&p.n[1]->dev[1], out, false, 14, 40);
	vnet_port_stats(p.link[0], &s);
	assert_int_equal(s.out_frames, 1);
	assert_int_equal(s.out_bytes, PAYLOAD + 54);
	part(&p);
}

/* The ICMP answer to a frame of node 0's guest; NULL: none.  The frame is counted as too_big. */
static struct got *icmp_answer(struct pair *p, uint8_t *out, uint32_t len,
                               const struct vnet_hdr *hdr)
{
	uint64_t before = port_drops(p->link[0], VNET_DROP_too_big);

	node_clear(p->n[0]);
	batch_start(p->n[0]);
	batch_add(p->n[0], out, len, hdr, 100);
	assert_int_equal(batch_send(p->n[0], p->guest[0]), 0);
	assert_int_equal(port_drops(p->link[0], VNET_DROP_too_big), before + 1);
	assert_int_equal(p->n[0]->dev[0].n, 0);
	return p->n[0]->dev[1].n ? &p->n[0]->dev[1].got[0] : NULL;
}

static void check_ipv4(const struct got *g, const uint8_t *out, unsigned at)
{
	const uint8_t *ip = g->bytes + at, *icmp = ip + 20;

	assert_int_equal(mac_read(g->bytes), A);
	assert_int_equal(mac_read(g->bytes + 6), B);
	assert_memory_equal(g->bytes + 12, out + 12, at - 12);
	assert_int_equal(g->len, at + be16(ip + 2));
	assert_memory_equal(ip + 12, out + at + 16, 4);
	assert_memory_equal(ip + 16, out + at + 12, 4);
	assert_int_equal(ip[9], 1);
	assert_int_equal(plain_sum(0, ip, 20), 0xffff);
	assert_int_equal(icmp[0], 3);
	assert_int_equal(icmp[1], 4);
	assert_int_equal(be16(icmp + 6), 1464 - at);
	assert_int_equal(plain_sum(0, icmp, g->len - at - 20), 0xffff);
	assert_memory_equal(icmp + 8, out + at, 28);
}

static void check_ipv6(const struct got *g, const uint8_t *out, unsigned at)
{
	const uint8_t *ip = g->bytes + at, *icmp = ip + 40;
	unsigned len = be16(ip + 4);

	assert_int_equal(mac_read(g->bytes), A);
	assert_int_equal(mac_read(g->bytes + 6), B);
	assert_int_equal(g->len, at + 40 + len);
	assert_memory_equal(ip + 8, out + at + 24, 16);
	assert_memory_equal(ip + 24, out + at + 8, 16);
	assert_int_equal(icmp[0], 2);
	assert_int_equal(be32(icmp + 4), 1464 - at);
	assert_int_equal(plain_sum(pseudo(ip, 58, len), icmp, len), 0xffff);
	assert_memory_equal(icmp + 8, out + at, 60);
}

static void senders_get_the_mtu_that_fits(void **state)
{
	static uint8_t out[PAYLOAD + 100];
	struct pair p;

	(void)state;
	join(&p);
	for (unsigned i = 0; i < 5; i++) {
		/* Untagged, and tagged once and twice, by the types of C- and S-tags. */
		static const unsigned tags[5][3] = {{14},
		                                    {18, 0x8100, 0x8100},
		                                    {18, 0, 0x88a8},
		                                    {22, 0x88a8, 0x8100},
		                                    {22, 0x8100, 0x9100}};
		unsigned at = tags[i][0];
		struct vnet_hdr v4, v6;
		uint32_t len;

		tag_type[0] = tags[i][1];
		tag_type[1] = tags[i][2];
		v4 = large(false, at, 1424);
		v6 = large(true, at, 1405);
		len = tcp(out, false, at, 1425);

		check_ipv4(icmp_answer(&p, out, len, NULL), out, at);
		check_ipv4(icmp_answer(&p, out, tcp(out, false, at, PAYLOAD), &v4), out, at);
		check_ipv6(icmp_answer(&p, out, tcp(out, true, at, 1405), NULL), out, at);
		check_ipv6(icmp_answer(&p, out, tcp(out, true, at, PAYLOAD), &v6), out, at);
	}
	part(&p);
}

/* An IPv6 frame whose TCP begins behind an extension header of 24 bytes; returns its length. */
static uint32_t extended(uint8_t *p, unsigned next, unsigned kind)
{
	uint32_t len = tcp(p, true, 22, 1405);

	p[22 + 6] = (uint8_t)kind;
	p[62] = (uint8_t)next;
	p[63] = 2;
	return len;
}

/* The answer to a frame with extension headers, and to frames with unusual contents behind them. */
static void extension_headers_are_passed(void **state)
{
	static const uint8_t kind[] = {0, 43, 60, 135};
	static uint8_t out[PAYLOAD + 100];
	struct pair p;
	uint32_t len;

	(void)state;
	join(&p);
	for (unsigned i = 0; i < sizeof kind; i++) {
		check_ipv6(icmp_answer(&p, out, extended(out, 6, kind[i]), NULL), out, 22);
		len = extended(out, 58, kind[i]);
		out[86] = 1; /* an ICMPv6 error, and an echo */
		assert_null(icmp_answer(&p, out, len, NULL));
		out[86] = 128;
		check_ipv6(icmp_answer(&p, out, len, NULL), out, 22);
	}
	len = extended(out, 58, 44); /* of a later fragment nobody sees what it is */
	out[65] = 8;
	check_ipv6(icmp_answer(&p, out, len, NULL), out, 22);
	part(&p);
}

/* What an authentication header covers cannot be cut, and is no news to its sender. */
static void the_authenticated_is_not_cut(void **state)
{
	static uint8_t out[PAYLOAD + 100];
	struct vnet_hdr hdr = large(true, 22, 1000);
	struct pair p;
	uint32_t len = extended(out, 6, 51);

	(void)state;
	join(&p);
	out[63] = 4; /* of 24 bytes, by its own count */
	out[86 + 12] = 5 << 4;
	hdr.csum_start = 86;
	batch_start(p.n[0]);
	batch_add(p.n[0], out, len, &hdr, 0);
	assert_int_equal(batch_send(p.n[0], p.guest[0]), 0);
	assert_int_equal(port_drops(p.link[0], VNET_DROP_authenticated), 1);
	assert_int_equal(p.n[0]->dev[1].n, 0);
	part(&p);
}

static void some_get_no_icmp(void **state)
{
	static uint8_t out[PAYLOAD + 100];
	struct pair p;
	uint32_t len;

	(void)state;
	join(&p);
	len = tcp(out, false, 14, 1425);
	out[20] = 0; /* may be fragmented */
	assert_null(icmp_answer(&p, out, len, NULL));
	out[20] = 0x40;
	out[21] = 1; /* a fragment that is not the first */
	assert_null(icmp_answer(&p, out, len, NULL));
	tcp(out, false, 14, 1425);
	out[26] = 224; /* from a group */
	assert_null(icmp_answer(&p, out, len, NULL));
	tcp(out, false, 14, 1425);
	mac_write(out, MAC_BROADCAST);
	assert_null(icmp_answer(&p, out, len, NULL));
	tcp(out, false, 14, 1425);
	out[23] = 1; /* ICMP: an error, and an echo */
	out[34] = 3;
	assert_null(icmp_answer(&p, out, len, NULL));
	out[34] = 8;
	assert_non_null(icmp_answer(&p, out, len, NULL));
	len = tcp(out, true, 14, 1405);
	out[20] = 58;
	out[54] = 1;
	assert_null(icmp_answer(&p, out, len, NULL));
	out[54] = 128;
	assert_non_null(icmp_answer(&p, out, len, NULL));
	ether_frame(out, B, A, 0x88b5, len, 0);
	assert_null(icmp_answer(&p, out, len, NULL));
	part(&p);
}

static void answers_are_limited(void **state)
{
	static uint8_t out[PAYLOAD + 100];
	struct vnet_port *other;
	struct pair p;
	unsigned answers = 0;

	(void)state;
	join(&p);
	for (unsigned i = 0; i < 200; i++)
		answers += icmp_answer(&p, out, tcp(out, false, 14, 1425), NULL) != NULL;
	assert_int_equal(answers, 64);
	assert_int_equal(port_drops(p.guest[0], VNET_DROP_icmp_rate_limited), 200 - 64);
	/* Another guest on the same core still gets its answer. */
	other = node_port(p.n[0], 2, 1, 0);
	node_clear(p.n[0]);
	node_send(p.n[0], other, out, tcp(out, false, 14, 1425));
	assert_int_equal(p.n[0]->dev[2].n, 1);
	assert_true(vnet_port_remove(other));
	node_tick(p.n[0]);
	assert_non_null(icmp_answer(&p, out, tcp(out, false, 14, 1425), NULL));
	part(&p);
}

/* A frame to two links of different limits is answered once, and passes the larger one. */
static void each_link_judges_for_itself(void **state)
{
	static const struct vnet_link_config second = {VNET_LINK_UDP, NODE_IP(1), 0, 0, 0};
	static uint8_t out[2000];
	struct pair p;

	(void)state;
	join(&p);
	node_link(p.n[0], "second", 1, &second);
	batch_start(p.n[0]);
	batch_add(p.n[0], out, tcp(out, false, 14, 1418), NULL, 0);
	assert_int_equal(batch_send(p.n[0], p.guest[0]), 1);
	assert_int_equal(p.n[0]->dev[0].n, 1);
	assert_int_equal(p.n[0]->dev[0].got[0].len, 1514);
	assert_int_equal(p.n[0]->dev[1].n, 1);
	part(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_checksum_to_be_done_moves_along),
	    cmocka_unit_test(large_frames_are_cut_inside),
	    cmocka_unit_test(nothing_is_cut_for_a_full_edge),
	    cmocka_unit_test(small_segments_fill_many_batches),
	    cmocka_unit_test(senders_get_the_mtu_that_fits),
	    cmocka_unit_test(extension_headers_are_passed),
	    cmocka_unit_test(the_authenticated_is_not_cut),
	    cmocka_unit_test(some_get_no_icmp),
	    cmocka_unit_test(answers_are_limited),
	    cmocka_unit_test(each_link_judges_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
