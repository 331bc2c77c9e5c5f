/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_irq.c: interrupt causes and their mask (8254x 13.4.17 to 13.4.21); the 82574L's vectors
 * (82574 7.4, 10.2.4), the 82540EM's pin, which is asserted while an enabled cause is set.
 *
 * Five causes have a vector each, by IVAR: two receive and two transmit queues, and "other", which
 * stands for the rest.  A vector's message is sent when its cause becomes both set and unmasked.
 * The message clears what EIAC names in ICR and IMS (and IAM in IMS, by CTRL_EXT.EIAME), so the
 * driver gets no further one until it sets IMS again.
 */
#include "drivers/e1000/model_parts.h"

#define CAUSES_82540 0x0001ffffu
#define VECTORED     5 /* causes with a vector, from INT_RXQ0 on, one bit each, as IVAR's fields */

/* m->irq_lock held. */
static uint16_t vector_of(const struct e1000_model *m, unsigned cause)
{
	uint32_t field = e1000_model_get(m, IVAR) >> 4 * cause & 15;

	return field & IVAR_VALID ? field & 7 : VPCI_NO_VECTOR;
}

/* With "other" goes what it stands for: else it would be set again at once. */
static uint32_t with_others(uint32_t causes)
{
	return causes & INT_OTHER ? causes | INT_OTHERS : causes;
}

static void send_message(struct e1000_model *m, unsigned cause)
{
	uint32_t bit = INT_RXQ0 << cause, clear = e1000_model_get(m, EIAC) & bit;

	if (!vpci_msix_send(&m->pci, vector_of(m, cause)))
		return; /* MSI-X is off: the cause waits */
	m->sent |= bit;
	m->icr &= ~with_others(clear);
	m->ims &= ~clear;
	if (e1000_model_get(m, CTRL_EXT) & CTRL_EXT_EIAME)
		m->ims &= ~(e1000_model_get(m, IAM) & bit);
}

static void set_pin(struct e1000_model *m)
{
	bool pin = m->icr & m->ims && !vpci_enabled(&m->pci, VPCI_CMD_INTX_OFF);

	if (pin != m->pin)
		m->pin_set(m->ctx, pin);
	m->pin = pin;
}

/* Causes or mask have changed; m->irq_lock held. */
static void settle(struct e1000_model *m)
{
	if (!m->is_82574) {
		m->icr &= CAUSES_82540;
		m->ims &= CAUSES_82540;
		set_pin(m);
		return;
	}
	m->sent &= m->icr & m->ims;
	if (m->icr & m->ims & INT_OTHERS)
		m->icr |= INT_OTHER;
	for (unsigned i = 0; i < VECTORED; i++)
		if (m->icr & m->ims & ~m->sent & INT_RXQ0 << i)
			send_message(m, i);
	m->sent &= m->icr & m->ims;
}

void e1000_model_raise(struct e1000_model *m, uint32_t causes)
{
	spin_lock(&m->irq_lock);
	m->icr |= causes & ~INT_ASSERTED;
	settle(m);
	spin_unlock(&m->irq_lock);
}

/* An access to ICR while an interrupt is asserted masks what IAM names (82574 10.2.4). */
static void auto_mask(struct e1000_model *m)
{
	if (m->is_82574 && m->icr & m->ims && e1000_model_get(m, CTRL_EXT) & CTRL_EXT_IAME)
		m->ims &= ~e1000_model_get(m, IAM);
}

/* A read clears the causes.  Of an 82574L only if none is enabled, or an enabled one is set (82574
 * 10.2.4.1): with vectors the driver reads this register for "other" causes alone. */
uint32_t e1000_model_icr_read(struct e1000_model *m)
{
	bool asserted;
	uint32_t v;

	spin_lock(&m->irq_lock);
	asserted = m->icr & m->ims;
	v = m->icr | (m->is_82574 && asserted ? INT_ASSERTED : 0);
	auto_mask(m);
	if (asserted || !m->ims || !m->is_82574)
		m->icr = 0;
	settle(m);
	spin_unlock(&m->irq_lock);
	return v;
}

void e1000_model_icr_write(struct e1000_model *m, uint32_t v)
{
	spin_lock(&m->irq_lock);
	auto_mask(m);
	m->icr &= ~(m->is_82574 ? with_others(v) : v);
	settle(m);
	spin_unlock(&m->irq_lock);
}

void e1000_model_mask(struct e1000_model *m, uint32_t set, uint32_t clear)
{
	spin_lock(&m->irq_lock);
	m->ims = (m->ims | set) & ~clear;
	settle(m);
	spin_unlock(&m->irq_lock);
}

uint32_t e1000_model_ims(struct e1000_model *m)
{
	uint32_t v;

	spin_lock(&m->irq_lock);
	v = m->ims;
	spin_unlock(&m->irq_lock);
	return v;
}

void e1000_model_irq_reset(struct e1000_model *m)
{
	spin_lock(&m->irq_lock);
	m->icr = m->ims = m->sent = 0;
	settle(m);
	spin_unlock(&m->irq_lock);
}

void e1000_model_pin(struct e1000_model *m)
{
	spin_lock(&m->irq_lock);
	settle(m);
	spin_unlock(&m->irq_lock);
}
