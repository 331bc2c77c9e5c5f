/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/e1000_rig.h"

void rig_open_mtu(struct rig *r, uint16_t device, uint32_t mtu)
{
	struct e1000_config config = {.device = device, .promiscuous = true};

	r->sim = sim_new(device);
	r->rings = aligned_alloc(4096, E1000_RING_BYTES + 4096 - E1000_RING_BYTES % 4096);
	assert_null(e1000_start(&r->nic, &sim_ops, r->sim, &config, r->rings));
	if (mtu)
		e1000_set_mtu(&r->nic, mtu);
	for (unsigned i = 0; i < E1000_RX_RING - 1; i++) {
		r->buffer[i] = malloc(r->nic.rx_bytes);
		assert_true(e1000_rx_give(&r->nic, r->buffer[i]));
	}
	e1000_rx_flush(&r->nic);
}

void rig_open(struct rig *r, uint16_t device)
{
	rig_open_mtu(r, device, 0);
}

void rig_close(struct rig *r)
{
	for (unsigned i = 0; i < E1000_RX_RING - 1; i++)
		free(r->buffer[i]);
	sim_forget(r->sim);
	free(r->sim);
	free(r->rings);
}
