/* SPDX-License-Identifier: BSD-2-Clause */
/* The common start of test guests with a NIC. */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/lib/trap.h"
#include "lib/address_text.h"
#include "vnet/frame/mac.h"

#define TICK_VECTOR 0x71
#define TICK        20000000     /* timer ticks: some 20 ms */
#define PATIENCE    (1ull << 39) /* minutes: longer than any wait that succeeds */

void netguest_start(struct vnic *nic, struct packet_host *me)
{
	const char *error;
	char text[MAC_TEXT];

	mem_init(0);
	lapic_init(mb_number("page", 0));
	trap_set(TICK_VECTOR, lapic_eoi);
	lapic_timer(TICK_VECTOR, LVT_PERIODIC, TICK);
	error = vnic_open(nic, (unsigned)mb_number("nic", 0));
	if (!check(!error, "nic", "%s", error ? error : ""))
		done();
	memset(me, 0, sizeof *me);
	mb_ip("ip", me->ip);
	if (!mb_mac("mac", me->mac))
		memcpy(me->mac, nic->mac, 6);
	mac_to_text(mac_read(me->mac), text);
	print("mac %s\n", text);
}

uint64_t netguest_patience(void)
{
	return mb_number("timeout", PATIENCE);
}
