/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network function: gives each frame back to the port where it got it, as it is.  Ends after
 * frames= of them when given.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];

/* Gives all frames back that are there; returns how many. */
static uint64_t give_back(uint64_t limit)
{
	uint64_t frames = 0;
	unsigned len;

	while (frames < limit && (len = vnic_receive(&nic, frame))) {
		while (!vnic_send(&nic, frame, len)) {
			vnic_flush(&nic);
			cpu_pause();
		}
		frames++;
	}
	vnic_flush(&nic);
	return frames;
}

void guest_main(void)
{
	uint64_t limit, frames = 0;

	netguest_start(&nic, &me);
	limit = mb_number("frames", UINT64_MAX);
	print("relay: ready\n");
	while (frames < limit) {
		uint64_t now = give_back(limit - frames);

		frames += now;
		if (!now)
			vnic_wait(&nic);
	}
	print("relay: frames=%lu\n", frames);
	done();
}
