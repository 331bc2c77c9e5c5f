/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that sends with other machines' addresses.  as=MAC: another guest's; it first sends made=
 * (60000) frames with random source addresses, then frames with that address as source for ever,
 * and prints the frames to that address that it receives.  With outer=1 it sends one frame of each
 * kind that could be taken for the node's own outer packets, with MAC as= and IP address ip=, then
 * a legitimate frame, and ends.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"

#define BATCH        32
#define FORGED_BYTES 200
#define HONEST_BYTES 100

static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
static struct vnic nic;
static struct packet_host me, other;
static uint8_t frame[VNIC_FRAME];

static void queue(unsigned len)
{
	while (!vnic_send(&nic, frame, len)) {
		vnic_flush(&nic);
		cpu_pause();
	}
}

static void send(unsigned len)
{
	queue(len);
	vnic_flush(&nic);
}

/* Sends frames with distinct, locally administered source addresses that no machine has. */
static void made_up(uint64_t count)
{
	uint8_t mac[6] = {0x06};

	for (uint64_t i = 0; i < count; i++) {
		put_be32(mac + 2, (uint32_t)(i * 0x9e3779b1));
		queue(packet_test(frame, other.mac, mac, 0, TEST_BYTES));
		if (i % BATCH == 0)
			vnic_flush(&nic);
	}
	vnic_flush(&nic);
}

static void overhear(void)
{
	uint64_t heard = 0;
	unsigned len;

	for (;;) {
		send(packet_test(frame, all, other.mac, 0, TEST_BYTES));
		while ((len = vnic_receive(&nic, frame)))
			if (!memcmp(frame, other.mac, 6))
				print("stranger: overheard=%lu\n", ++heard);
	}
}

static void forge(void)
{
	send(packet_ping(frame, &me, &other, 0, FORGED_BYTES - 46));
	send(packet_test(frame, all, other.mac, 0, FORGED_BYTES));
	memset(frame, 0, sizeof frame);
	packet_arp_request(frame, &me, other.ip);
	send(FORGED_BYTES);
	send(packet_test(frame, all, me.mac, 0, HONEST_BYTES));
	print("stranger: sent\n");
	done();
}

void guest_main(void)
{
	netguest_start(&nic, &me);
	check(mb_mac("as", other.mac), "as", "whose address?");
	if (mb_number("outer", 0))
		forge();
	made_up(mb_number("made", 60000));
	print("stranger: ready\n");
	overhear();
}
