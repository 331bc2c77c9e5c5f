/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver on a simulated NIC, started, with every receive buffer in place. */
#ifndef TESTS_UNIT_RIG_E1000_RIG_H
#define TESTS_UNIT_RIG_E1000_RIG_H
#include "tests/unit/rig/nic_sim.h"

struct rig {
	struct sim *sim;
	struct e1000 nic;
	void *rings;
	void *buffer[E1000_RX_RING - 1]; /* each its own allocation: ASan sees an overrun */
};

/* Starts the driver on a NIC of that PCI device ID; with an MTU unless it is 0. */
void rig_open_mtu(struct rig *r, uint16_t device, uint32_t mtu);

void rig_open(struct rig *r, uint16_t device);

void rig_close(struct rig *r);

#endif
