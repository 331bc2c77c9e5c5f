/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vnet_offload.c: offload headers, checksums and segments, against sums that are computed
 * here in the plainest way: 16 bits at a time, in network order.
 */
#include "tests/unit/rig/vnet_rig.h"
#include "vnet/frame/offload.h"
#include "lib/bytes.h"
#include "vnet/frame/sum.h"

#define PAYLOAD 5000

struct made {
	uint8_t byte[PAYLOAD + 300];
	struct vnet_seg seg[VNET_SEGS];
	struct vnet_frame frame;
	unsigned l3, l4, head;
};

static uint32_t plain_sum(uint32_t sum, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i + 1 < n; i += 2) {
		sum += be16(p + i);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static unsigned last; /* where IPv6's last destination is, from its header on; 0: in it */

/* The pseudo-header's sum, for l4_len bytes of TCP or UDP. */
static uint32_t pseudo(const uint8_t *ip, unsigned proto, unsigned l4_len)
{
	uint32_t sum = proto + l4_len;

	if (*ip >> 4 == 4)
		return plain_sum(sum, ip + 12, 8);
	return plain_sum(plain_sum(sum, ip + 8, 16), ip + (last ? last : 24), 16);
}

/* Fills in what depends on the lengths, and cuts the bytes into pieces of `piece`. */
static void finish(struct made *m, unsigned proto, unsigned gso, unsigned piece)
{
	unsigned len = m->head + PAYLOAD;
	uint8_t *l4 = m->byte + m->l4;

	for (unsigned i = m->head; i < len; i++)
		m->byte[i] = (uint8_t)(i * 7 + (i >> 8));
	put_be16(l4 + (proto == 6 ? 16 : 6), pseudo(m->byte + m->l3, proto, len - m->l4));
	m->frame = (struct vnet_frame){.seg = m->seg, .len = len};
	for (unsigned at = 0; at < len; at += piece)
		m->seg[m->frame.nseg++] =
		    (struct vnet_seg){m->byte + at, len - at < piece ? len - at : piece};
	m->frame.hdr = (struct vnet_hdr){.flags = VNET_HDR_F_NEEDS_CSUM,
	                                 .gso_type = (uint8_t)gso,
	                                 .gso_size = 1000,
	                                 .csum_start = (uint16_t)m->l4,
	                                 .csum_offset = proto == 6 ? 16 : 6};
}

static void add_l4(struct made *m, unsigned proto)
{
	uint8_t *l4 = m->byte + m->l4;

	put_be16(l4, 4711);
	put_be16(l4 + 2, 80);
	if (proto == 17) {
		put_be16(l4 + 4, 8 + PAYLOAD);
		m->head = m->l4 + 8;
		return;
	}
	put_be16(l4 + 4, 0xffff); /* the sequence number goes round within the frame */
	put_be16(l4 + 6, 0xf000);
	l4[12] = 8 << 4; /* 12 bytes of options */
	l4[13] = 0x80 | 0x18 | 1;
	memset(l4 + 20, 1, 12);
	m->head = m->l4 + 32;
}

static void make4(struct made *m, unsigned proto, unsigned tags, unsigned piece)
{
	uint8_t *ip;

	memset(m, 0, sizeof *m);
	mac_write(m->byte, B);
	mac_write(m->byte + 6, A);
	for (unsigned i = 0; i < tags; i++)
		put_be16(m->byte + 12 + 4 * i, i ? 0x8100 : 0x88a8);
	if (tags == 1)
		put_be16(m->byte + 12, 0x8100);
	m->l3 = 14 + 4 * tags;
	put_be16(m->byte + m->l3 - 2, 0x0800);
	ip = m->byte + m->l3;
	ip[0] = 0x46; /* one word of options */
	ip[8] = 64;
	ip[9] = (uint8_t)proto;
	put_be16(ip + 4, 0xfffe);
	put_be16(ip + 6, 0x4000);
	memcpy(ip + 12, (uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0}, 12);
	m->l4 = m->l3 + 24;
	add_l4(m, proto);
	put_be16(ip + 2, m->head - m->l3 + PAYLOAD);
	finish(m, proto, proto == 6 ? VNET_GSO_TCPV4 : VNET_GSO_UDP_L4, piece);
}

static void make6(struct made *m, unsigned proto, bool options, unsigned piece)
{
	uint8_t *ip = m->byte + 14;

	memset(m, 0, sizeof *m);
	m->l3 = 14;
	put_be16(m->byte + 12, 0x86dd);
	ip[0] = 0x60;
	ip[6] = (uint8_t)proto;
	ip[7] = 64;
	for (unsigned i = 8; i < 40; i++)
		ip[i] = (uint8_t)(i * 3);
	m->l4 = 54;
	if (options) { /* hop-by-hop of 16 bytes */
		ip[6] = 0;
		ip[40] = (uint8_t)proto;
		ip[41] = 1;
		m->l4 += 16;
	}
	add_l4(m, proto);
	put_be16(ip + 4, m->head - 54 + PAYLOAD);
	finish(m, proto, proto == 6 ? VNET_GSO_TCPV6 : VNET_GSO_UDP_L4, piece);
}

/* TCP behind `n` bytes of extension headers, the first of which is of `kind`. */
static void make6_behind(struct made *m, unsigned kind, const uint8_t *bytes, unsigned n,
                         unsigned piece)
{
	uint8_t *ip = m->byte + 14;

	memset(m, 0, sizeof *m);
	m->l3 = 14;
	put_be16(m->byte + 12, 0x86dd);
	ip[0] = 0x60;
	ip[6] = (uint8_t)kind;
	for (unsigned i = 8; i < 40; i++)
		ip[i] = (uint8_t)(i * 3);
	memcpy(ip + 40, bytes, n);
	m->l4 = 54 + n;
	add_l4(m, 6);
	put_be16(ip + 4, m->head - 54 + PAYLOAD);
	finish(m, 6, VNET_GSO_TCPV6, piece);
}

static unsigned flatten(const struct vnet_frame *f, uint8_t *to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->nseg; i++) {
		memcpy(to + n, f->seg[i].base, f->seg[i].len);
		n += f->seg[i].len;
	}
	assert_int_equal(n, f->len);
	return n;
}

