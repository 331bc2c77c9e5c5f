/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends count= (1000) test frames of size= (60) bytes to dst= as fast as its ring takes them. */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"

#define BATCH 32

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];

void guest_main(void)
{
	uint8_t dst[6] = {255, 255, 255, 255, 255, 255};
	uint64_t count, patience, sent;
	unsigned len;
	uint64_t start, last;

	netguest_start(&nic, &me);
	mb_mac("dst", dst);
	count = mb_number("count", 1000);
	patience = netguest_patience();
	sent = 0;
	len = packet_test(frame, dst, me.mac, 0, (unsigned)mb_number("size", 60));
	start = rdtsc();
	last = start;

	while (sent < count && rdtsc() - last < patience) {
		put_be32(frame + TEST_NUMBER, (uint32_t)sent);
		if (vnic_send(&nic, frame, len)) {
			last = rdtsc();
			if (++sent % BATCH == 0)
				vnic_flush(&nic);
		} else {
			vnic_flush(&nic);
			cpu_pause();
		}
	}
	vnic_flush(&nic);
	print("flood: sent=%lu tsc=%lu\n", sent, rdtsc() - start);
	check(sent == count, "sent", "%lu of %lu", sent, count);
	done();
}
