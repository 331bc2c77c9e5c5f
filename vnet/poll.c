/* SPDX-License-Identifier: BSD-2-Clause */
/* poll.c: the rounds of a core that polls: see switch.h. */
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
