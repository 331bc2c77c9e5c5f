/* SPDX-License-Identifier: BSD-2-Clause */
/* stamps.c: when Dom0 had which frame; see stamps.h. */
#include "guest-images/dom0/stamps.h"
#include "guest-images/lib/pci.h"

#define VENDOR      0x1af4
#define DEVICE_RING 0x10f1
#define FIRST_PORT  0 /* Dom0's first virtio NIC: it has one */

void stamps_start(struct stamps *s)
{
	uint16_t bdf = pci_find(VENDOR, DEVICE_RING, 0);
	bool io;

	if (bdf == PCI_NONE)
		return;
	pci_enable(bdf);
	s->ring = (struct trace_ring *)pci_bar(bdf, 0, &io);
}

static void put(struct stamps *s, enum trace_step step, uint16_t position, uint64_t tsc)
{
	struct trace_record r = {
	    .tsc = tsc, .port = FIRST_PORT, .step = (uint8_t)step, .a = position};

	trace_put(s->ring, &r);
}

void stamps_frame(struct stamps *s, enum trace_step step, uint16_t position, uint64_t tsc)
{
	put(s, step, position, tsc);
	if (s->n < STAMPS_BATCH)
		s->position[s->n++] = position;
}

void stamps_flush(struct stamps *s, enum trace_step step)
{
	uint64_t now = trace_now();

	if (stamps_on(s))
		for (unsigned i = 0; i < s->n; i++)
			put(s, step, s->position[i], now);
	s->n = 0;
}
