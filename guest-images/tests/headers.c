/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames with VLAN tags, IPv6 extension headers and congestion marks, from one end to the other.
 *
 * With to=MAC it is the sender: for each kind and each ECN field it sends a TCP frame with payload=
 * (5000) bytes, to be segmented at mss= (1200).  It announces each frame to the judge, and waits
 * for the judge's verdict.  In the end it prints for each kind the ECN fields with which the
 * segments arrived, `-` for a frame that did not.  marked=1: the wire marks each packet, so frames
 * without ECN support must not arrive.  mtu=N: instead it sends frames one byte too large for N
 * (minus four bytes for each tag), whole and to be segmented, and checks the ICMP answer; frames
 * that just fit must arrive.
 *
 * Without to= it is the judge, the receiver.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/tests/frame_kind.h"
#include "guest-images/tests/tso_frame.h"

#define BIG    65536
#define TCP    20
#define NO_ECN '-'

/* Offsets behind the number of a test frame: the case, and the judge's verdict. */
#define AT_PAYLOAD (TEST_NUMBER + 4)
#define AT_MSS     (TEST_NUMBER + 8)
#define AT_WORD    (TEST_NUMBER + 12)

enum word { ANNOUNCED, CAME, WRONG };

struct test_case {
	uint32_t number; /* kind * 4 + ECN field */
	uint32_t payload, mss;
};

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME], peer[6];
static uint8_t *big;
static char came[FRAME_KINDS][4];
static uint64_t patience;

/* --- the judge */

static struct test_case current;
static struct tso_check expected;

static void answer(enum word word, unsigned ecn)
{
	unsigned len = packet_test(frame, peer, me.mac, current.number, TEST_BYTES);

	frame[TEST_OP] = TEST_REPLY;
	frame[AT_WORD] = (uint8_t)word;
	frame[AT_WORD + 1] = (uint8_t)ecn;
	vnic_send(&nic, frame, len);
	vnic_flush(&nic);
}

static void begin(void)
{
	current = (struct test_case){be32(frame + TEST_NUMBER), be32(frame + AT_PAYLOAD),
	                             be32(frame + AT_MSS)};
	current.number %= FRAME_KINDS * 4;
	memcpy(peer, frame + 6, 6);
	tso_check_begin(&expected, frame_kinds[current.number / 4].v6, current.payload,
	                (uint16_t)current.mss);
	answer(ANNOUNCED, 0);
}

/* Checks one segment; the ECN field must be the same in all segments of a frame. */
static void check_segment(uint32_t len)
{
	static unsigned first;
	const struct frame_kind *k = &frame_kinds[current.number / 4];
	unsigned ecn = 0;
	const char *error = frame_kind_take(frame, &len, k, &ecn);

	if (!error && !expected.offset)
		first = ecn;
	if (!error && ecn != first)
		error = "another ECN field than the first segment's";
	if (!error)
		error = tso_check_segment(&expected, frame, len);
	if (error) {
		check(false, k->name, "offset %u: %s", expected.offset, error);
		answer(WRONG, ecn);
	} else if (tso_check_complete(&expected)) {
		answer(CAME, ecn);
	}
}

_Noreturn static void listen(void)
{
	print("headers: ready\n");
	for (;;) {
		unsigned len = vnic_receive(&nic, frame);

		if (!len)
			vnic_wait(&nic);
		else if (be16(frame + 12) == TYPE_TEST && frame[TEST_OP] == TEST_REQUEST)
			begin();
		else if (!memcmp(frame, me.mac, 6))
			check_segment(len);
	}
}

/* --- the sender */

/* Waits for a frame; false: none came in time. */
static bool receive(unsigned *len)
{
	uint64_t start = rdtsc();

	while (!(*len = vnic_receive(&nic, frame)) && rdtsc() - start < patience)
		vnic_wait(&nic);
	return *len != 0;
}

/* Waits for the judge's verdict on a case; verdicts on earlier ones are recorded, too. */
static bool await(uint32_t number, enum word word)
{
	unsigned len;

	while (receive(&len)) {
		uint32_t of;

		if (!packet_is_reply(frame, len, &of) || of >= FRAME_KINDS * 4)
			continue;
		if (frame[AT_WORD] == CAME)
			came[of / 4][of & 3] = (char)('0' + frame[AT_WORD + 1]);
		if (of == number && frame[AT_WORD] >= word)
			return frame[AT_WORD] == word;
	}
	return false;
}

static bool announce(const struct test_case *c)
{
	unsigned len = packet_test(frame, peer, me.mac, c->number, TEST_BYTES);

	put_be32(frame + AT_PAYLOAD, c->payload);
	put_be32(frame + AT_MSS, c->mss);
	vnic_send(&nic, frame, len);
	vnic_flush(&nic);
	return await(c->number, ANNOUNCED);
}

/* Writes the checksum of an authenticated frame, which no one may change on the way. */
static void complete_sum(uint8_t *f, uint32_t len, struct vnet_hdr *hdr)
{
	uint8_t *tcp = f + hdr->csum_start;

	put_be16(tcp + hdr->csum_offset, packet_sum(tcp, len - hdr->csum_start, 0));
	*hdr = (struct vnet_hdr){.num_buffers = 1};
}

