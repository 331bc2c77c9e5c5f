/* SPDX-License-Identifier: BSD-2-Clause */
/* model_parts.h: shared by the files of the emulated NIC.  Order of locks: drivers/virtio/lock.h,
 * with m->lock in the place of virtio_pci.lock, and m->irq_lock before vpci_dev.msix_lock. */
#ifndef DRIVERS_E1000_MODEL_PARTS_H
#define DRIVERS_E1000_MODEL_PARTS_H
#include "drivers/e1000/model.h"
#include "drivers/e1000/regs.h"

/* ---- model_regs.c ---- */

/* The registers of time stamps lie behind the others in m->reg. */
static inline unsigned e1000_model_word(uint32_t reg)
{
	return reg < 0x6000 ? reg / 4 : 0x6000 / 4 + (reg - TIMESTAMP) / 4;
}

/* What a register holds; any core. */
static inline uint32_t e1000_model_get(const struct e1000_model *m, uint32_t reg)
{
	return atomic_load_explicit(&m->reg[e1000_model_word(reg)], memory_order_relaxed);
}

static inline void e1000_model_set(struct e1000_model *m, uint32_t reg, uint32_t v)
{
	atomic_store_explicit(&m->reg[e1000_model_word(reg)], v, memory_order_relaxed);
}

/* vpci_ops.bar: an access to a register. */
void e1000_model_bar(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
                     uint64_t *val);

/* The values after a reset (82574 10.2.1); m->lock held. */
void e1000_model_defaults(struct e1000_model *m);

/* ---- model.c ---- */

static inline void e1000_model_count(struct e1000_model *m, enum e1000_model_counter c)
{
	atomic_fetch_add_explicit(&m->count[c], 1, memory_order_relaxed);
}

/* The guest broke a rule: counts it, and stops that ring.  The ring's lock is held. */
void e1000_model_break(struct e1000_model *m, struct e1000_model_ring *r,
                       enum e1000_model_error why);

/* The receiver was started or stopped; rx_lock held. */
void e1000_model_up(struct e1000_model *m, bool up);

/* CTRL.RST or a reset of the bus; m->lock held.  On return no core uses the rings. */
void e1000_model_reset(struct e1000_model *m);

/*
 * Stops a ring, or sets it up as its registers, from `base` (RDBAL or TDBAL) on, have it, and
 * starts it if `on`: with descriptors of `size` bytes.  Errors count as `why`.  The ring's lock is
 * held.
 */
void e1000_model_ring_set(struct e1000_model *m, struct e1000_model_ring *r, uint32_t base,
                          uint32_t size, bool on, enum e1000_model_error why);

/* The ring's tail: RDT or TDT at `reg`.  One that is beyond the ring counts as the head: the ring
 * is empty. */
static inline uint32_t e1000_model_tail(const struct e1000_model *m,
                                        const struct e1000_model_ring *r, uint32_t reg)
{
	/* Acquire: the descriptors before it are read after it. */
	uint32_t tail = atomic_load_explicit(&m->reg[e1000_model_word(reg)], memory_order_acquire);

	return tail < r->count ? tail : r->head;
}

/* Acquire: pairs with the start, which has set up the ring. */
static inline bool e1000_model_ready(const struct e1000_model_ring *r)
{
	return atomic_load_explicit(&r->ready, memory_order_acquire);
}

/* The descriptor after this one. */
static inline uint32_t e1000_model_next(const struct e1000_model_ring *r, uint32_t at)
{
	return at + 1 == r->count ? 0 : at + 1;
}

/* ---- model_phy.c ---- */

void e1000_model_phy_reset(struct e1000_model *m);
void e1000_model_mdic(struct e1000_model *m, uint32_t v); /* a write to MDIC */
uint32_t e1000_model_status(const struct e1000_model *m);

/* ---- model_eeprom.c ---- */

void e1000_model_eeprom_init(struct e1000_model *m);
void e1000_model_eerd(struct e1000_model *m, uint32_t v); /* a write to EERD */
void e1000_model_eecd(struct e1000_model *m, uint32_t v); /* a write to EECD */

/* ---- model_irq.c: each takes m->irq_lock ---- */

/* Something happened; any core. */
void e1000_model_raise(struct e1000_model *m, uint32_t causes);
uint32_t e1000_model_icr_read(struct e1000_model *m);
void e1000_model_icr_write(struct e1000_model *m, uint32_t v);
void e1000_model_mask(struct e1000_model *m, uint32_t set, uint32_t clear);
uint32_t e1000_model_ims(struct e1000_model *m);
void e1000_model_irq_reset(struct e1000_model *m);
void e1000_model_pin(struct e1000_model *m); /* the command register may have changed */

/* ---- model_tx.c ---- */

void e1000_model_tx_configure(struct e1000_model *m); /* m->lock held */
void e1000_model_tx_kick(struct e1000_model *m);
unsigned e1000_model_poll(void *dev, struct vnet_core *core, unsigned budget);
bool e1000_model_arm(void *dev, bool on);

/* ---- model_frame.c ---- */

/* What the descriptors of a frame ask for. */
struct e1000_model_request {
	uint64_t low, high; /* of its first descriptor with data, as two words */
	uint64_t last;      /* the second word of the last one: its tag */
};

/*
 * Turns the request into f->hdr, and changes the frame's head in the copy `head` where it must:
 * `spare` is the element before f->seg.  False: the context contradicts the frame.
 */
bool e1000_model_offload(struct e1000_model *m, const struct e1000_model_request *q,
                         struct vnet_frame *f, uint8_t head[E1000_MODEL_HEAD]);

/* ---- model_rx.c ---- */

void e1000_model_rx_configure(struct e1000_model *m); /* m->lock held */
void e1000_model_rx_tail(struct e1000_model *m);      /* RDT was written */
unsigned e1000_model_egress(struct vnet_port *port, struct vnet_core *core,
                            struct vnet_frame *const *frames, unsigned n);
unsigned e1000_model_room(const struct vnet_port *port);

/* rx_lock held: how many descriptors the driver offers. */
static inline uint32_t e1000_model_offered(const struct e1000_model *m)
{
	const struct e1000_model_ring *r = &m->rx;
	uint32_t tail = e1000_model_tail(m, r, RDT);

	return tail >= r->head ? tail - r->head : tail + r->count - r->head;
}

/* ---- model_put.c ---- */

/*
 * rx_lock held, but yielded now and then: delivers a frame that the filters took.  False: not
 * delivered, *why is set.
 */
bool e1000_model_put(struct e1000_model *m, const struct vnet_frame *f, enum vnet_drop *why);

#endif