/* Checks one segment's headers, as a receiver would, and its payload. */
static void check_segment(const struct made *m, const uint8_t *s, unsigned len, unsigned index)
{
	const uint8_t *ip = s + m->l3, *l4 = s + m->l4, *was = m->byte + m->l4;
	bool tcp = m->frame.hdr.csum_offset == 16, last = (index + 1) * 1000 >= PAYLOAD;

	assert_memory_equal(s, m->byte, m->l3);
	assert_memory_equal(s + m->head, m->byte + m->head + index * 1000, len - m->head);
	if (ip[0] >> 4 == 4) {
		assert_int_equal(be16(ip + 2), len - m->l3);
		assert_int_equal(be16(ip + 4), (0xfffe + index) & 0xffff);
		assert_int_equal(plain_sum(0, ip, 24), 0xffff);
	} else {
		assert_int_equal(be16(ip + 4), len - m->l3 - 40);
	}
	assert_int_equal(plain_sum(pseudo(ip, tcp ? 6 : 17, len - m->l4), l4, len - m->l4), 0xffff);
	if (!tcp) {
		assert_int_equal(be16(l4 + 4), len - m->l4);
		return;
	}
	assert_int_equal(be32(l4 + 4), be32(was + 4) + index * 1000);
	assert_int_equal(l4[13], 0x10 | (last ? 9 : 0) | (index ? 0 : 0x80));
	assert_memory_equal(l4 + 20, was + 20, 12);
}

static void check_cut(const struct made *m)
{
	unsigned n = 0, mtu = m->head - m->l3 + 1000;
	struct offload_cut cut;
	struct vnet_frame segment;
	uint8_t flat[2000];

	assert_true(offload_check(&m->frame));
	assert_false(offload_cut_begin(&cut, &m->frame, mtu - 1));
	assert_true(offload_cut_begin(&cut, &m->frame, mtu));
	while (offload_cut_next(&cut, &segment)) {
		unsigned len = flatten(&segment, flat);

		assert_true(len - m->l3 <= mtu);
		check_segment(m, flat, len, n++);
	}
	assert_false(cut.broken);
	assert_int_equal(n, 5);
}

static struct made m;

static void segments_are_what_a_receiver_expects(void **state)
{
	static const unsigned piece[] = {10000, 100, 999, 1000, 1001, 33, 17};

	(void)state;
	for (unsigned i = 0; i < sizeof piece / sizeof *piece; i++) {
		for (unsigned tags = 0; tags < 3; tags++) {
			make4(&m, 6, tags, piece[i]);
			check_cut(&m);
			make4(&m, 17, tags, piece[i]);
			check_cut(&m);
		}
		make6(&m, 6, i & 1, piece[i]);
		check_cut(&m);
		make6(&m, 17, i & 1, piece[i]);
		check_cut(&m);
	}
}

