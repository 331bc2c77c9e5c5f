/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ecn.c: DSCP and congestion marks over a link: the outer header from the inner packet, and
 * their combination at the far end (RFC 6040).
 */
#include "tests/unit/rig/link_nodes.h"
#include "lib/bytes.h"
#include "vnet/frame/headers.h"

#define BYTES 120
#define OUTER 50 /* bytes in front of the inner frame */

enum { NOT_ECT, ECT1, ECT0, CE };

static const unsigned tags[] = {0x88a8, 0x8100};

struct pair {
	struct node *n[2];
	struct vnet_port *guest[2];
};

static void join(struct pair *p, uint8_t dscp)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct vnet_link_config c = {VNET_LINK_VXLAN, NODE_IP(!i), 1, 0, dscp};

		p->n[i] = node_make(i, VNET_LEARN);
		p->guest[i] = node_port(p->n[i], 1, 1, 0);
		node_link(p->n[i], "far", 1, &c);
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

static uint16_t plain_sum(const uint8_t *p, unsigned n)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < n; i += 2)
		sum += be16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void set_tos(uint8_t *ip, bool ipv6, unsigned tos)
{
	if (ipv6) {
		put_be16(ip, 0x6000 | tos << 4);
		return;
	}
	ip[0] = 0x45;
	ip[1] = (uint8_t)tos;
	put_be16(ip + 10, 0);
	put_be16(ip + 10, plain_sum(ip, 20) ^ 0xffff);
}

/* A frame of IP behind tags; returns where IP begins. */
static unsigned inner(uint8_t *f, unsigned n, bool ipv6, unsigned tos)
{
	unsigned at = 14 + 4 * n;

	ether_frame(f, B, A, ipv6 ? 0x86dd : 0x0800, BYTES, 7);
	for (unsigned i = 0; i < n; i++)
		put_be16(f + 12 + 4 * i, tags[2 - n + i]);
	put_be16(f + at - 2, ipv6 ? 0x86dd : 0x0800);
	set_tos(f + at, ipv6, tos);
	return at;
}

/* The outer header's TOS for such a frame, whose outer checksum must hold. */
static unsigned outer_tos(struct pair *p, uint8_t *f)
{
	const uint8_t *out;

	node_clear(p->n[0]);
	node_send(p->n[0], p->guest[0], f, BYTES);
	assert_int_equal(p->n[0]->dev[0].n, 1);
	out = p->n[0]->dev[0].got[0].bytes;
	assert_int_equal(plain_sum(out + 14, 20), 0xffff);
	assert_memory_equal(out + OUTER, f, BYTES);
	return out[15];
}

static void the_outer_header_has_the_inner_marks(void **state)
{
	static const uint8_t dscp[] = {0, 46, VNET_DSCP_COPY};
	struct pair p;
	uint8_t f[BYTES];

	(void)state;
	for (unsigned d = 0; d < 3; d++) {
		join(&p, dscp[d]);
		for (unsigned i = 0; i < 6 * 256; i++) {
			unsigned tos = i % 256,
			         own = dscp[d] == VNET_DSCP_COPY ? tos >> 2 : dscp[d];

			inner(f, i / 512, i / 256 % 2, tos);
			assert_int_equal(outer_tos(&p, f), own << 2 | (tos & 3));
		}
		ether_frame(f, B, A, 0x88b5, BYTES, 0xff); /* no IP: no ECN, and no DSCP to copy */
		assert_int_equal(outer_tos(&p, f), dscp[d] == VNET_DSCP_COPY ? 0 : dscp[d] << 2);
		part(&p);
	}
}

/* What node 1's guest gets of a frame whose outer header says `outer` by then; NULL: nothing. */
static const uint8_t *carried(struct pair *p, uint8_t *f, unsigned outer, uint32_t piece)
{
	uint8_t packet[OUTER + BYTES], sent[OUTER + BYTES];
	struct dev *d = &p->n[1]->dev[1];

	outer_tos(p, f);
	memcpy(packet, p->n[0]->dev[0].got[0].bytes, sizeof packet);
	set_tos(packet + 14, false, outer);
	memcpy(sent, packet, sizeof packet);
	node_clear(p->n[1]);
	batch_start(p->n[1]);
	batch_add(p->n[1], packet, sizeof packet, NULL, piece);
	batch_send(p->n[1], p->n[1]->dev[0].port);
	assert_memory_equal(packet, sent, sizeof packet); /* Dom0's memory is only read */
	if (!d->n)
		return NULL;
	assert_int_equal(d->got[0].len, BYTES);
	return d->got[0].bytes;
}

