/* SPDX-License-Identifier: BSD-2-Clause */
/* vioapic.c: the registers of a guest's I/O APIC; see vioapic.h. */
#include <string.h>
#include "vmm/devices/vioapic.h"

#define IOREGSEL 0x00
#define IOWIN    0x10

#define REG_ID      0x00
#define REG_VERSION 0x01
#define REG_ARB     0x02
#define REG_ENTRY   0x10 /* two registers for each pin */

#define VERSION      (0x11u | (VIOAPIC_PINS - 1) << 16)
#define ID_SHIFT     24
#define ENTRY_MASKED 0x10000u
#define ENTRY_LOW    0x1afffu /* writable bits: all but delivery status and remote IRR */
#define ENTRY_HIGH   0xff000000u

void vioapic_init(struct vioapic *a, void (*deliver)(void *ctx, uint64_t entry), void *ctx)
{
	a->deliver = deliver;
	a->ctx = ctx;
	vioapic_reset(a);
}

void vioapic_wire(struct vioapic *a, unsigned pin, void (*changed)(void *ctx, uint64_t entry),
                  void *ctx)
{
	a->wire[pin] = (struct vioapic_wire){changed, ctx};
}

void vioapic_reset(struct vioapic *a)
{
	spin_lock(&a->lock);
	a->select = 0;
	a->id = 0;
	a->high = 0;
	for (unsigned i = 0; i < VIOAPIC_PINS; i++)
		a->entry[i] = ENTRY_MASKED;
	spin_unlock(&a->lock);
}

static uint32_t read_register(const struct vioapic *a, uint32_t reg)
{
	unsigned pin = (reg - REG_ENTRY) / 2;

	if (reg == REG_ID || reg == REG_ARB)
		return (uint32_t)a->id << ID_SHIFT;
	if (reg == REG_VERSION)
		return VERSION;
	if (reg < REG_ENTRY || pin >= VIOAPIC_PINS)
		return 0;
	return (uint32_t)(a->entry[pin] >> (reg & 1 ? 32 : 0));
}

static void deliver_entry(struct vioapic *a, unsigned pin)
{
	if (!VIOAPIC_MASKED(a->entry[pin]))
		a->deliver(a->ctx, a->entry[pin]);
}

static void entry_written(struct vioapic *a, unsigned pin)
{
	const struct vioapic_wire *w = &a->wire[pin];

	if (w->changed)
		w->changed(w->ctx, a->entry[pin]);
	else if (a->high >> pin & 1 && VIOAPIC_LEVEL(a->entry[pin]))
		deliver_entry(a, pin);
}

void vioapic_set(struct vioapic *a, unsigned pin, bool high)
{
	bool rises;

	spin_lock(&a->lock);
	rises = high && !(a->high >> pin & 1);
	a->high = (a->high & ~(1u << pin)) | (uint32_t)high << pin;
	if (rises)
		deliver_entry(a, pin);
	spin_unlock(&a->lock);
}

static void write_register(struct vioapic *a, uint32_t reg, uint32_t val)
{
	unsigned pin = (reg - REG_ENTRY) / 2;
	uint64_t *e;

	if (reg == REG_ID)
		a->id = val >> ID_SHIFT & 0xf;
	if (reg < REG_ENTRY || pin >= VIOAPIC_PINS)
		return;
	e = &a->entry[pin];
	if (reg & 1)
		*e = (uint64_t)(val & ENTRY_HIGH) << 32 | (uint32_t)*e;
	else
		*e = (*e >> 32) << 32 | (val & ENTRY_LOW);
	entry_written(a, pin);
}

uint32_t vioapic_read(struct vioapic *a, uint32_t off, unsigned size)
{
	uint32_t val = 0;

	if (size != 4)
		return 0;
	spin_lock(&a->lock);
	if (off == IOREGSEL)
		val = a->select;
	else if (off == IOWIN)
		val = read_register(a, a->select);
	spin_unlock(&a->lock);
	return val;
}

void vioapic_write(struct vioapic *a, uint32_t off, unsigned size, uint32_t val)
{
	if (size != 4)
		return;
	spin_lock(&a->lock);
	if (off == IOREGSEL)
		a->select = val & 0xff;
	else if (off == IOWIN)
		write_register(a, a->select, val);
	spin_unlock(&a->lock);
}
