/* SPDX-License-Identifier: BSD-2-Clause */
/* model_tx.c: the guest sends; steps 2 to 4 of the walk of a frame (vnet/vnet.h). */
#include "drivers/e1000/model_parts.h"
#include "lib/count.h"

#define DESC_BYTES 16

/* Limits on one visit, so that a guest cannot make it take arbitrarily long: descriptors, and the
 * weight, as virtio_net_tx.c has it: bytes of large frames, and SEGMENT more for each segment. */
#define VISIT_DESCS 512u
#define FRAME_DESCS 128u /* of one frame, contexts before it included */
#define FRAME_SEGS  64   /* of these, with data */
#define SMALL       4096u
#define SEGMENT     512u
#define BATCH_LIMIT (128u << 10)

/* A visit in progress. */
struct visit {
	struct vnet_batch *b;
	struct vnet_seg *seg; /* the next free element */
	uint32_t at, tail;    /* the next descriptor; where they end */
	unsigned taken;       /* descriptors of whole frames */
	uint32_t weight;
	uint64_t report[(VISIT_DESCS + FRAME_DESCS) / 64]; /* descriptors with RS, one bit each */
	enum e1000_model_error broken;
};

/* Each word is read once. */
static void read_descriptor(const struct e1000_model_ring *r, uint32_t at, uint64_t *low,
                            uint64_t *high)
{
	const volatile uint64_t *d =
	    (const volatile uint64_t *)(const void *)(r->desc + (size_t)at * DESC_BYTES);

	*low = d[0];
	*high = d[1];
}

static bool is_context(uint64_t high)
{
	return (high & (TXD_DEXT | 15ull << 20)) == TXD_DEXT;
}

static uint32_t data_length(uint64_t high)
{
	return (uint32_t)(high & (high & TXD_DEXT ? TXD_LEN_MASK : 0xffff));
}

/* Adds a buffer to the frame; false: the guest broke a rule. */
static bool add_buffer(struct e1000_model *m, struct visit *v, struct vnet_frame *f, uint64_t low,
                       uint32_t len)
{
	struct vnet_seg *seg = &f->seg[f->nseg];

	if (!len)
		return true; /* 8254x 3.3.3: a descriptor without data is none of an error */
	v->broken = E1000_MODEL_E_tx_descriptors;
	if (f->nseg == FRAME_SEGS)
		return false;
	v->broken = E1000_MODEL_E_tx_address;
	seg->base = gmem_ptr(m->mem, low, len);
	if (!seg->base)
		return false;
	v->broken = E1000_MODEL_OK;
	seg->len = len;
	f->len += len;
	f->nseg++;
	return true;
}

/*
 * Gathers the descriptors of the next frame.  False: there is no whole one yet, or the guest broke
 * a rule: v->broken.  A context takes effect at once, and again if it is read again with the rest
 * of its frame.
 */
static bool gather_frame(struct e1000_model *m, struct visit *v, struct vnet_frame *f,
                         struct e1000_model_request *q)
{
	uint32_t at = v->at;
	unsigned n = 0;
	uint64_t low, high;
	bool begun = false, end = false;

	while (!end) {
		if (at == v->tail)
			return false;
		if (n == FRAME_DESCS) {
			v->broken = E1000_MODEL_E_tx_descriptors;
			return false;
		}
		read_descriptor(&m->tx, at, &low, &high);
		if (high & TXD_RS)
			v->report[(v->taken + n) / 64] |= 1ull << (v->taken + n) % 64;
		at = e1000_model_next(&m->tx, at);
		n++;
		if (is_context(high)) {
			m->context[!!(high & TXD_TSE)] = (struct e1000_model_context){low, high};
			continue;
		}
		if (!begun)
			*q = (struct e1000_model_request){low, high, high};
		begun = true;
		q->last = high;
		end = high & TXD_EOP;
		if (!add_buffer(m, v, f, low, data_length(high)))
			return false;
	}
	v->at = at;
	v->taken += n;
	return true;
}

