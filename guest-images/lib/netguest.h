/* SPDX-License-Identifier: BSD-2-Clause */
/* The common start of test guests with a NIC. */
#ifndef GUEST_NETGUEST_H
#define GUEST_NETGUEST_H
#include "guest-images/lib/packet.h"
#include "guest-images/lib/vnic.h"

/*
 * Initialises memory, APIC, the first NIC (or that of `nic=`) and a timer tick that ends sleep;
 * stores `mac=` and `ip=` of the command line in *me (the device's MAC when mac= is absent).  Ends
 * the guest when there is no NIC.
 */
void netguest_start(struct vnic *nic, struct packet_host *me);

/* How long this guest waits for a frame, in TSC ticks: option timeout=, else minutes, so that on a
 * slow machine only a frame that never comes counts as lost. */
uint64_t netguest_patience(void);
#endif
