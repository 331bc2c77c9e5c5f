/* SPDX-License-Identifier: BSD-2-Clause */
/* The bridge to a virtio port: polls both directions, and sleeps. */
#include "guest-images/dom0/bridge.h"
#include "guest-images/lib/cpu.h"

const char *const bridge_counter_name[BRIDGE_COUNTER_COUNT] = {
#define X(name) #name,
    BRIDGE_COUNTERS(X)
#undef X
};

static const char *open_virtio(struct bridge *b)
{
	const char *error = port_start(&b->port, e1000_tso6(&b->nic));

	b->mtu = b->port.mtu;
	return error;
}

static const char *start_virtio(struct bridge *b)
{
	const char *error = inward_start(b);

	return error ? error : outward_start(b);
}

static bool poll_virtio(struct bridge *b)
{
	bool moved = inward_poll(b);

	return outward_poll(b) || moved;
}

/*
 * Sent frames are reclaimed at the next poll, without an interrupt, unless more than half of the
 * buffers are in use: then their return must end the sleep.
 */
static bool wait_for_nic(const struct bridge *b)
{
	return outward_blocked(b) || b->port.rx.nfree > b->port.rx.num / 2;
}

static bool wait_for_port(const struct bridge *b)
{
	return b->in_held > E1000_RX_RING / 2;
}

static void sleep_virtio(struct bridge *b)
{
	bool for_nic = wait_for_nic(b), idle = true;

	e1000_irq_on(&b->nic, for_nic);
	if (!outward_blocked(b))
		idle = guest_vq_arm(&b->port.rx);
	if (wait_for_port(b))
		idle = guest_vq_arm(&b->port.tx) && idle;
	/* All are armed: earlier frames are seen by this test, later ones interrupt. */
	if (idle && !e1000_rx_ready(&b->nic) && !(for_nic && e1000_tx_ready(&b->nic))) {
		b->count[BRIDGE_sleeps]++;
		irq_wait();
	}
	guest_vq_disarm(&b->port.rx);
	guest_vq_disarm(&b->port.tx);
}

const struct bridge_kind bridge_virtio = {open_virtio, start_virtio, poll_virtio, sleep_virtio};
