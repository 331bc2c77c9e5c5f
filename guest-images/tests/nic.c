/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests the e1000 driver with an emulated NIC, which is on a hub with a virtio NIC.  Frames that
 * the e1000 NIC has checksummed or segmented are checked at the virtio NIC; in the other direction
 * frames must arrive unchanged.  Options: rounds= (20) of each kind.
 */
#include <string.h>
#include "guest-images/dom0/nic.h"
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/tests/tso_frame.h"

#define BIG 65536
#define PATIENCE                                                                                   \
	(1ull << 34) /* TSC ticks: QEMU's 82540EM receives nothing for a second after reset */

static struct e1000 nic;
static struct vnic vnic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];

/* Waits until the NIC has sent the only frame. */
static bool sent(void)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < PATIENCE)
		if (e1000_tx_done(&nic))
			return true;
	return false;
}

static unsigned receive(void)
{
	uint64_t start = rdtsc();
	unsigned len = 0;

	while (!(len = vnic_receive(&vnic, frame)) && rdtsc() - start < PATIENCE)
		cpu_pause();
	return len;
}

static bool one_tso(uint8_t *big, bool v6, uint32_t payload, uint16_t mss)
{
	struct tso_check c;
	struct vnet_hdr hdr;
	struct vnet_seg piece[E1000_PIECES];
	uint32_t len = tso_build(big, &hdr, v6, payload, mss);
	unsigned n = tso_pieces(big, len, piece);

	tso_check_begin(&c, v6, payload, mss);
	c.any_flags = nic.config.device == E1000_82574L;
	if (e1000_tx_send(&nic, piece, n, &hdr, big) != E1000_SENT)
		return false;
	e1000_tx_flush(&nic);
	while (!tso_check_complete(&c)) {
		unsigned got = receive();
		const char *error = got ? tso_check_segment(&c, frame, got) : "nothing came";

		if (error) {
			print("tso v6=%d payload=%u mss=%u offset=%u got=%u: %s\n", v6, payload,
			      mss, c.offset, got, error);
			return false;
		}
	}
	return sent();
}

static void check_tso(uint8_t *big, unsigned rounds)
{
	unsigned good[2] = {0, 0}, kinds = e1000_tso6(&nic) ? 2 : 1;

	for (unsigned i = 0; i < rounds; i++)
		for (unsigned v6 = 0; v6 < kinds; v6++)
			good[v6] += one_tso(big, v6, 1 + (i * 3433) % 64000, 1428 - (i % 3) * 400);
	check(good[0] == rounds, "tso_ipv4", "%u of %u", good[0], rounds);
	if (e1000_tso6(&nic))
		check(good[1] == rounds, "tso_ipv6", "%u of %u", good[1], rounds);
}

/* Sends a frame whose checksum the NIC completes, with `zero` one whose sum is zero; returns
 * whether it arrives with the right sum. */
static bool one_csum(uint8_t *big, bool v6, uint32_t payload, bool zero)
{
	struct tso_check c;
	struct vnet_hdr hdr;
	uint32_t len = tso_build(big, &hdr, v6, payload, 1448);

	if (zero)
		tso_zero_sum(big, v6, payload);
	hdr.gso_type = VNET_GSO_NONE;
	tso_check_begin(&c, v6, payload, 1448);
	if (e1000_tx_send(&nic, &(struct vnet_seg){big, len}, 1, &hdr, big) != E1000_SENT)
		return false;
	e1000_tx_flush(&nic);
	len = receive();
	return len && !tso_check_segment(&c, frame, len) && tso_check_complete(&c) && sent();
}

static void check_csum(uint8_t *big, unsigned rounds)
{
	unsigned good = 0;

	for (unsigned i = 0; i < rounds; i++)
		good += one_csum(big, i & 1, 1 + i * 71 % 1400, false);
	check(good == rounds, "csum", "%u of %u", good, rounds);
}

/* Zero has two forms in one's complement, and a TCP receiver accepts both: which one the NIC writes
 * is printed, not checked. */
static void check_csum_zero(uint8_t *big)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		bool good = one_csum(big, v6, 100, true);
		uint16_t sum = tso_sum(frame, v6);

		check(good && (sum == 0 || sum == 0xffff), v6 ? "csum_zero_ipv6" : "csum_zero_ipv4",
		      "%x", sum);
		print("zero is written as %x\n", sum);
	}
}

static void check_rx(unsigned rounds)
{
	static uint8_t out[VNIC_FRAME];
	unsigned good = 0;
	uint32_t len;

	for (unsigned i = 0; i < rounds; i++) {
		unsigned want = packet_test(out, nic.mac, me.mac, i, 60 + i * 997 % 1455);
		uint64_t start = rdtsc();
		uint8_t *got = NULL;

		memset(out + TEST_BYTES, (int)i, want - TEST_BYTES);
		vnic_send(&vnic, out, want);
		vnic_flush(&vnic);
		while (!(got = e1000_rx_next(&nic, &len)) && rdtsc() - start < PATIENCE)
			cpu_pause();
		good += got && len == want && !memcmp(got, out, want);
		if (got)
			e1000_rx_give(&nic, got);
		e1000_rx_flush(&nic);
	}
	check(good == rounds, "receive", "%u of %u", good, rounds);
}

void guest_main(void)
{
	unsigned rounds = (unsigned)mb_number("rounds", 20);
	const char *error;
	uint8_t *big;

	netguest_start(&vnic, &me);
	error = nic_start(&nic, true, 0);
	if (!check(!error, "nic_start", "%s", error ? error : ""))
		done();
	while (e1000_rx_room(&nic))
		e1000_rx_give(&nic, mem_alloc(E1000_BUFFER, 64));
	e1000_rx_flush(&nic);
	big = mem_alloc(BIG, 4096);
	check_csum(big, rounds);
	check_csum_zero(big);
	check_tso(big, rounds);
	check_rx(rounds * 20);
	done();
}
