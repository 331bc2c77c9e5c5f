/* SPDX-License-Identifier: BSD-2-Clause */
/* model_rx.c: the switch delivers; step 9 of the walk of a frame (vnet/vnet.h). */
#include "drivers/e1000/model_parts.h"
#include "lib/bytes.h"
#include "vnet/frame/view.h"

#define HEAVY 4096 /* frames above this size yield rx_lock after the copy */

#define ADDRESSES  16 /* pairs of RAL and RAH */
#define TCI_AT     14
#define VLAN_ID    0xfff
#define DESC_BYTES 16
#define SPLIT      32 /* bytes of a descriptor of four buffers */

/* ---- filters: 8254x 13.4.22, 13.5 ---- */

/* One of the exact addresses. */
static bool is_own(const struct e1000_model *m, mac_t dst)
{
	for (unsigned i = 0; i < ADDRESSES; i++) {
		uint32_t high = e1000_model_get(m, RAH + 8 * i);

		if (high & RAH_AV &&
		    dst == (e1000_model_get(m, RAL + 8 * i) | (mac_t)(high & 0xffff) << 32))
			return true;
	}
	return false;
}

/* A group by the hash table, of 4096 bits. */
static bool is_in_table(const struct e1000_model *m, uint32_t rctl, mac_t dst)
{
	static const uint8_t shift[] = {4, 3, 2, 0}; /* by RCTL.MO */
	uint32_t hash = (uint32_t)(dst >> 32) >> shift[RCTL_MO(rctl)] & 0xfff;

	return e1000_model_get(m, MTA + 4 * (hash >> 5)) >> (hash & 31) & 1;
}

static bool takes_address(const struct e1000_model *m, uint32_t rctl, mac_t dst)
{
	if (dst == MAC_BROADCAST && rctl & RCTL_BAM)
		return true;
	if (dst & MAC_MULTICAST)
		return rctl & RCTL_MPE || is_own(m, dst) || is_in_table(m, rctl, dst);
	return rctl & RCTL_UPE || is_own(m, dst);
}

/* By the tag, of tagged frames alone. */
static bool takes_tag(const struct e1000_model *m, const struct vnet_frame *f)
{
	uint8_t head[TCI_AT + 2];
	unsigned id;

	if (view_read(f, head, sizeof head) < sizeof head ||
	    be16(head + 12) != e1000_model_get(m, VET))
		return true;
	id = be16(head + TCI_AT) & VLAN_ID;
	return e1000_model_get(m, VFTA + 4 * (id / 32)) >> id % 32 & 1;
}

static bool takes(const struct e1000_model *m, const struct vnet_frame *f)
{
	uint32_t rctl = e1000_model_get(m, RCTL);

	return takes_address(m, rctl, f->dst) && (!(rctl & RCTL_VFE) || takes_tag(m, f));
}

/* ---- the port's operations ---- */

/* Delivers one frame, or counts it as refused; rx_lock held.  Adds to *causes. */
static bool deliver(struct e1000_model *m, struct vnet_core *core, const struct vnet_frame *f,
                    uint32_t *causes)
{
	enum vnet_drop why = VNET_DROP_port_down;

	if (e1000_model_ready(&m->rx)) {
		if (!takes(m, f)) {
			e1000_model_count(m, E1000_MODEL_COUNT_filtered);
			return true;
		}
		if (e1000_model_put(m, f, &why)) {
			*causes |= INT_RXT0 | INT_RXQ0;
			return true;
		}
	}
	if (why == VNET_DROP_rx_full)
		*causes |= INT_RXO;
	vnet_refuse(core, m->port, f, why);
	return false;
}

static bool is_heavy(const struct vnet_frame *f)
{
	return f->len > HEAVY || f->hdr.gso_type != VNET_GSO_NONE;
}

/* RXDMT0: few descriptors are left, by RCTL.RDMTS. */
static uint32_t shortage(const struct e1000_model *m)
{
	uint32_t least = m->rx.count >> (1 + (e1000_model_get(m, RCTL) >> 8 & 3));

	return e1000_model_ready(&m->rx) && e1000_model_offered(m) <= least ? INT_RXDMT0 : 0;
}