static void marks_are_carried_in(void **state)
{
	/* RFC 6040, figure 4, by [inner][outer]; -1: dropped */
	static const int becomes[4][4] = {
	    [NOT_ECT] = {[NOT_ECT] = NOT_ECT, [ECT0] = NOT_ECT, [ECT1] = NOT_ECT, [CE] = -1},
	    [ECT0] = {[NOT_ECT] = ECT0, [ECT0] = ECT0, [ECT1] = ECT1, [CE] = CE},
	    [ECT1] = {[NOT_ECT] = ECT1, [ECT0] = ECT1, [ECT1] = ECT1, [CE] = CE},
	    [CE] = {[NOT_ECT] = CE, [ECT0] = CE, [ECT1] = CE, [CE] = CE},
	};
	struct pair p;
	uint64_t dropped = 0;

	(void)state;
	join(&p, 0);
	for (unsigned i = 0; i < 6 * 4 * 4 * 3; i++) {
		unsigned in = i % 4, out = i / 4 % 4, n = i / 16 % 3, piece = i / 96 * 9;
		bool ipv6 = i / 48 % 2;
		uint8_t f[BYTES], expected[BYTES];
		unsigned at = inner(f, n, ipv6, 0xb8 | in);
		const uint8_t *got = carried(&p, f, out, piece);

		if (becomes[in][out] < 0) {
			assert_null(got);
			assert_int_equal(port_drops(p.n[1]->dev[0].port, VNET_DROP_ce_not_ect),
			                 ++dropped);
			continue;
		}
		memcpy(expected, f, BYTES);
		set_tos(expected + at, ipv6, 0xb8 | (unsigned)becomes[in][out]);
		assert_non_null(got);
		assert_memory_equal(got, expected, BYTES);
	}
	assert_true(dropped > 0);
	part(&p);
}

/* A batch of which many are marked, in pieces. */
static void a_whole_batch_is_marked(void **state)
{
	static uint8_t packet[VNET_BATCH][OUTER + BYTES];
	struct pair p;
	uint8_t f[BYTES];
	struct dev *d;

	(void)state;
	join(&p, 0);
	d = &p.n[1]->dev[1];
	batch_start(p.n[1]);
	for (unsigned i = 0; i < VNET_BATCH; i++) {
		inner(f, i % 3, i % 2, i % 5 ? ECT0 : CE);
		outer_tos(&p, f);
		memcpy(packet[i], p.n[0]->dev[0].got[0].bytes, OUTER + BYTES);
		set_tos(packet[i] + 14, false, i % 7 ? CE : ECT0);
		batch_add(p.n[1], packet[i], OUTER + BYTES, NULL, 25);
	}
	batch_send(p.n[1], p.n[1]->dev[0].port);
	assert_int_equal(d->n, VNET_BATCH);
	for (unsigned i = 0; i < VNET_BATCH; i++) {
		struct headers h;

		headers_read(&h, d->got[i].bytes, BYTES);
		assert_int_equal(headers_tos(&h, d->got[i].bytes), i % 7 && i % 5 ? CE
		                                                   : i % 5        ? ECT0
		                                                                  : CE);
		if (h.ipv4)
			assert_int_equal(plain_sum(d->got[i].bytes + h.l3, 20), 0xffff);
	}
	part(&p);
}

/* ARP and the like have no field for it, and no use. */
static void what_is_no_ip_passes(void **state)
{
	struct pair p;
	uint8_t f[BYTES];
	const uint8_t *got;

	(void)state;
	join(&p, 0);
	for (unsigned out = 0; out < 4; out++) {
		ether_frame(f, B, A, 0x88b5, BYTES, 0);
		got = carried(&p, f, out, 0);
		assert_non_null(got);
		assert_memory_equal(got, f, BYTES);
	}
	assert_int_equal(port_drops_all(p.n[1]->dev[0].port), 0);
	part(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_outer_header_has_the_inner_marks),
	    cmocka_unit_test(marks_are_carried_in),
	    cmocka_unit_test(a_whole_batch_is_marked),
	    cmocka_unit_test(what_is_no_ip_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