/* RFC 8200, 8.1: the destination that the checksum covers is the last one. */
static void segments_of_routed_packets_are_right(void **state)
{
	static const struct {
		uint8_t kind, head[8], last, n;
	} by[] = {
	    {43, {6, 6, 0, 3}, 40 + 8 + 32, 56}, /* a source route */
	    {43, {6, 6, 4, 3, 2}, 40 + 8, 56},   /* segment routing */
	    {43, {6, 2, 2, 1}, 40 + 8, 24},      /* a mobile node's home */
	    {43, {6, 6, 0, 0}, 0, 56},           /* at its end already */
	    {43, {6, 2, 99, 0}, 0, 24},          /* likewise, whatever it was */
	    {60, {6, 2, 1, 12}, 0, 24},
	    {0, {6, 2, 1, 12}, 0, 24},
	    {135, {6, 2}, 0, 24},
	    {44, {6}, 0, 8}, /* a fragment that is the whole */
	};
	uint8_t bytes[56];

	(void)state;
	for (unsigned i = 0; i < sizeof by / sizeof *by; i++) {
		for (unsigned k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)(by[i].kind == 43 ? 0x40 + 7 * k : 0);
		memcpy(bytes, by[i].head, 8);
		last = by[i].last;
		make6_behind(&m, by[i].kind, bytes, by[i].n, i % 2 ? 777 : 6000);
		check_cut(&m);
		last = 0;
	}
}

/* They go whole to who takes them so, and are cut for nobody. */
static void what_cannot_be_cut_is_named(void **state)
{
	static const uint8_t covers[24] = {6, 4}, strange[24] = {6, 2, 99, 1};
	struct offload_cut cut;

	(void)state;
	make6_behind(&m, 51, covers, 24, 6000);
	assert_true(offload_check(&m.frame));
	assert_false(offload_cut_begin(&cut, &m.frame, 1500));
	assert_true(cut.head.covered);
	make6_behind(&m, 43, strange, 24, 6000);
	assert_true(offload_check(&m.frame));
	assert_false(offload_cut_begin(&cut, &m.frame, 1500));
	assert_false(cut.head.covered);
}

static void too_many_pieces_break_the_cut(void **state)
{
	struct offload_cut cut;
	struct vnet_frame segment;

	(void)state;
	make4(&m, 6, 0, 12); /* 84 pieces for 1000 bytes */
	assert_true(offload_cut_begin(&cut, &m.frame, 1500));
	assert_false(offload_cut_next(&cut, &segment));
	assert_true(cut.broken);
	assert_false(offload_cut_next(&cut, &segment));
	make4(&m, 6, 0, 1000);
	m.frame.nseg = 2; /* a view that promises more than it has */
	assert_true(offload_cut_begin(&cut, &m.frame, 1500));
	assert_true(offload_cut_next(&cut, &segment));
	assert_false(offload_cut_next(&cut, &segment));
	assert_true(cut.broken);
}

static void a_checksum_is_completed_over_any_pieces(void **state)
{
	(void)state;
	for (unsigned piece = 1; piece < 80; piece++) {
		for (unsigned proto = 6; proto <= 17; proto += 11) {
			unsigned len;

			make4(&m, proto, piece % 3, 5300);
			len = m.head + piece * 5;
			m.frame.nseg = 0;
			for (unsigned at = 0; at < len; at += piece)
				m.seg[m.frame.nseg++] = (struct vnet_seg){
				    m.byte + at, len - at < piece ? len - at : piece};
			put_be16(m.byte + m.l4 + m.frame.hdr.csum_offset,
			         pseudo(m.byte + m.l3, proto, len - m.l4));
			assert_true(offload_csum(&m.frame.hdr, m.seg, m.frame.nseg, len));
			assert_int_equal(plain_sum(pseudo(m.byte + m.l3, proto, len - m.l4),
			                           m.byte + m.l4, len - m.l4),
			                 0xffff);
			assert_false(offload_csum(&m.frame.hdr, m.seg, m.frame.nseg, len + 1));
			assert_false(offload_csum(&m.frame.hdr, m.seg, m.frame.nseg, m.l4));
		}
	}
	m.frame.hdr.flags = 0;
	assert_true(offload_csum(&m.frame.hdr, NULL, 0, 100));
}

static void a_sum_of_zero_is_written_as_its_equal(void **state)
{
	uint8_t byte[64] = {0};
	struct vnet_seg seg = {byte, 64};
	struct vnet_hdr hdr = {.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};

	(void)state;
	put_be16(byte + 40, 0x1234);
	put_be16(byte + 50, 0xffff - 0x1234);
	assert_true(offload_csum(&hdr, &seg, 1, 64));
	assert_int_equal(be16(byte + 40), 0xffff);
}