unsigned e1000_model_egress(struct vnet_port *port, struct vnet_core *core,
                            struct vnet_frame *const *frames, unsigned n)
{
	struct e1000_model *m = port->dev;
	unsigned delivered = 0;
	uint32_t causes = 0, first;

	spin_lock(&m->rx_lock);
	first = m->rx.head;
	for (unsigned i = 0; i < n; i++) {
		delivered += deliver(m, core, frames[i], &causes);
		if (is_heavy(frames[i]) && i + 1 < n) {
			spin_unlock(&m->rx_lock);
			spin_lock(&m->rx_lock);
		}
	}
	if (vnet_traced(core))
		vnet_copied(core, port, (uint16_t)first, (uint16_t)(m->rx.head - first), delivered);
	/* Before the unlock, so that a stop waits until the interrupt is sent. */
	if (causes)
		e1000_model_raise(m, causes | shortage(m));
	spin_unlock(&m->rx_lock);
	return delivered;
}

unsigned e1000_model_room(const struct vnet_port *port)
{
	struct e1000_model *m = port->dev;
	unsigned room = 0;

	spin_lock(&m->rx_lock);
	if (e1000_model_ready(&m->rx))
		room = e1000_model_offered(m);
	spin_unlock(&m->rx_lock);
	return room;
}

/* ---- start and stop ---- */

/* 82574 10.2.5.1: RCTL.FLXBUF, or BSIZE and BSEX. */
static uint32_t buffer_bytes(const struct e1000_model *m, uint32_t rctl)
{
	unsigned size = RCTL_BSIZE(rctl);

	if (m->is_82574 && RCTL_FLXBUF(rctl))
		return RCTL_FLXBUF(rctl) * 1024;
	return rctl & RCTL_BSEX && size ? 32768u >> size : 2048u >> size;
}

/* 82574 10.2.5.3: the four buffers of a descriptor, the first in units of 128 bytes, the others of
 * 1 KiB. */
static void set_buffers(struct e1000_model *m, uint32_t rctl)
{
	uint32_t sizes = e1000_model_get(m, PSRCTL);

	m->extended = m->is_82574 && e1000_model_get(m, RFCTL) & RFCTL_EXSTEN;
	m->split = m->extended && (rctl & RCTL_DTYP_MASK) == RCTL_DTYP_SPLIT;
	m->buffer[0] = m->split ? (sizes & 0x7f) * 128 : buffer_bytes(m, rctl);
	for (unsigned i = 1; i < 4; i++)
		m->buffer[i] = m->split ? (sizes >> 8 * i & 0x3f) * 1024 : 0;
}

void e1000_model_rx_configure(struct e1000_model *m)
{
	uint32_t rctl = e1000_model_get(m, RCTL);
	bool was, now;

	spin_lock(&m->rx_lock);
	was = e1000_model_ready(&m->rx);
	set_buffers(m, rctl);
	e1000_model_ring_set(m, &m->rx, RDBAL, m->split ? SPLIT : DESC_BYTES,
	                     rctl & RCTL_EN && m->buffer[0], E1000_MODEL_E_rx_ring);
	now = e1000_model_ready(&m->rx);
	if (now && !was)
		e1000_model_count(m, E1000_MODEL_COUNT_starts);
	if (now != was && m->port)
		e1000_model_up(m, now);
	if (!now)
		m->announced = false;
	spin_unlock(&m->rx_lock);
}

/* An edge has frames to send as soon as its driver can take some. */
void e1000_model_rx_tail(struct e1000_model *m)
{
	bool first;

	if (!m->port || !(m->port->flags & VNET_EDGE))
		return;
	spin_lock(&m->rx_lock);
	first = !m->announced && e1000_model_ready(&m->rx) && e1000_model_offered(m);
	m->announced |= first;
	spin_unlock(&m->rx_lock);
	if (first)
		vnet_port_ready(vnet_this_core(), m->port);
}
