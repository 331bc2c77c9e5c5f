/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/link_nodes.h"

unsigned node_alloc_fails; /* allocations that succeed before one fails; 0: none fails */

static void *node_alloc(size_t size)
{
	void *p;

	if (node_alloc_fails && --node_alloc_fails == 0)
		return NULL;
	p = aligned_alloc(64, (size + 63) & ~(size_t)63);
	memset(p, 0, size);
	return p;
}

static void node_release(void *p, size_t size)
{
	(void)size;
	free(p);
}

const struct vnet_mem node_mem = {node_alloc, node_release};

static unsigned dev_egress(struct vnet_port *port, struct vnet_core *core,
                           struct vnet_frame *const *frames, unsigned n)
{
	struct dev *d = port->dev;

	(void)core;
	d->calls++;
	for (unsigned i = 0; i < n; i++) {
		struct got *g = &d->got[d->n++];
		uint32_t at = 0;

		assert_true(d->n <= DEV_GOT);
		g->len = frames[i]->len;
		g->hdr = frames[i]->hdr;
		g->bytes = malloc(g->len);
		for (unsigned s = 0; s < frames[i]->nseg; s++) {
			assert_true(at + frames[i]->seg[s].len <= g->len);
			memcpy(g->bytes + at, frames[i]->seg[s].base, frames[i]->seg[s].len);
			at += frames[i]->seg[s].len;
		}
		assert_int_equal(at, g->len);
	}
	return n;
}

/* Keeps a copy of the frame: the test's memory does not last. */
static int dev_hold(void *dev, unsigned frame, struct vnet_held *h)
{
	struct dev *d = dev;
	unsigned slot = (unsigned)__builtin_ctz(~d->slots);
	uint8_t *to;

	(void)frame;
	if (slot >= VNET_HOLDS)
		return -1;
	to = d->held[slot] = malloc(h->frame.len);
	d->slots |= 1u << slot;
	for (unsigned i = 0; i < h->frame.nseg; i++) {
		if (h->seg[i].base != h->head)
			h->seg[i].base = memcpy(to, h->seg[i].base, h->seg[i].len);
		to += h->seg[i].len;
	}
	return (int)slot;
}

static void dev_release(void *dev, unsigned slot)
{
	struct dev *d = dev;

	assert_true(d->slots >> slot & 1);
	d->slots &= ~(1u << slot);
	free(d->held[slot]);
}

const struct vnet_port_ops dev_ops = {
    .egress = dev_egress, .hold = dev_hold, .release = dev_release};

void dev_clear(struct dev *d)
{
	while (d->n)
		free(d->got[--d->n].bytes);
	d->calls = 0;
}

void node_clear(struct node *n)
{
	for (unsigned i = 0; i < DEVS; i++)
		dev_clear(&n->dev[i]);
}

struct vnet_port *node_port(struct node *n, unsigned i, unsigned net, unsigned flags)
{
	char name[8];

	snprintf(name, sizeof name, "p%u", i);
	n->dev[i].port = vnet_port_add(n->v, name, net, &dev_ops, &n->dev[i], flags);
	assert_non_null(n->dev[i].port);
	n->dev[i].port->up = true;
	return n->dev[i].port;
}

void node_underlay(struct node *n, unsigned i, unsigned mtu)
{
	const struct vnet_underlay_config c = {NODE_IP(i), 24, GATEWAY, NODE_MAC(i), mtu};
	char err[100];

	if (!vnet_underlay_set(n->dev[0].port, &c, err, sizeof err))
		fail_msg("%s", err);
}

struct node *node_make(unsigned i, enum vnet_policy policy)
{
	struct node *n = calloc(1, sizeof *n);

	n->v = vnet_create(&node_mem, 2);
	n->core = vnet_core(n->v, 0);
	for (unsigned net = 0; net < 3; net++)
		assert_true(vnet_net_set(n->v, net, net ? policy : VNET_LEARN));
	node_port(n, 0, 0, VNET_EDGE);
	node_underlay(n, i, 1500);
	return n;
}

