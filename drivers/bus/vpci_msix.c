/* SPDX-License-Identifier: BSD-2-Clause */
/* vpci_msix.c: message-signalled interrupts of a guest's PCI device (PCI 3.0, 6.8.2). */
#include <string.h>
#include "lib/count.h"
#include "drivers/bus/vpci.h"

#define CAP_MSIX       0x11
#define CONTROL_ENABLE 0x8000 /* in the capability's control word */
#define CONTROL_MASK   0x4000 /* all vectors are masked */
#define VECTOR_MASK    1u     /* in an entry's control word */

enum { ADDR, ADDR_HIGH, DATA, CONTROL }; /* the words of an entry */
#define PENDING_AT 2048u                 /* offset of the pending bits in the BAR */

const char *const vpci_msix_counter_name[VPCI_MSIX_COUNTER_COUNT] = {
#define X(name, help) #name,
    VPCI_MSIX_COUNTERS(X)
#undef X
};

void vpci_msix_init(struct vpci_dev *d, unsigned bar, unsigned n)
{
	uint8_t body[12] = {CAP_MSIX}, mask[12] = {0};

	vpci_put(body, 2, 2, n - 1);
	vpci_put(body, 4, 4, bar);
	vpci_put(body, 8, 4, PENDING_AT | bar);
	vpci_put(mask, 2, 2, CONTROL_ENABLE | CONTROL_MASK);
	vpci_bar_init(d, bar, VPCI_BAR_MEM, 4096);
	d->msix_cap = (uint8_t)vpci_cap_add(d, body, mask, sizeof body);
	d->msix_bar = (uint8_t)bar;
	d->msix_n = (uint16_t)n;
	vpci_msix_reset(d);
}

void vpci_msix_reset(struct vpci_dev *d)
{
	spin_lock(&d->msix_lock);
	d->msix_control = 0;
	d->msix_pending = 0;
	memset(d->msix, 0, sizeof d->msix);
	for (unsigned i = 0; i < d->msix_n; i++)
		d->msix[i][CONTROL] = VECTOR_MASK;
	spin_unlock(&d->msix_lock);
}

/* msix_lock held. */
static bool is_masked(const struct vpci_dev *d, unsigned vector)
{
	return (d->msix_control & CONTROL_MASK) || (d->msix[vector][CONTROL] & VECTOR_MASK);
}

/* Sends a vector's message; msix_lock held: after a write that masks a vector, or turns off MSI-X
 * or bus mastering, earlier messages have been delivered and no further one follows. */
static void send_message(struct vpci_dev *d, unsigned vector)
{
	const uint32_t *e = d->msix[vector];

	count_add(&d->msix_count[VPCI_interrupts], 1);
	d->bus->msi(d->bus->ctx, (uint64_t)e[ADDR_HIGH] << 32 | e[ADDR], e[DATA]);
}

static void count_unsent(struct vpci_dev *d, enum vpci_msix_counter why)
{
	count_add(&d->msix_count[why], 1);
}

/* Are MSI-X and bus mastering enabled? */
static bool may_send(const struct vpci_dev *d)
{
	return (d->msix_control & CONTROL_ENABLE) &&
	       (atomic_load_explicit(&d->command, memory_order_relaxed) & VPCI_CMD_MASTER);
}

bool vpci_msix_send(struct vpci_dev *d, uint16_t vector)
{
	bool on;

	spin_lock(&d->msix_lock);
	if (vector >= d->msix_n) {
		count_unsent(d, VPCI_no_vector);
	} else if (!may_send(d)) {
		count_unsent(d, VPCI_msix_off);
	} else if (is_masked(d, vector)) {
		count_unsent(d, VPCI_masked);
		d->msix_pending |= 1ull << vector;
	} else {
		send_message(d, vector);
	}
	on = d->msix_control & CONTROL_ENABLE;
	spin_unlock(&d->msix_lock);
	return on;
}

/* Sends the pending messages of unmasked vectors; msix_lock held. */
static void send_pending(struct vpci_dev *d)
{
	for (unsigned i = 0; i < d->msix_n && may_send(d); i++)
		if ((d->msix_pending >> i & 1) && !is_masked(d, i)) {
			d->msix_pending &= ~(1ull << i);
			send_message(d, i);
		}
}

void vpci_msix_forget(struct vpci_dev *d)
{
	spin_lock(&d->msix_lock);
	d->msix_pending = 0;
	spin_unlock(&d->msix_lock);
}

void vpci_msix_control(struct vpci_dev *d, uint16_t control)
{
	spin_lock(&d->msix_lock);
	d->msix_control = control;
	send_pending(d);
	spin_unlock(&d->msix_lock);
}

static uint32_t read_word(struct vpci_dev *d, uint32_t off)
{
	if (off < 16u * d->msix_n)
		return d->msix[off / 16][off % 16 / 4];
	if (off == PENDING_AT || off == PENDING_AT + 4)
		return (uint32_t)(d->msix_pending >> (off == PENDING_AT ? 0 : 32));
	return 0;
}

static void write_word(struct vpci_dev *d, uint32_t off, uint32_t val)
{
	if (off < 16u * d->msix_n)
		d->msix[off / 16][off % 16 / 4] = off % 16 / 4 == CONTROL ? val & VECTOR_MASK : val;
}

void vpci_msix_access(struct vpci_dev *d, uint32_t off, unsigned size, bool write, uint64_t *val)
{
	if (size < 4 || off % size) { /* 6.8.2: aligned dwords and qwords only */
		if (!write)
			*val = ~0ull;
		return;
	}
	spin_lock(&d->msix_lock);
	if (!write)
		*val = 0;
	for (unsigned i = 0; i < size; i += 4) {
		if (write)
			write_word(d, off + i, (uint32_t)(*val >> (8 * i)));
		else
			*val |= (uint64_t)read_word(d, off + i) << (8 * i);
	}
	if (write)
		send_pending(d);
	spin_unlock(&d->msix_lock);
}
