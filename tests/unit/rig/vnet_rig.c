/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/vnet_rig.h"

unsigned rig_alloc_fails; /* allocations that succeed before one fails; 0: none fails */

static void *rig_alloc(size_t size)
{
	void *p;

	if (rig_alloc_fails && --rig_alloc_fails == 0)
		return NULL;
	p = aligned_alloc(64, (size + 63) & ~(size_t)63);
	memset(p, 0, size);
	return p;
}

static void rig_free(void *p, size_t size)
{
	(void)size;
	free(p);
}

const struct vnet_mem rig_mem = {rig_alloc, rig_free};

static unsigned rig_egress(struct vnet_port *port, struct vnet_core *core,
                           struct vnet_frame *const *frames, unsigned n)
{
	struct rig_dev *d = port->dev;
	unsigned done = 0;

	d->calls++;
	for (unsigned i = 0; i < n; i++) {
		uint32_t serial;

		if (!d->room) {
			vnet_refuse(core, port, frames[i], VNET_DROP_rx_full);
			continue;
		}
		d->room--;
		memcpy(&serial, frames[i]->seg[0].base + 14, 4);
		d->serial[d->n++ % RIG_GOT] = serial;
		done++;
	}
	return done;
}

void rig_add(struct rig *r, struct vnet_batch *b, mac_t dst, mac_t src, uint32_t serial)
{
	struct vnet_frame *f = &b->frame[b->n];
	uint8_t *p = r->bytes[b->n];

	memset(f, 0, sizeof *f);
	memset(p, 0, 64);
	mac_write(p, dst);
	mac_write(p + 6, src);
	memcpy(p + 14, &serial, 4);
	b->seg[b->nseg].base = p;
	b->seg[b->nseg].len = 64;
	f->seg = &b->seg[b->nseg++];
	f->nseg = 1;
	f->len = 64;
	f->contiguous_head = true;
	b->n++;
}

unsigned rig_send(struct rig *r, unsigned from, mac_t dst, mac_t src, uint32_t serial)
{
	struct vnet_batch *b = vnet_core_batch(r->core);

	b->n = b->nseg = 0;
	rig_add(r, b, dst, src, serial);
	return vnet_input(r->core, r->dev[from].port, b);
}

static struct rig *rig_now; /* for rig_poll(), which is given its device only */

static unsigned rig_poll(void *dev, struct vnet_core *core, unsigned budget)
{
	struct rig_dev *d = dev;
	struct vnet_batch *b = vnet_core_batch(core);
	unsigned n = d->to_send < budget ? d->to_send : budget;

	b->n = b->nseg = 0;
	for (unsigned i = 0; i < n; i++)
		rig_add(rig_now, b, d->poll_dst, 0x10 * 2, i);
	d->to_send -= n;
	vnet_input(core, d->port, b);
	return n;
}

const struct vnet_port_ops rig_ops = {.poll = rig_poll, .egress = rig_egress};

void rig_port(struct rig *r, unsigned i, unsigned net, unsigned flags)
{
	char name[16];

	snprintf(name, sizeof name, "p%u", i);
	r->dev[i].port = vnet_port_add(r->v, name, net, &rig_ops, &r->dev[i], flags);
	assert_non_null(r->dev[i].port);
	assert_int_equal(r->dev[i].port->number, i);
	r->dev[i].port->up = true;
	r->dev[i].room = 1000000;
}

int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof *r);

	r->v = vnet_create(&rig_mem, 2);
	assert_non_null(r->v);
	r->core = vnet_core(r->v, 0);
	assert_true(vnet_net_set(r->v, 0, VNET_ROUTE));
	assert_true(vnet_net_set(r->v, 1, VNET_ROUTE));
	for (unsigned i = 0; i < RIG_PORTS; i++)
		rig_port(r, i, i >= 6, 0);
	rig_now = r;
	*state = r;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *r = *state;

	vnet_destroy(r->v);
	free(r);
	return 0;
}

unsigned rig_count_routes(struct vnet *v)
{
	struct vnet_route route;
	uint64_t hits;
	unsigned n = 0;

	while (vnet_route_get(v, n, &route, &hits))
		n++;
	return n;
}

uint64_t rig_drops(struct rig *r, unsigned port, enum vnet_drop why)
{
	struct vnet_port_stats s;

	vnet_port_stats(r->dev[port].port, &s);
	return s.drop[why];
}

struct vnet_route rig_route(struct vnet_qual src, struct vnet_qual dst, unsigned to)
{
	return (struct vnet_route){0, src, dst, -1, (uint16_t)to, false};
}

void rig_routes(struct rig *r, const struct vnet_route *routes, unsigned n)
{
	char err[128] = "";

	if (!vnet_routes_set(r->v, routes, n, err, sizeof err))
		fail_msg("%s", err);
}

unsigned rig_reach_from(struct rig *r, unsigned from, mac_t dst, mac_t src)
{
	unsigned before[RIG_PORTS], mask = 0;

	for (unsigned i = 0; i < RIG_PORTS; i++)
		before[i] = r->dev[i].n;
	rig_send(r, from, dst, src, 0);
	for (unsigned i = 0; i < RIG_PORTS; i++) {
		assert_in_range(r->dev[i].n - before[i], 0, 1);
		mask |= (r->dev[i].n - before[i]) << i;
	}
	return mask;
}

unsigned rig_reach(struct rig *r, mac_t dst, mac_t src)
{
	return rig_reach_from(r, 0, dst, src);
}