static void sums_do_not_depend_on_pieces(void **state)
{
	uint8_t byte[200], out[2];

	(void)state;
	for (unsigned i = 0; i < sizeof byte; i++)
		byte[i] = (uint8_t)(0xff - i * i);
	for (unsigned cut = 0; cut <= sizeof byte; cut++) {
		struct sum s = {0, false};

		sum_bytes(&s, byte, cut);
		sum_bytes(&s, byte + cut, sizeof byte - cut);
		sum_store(&s, out);
		assert_int_equal(be16(out), 0xffff - plain_sum(0, byte, sizeof byte));
	}
}

/* Each contradiction, one at a time. */
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		make4(&m, 6, 0, 5300);                                                             \
		change;                                                                            \
		assert_false(offload_check(&m.frame));                                             \
	} while (0)

static void contradictions_are_refused(void **state)
{
	(void)state;
	REFUSED(m.frame.hdr.flags = 0);
	REFUSED(m.frame.hdr.gso_size = 7);
	REFUSED(m.frame.hdr.gso_size = 0);
	REFUSED(m.frame.hdr.hdr_len = 65535);
	REFUSED(m.frame.hdr.gso_type = VNET_GSO_TCPV6);
	REFUSED(m.frame.hdr.gso_type = VNET_GSO_UDP_L4);
	REFUSED(m.frame.hdr.gso_type = VNET_GSO_UDP);
	REFUSED(m.frame.hdr.gso_type = VNET_GSO_ECN);
	REFUSED(m.frame.hdr.gso_type = 0x44);
	REFUSED(m.frame.hdr.csum_start++);
	REFUSED(m.frame.hdr.csum_start = 65535);
	REFUSED(m.frame.hdr.csum_offset = 6);
	REFUSED(m.frame.hdr.csum_offset = 65535);
	REFUSED(m.byte[12] = 0x09);
	REFUSED(m.byte[14] = 0x44);
	REFUSED(m.byte[14] = 0x66);
	REFUSED(m.byte[20] = 0x20);
	REFUSED(m.byte[21] = 1);
	REFUSED(m.byte[23] = 17);
	REFUSED(m.byte[23] = 1);
	REFUSED(m.byte[m.l4 + 12] = 4 << 4);
	REFUSED(m.frame.len = m.head);
	for (unsigned len = 0; len < m.head; len++)
		REFUSED((m.frame.len = len, m.seg[0].len = len));
	REFUSED(m.frame.nseg = 0);
	make4(&m, 6, 0, 5300);
	m.frame.hdr.gso_type |= VNET_GSO_ECN;
	assert_true(offload_check(&m.frame));
	make4(&m, 17, 0, 5300);
	m.frame.hdr.gso_type |= VNET_GSO_ECN;
	assert_false(offload_check(&m.frame));
	make6(&m, 6, true, 5300);
	m.byte[20] = 44; /* a fragment header */
	assert_false(offload_check(&m.frame));
	make6(&m, 6, true, 5300);
	m.byte[55] = 255; /* options beyond what is looked at */
	assert_false(offload_check(&m.frame));
}

static void headers_that_end_too_early_are_refused(void **state)
{
	struct offload_head head;

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		unsigned proto = kind & 1 ? 6 : 17, end;

		if (kind & 2)
			make6(&m, proto, true, 5300);
		else
			make4(&m, proto, 2, 5300);
		end = m.head;
		assert_true(offload_parse(&head, &m.frame));
		for (unsigned len = 0; len <= end; len++) {
			m.frame.len = m.seg[0].len = len;
			assert_false(offload_parse(&head, &m.frame));
		}
	}
}

static void a_plain_checksum_needs_its_field_inside(void **state)
{
	struct vnet_frame f = {.len = 60};

	(void)state;
	assert_true(offload_check(&f));
	f.hdr =
	    (struct vnet_hdr){.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 24};
	assert_true(offload_check(&f));
	f.hdr.csum_offset = 25;
	assert_false(offload_check(&f));
	f.hdr.csum_start = 13;
	f.hdr.csum_offset = 6;
	assert_false(offload_check(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(segments_are_what_a_receiver_expects),
	    cmocka_unit_test(segments_of_routed_packets_are_right),
	    cmocka_unit_test(what_cannot_be_cut_is_named),
	    cmocka_unit_test(too_many_pieces_break_the_cut),
	    cmocka_unit_test(a_checksum_is_completed_over_any_pieces),
	    cmocka_unit_test(a_sum_of_zero_is_written_as_its_equal),
	    cmocka_unit_test(sums_do_not_depend_on_pieces),
	    cmocka_unit_test(contradictions_are_refused),
	    cmocka_unit_test(headers_that_end_too_early_are_refused),
	    cmocka_unit_test(a_plain_checksum_needs_its_field_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