/* Returns the length of what it sent. */
static uint32_t send_frame(const struct test_case *c)
{
	const struct frame_kind *k = &frame_kinds[c->number / 4];
	struct vnet_seg piece[VNIC_PIECES];
	struct vnet_hdr hdr;
	uint32_t len = tso_build(big, &hdr, k->v6, c->payload, (uint16_t)c->mss);

	memcpy(big, peer, 6);
	memcpy(big + 6, me.mac, 6);
	len = frame_kind_put(big, len, &hdr, k, c->number & 3);
	if (c->payload <= c->mss)
		hdr.gso_type = VNET_GSO_NONE;
	if (c->payload <= c->mss && k->covered)
		complete_sum(big, len, &hdr);
	vnic_send_offload(&nic, &hdr, piece, tso_pieces(big, len, piece));
	vnic_flush(&nic);
	while (!vnic_sent(&nic))
		cpu_pause();
	return len;
}

/* Sends a frame and checks whether it arrives; that it does not is known by the next announcement.
 */
static bool pass(const struct test_case *c, bool shall)
{
	if (!announce(c))
		return false;
	send_frame(c);
	return !shall || await(c->number, CAME);
}

static void send_all(uint32_t payload, uint32_t mss, bool marked)
{
	struct test_case last;

	for (uint32_t number = 0; number < FRAME_KINDS * 4; number++) {
		const struct frame_kind *k = &frame_kinds[number / 4];
		bool cut = payload > mss;
		bool shall = !(k->covered && cut) && !(marked && !(number & 3));
		const struct test_case c = {number, payload, mss};

		if (!check(pass(&c, shall), k->name, "ECN field %u", number & 3))
			return;
	}
	last = (struct test_case){0, payload, mss};
	check(announce(&last), "last", "no answer");
	for (unsigned i = 0; i < FRAME_KINDS; i++)
		print("came %s %.4s\n", frame_kinds[i].name, came[i]);
}

/* --- frames that are too large */

/* NULL if it is the ICMP answer to the frame in `big` with this MTU (RFC 1191, RFC 8201), else what
 * is wrong. */
static const char *judge_too_big(uint32_t len, const struct frame_kind *k, unsigned mtu)
{
	uint32_t l3 = 14 + 4u * k->tags, icmp = l3 + (k->v6 ? 40 : 20), quoted = icmp + 8;
	const uint8_t *f = frame;
	uint32_t pseudo = 0;

	if (len < quoted + 60 || memcmp(f, me.mac, 6) || memcmp(f + 6, peer, 6))
		return "length or addresses";
	if (memcmp(f + 12, big + 12, l3 - 12))
		return "tags";
	if (memcmp(f + quoted, big + l3, len - quoted))
		return "quotation";
	if (k->v6) {
		pseudo = (uint16_t)~packet_sum(f + l3 + 8, 32, 58 + (len - icmp));
		if (f[l3 + 6] != 58 || f[icmp] != 2 || be32(f + icmp + 4) != mtu)
			return "IPv6: another message";
	} else if (f[l3 + 9] != 1 || f[icmp] != 3 || f[icmp + 1] != 4 ||
	           be16(f + icmp + 6) != mtu) {
		return "IPv4: another message";
	}
	return packet_sum(f + icmp, len - icmp, pseudo) ? "checksum" : NULL;
}

static const char *too_big(const struct test_case *c, unsigned mtu)
{
	unsigned len;

	if (!announce(c))
		return "not announced";
	send_frame(c);
	if (!receive(&len))
		return "no answer";
	return judge_too_big(len, &frame_kinds[c->number / 4], mtu);
}

static void check_mtu(unsigned untagged)
{
	for (unsigned i = 0; i < FRAME_KINDS; i++) {
		const struct frame_kind *k = &frame_kinds[i];
		unsigned mtu = untagged - 4u * k->tags;
		uint32_t fits = mtu + 14 + 4u * k->tags - frame_kind_l4(k) - TCP;
		const struct test_case whole = {i * 4, fits, fits},
		                       more = {i * 4, fits + 1, fits + 1},
		                       cut = {i * 4, 4 * fits, fits + 1};
		const char *error;

		if (!check(pass(&whole, true), k->name, "%u bytes", mtu))
			return;
		error = too_big(&more, mtu);
		check(!error, k->name, "a byte more: %s", error ? error : "");
		if (k->covered)
			continue;
		error = too_big(&cut, mtu);
		check(!error, k->name, "segments: %s", error ? error : "");
	}
}

void guest_main(void)
{
	unsigned mtu;

	nic.wanted = VNIC_F_CSUM | VNIC_F_HOST_TSO4 | VNIC_F_HOST_TSO6;
	netguest_start(&nic, &me);
	if (!mb_mac("to", peer))
		listen();
	big = mem_alloc(BIG + FRAME_KIND_MAX, 4096);
	patience = netguest_patience();
	memset(came, NO_ECN, sizeof came);
	mtu = (unsigned)mb_number("mtu", 0);
	if (mtu)
		check_mtu(mtu);
	else
		send_all((uint32_t)mb_number("payload", 5000), (uint32_t)mb_number("mss", 1200),
		         mb_number("marked", 0));
	done();
}
