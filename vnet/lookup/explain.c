/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.c: what the switch would do with a frame, without sending it: see trial.h. */
#include <string.h>
#include "lib/bytes.h"
#include "lib/net_formats.h"
#include "vnet/lookup/trial.h"

/* The drop that the port would count for a frame to it; -1: none. */
static int drop_at(struct vnet_port *port)
{
	if (atomic_load(&port->up))
		return port->ops->blocked ? port->ops->blocked(port) : -1;
	return port->flags & VNET_EDGE ? VNET_DROP_bridge_down : VNET_DROP_port_down;
}

/* Reports that the incoming port would count a drop. */
static void report_drop(const struct trial *t, enum vnet_drop why)
{
	struct vnet_verdict verdict = {-1, 0, true, t->from->number, (int)why, t->flow, t->service};

	t->line(t->ctx, &verdict);
}

static void report_drops(const struct trial *t)
{
	for (unsigned why = 0; why < VNET_DROP_CAUSES; why++)
		if (t->count.drop[why] && vnet_drop_lost((enum vnet_drop)why))
			report_drop(t, (enum vnet_drop)why);
}

/* Reports the ports that the frame would reach, in the order of the look-up. */
static void report_ports(const struct trial *t)
{
	const struct vnet_core *c = t->w.core;

	for (unsigned i = 0; i < c->ntouched; i++) {
		struct vnet_port *to = c->touched[i];
		struct vnet_verdict verdict = {-1,          0,       true,      to->number,
		                               drop_at(to), t->flow, t->service};

		t->line(t->ctx, &verdict);
	}
}

void trial_report(const struct trial *t)
{
	report_drops(t);
	report_ports(t);
}

/* Reports a route that matches; `won`: the frame would take it. */
static void report_route(const struct trial *t, const struct vnet_table *table, unsigned i,
                         bool won)
{
	const struct vnet_route *r = &table->route[i];
	struct vnet_verdict verdict = {(int)i, table->priority[i], won, -1, -1, NULL, NULL};

	if (won && t->w.core->pending[r->to]) {
		verdict.port = r->to;
		verdict.drop = drop_at(port_at(t->w.core->vnet, r->to));
	} else if (won && t->count.drop[VNET_DROP_same_port]) {
		verdict.port = t->from->number;
		verdict.drop = VNET_DROP_same_port;
	}
	t->line(t->ctx, &verdict);
}

void explain_routes(struct trial *t, struct policy *p)
{
	struct vnet_core *c = t->w.core;
	const struct vnet_table *table = atomic_load(&c->vnet->table);
	const struct vnet_frame *f = &t->frame;
	uint64_t *won = table_hits(table, c->id);

	memset(won, 0, table->n * sizeof *won);
	look_up_routes(&t->w, p);
	if (!c->ntouched && !t->count.drop[VNET_DROP_same_port]) {
		report_drops(t);
		return;
	}
	for (unsigned i = 0; i < table->n; i++)
		if (route_matches(&table->route[i], t->from->net, f->src, f->dst, t->from->number))
			report_route(t, table, i, won[i]);
}

/* The look-up learns the source, so it has a copy of the table. */
struct policy *trial_learned(struct policy *p, struct vnet_trials *trials)
{
	learn_copy(&trials->learn, (struct vnet_learn *)p);
	trials->learn.policy.ops = p->ops;
	return &trials->learn.policy;
}

void explain_learned(struct trial *t, struct policy *p)
{
	look_up_learned(&t->w, trial_learned(p, t->w.core->vnet->trials));
	trial_report(t);
}

void explain_exact(struct trial *t, struct policy *p)
{
	look_up_exact(&t->w, p);
	trial_report(t);
}

/* Copies what the look-up reads of a port; what it writes goes to the copy. */
static void port_copy(struct vnet_port *to, struct vnet_port *from)
{
	to->vnet = from->vnet;
	to->number = from->number;
	to->net = from->net;
	to->flags = from->flags;
	atomic_store(&to->mac, atomic_load(&from->mac));
	atomic_store(&to->quota, atomic_load(&from->quota));
	atomic_store(&to->sent_own, atomic_load(&from->sent_own));
	atomic_store(&to->sent_other, atomic_load(&from->sent_other));
}

static void unmark(struct vnet_core *c)
{
	for (unsigned i = 0; i < c->ntouched; i++)
		c->pending[c->touched[i]->number] = 0;
	c->ntouched = 0;
	c->from = NULL;
}

void trial_begin(struct trial *t, struct vnet_port *from)
{
	unmark(t->w.core);
	memset(&t->count, 0, sizeof t->count);
	t->from = from;
	port_copy(&t->copy, from);
	t->w.from = t->w.core->from = &t->copy;
}

/* IPv4 or IPv6 with its addresses, protocol and ports; 0 elsewhere. */
static void packet_write(uint8_t *ether, const struct vnet_packet *p)
{
	bool ipv4 = p->version == 4;
	uint8_t *ip = ether + VNET_FRAME_MIN, *ports = ip + (ipv4 ? 20 : 40);

	put_be16(ether + 12, ipv4 ? ETHER_IPV4 : ETHER_IPV6);
	ip[0] = ipv4 ? 0x45 : 0x60;
	ip[ipv4 ? 9 : 6] = p->protocol;
	memcpy(ip + (ipv4 ? 12 : 8), p->src, ipv4 ? 4 : 16);
	memcpy(ip + (ipv4 ? 16 : 24), p->dst, ipv4 ? 4 : 16);
	put_be16(ports, p->port[0]);
	put_be16(ports + 2, p->port[1]);
}

static void frame_write(struct trial *t, const struct vnet_question *q)
{
	mac_write(t->bytes, q->dst & MAC_MASK);
	mac_write(t->bytes + 6, q->src & MAC_MASK);
	if (q->packet.version)
		packet_write(t->bytes, &q->packet);
	t->seg = (struct vnet_seg){t->bytes, sizeof t->bytes};
	t->frame.seg = &t->seg;
	t->frame.len = sizeof t->bytes;
	t->frame.nseg = t->frame.contiguous_head = 1;
}

/* Looks the trial's frame up, unless its port's ingress stage refuses it. */
static void explain_frame(struct trial *t, struct vnet_core *c, const struct vnet_question *q)
{
	struct policy *policy = atomic_load(&c->vnet->policy[t->from->net]);
	const struct vnet_stage *stage = stage_of(t->from);
	int drop = stage ? stage->refuses(t->from, q->src & MAC_MASK, q->dst & MAC_MASK) : -1;

	if (drop >= 0) {
		report_drop(t, (enum vnet_drop)drop);
		return;
	}
	frame_write(t, q);
	t->w.core = c;
	t->w.frame = &t->frame;
	t->w.n = 1;
	t->w.count = &t->count;
	trial_begin(t, t->from);
	policy->ops->explain(t, policy);
	unmark(c);
}

bool vnet_explain(struct vnet *v, const struct vnet_question *q,
                  void (*line)(void *ctx, const struct vnet_verdict *verdict), void *ctx)
{
	struct trial t = {.line = line, .ctx = ctx};
	bool there;

	control_lock(v);
	t.from = q->from < VNET_PORTS ? port_at(v, q->from) : NULL;
	there = q->net < VNET_NETS && v->net[q->net] && t.from && t.from->net == q->net;
	if (there)
		explain_frame(&t, &v->trials->core, q);
	control_unlock(v);
	return there;
}
