/* SPDX-License-Identifier: BSD-2-Clause */
/* test_encap.c: the outer headers, byte by byte, and each check of a received packet. */
#include "tests/unit/rig/link_nodes.h"
#include "lib/bytes.h"
#include "vnet/link/encap.h"
#include "vnet/frame/view.h"

#define INNER 60

/* Made by a program of its own; tshark dissects both frames without complaint. */
static const uint8_t golden_vxlan[50] = {
    0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
    0x00, 0x45, 0x00, 0x00, 0x60, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb6, 0x89,
    0xc0, 0x00, 0x02, 0x01, 0xc0, 0x00, 0x02, 0x02, 0xc1, 0x23, 0x12, 0xb5, 0x00,
    0x4c, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x00};
static const uint8_t golden_udp[42] = {
    0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00,
    0x45, 0x00, 0x00, 0x58, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb6, 0x91, 0xc0, 0x00,
    0x02, 0x01, 0xc0, 0x00, 0x02, 0x02, 0xc1, 0x23, 0x23, 0x28, 0x00, 0x44, 0x00, 0x00};

/* The packet from node 0 to node 1 with an inner frame; returns its length. */
static uint32_t packet(uint8_t *out, enum vnet_link_kind kind, uint32_t inner)
{
	const struct encap_path path = {kind,
	                                NODE_MAC(0),
	                                NODE_IP(0),
	                                NODE_IP(1),
	                                kind == VNET_LINK_VXLAN ? 0x123456 : 0,
	                                kind == VNET_LINK_VXLAN ? 4789 : 9000};
	unsigned bytes = encap_bytes(kind);
	uint8_t template[ENCAP_MAX], head[ENCAP_MAX];

	encap_template(template, &path);
	encap_build(head, template, bytes, &(struct encap_outer){NODE_MAC(1), inner, 0xc123, 0, 0});
	memcpy(out, head, bytes);
	ether_frame(out + bytes, B, A, 0x88b5, inner, 0);
	return bytes + inner;
}

static void headers_are_as_the_standards_say(void **state)
{
	uint8_t out[200];

	(void)state;
	assert_int_equal(packet(out, VNET_LINK_VXLAN, INNER), 50 + INNER);
	assert_memory_equal(out, golden_vxlan, sizeof golden_vxlan);
	assert_int_equal(packet(out, VNET_LINK_UDP, INNER), 42 + INNER);
	assert_memory_equal(out, golden_udp, sizeof golden_udp);
}

/* All checks, as for a link of the kind, of a frame in pieces of 7 bytes. */
static enum vnet_drop look(struct encap_packet *p, uint8_t *bytes, uint32_t len,
                           enum vnet_link_kind kind, const struct vnet_hdr *hdr)
{
	struct vnet_seg seg[400];
	struct vnet_frame f = {.seg = seg, .len = len};
	enum vnet_drop why;

	if (hdr)
		f.hdr = *hdr;
	for (uint32_t at = 0; at < len; at += 7)
		seg[f.nseg++] = (struct vnet_seg){bytes + at, len - at < 7 ? len - at : 7};
	why = encap_read_ip(p, &f);
	if (why == ENCAP_OK)
		why = encap_read_udp(p, &f);
	return why == ENCAP_OK ? encap_read_inner(p, kind) : why;
}

static enum vnet_drop vxlan(uint8_t *bytes, uint32_t len)
{
	struct encap_packet p;

	return look(&p, bytes, len, VNET_LINK_VXLAN, NULL);
}

static void every_length_reads_back(void **state)
{
	static uint8_t out[2100];
	struct encap_packet p;

	(void)state;
	for (unsigned kind = 0; kind < 2; kind++)
		for (uint32_t inner = 14; inner < 2000; inner += 13) {
			uint32_t len = packet(out, kind, inner);

			assert_int_equal(look(&p, out, len, kind, NULL), ENCAP_OK);
			assert_int_equal(p.source, NODE_IP(0));
			assert_int_equal(p.destination, NODE_IP(1));
			assert_int_equal(p.udp_port, kind ? 9000 : 4789);
			assert_int_equal(p.vni, kind ? 0 : 0x123456);
			assert_int_equal(p.inner, encap_bytes(kind));
			assert_int_equal(p.end - p.inner, inner);
			assert_int_equal(p.inner_dst, B);
			/* Padding behind it is none of it. */
			assert_int_equal(look(&p, out, len + 9, kind, NULL), ENCAP_OK);
			assert_int_equal(p.end - p.inner, inner);
		}
}

/* Completes the IPv4 checksum of a header of `bytes` bytes. */
static void ip_sum(uint8_t *frame, unsigned bytes)
{
	struct sum s = {0, false};

	put_be16(frame + 24, 0);
	sum_bytes(&s, frame + 14, bytes);
	sum_store(&s, frame + 24);
}

