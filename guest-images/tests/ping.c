/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round trips.  peer=MAC: numbered test frames to the guest echo.c; or ip= and to=IP:
 * ARP, then pings.  n= (100), size= of the frame, poll=1: never sleeps, gap= TSC ticks before each,
 * for a NIC that holds back an interrupt soon after another.  Prints `rtt n=.. lost=.. min=..
 * med=..` in TSC ticks; a lost one is a failure unless loss=1.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"

#define MAX_ROUNDS 10000
#define ARP_TRIES  600
#define ARP_RETRY  (1ull << 31) /* ticks of the TSC: about a second */

static struct vnic nic;
static struct packet_host me, to;
static uint8_t frame[VNIC_FRAME];
static uint64_t ticks[MAX_ROUNDS], patience;
static bool poll;

/* The next frame, or 0 when there is none `limit` ticks after `start`. */
static unsigned next_frame(uint64_t start, uint64_t limit)
{
	unsigned len = 0;

	while (!(len = vnic_receive(&nic, frame)) && rdtsc() - start < limit) {
		if (poll)
			cpu_pause();
		else
			vnic_wait(&nic);
	}
	return len;
}

static bool resolve(void)
{
	for (unsigned i = 0; i < ARP_TRIES; i++) {
		uint64_t start = rdtsc();

		vnic_send(&nic, frame, packet_arp_request(frame, &me, to.ip));
		vnic_flush(&nic);
		for (unsigned len; (len = next_frame(start, ARP_RETRY));)
			if (packet_is_arp_reply(frame, len, to.ip, to.mac))
				return true;
	}
	return false;
}

static bool round_trip(uint32_t number, bool ip, unsigned size, uint64_t *took)
{
	unsigned len = ip ? packet_ping(frame, &me, &to, number, size > 46 ? size - 46 : 0)
	                  : packet_test(frame, to.mac, me.mac, number, size);
	uint64_t start = rdtsc();
	uint32_t got;

	vnic_send(&nic, frame, len);
	vnic_flush(&nic);
	while ((len = next_frame(start, patience))) {
		if (packet_is_reply(frame, len, &got) && got == number) {
			*took = rdtsc() - start;
			return true;
		}
	}
	return false;
}

static void pause_for(uint64_t ticks)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < ticks)
		cpu_pause();
}

static void sort(uint64_t *v, unsigned n)
{
	for (unsigned gap = n / 2; gap; gap /= 2)
		for (unsigned i = gap; i < n; i++)
			for (unsigned j = i; j >= gap && v[j - gap] > v[j]; j -= gap) {
				uint64_t t = v[j];

				v[j] = v[j - gap];
				v[j - gap] = t;
			}
}

void guest_main(void)
{
	unsigned n, size, got;
	uint64_t gap;
	bool ip;

	netguest_start(&nic, &me);
	n = (unsigned)mb_number("n", 100);
	size = (unsigned)mb_number("size", 64);
	got = 0;
	patience = netguest_patience();
	poll = mb_number("poll", 0);
	gap = mb_number("gap", 0);
	n = n < MAX_ROUNDS ? n : MAX_ROUNDS;
	ip = mb_ip("to", to.ip);
	if (!check(ip ? resolve() : mb_mac("peer", to.mac), "peer", "unknown"))
		done();
	for (unsigned i = 0; i < n; i++) {
		pause_for(gap);
		got += round_trip(i, ip, size, &ticks[got]);
	}
	sort(ticks, got);
	print("rtt n=%u lost=%u min=%lu med=%lu\n", n, n - got, got ? ticks[0] : 0,
	      got ? ticks[got / 2] : 0);
	check(got == n || mb_number("loss", 0), "round_trips", "%u of %u lost", n - got, n);
	done();
}
