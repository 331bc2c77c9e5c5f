/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire between its first two NICs: whatever one receives the other one sends.  Frames that find a
 * full ring are dropped, as on any wire, and counted.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/netguest.h"

static struct vnic end[2];
static uint8_t frame[VNIC_FRAME];
static uint64_t lost;

/* True when there was a frame. */
static bool carry(struct vnic *from, struct vnic *to)
{
	unsigned len = vnic_receive(from, frame);

	if (!len)
		return false;
	if (vnic_send(to, frame, len))
		vnic_flush(to);
	else
		print("wire: lost=%lu\n", ++lost);
	return true;
}

void guest_main(void)
{
	struct packet_host me;
	const char *error;

	netguest_start(&end[0], &me);
	error = vnic_open(&end[1], 1);
	if (!check(!error, "nic", "%s", error ? error : ""))
		done();
	print("wire: ready\n");
	for (;;)
		if (!carry(&end[0], &end[1]) && !carry(&end[1], &end[0]))
			cpu_pause();
}