static uint32_t weight_of(const struct vnet_frame *f)
{
	uint32_t w = f->len > SMALL ? f->len : 0;

	return f->hdr.gso_type != VNET_GSO_NONE ? w + SEGMENT * (f->len / f->hdr.gso_size) : w;
}

/* Takes the next frame into the batch, or drops it.  False: as gather_frame(). */
static bool take_frame(struct e1000_model *m, struct vnet_core *core, struct visit *v)
{
	struct vnet_batch *b = v->b;
	struct vnet_frame *f = &b->frame[b->n];
	struct e1000_model_request q;

	/* An element stays free before it, for a head that is changed. */
	*f = (struct vnet_frame){.seg = v->seg + 1};
	if (!gather_frame(m, v, f, &q))
		return false;
	v->seg += 1 + f->nseg;
	f->contiguous_head = f->nseg && f->seg->len >= VNET_FRAME_MIN;
	if (!e1000_model_offload(m, &q, f, m->head[b->n])) {
		vnet_drop(core, m->port, VNET_DROP_bad_offload);
		return true;
	}
	v->weight += weight_of(f);
	b->n++;
	return true;
}

static void count_sent(struct e1000_model *m, const struct vnet_frame *f)
{
	mac_t dst = f->contiguous_head ? mac_read(f->seg->base) : 0;

	count_add(&m->sent_stats.frames, 1);
	count_add(&m->sent_stats.bytes, f->len + 4ull); /* the CRC */
	count_add(&m->segmented, f->hdr.gso_type != VNET_GSO_NONE);
	if (dst == MAC_BROADCAST)
		count_add(&m->sent_stats.broadcast, 1);
	else if (dst & MAC_MULTICAST)
		count_add(&m->sent_stats.multicast, 1);
}

/* Gives the descriptors back: sets DD in those with RS, then moves TDH.  True: there were some. */
static bool write_back(struct e1000_model *m, const struct visit *v)
{
	struct e1000_model_ring *r = &m->tx;
	bool reported = false;

	for (unsigned i = 0; i < v->taken; i++) {
		uint8_t *status = r->desc + (size_t)r->head * DESC_BYTES + 12;

		if (v->report[i / 64] >> i % 64 & 1) {
			__atomic_store_n(status, 1, __ATOMIC_RELEASE);
			reported = true;
		}
		r->head = e1000_model_next(r, r->head);
	}
	e1000_model_set(m, TDH, r->head);
	return reported;
}

/* What the driver learns of it: 82574 7.4.4. */
static void report(struct e1000_model *m, bool reported)
{
	uint32_t causes = 0;

	if (reported || (m->is_82574 && e1000_model_get(m, IVAR) & IVAR_EVERY))
		causes = INT_TXDW | INT_TXQ0;
	if (m->tx.head == e1000_model_tail(m, &m->tx, TDT))
		causes |= INT_TXQE;
	if (causes)
		e1000_model_raise(m, causes);
}

/* Sends one batch through the switch; gate held, the ring ready.  Returns how many frames were
 * taken, dropped ones included. */
static unsigned send_batch(struct e1000_model *m, struct vnet_core *core, unsigned max)
{
	struct vnet_batch *b = vnet_core_batch(core);
	struct visit v = {
	    .b = b, .seg = b->seg, .at = m->tx.head, .tail = e1000_model_tail(m, &m->tx, TDT)};
	struct vnet_seg *end = b->seg + VNET_SEGS;
	unsigned frames = 0;

	b->n = 0;
	b->position = m->tx.head;
	while (frames < max && v.taken < VISIT_DESCS && v.weight < BATCH_LIMIT &&
	       end - v.seg > FRAME_SEGS && take_frame(m, core, &v))
		frames++;
	b->nseg = (unsigned)(v.seg - b->seg);
	for (unsigned i = 0; i < b->n; i++)
		count_sent(m, &b->frame[i]);
	if (b->n)
		vnet_input(core, m->port, b);
	/* Only now may the guest have its buffers back. */
	if (frames)
		report(m, write_back(m, &v));
	m->tx_partial = frames ? ~0u : v.tail;
	if (v.broken)
		e1000_model_break(m, &m->tx, v.broken);
	return frames;
}

