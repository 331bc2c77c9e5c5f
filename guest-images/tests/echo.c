/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers ARP and ping for ip=, any UDP to it, and test frames.  Ends after frames= answers when
 * given. poll=1: never sleeps.
 */
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];

void guest_main(void)
{
	uint64_t limit, answers;
	bool poll;

	netguest_start(&nic, &me);
	limit = mb_number("frames", UINT64_MAX);
	answers = 0;
	poll = mb_number("poll", 0);

	print("echo: ready\n");
	while (answers < limit) {
		unsigned len = vnic_receive(&nic, frame);

		if (!len && poll)
			cpu_pause();
		else if (!len)
			vnic_wait(&nic);
		len = packet_answer(frame, len, &me);
		if (len && vnic_send(&nic, frame, len)) {
			vnic_flush(&nic);
			answers++;
		}
	}
	print("echo: answers=%lu\n", answers);
	done();
}