void node_free(struct node *n)
{
	node_clear(n);
	vnet_destroy(n->v);
	free(n);
}

unsigned node_link_mtu(const struct vnet_port *link)
{
	struct vnet_link_info info;

	return vnet_link_get(link, &info) ? info.mtu : 0;
}

struct vnet_port *node_link(struct node *n, const char *name, unsigned net,
                            const struct vnet_link_config *c)
{
	char err[100] = "";
	struct vnet_port *port = vnet_link_add(n->v, name, net, n->dev[0].port, c, err, sizeof err);

	if (!port)
		fail_msg("%s", err);
	return port;
}

void node_tick(struct node *n)
{
	vnet_clock_set(n->core, ++n->seconds);
	vnet_port_ready(n->core, n->dev[0].port);
}

void batch_add(struct node *n, uint8_t *bytes, uint32_t len, const struct vnet_hdr *hdr,
               uint32_t piece)
{
	struct vnet_batch *b = vnet_core_batch(n->core);
	struct vnet_frame *f = &b->frame[b->n++];
	uint32_t at = 0;

	memset(f, 0, sizeof *f);
	f->seg = &b->seg[b->nseg];
	f->len = len;
	if (hdr)
		f->hdr = *hdr;
	while (at < len) {
		uint32_t part = piece && piece < len - at ? piece : len - at;

		assert_true(b->nseg < VNET_SEGS);
		b->seg[b->nseg++] = (struct vnet_seg){bytes + at, part};
		f->nseg++;
		at += part;
	}
	f->contiguous_head = f->nseg && f->seg->len >= VNET_FRAME_MIN;
}

void batch_start(struct node *n)
{
	struct vnet_batch *b = vnet_core_batch(n->core);

	b->n = b->nseg = 0;
}

unsigned batch_send(struct node *n, struct vnet_port *from)
{
	return vnet_input(n->core, from, vnet_core_batch(n->core));
}

unsigned node_send(struct node *n, struct vnet_port *from, uint8_t *bytes, uint32_t len)
{
	batch_start(n);
	batch_add(n, bytes, len, NULL, 0);
	return batch_send(n, from);
}

unsigned node_wire(struct node *a, struct node *b)
{
	struct dev *d = &a->dev[0];
	unsigned n = d->n;
	struct got got[DEV_GOT];

	memcpy(got, d->got, sizeof got);
	d->n = 0;
	for (unsigned i = 0; i < n;) {
		batch_start(b);
		for (unsigned k = 0; k < VNET_BATCH && i < n; k++, i++)
			batch_add(b, got[i].bytes, got[i].len, &got[i].hdr, 0);
		batch_send(b, b->dev[0].port);
	}
	for (unsigned i = 0; i < n; i++)
		free(got[i].bytes);
	return n;
}

unsigned nodes_settle(struct node *a, struct node *b)
{
	unsigned moved, all = 0;

	do {
		moved = node_wire(a, b) + node_wire(b, a);
		all += moved;
		assert_true(all < 1000);
	} while (moved);
	return all;
}

uint64_t port_drops(struct vnet_port *port, enum vnet_drop why)
{
	struct vnet_port_stats s;

	vnet_port_stats(port, &s);
	return s.drop[why];
}

uint64_t port_drops_all(struct vnet_port *port)
{
	struct vnet_port_stats s;
	uint64_t sum = 0;

	vnet_port_stats(port, &s);
	for (unsigned i = 0; i < VNET_DROP_CAUSES; i++)
		sum += s.drop[i];
	return sum;
}

void ether_frame(uint8_t *p, mac_t dst, mac_t src, unsigned type, uint32_t len, unsigned seed)
{
	mac_write(p, dst);
	mac_write(p + 6, src);
	p[12] = (uint8_t)(type >> 8);
	p[13] = (uint8_t)type;
	for (uint32_t i = 14; i < len; i++)
		p[i] = (uint8_t)(seed + i);
}
