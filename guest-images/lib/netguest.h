/* SPDX-License-Identifier: BSD-2-Clause */
/* What every test guest with a NIC begins with. */
#ifndef GUEST_NETGUEST_H
#define GUEST_NETGUEST_H
#include "guest-images/lib/packet.h"
#include "guest-images/lib/vnic.h"

/*
 * Memory, APIC, the first NIC (`nic=` another) and a tick that ends sleep; `mac=` and `ip=` of the
 * command line go into *me (the device's MAC when mac= is absent).  Ends the guest when there is no
 * NIC.
 */
void netguest_start(struct vnic *nic, struct packet_host *me);

/* The ticks of the TSC that this guest waits for a frame: option timeout=, else some minutes:
 * without it only what never comes is lost, however slow the machine is. */
uint64_t netguest_patience(void);
#endif
