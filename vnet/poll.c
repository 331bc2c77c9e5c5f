/* SPDX-License-Identifier: BSD-2-Clause */
/* poll.c: the rounds of a core that polls, and its sleep while no frames come: see switch.h. */
#include "vnet/walk.h"

/* Polls one port, unless another core is polling it. */
static unsigned poll_port(struct vnet_core *core, struct vnet_port *port, unsigned budget)
{
	unsigned n;

	if (atomic_flag_test_and_set_explicit(&port->polled, memory_order_acquire))
		return 0;
	n = port->ops->poll(port->dev, core, budget);
	atomic_flag_clear_explicit(&port->polled, memory_order_release);
	return n;
}

unsigned vnet_poll(struct vnet_core *core, unsigned budget)
{
	const struct vnet_members *m;
	unsigned n = 0;

	walk_enter(core);
	m = atomic_load_explicit(&core->vnet->members, memory_order_acquire);
	for (unsigned i = 0; i < m->npoll; i++) {
		if (if_up(m->poll[i]))
			n += poll_port(core, m->poll[i], budget);
	}
	walk_leave(core);
	return n;
}

void vnet_poller_set(struct vnet *v, struct vnet_core *core, void (*wake)(unsigned core))
{
	struct vnet_core *last;

	control_lock(v);
	atomic_store(&v->wake, wake);
	last = atomic_exchange(&v->poller, core);
	if (last != core) {
		/* The last one may still be at the rings, and end a rest that the new one has
		 * begun; after that it is the new one's alone. */
		vnet_sync(v);
		atomic_store(&v->resting, false);
		if (core)
			wake(core->id);
	}
	control_unlock(v);
}

void vnet_wake(struct vnet_core *core)
{
	struct vnet *v = core->vnet;
	struct vnet_core *poller;

	if (!atomic_load(&v->resting) || !atomic_exchange(&v->resting, false))
		return;
	poller = atomic_load(&v->poller);
	if (poller)
		atomic_load (&v->wake)(poller->id);
	atomic_fetch_add_explicit(&v->wakes, 1, memory_order_relaxed);
}

/* Asks the drivers of all ports in mode VNET_ADAPTIVE for kicks, or for none.  True: at one of them
 * a frame waits, and the rest were not asked. */
static bool arm_all(struct vnet_core *core, bool on)
{
	const struct vnet_members *m =
	    atomic_load_explicit(&core->vnet->members, memory_order_acquire);

	for (unsigned i = 0; i < m->npoll; i++) {
		struct vnet_port *port = if_up(m->poll[i]);

		if (port && vnet_port_mode(port) == VNET_ADAPTIVE && port->ops->arm &&
		    port->ops->arm(port->dev, on))
			return true;
	}
	return false;
}

/* In the walk: whether the core may ask for kicks. */
static bool may_rest(struct vnet_core *core)
{
	struct vnet *v = core->vnet;

	return atomic_load(&v->poller) == core &&
	       !atomic_load_explicit(&v->members, memory_order_acquire)->nspin;
}

/* The polling core's own end of its rest: it is awake.  False: somebody has ended it before. */
static bool end_rest(struct vnet_core *core)
{
	bool rested = atomic_exchange(&core->vnet->resting, false);

	arm_all(core, false);
	return rested;
}

bool vnet_rest(struct vnet_core *core)
{
	struct vnet *v = core->vnet;
	bool rests, counts;

	walk_enter(core);
	rests = counts = may_rest(core);
	if (rests) {
		/* Before the first driver is asked: its kick finds a core that is to be woken. */
		atomic_store(&v->resting, true);
		rests = !arm_all(core, true);
		/* A wake-up that was counted had a rest to end, if only for that long. */
		counts = rests || !end_rest(core);
	}
	walk_leave(core);
	if (counts)
		atomic_fetch_add_explicit(&v->rests, 1, memory_order_relaxed);
	return rests;
}

void vnet_unrest(struct vnet_core *core)
{
	walk_enter(core);
	if (atomic_load(&core->vnet->poller) == core)
		end_rest(core);
	walk_leave(core);
}

struct vnet_rests vnet_rests_get(struct vnet *v)
{
	return (struct vnet_rests){atomic_load(&v->rests), atomic_load(&v->wakes)};
}
