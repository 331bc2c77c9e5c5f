/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio_net_offload.c: checksums and large frames, passed on unchanged or completed and
 * segmented.
 */
#include "tests/unit/rig/virtio_nodes.h"

static uint8_t *tcp_frame(struct node *n, uint32_t payload, uint8_t flags, uint8_t gso)
{
	static const uint8_t ip[20] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 6,
	                               0,    0, 10, 0, 0, 1, 10,   0, 0,  2};
	uint8_t *f = nic_compose(n, 0, mac_of(1), 54 + payload, 0);
	struct vnet_hdr h = {flags, gso, 54, gso ? 1448 : 0, 34, 16, 0};
	uint32_t sum = 0;

	memcpy(f - VIRTIO_NET_HDR, &h, sizeof h);
	f[12] = 8;
	f[13] = 0;
	memcpy(f + 14, ip, 20);
	f[16] = (uint8_t)((40 + payload) >> 8);
	f[17] = (uint8_t)(40 + payload);
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)f[14 + i] << 8 | f[15 + i];
	sum = (sum & 0xffff) + (sum >> 16);
	f[24] = (uint8_t)(~sum >> 8);
	f[25] = (uint8_t)~sum;
	memset(f + 34, 0, 20);
	f[46] = 0x50;
	/* The pseudo-header's sum, as a driver leaves it. */
	sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + 20 + payload;
	sum = (sum & 0xffff) + (sum >> 16);
	f[50] = (uint8_t)(sum >> 8);
	f[51] = (uint8_t)sum;
	return f;
}