/* Gate held: may the ring have a whole frame?  One that was not whole is looked at again when the
 * tail has moved. */
static bool has_work(const struct e1000_model *m)
{
	uint32_t tail;

	if (!e1000_model_ready(&m->tx))
		return false;
	tail = e1000_model_tail(m, &m->tx, TDT);
	return tail != m->tx.head && tail != m->tx_partial;
}

/* One visit, gate held: true when something is left that a further visit would take. */
static bool send_visit(struct e1000_model *m, struct vnet_core *core)
{
	return has_work(m) && send_batch(m, core, VNET_BATCH) && has_work(m);
}

/* As virtio_net's: in VNET_ADAPTIVE sends one batch at once and wakes the core that polls. */
static bool polled_visit(struct e1000_model *m, struct vnet_core *core)
{
	if (has_work(m) && send_batch(m, core, VNET_BATCH))
		vnet_wake(core);
	return false;
}

/* Leaves the gate.  With `left`, or if a kick came meanwhile, one more visit is arranged. */
static void leave_gate(struct e1000_model *m, bool left)
{
	if (!left && vgate_leave(&m->tx_gate))
		return;
	vgate_unlock(&m->tx_gate);
	vpci_schedule_work(&m->pci);
}

/* Only ports that are up are polled, and this one is up while its receiver is on. */
static enum vnet_mode mode_of(const struct e1000_model *m)
{
	return atomic_load(&m->port->up) ? vnet_port_mode(m->port) : VNET_KICK;
}

void e1000_model_tx_kick(struct e1000_model *m)
{
	enum vnet_mode mode = mode_of(m);
	struct vnet_core *core = vnet_this_core();

	if (mode == VNET_POLL || !vgate_enter(&m->tx_gate))
		return; /* the core that holds the gate arranges a visit, or polls */
	leave_gate(m, mode == VNET_KICK ? send_visit(m, core) : polled_visit(m, core));
}

/* The same for a core that polls, and comes back by itself as long as the port is polled. */
static void leave_polled(struct e1000_model *m)
{
	bool kicked = false;

	while (!vgate_leave(&m->tx_gate))
		kicked = true;
	if (kicked && mode_of(m) == VNET_KICK)
		vpci_schedule_work(&m->pci);
}

unsigned e1000_model_poll(void *dev, struct vnet_core *core, unsigned budget)
{
	struct e1000_model *m = dev;
	unsigned taken = 0;

	if (vnet_port_mode(m->port) == VNET_KICK || !vgate_trylock(&m->tx_gate))
		return 0;
	if (has_work(m))
		taken = send_batch(m, core, budget < VNET_BATCH ? budget : VNET_BATCH);
	leave_polled(m);
	return taken;
}

/* Each write to TDT is an exit in any mode: there is nothing to ask the driver for. */
bool e1000_model_arm(void *dev, bool on)
{
	struct e1000_model *m = dev;

	if (!vgate_trylock(&m->tx_gate))
		return on;
	if (on && !has_work(m) && vgate_leave(&m->tx_gate))
		return false;
	leave_polled(m);
	return on;
}

void e1000_model_tx_configure(struct e1000_model *m)
{
	vgate_lock(&m->tx_gate);
	m->tx_partial = ~0u;
	e1000_model_ring_set(m, &m->tx, TDBAL, DESC_BYTES, e1000_model_get(m, TCTL) & TCTL_EN,
	                     E1000_MODEL_E_tx_ring);
	/* What was in the ring when it was set up, and kicks that found the gate closed. */
	leave_gate(m, has_work(m));
}
