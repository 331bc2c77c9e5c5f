/* SPDX-License-Identifier: BSD-2-Clause */
/* by_address.c: look-ups without routes: by learned addresses, and by declared ones. */
#include "vnet/lookup/learn.h"
#include "vnet/walk.h"

/* In line in the walk, as if nobody else used it. */
#define IN_LINE static inline __attribute__((always_inline))

#define REACH_LOCAL   1
#define REACH_OUTSIDE 2

/* The port where the address was seen, as of quantum `now`; -1: unknown. */
static inline int learn_find(struct vnet_learn *l, mac_t mac, uint64_t now)
{
	struct learn_bucket *b = learn_bucket(l, mac);

	if (__builtin_expect(atomic_load_explicit(&b->aged, memory_order_relaxed) != now, 0))
		learn_bucket_age(l, b, now);
	for (unsigned i = 0; i < LEARN_WAYS; i++) {
		uint64_t e = atomic_load_explicit(&b->entry[i], memory_order_relaxed);

		if ((e & MAC_MASK) == mac && e)
			return (int)(e >> LEARN_PORT_SHIFT & (VNET_PORTS - 1));
	}
	return -1;
}

static inline bool is_outside(const struct vnet_port *port)
{
	return port->flags & VNET_OUTSIDE;
}

static const struct vnet_members *members_of(const struct walk *w)
{
	return atomic_load_explicit(&w->core->vnet->members, memory_order_acquire);
}

/* Drops and counts frames where they came in. */
static void drop_each(struct walk *w, uint64_t frames, enum vnet_drop why)
{
	for (; frames; frames &= frames - 1)
		drop_here(w, &w->frame[__builtin_ctzll(frames)], why);
}

/* Marks the frames for the network's other ports, local ones, outside ones or both as `reach` has
 * it; never from outside to outside.  Frames sent outside only are not counted as flooded. */
static void flood(struct walk *w, uint64_t frames, unsigned reach)
{
	struct vnet_core *c = w->core;
	const struct vnet_members *m = members_of(w);
	unsigned first = m->start[w->from->net], end = m->start[w->from->net + 1];
	enum vnet_drop why = VNET_DROP_no_route;
	bool moved = false;

	for (unsigned i = first; i < end; i++) {
		struct vnet_port *port = m->port[i];
		bool outside = is_outside(port);

		if (port->number == w->from->number)
			continue;
		if (outside && is_outside(w->from)) {
			why = VNET_DROP_split_horizon;
		} else if (reach & (outside ? REACH_OUTSIDE : REACH_LOCAL)) {
			mark(c, port, frames);
			moved = true;
		}
	}
	if (!moved)
		drop_each(w, frames, why);
	for (; frames && moved && (reach & REACH_LOCAL); frames &= frames - 1)
		count_add(&w->count->flooded, 1);
}

/* Drops and counts frames to a link-local group that the network does not forward. */
static bool drop_link_local(struct walk *w, mac_t dst, uint64_t frames)
{
	if (!link_local_drops(w->core->vnet, w->from->net, dst, true))
		return false;
	drop_each(w, frames, VNET_DROP_link_local);
	return true;
}

/* Marks frames for the one port where their destination is. */
IN_LINE void forward(struct walk *w, struct vnet_port *to, uint64_t frames)
{
	if (to->number == w->from->number)
		drop_each(w, frames, VNET_DROP_same_port);
	else if (is_outside(w->from) && is_outside(to))
		drop_each(w, frames, VNET_DROP_split_horizon);
	else
		mark(w->core, to, frames);
}

/* The port that declared the address, else the one where it was learned; NULL: none that is up, so
 * the frame is flooded. */
IN_LINE struct vnet_port *learned_port(struct walk *w, const struct vnet_members *m,
                                       struct vnet_learn *learn, mac_t dst)
{
	struct vnet_port *port;
	int number;

	if (dst & MAC_MULTICAST)
		return NULL;
	port = member_in_use(m, w->from->net, dst);
	if (port)
		return port;
	number = learn_find(learn, dst, w->quantum);
	return number < 0 ? NULL : if_up(port_at(w->core->vnet, (unsigned)number));
}

/* Forwards frames that all have the destination `dst`; returns those that are to be flooded. */
IN_LINE uint64_t forward_learned(struct walk *w, const struct vnet_members *m,
                                 struct vnet_learn *learn, mac_t dst, uint64_t frames)
{
	struct vnet_port *to = learned_port(w, m, learn, dst);

	if (to)
		forward(w, to, frames);
	else if (!drop_link_local(w, dst, frames))
		return frames;
	return 0;
}

/* Mode exact: drops and counts a frame from outside whose source is the MAC of a local port that is
 * up. */