static void udp_sum(uint8_t *frame, uint32_t len)
{
	struct sum s = {0, false};

	put_be16(frame + 40, 0);
	sum_bytes(&s, frame + 26, 8);
	sum_be16(&s, IP_UDP);
	sum_be32(&s, len - 34);
	sum_bytes(&s, frame + 34, len - 34);
	sum_store_udp(&s, frame + 40);
}

static void truncated_anywhere_is_a_wrong_length(void **state)
{
	uint8_t out[200];
	uint32_t len = packet(out, VNET_LINK_VXLAN, INNER);

	(void)state;
	for (uint32_t n = 14; n < len; n++)
		assert_int_equal(vxlan(out, n), VNET_DROP_outer_length);
	/* An inner frame without an Ethernet header. */
	for (uint32_t inner = 0; inner < 14; inner++) {
		len = packet(out, VNET_LINK_VXLAN, 14) - 14 + inner;
		put_be16(out + 16, len - 14);
		put_be16(out + 38, len - 34);
		ip_sum(out, 20);
		assert_int_equal(vxlan(out, len), VNET_DROP_outer_length);
	}
}

static void lengths_that_contradict_are_refused(void **state)
{
	uint8_t out[200];
	uint32_t len = packet(out, VNET_LINK_VXLAN, INNER);

	(void)state;
	for (unsigned total = 0; total < 0x10000; total += total < 200 ? 1 : 997) {
		put_be16(out + 16, total);
		ip_sum(out, 20);
		if (total != len - 14)
			assert_int_equal(vxlan(out, len), VNET_DROP_outer_length);
	}
	put_be16(out + 16, len - 14);
	ip_sum(out, 20);
	for (unsigned udp = 0; udp < 0x10000; udp += udp < 200 ? 1 : 997) {
		put_be16(out + 38, udp);
		if (udp != len - 34)
			assert_int_equal(vxlan(out, len), VNET_DROP_outer_length);
	}
}

static void headers_of_other_kinds_are_refused(void **state)
{
	uint8_t out[200];
	uint32_t len = packet(out, VNET_LINK_VXLAN, INNER);

	(void)state;
	out[14] = 0x65;
	assert_int_equal(vxlan(out, len), VNET_DROP_outer_header);
	out[14] = 0x44;
	assert_int_equal(vxlan(out, len), VNET_DROP_outer_header);
	out[14] = 0x4f; /* longer than what is there counts, and its sum is another */
	assert_int_equal(vxlan(out, len), VNET_DROP_outer_checksum);
	packet(out, VNET_LINK_VXLAN, INNER);
	out[42] = 0xf7; /* all flags but the VNI's */
	assert_int_equal(vxlan(out, len), VNET_DROP_outer_header);
	out[42] = 0xff; /* reserved bits are ignored */
	memset(out + 43, 0xff, 3);
	out[49] = 0xff;
	assert_int_equal(vxlan(out, len), ENCAP_OK);
	for (unsigned byte = 14; byte < 34; byte++) {
		packet(out, VNET_LINK_VXLAN, INNER);
		out[byte] ^= 0x10;
		assert_int_not_equal(vxlan(out, len), ENCAP_OK);
	}
}

static void fragments_are_refused(void **state)
{
	static const uint16_t field[] = {0x2000, 0x0001, 0x1fff, 0x3000};
	uint8_t out[200];
	uint32_t len = packet(out, VNET_LINK_VXLAN, INNER);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		put_be16(out + 20, field[i]);
		ip_sum(out, 20);
		assert_int_equal(vxlan(out, len), VNET_DROP_outer_fragment);
	}
	put_be16(out + 20, 0); /* without DF it is no less whole */
	ip_sum(out, 20);
	assert_int_equal(vxlan(out, len), ENCAP_OK);
}

static void ip_options_are_skipped(void **state)
{
	uint8_t plain[200], out[300];
	uint32_t len = packet(plain, VNET_LINK_VXLAN, INNER);
	struct encap_packet p;

	(void)state;
	for (unsigned more = 4; more <= 40; more += 4) {
		memcpy(out, plain, 34);
		memset(out + 34, 1, more); /* no-operations */
		memcpy(out + 34 + more, plain + 34, len - 34);
		out[14] = (uint8_t)(0x45 + more / 4);
		put_be16(out + 16, len - 14 + more);
		ip_sum(out, 20 + more);
		assert_int_equal(look(&p, out, len + more, VNET_LINK_VXLAN, NULL), ENCAP_OK);
		assert_int_equal(p.inner, 50 + more);
		assert_int_equal(p.vni, 0x123456);
		assert_int_equal(p.inner_dst, B);
	}
}

static void a_checksum_that_is_there_must_be_right(void **state)
{
	uint8_t out[200];

	(void)state;
	for (uint32_t inner = 14; inner < 100; inner++) {
		uint32_t len = packet(out, VNET_LINK_VXLAN, inner);

		udp_sum(out, len);
		assert_int_equal(vxlan(out, len), ENCAP_OK);
		assert_int_equal(vxlan(out, len + 3), ENCAP_OK);
		out[len - 1] ^= 4;
		assert_int_equal(vxlan(out, len), VNET_DROP_outer_checksum);
	}
}

