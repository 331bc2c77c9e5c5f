/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints a line for each of the first lines= (20) frames that it receives, and the number of all at
 * the end.  Ends after time= TSC ticks, or frames= frames; with announce=1 it sends one broadcast
 * first, so that a learning switch knows its address.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "lib/address_text.h"
#include "vnet/frame/mac.h"

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];

static void show(const uint8_t *f, unsigned len)
{
	char dst[MAC_TEXT], src[MAC_TEXT];

	mac_to_text(mac_read(f), dst);
	mac_to_text(mac_read(f + 6), src);
	print("heard dst=%s src=%s type=%04x len=%u\n", dst, src, be16(f + 12), len);
}

void guest_main(void)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	uint64_t time, limit, lines, heard, start;

	netguest_start(&nic, &me);
	time = mb_number("time", UINT64_MAX);
	limit = mb_number("frames", UINT64_MAX);
	lines = mb_number("lines", 20);
	heard = 0;
	start = rdtsc();

	if (mb_number("announce", 0)) {
		vnic_send(&nic, frame, packet_test(frame, all, me.mac, 0, TEST_BYTES));
		vnic_flush(&nic);
	}
	print("listen: ready\n");
	while (heard < limit && rdtsc() - start < time) {
		unsigned len = vnic_receive(&nic, frame);

		if (!len) {
			vnic_wait(&nic);
			continue;
		}
		if (heard++ < lines)
			show(frame, len);
	}
	print("listen: frames=%lu\n", heard);
	done();
}