static bool drop_looped(struct walk *w, const struct vnet_frame *f)
{
	if (!is_outside(w->from) || !member_up(members_of(w), w->from->net, f->src))
		return false;
	drop_here(w, f, VNET_DROP_looped);
	return true;
}

/* Learns a source that no port declared.  False, and counted: the guest's port has its quota.  The
 * frame is dropped, since it would fill the tables of other nodes and switches, too. */
static bool learn_from(struct walk *w, struct vnet_learn *l, const struct vnet_frame *f)
{
	unsigned quota = atomic_load_explicit(&w->from->quota, memory_order_relaxed);
	enum learned done =
	    f->src ? learn_source(l, f->src, w->from->number, quota, w->quantum) : LEARNED;

	if (done == LEARNED)
		return true;
	if (done == LEARN_FULL || is_outside(w->from)) {
		count_add(&w->count->drop[VNET_DROP_learn_full], 1);
		return true;
	}
	drop_here(w, f, VNET_DROP_learn_quota);
	return false;
}

/* Notes that the port sent with its declared address. */
static void sent_own(struct walk *w)
{
	atomic_store_explicit(
	    &w->from->sent_own,
	    (uint32_t)atomic_load_explicit(&w->core->vnet->seconds, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/* Notes that the port sent with another address; after a pause, disuse of its own starts now. */
static void sent_other(struct walk *w)
{
	struct vnet *v = w->core->vnet;
	struct vnet_port *port = w->from;
	bool again = seen_lately(v, atomic_load_explicit(&port->sent_other, memory_order_relaxed));

	atomic_store_explicit(&port->sent_other,
	                      (uint32_t)atomic_load_explicit(&v->seconds, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	if (!again)
		sent_own(w);
}

/*
 * Checks a frame's source and learns it.  A declared address is not learned and is refused from any
 * other port, but accepted from outside while its port is down or uses another address.  `known`:
 * the source of the frame before it in the batch.
 */
IN_LINE bool check_source(struct walk *w, const struct vnet_members *m, struct vnet_learn *l,
                          const struct vnet_frame *f, mac_t known)
{
	struct vnet_port *owner = member_mac(m, w->from->net, f->src);
	bool outside = is_outside(w->from);

	if (owner && owner->number == w->from->number)
		return true;
	if (owner && (!outside || member_in_use(m, w->from->net, f->src))) {
		drop_here(w, f, outside ? VNET_DROP_looped : VNET_DROP_spoofed);
		return false;
	}
	if (!learn_from(w, l, f))
		return false;
	if (outside)
		return true;
	if (f != w->frame && known == atomic_load_explicit(&w->from->mac, memory_order_relaxed))
		sent_own(w);
	sent_other(w);
	return true;
}

void look_up_learned(struct walk *w, struct policy *p)
{
	struct vnet_learn *learn = (struct vnet_learn *)p;
	/* The last source that was checked, at first the port's own: a batch often has one sender.
	 */
	const mac_t own =
	    is_outside(w->from) ? 0 : atomic_load_explicit(&w->from->mac, memory_order_relaxed);
	mac_t known = own, dst = 0;
	const struct vnet_members *m = members_of(w);
	struct vnet_frame *f = w->frame, *end = f + w->n;
	uint64_t same = 0, unknown = 0, bytes = 0, bit = 1; /* same: the last ones, all to `dst` */

	w->quantum = atomic_load_explicit(&w->core->vnet->quanta, memory_order_relaxed);
	for (; f < end; f++, bit <<= 1) {
		bytes += f->len;
		if (!admit(w, f))
			continue;
		if (f->dst != dst || f->src != known) {
			/* Before the source is learned: it may be their destination. */
			if (same)
				unknown |= forward_learned(w, m, learn, dst, same);
			same = 0;
			if (f->src != known && !check_source(w, m, learn, f, known))
				continue;
			dst = f->dst;
			known = f->src;
		}
		same |= bit;
	}
	if (same)
		unknown |= forward_learned(w, m, learn, dst, same);
	/* Of no interest before the port has sent with another. */
	if (known == own && atomic_load_explicit(&w->from->sent_other, memory_order_relaxed))
		sent_own(w);
	if (unknown)
		flood(w, unknown, REACH_LOCAL | REACH_OUTSIDE);
	count_add(&w->count->in_bytes, bytes);
}

/* Whether a frame's source is its port's declared MAC or, from outside, no local port's. */
static bool source_fits(struct walk *w, const struct vnet_frame *f, mac_t own)
{
	if (is_outside(w->from))
		return !drop_looped(w, f);
	if (own && f->src == own)
		return true;
	drop_here(w, f, VNET_DROP_spoofed);
	return false;
}

void look_up_exact(struct walk *w, struct policy *p)
{
	const mac_t own = atomic_load_explicit(&w->from->mac, memory_order_relaxed);
	const struct vnet_members *m = members_of(w);
	struct vnet_frame *f = w->frame, *end = f + w->n;
	uint64_t group = 0, unknown = 0, bytes = 0, bit = 1;

	(void)p;
	for (; f < end; f++, bit <<= 1) {
		struct vnet_port *to;

		bytes += f->len;
		if (!admit(w, f) || !source_fits(w, f, own))
			continue;
		to = member_up(m, w->from->net, f->dst);
		if (to)
			forward(w, to, bit);
		else if (!(f->dst & MAC_MULTICAST))
			unknown |= bit;
		else if (!drop_link_local(w, f->dst, bit))
			group |= bit;
	}
	if (group)
		flood(w, group, REACH_LOCAL | REACH_OUTSIDE);
	if (unknown)
		flood(w, unknown, REACH_OUTSIDE);
	count_add(&w->count->in_bytes, bytes);
}

/* --- for the flows in front of a network's own look-up ------------------------------------ */

bool source_learned(struct walk *w, struct policy *p, const struct vnet_frame *f)
{
	w->quantum = atomic_load_explicit(&w->core->vnet->quanta, memory_order_relaxed);
	if (is_outside(w->from) ||
	    f->src != atomic_load_explicit(&w->from->mac, memory_order_relaxed))
		return check_source(w, members_of(w), (struct vnet_learn *)p, f, 0);
	if (atomic_load_explicit(&w->from->sent_other, memory_order_relaxed))
		sent_own(w);
	return true;
}

bool source_exact(struct walk *w, struct policy *p, const struct vnet_frame *f)
{
	(void)p;
	return source_fits(w, f, atomic_load_explicit(&w->from->mac, memory_order_relaxed));
}

/* One frame of deliver_learned(). */
static void deliver_one(struct walk *w, struct vnet_learn *learn, uint64_t bit)
{
	const struct vnet_frame *f = &w->frame[__builtin_ctzll(bit)];

	if (forward_learned(w, members_of(w), learn, f->dst, bit))
		flood(w, bit, REACH_LOCAL | REACH_OUTSIDE);
}

/* One frame of deliver_exact(). */
static void deliver_one_exact(struct walk *w, uint64_t bit)
{
	const struct vnet_frame *f = &w->frame[__builtin_ctzll(bit)];
	struct vnet_port *to = member_up(members_of(w), w->from->net, f->dst);

	if (to)
		forward(w, to, bit);
	else if (!(f->dst & MAC_MULTICAST))
		flood(w, bit, REACH_OUTSIDE);
	else if (!drop_link_local(w, f->dst, bit))
		flood(w, bit, REACH_LOCAL | REACH_OUTSIDE);
}

/* One frame as if from another port; `learn` is NULL in mode exact. */
static void deliver_as_from(const struct walk *w, struct vnet_port *from, struct vnet_learn *learn,
                            uint64_t bit)
{
	struct walk as = *w;

	as.from = from;
	if (learn)
		deliver_one(&as, learn, bit);
	else
		deliver_one_exact(&as, bit);
}

/* As if from outside, by no port of this node. */
static __attribute__((noinline)) void deliver_as_unknown(const struct walk *w,
                                                         struct vnet_learn *learn, uint64_t bit)
{
	struct vnet_port unknown = {
	    .number = VNET_PORTS, .net = w->from->net, .flags = VNET_LINK, .vnet = w->from->vnet};

	deliver_as_from(w, &unknown, learn, bit);
}

/*
 * A relayed frame goes on as if from the port where its source is: never back there, and not to
 * another node if it came from one.  If nobody knows that source, it may have come from outside.
 */
static void deliver_relayed(struct walk *w, struct vnet_learn *learn, uint64_t bit)
{
	const struct vnet_frame *f = &w->frame[__builtin_ctzll(bit)];
	struct vnet_port *from = learn ? learned_port(w, members_of(w), learn, f->src)
	                               : member_up(members_of(w), w->from->net, f->src);

	if (from)
		deliver_as_from(w, from, learn, bit);
	else
		deliver_as_unknown(w, learn, bit);
}

void deliver_learned(struct walk *w, struct policy *p, uint64_t frames, bool relayed)
{
	struct vnet_learn *learn = (struct vnet_learn *)p;

	w->quantum = atomic_load_explicit(&w->core->vnet->quanta, memory_order_relaxed);
	for (; frames; frames &= frames - 1)
		if (relayed)
			deliver_relayed(w, learn, frames & -frames);
		else
			deliver_one(w, learn, frames & -frames);
}

void deliver_exact(struct walk *w, struct policy *p, uint64_t frames, bool relayed)
{
	(void)p;
	for (; frames; frames &= frames - 1)
		if (relayed)
			deliver_relayed(w, NULL, frames & -frames);
		else
			deliver_one_exact(w, frames & -frames);
}