/* The sum over a TCP segment and its pseudo-header: 0xffff when it is right (RFC 1071). */
static uint32_t tcp_sum(const uint8_t *f, uint32_t len)
{
	uint32_t tcp = len - 34, sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + tcp;

	for (uint32_t i = 0; i < tcp; i++)
		sum += i & 1 ? f[34 + i] : (uint32_t)f[34 + i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static const uint8_t *next_frame(struct node *n, uint32_t *len, struct vnet_hdr *h)
{
	struct vring_used_elem e = queue_used(&n->rx);
	const uint8_t *b = guest_at(n->g, n->rx.desc[e.id].addr);

	memcpy(h, b, sizeof *h);
	*len = e.len - VIRTIO_NET_HDR;
	return b + VIRTIO_NET_HDR;
}

static void test_offload_passes(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	struct vnet_hdr h;
	uint32_t len;
	const uint8_t *f;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	tcp_frame(a, 1900, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4);
	queue_offer(&a->tx, 0);
	nic_kick(a);
	f = next_frame(b, &len, &h);
	assert_int_equal(len, 1954);
	assert_int_equal(h.flags, VNET_HDR_F_NEEDS_CSUM);
	assert_int_equal(h.gso_type, VNET_GSO_TCPV4);
	assert_int_equal(h.gso_size, 1448);
	assert_int_equal(h.csum_start, 34);
	assert_int_equal(h.num_buffers, 1);
	assert_int_not_equal(tcp_sum(f, len), 0xffff); /* left to nobody */
}

/* A frame that only leaves its checksum open goes as it is, in one buffer and in several. */
static void test_checksum_passes(void **state)
{
	static const uint32_t buffers[] = {2048, 128};
	struct node *a = &node[0], *b = &node[1];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct vnet_hdr h, sent;
		const uint8_t *f;
		uint8_t *out;
		uint32_t len;

		nics_up(FULL);
		nic_up(b, FULL, 64, buffers[i]);
		nics_introduce();
		out = tcp_frame(a, 110, VNET_HDR_F_NEEDS_CSUM, 0);
		((struct vnet_hdr *)(out - VIRTIO_NET_HDR))->num_buffers =
		    7; /* the device's field */
		memcpy(&sent, out - VIRTIO_NET_HDR, sizeof sent);
		queue_offer(&a->tx, 0);
		nic_kick(a);
		f = next_frame(b, &len, &h);
		assert_int_equal(h.num_buffers, 1 + i);
		sent.num_buffers = h.num_buffers;
		assert_memory_equal(&h, &sent, sizeof h);
		assert_int_equal(len, i ? 128 - VIRTIO_NET_HDR : 164);
		assert_memory_equal(f, out, len);
	}
}

static void test_offload_completed(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	struct vnet_hdr h;
	uint32_t len, total = 0, segments = 0;
	uint64_t copied;
	const uint8_t *f;

	(void)state;
	nics_up(FULL);
	nic_up(b, BASIC, 64, 2048);
	nics_introduce();
	tcp_frame(a, 1001, VNET_HDR_F_NEEDS_CSUM, 0);
	queue_offer(&a->tx, 0);
	nic_kick(a);
	f = next_frame(b, &len, &h);
	assert_int_equal(len, 1055);
	assert_int_equal(h.flags, 0);
	assert_int_equal(tcp_sum(f, len), 0xffff);
	/* And a large one is cut; the head of each segment is made by one more copy. */
	copied = b->nic->copied;
	tcp_frame(a, 20000, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4);
	queue_offer(&a->tx, 0);
	nic_kick(a);
	for (; !nic_idle(b); segments++) {
		f = next_frame(b, &len, &h);
		assert_int_equal(h.flags | h.gso_type, 0);
		assert_int_equal(h.num_buffers, 1);
		assert_int_equal(tcp_sum(f, len), 0xffff);
		total += len - 54;
	}
	assert_int_equal(total, 20000);
	assert_int_equal(segments, 14);
	assert_int_equal(b->nic->copied - copied, total + segments * (54 + 54));
	/* All or nothing: 49 buffers are left, 60000 bytes need 42, twice is too many. */
	for (unsigned i = 0; i < 2; i++) {
		tcp_frame(a, 60000, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4);
		queue_offer(&a->tx, 0);
		nic_kick(a);
	}
	assert_int_equal((uint16_t)(queue_used_idx(&b->rx) - b->rx.last_used), 42);
	assert_int_equal(nic_drops(b, VNET_DROP_rx_full), 1);
}

static void test_offload_refused(void **state)
{
	struct node *a = &node[0];

	(void)state;
	nics_up(FULL);
	nic_up(a, BASIC, 64, 2048);
	tcp_frame(a, 100, VNET_HDR_F_NEEDS_CSUM, 0); /* not negotiated */
	queue_offer(&a->tx, 0);
	nic_kick(a);
	assert_int_equal(nic_drops(a, VNET_DROP_bad_offload), 1);
	nic_up(a, FULL, 64, 2048);
	tcp_frame(a, 100, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_UDP);
	queue_offer(&a->tx, 0);
	nic_kick(a);
	tcp_frame(a, 100, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV6); /* offered, but not taken */
	queue_offer(&a->tx, 0);
	nic_kick(a);
	assert_int_equal(nic_drops(a, VNET_DROP_bad_offload), 3);
	assert_int_equal(queue_used_idx(&a->tx), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, nics_setup, nics_teardown)

/* The same behind an authentication header of 24 bytes (RFC 4302), which covers all of it. */
static void covered_frame(struct node *n)
{
	uint8_t *f = tcp_frame(n, 1900 + 24, VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4);

	f[23] = 51;
	memmove(f + 58, f + 34, 20);
	memset(f + 34, 0, 24);
	f[34] = 6;
	f[35] = 4;
	*(f - VIRTIO_NET_HDR + 6) = 58; /* csum_start */
	queue_offer(&n->tx, 0);
	nic_kick(n);
}

/* It goes whole to who takes it whole, and is counted by name where it would have to be cut. */
static void test_authenticated(void **state)
{
	struct node *a = &node[0], *b = &node[1];
	struct vnet_hdr h;
	uint32_t len;

	(void)state;
	nics_up(FULL);
	nics_introduce();
	covered_frame(a);
	next_frame(b, &len, &h);
	assert_int_equal(len, 1978);
	assert_int_equal(h.gso_type, VNET_GSO_TCPV4);
	nic_up(b, BASIC | VIRTIO_NET_F_MRG_RXBUF, 64, 2048);
	covered_frame(a);
	assert_true(nic_idle(b));
	assert_int_equal(nic_drops(b, VNET_DROP_authenticated), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_offload_passes),  T(test_checksum_passes), T(test_offload_completed),
	    T(test_offload_refused), T(test_authenticated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