static void of_offloads_only_an_own_checksum_is_taken(void **state)
{
	uint8_t out[200];
	uint32_t len = packet(out, VNET_LINK_VXLAN, INNER);
	struct vnet_hdr hdr = {.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
	struct encap_packet p;

	(void)state;
	put_be16(out + 40, 0x1234);
	assert_int_equal(look(&p, out, len, VNET_LINK_VXLAN, &hdr), ENCAP_OK);
	hdr.csum_start = 84;
	assert_int_equal(look(&p, out, len, VNET_LINK_VXLAN, &hdr), VNET_DROP_bad_offload);
	hdr = (struct vnet_hdr){.gso_type = VNET_GSO_UDP_L4, .gso_size = 100};
	assert_int_equal(look(&p, out, len, VNET_LINK_VXLAN, &hdr), VNET_DROP_bad_offload);
}

static uint16_t flow(uint8_t *bytes, uint32_t len)
{
	struct vnet_seg seg[2] = {{bytes, 10}, {bytes + 10, len - 10}};
	struct vnet_frame f = {.seg = seg, .nseg = 2, .len = len};
	struct encap_outer outer;

	f.dst = mac_read(bytes);
	f.src = mac_read(bytes + 6);
	encap_inner(&outer, &f);
	assert_in_range(outer.flow, 49152, 65535);
	return outer.flow;
}

/* An inner frame that is long enough for its ports; `at` is where the IP header begins. */
static void inner_ip(uint8_t *p, unsigned type, unsigned at, unsigned protocol)
{
	memset(p, 0, 100);
	mac_write(p, B);
	mac_write(p + 6, A);
	put_be16(p + 12, at == 22 ? 0x88a8 : 0x8100);
	put_be16(p + 16, 0x8100);
	put_be16(p + at - 2, type);
	p[at] = type == 0x0800 ? 0x45 : 0x60;
	p[at + (type == 0x0800 ? 9 : 6)] = (uint8_t)protocol;
}

/* Whether the byte is part of what the source port is made of. */
static bool counts(uint8_t *p, unsigned byte)
{
	uint16_t before = flow(p, 100), after;

	p[byte] ^= 0x55;
	after = flow(p, 100);
	p[byte] ^= 0x55;
	assert_int_equal(flow(p, 100), before);
	return after != before;
}

static void the_flow_is_the_source_port(void **state)
{
	uint8_t p[100];

	(void)state;
	for (unsigned at = 14; at <= 22; at += 4) {
		inner_ip(p, 0x0800, at, 6);
		for (unsigned i = 12; i < 24; i++)
			assert_true(counts(p, at + i)); /* addresses, ports */
		assert_false(counts(p, at + 24));       /* the sequence number */
		assert_false(counts(p, at + 4));        /* the identification */
		put_be16(p + at + 6, 0x2000);           /* a fragment has no ports */
		assert_false(counts(p, at + 20));
		inner_ip(p, 0x0800, at, 1);
		assert_false(counts(p, at + 20));
		inner_ip(p, 0x86dd, at, 17);
		for (unsigned i = 8; i < 44; i++)
			assert_true(counts(p, at + i));
		assert_false(counts(p, at + 3)); /* the flow label is not needed */
		inner_ip(p, 0x86dd, at, 43);     /* 24 bytes of routing header before the ports */
		p[at + 40] = 6;
		p[at + 41] = 2;
		for (unsigned i = 64; i < 68; i++)
			assert_true(counts(p, at + i));
		assert_false(counts(p, at + 50));
	}
	inner_ip(p, 0x88b5, 14, 0);
	assert_true(counts(p, 0) && counts(p, 11));
	assert_false(counts(p, 40));
}

static void flows_spread(void **state)
{
	static bool seen[65536];
	unsigned different = 0;
	uint8_t p[100];

	(void)state;
	inner_ip(p, 0x0800, 14, 6);
	for (unsigned i = 0; i < 1000; i++) {
		uint16_t port;

		put_be16(p + 34, 40000 + i);
		port = flow(p, 100);
		different += !seen[port];
		seen[port] = true;
	}
	assert_true(different > 950); /* 1000 out of 16384 at random: about 970 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_are_as_the_standards_say),
	    cmocka_unit_test(every_length_reads_back),
	    cmocka_unit_test(truncated_anywhere_is_a_wrong_length),
	    cmocka_unit_test(lengths_that_contradict_are_refused),
	    cmocka_unit_test(headers_of_other_kinds_are_refused),
	    cmocka_unit_test(fragments_are_refused),
	    cmocka_unit_test(ip_options_are_skipped),
	    cmocka_unit_test(a_checksum_that_is_there_must_be_right),
	    cmocka_unit_test(of_offloads_only_an_own_checksum_is_taken),
	    cmocka_unit_test(the_flow_is_the_source_port),
	    cmocka_unit_test(flows_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
