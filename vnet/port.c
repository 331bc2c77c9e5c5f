/* port.c: adding and removing ports, their mode and their counters. */
#include "vnet/port.h"
#include <string.h>
#include "vnet/learn.h"
#include "vnet/state.h"

const char *const vnet_drop_name[VNET_DROP_CAUSES] = {
#define X(name) #name,
    VNET_DROPS(X)
#undef X
};

/* Lists the ports by network: how many each has, where each begins, then one after the other. */
static void members_list(struct vnet *v, struct vnet_members *m)
{
	uint16_t at[VNET_NETS] = {0};
	struct vnet_port *port;

	m->npoll = 0;
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		port = port_at(v, i);
		if (port)
			at[port->net]++;
	}
	for (unsigned net = 0; net < VNET_NETS; net++) {
		m->start[net + 1] = (uint16_t)(m->start[net] + at[net]);
		at[net] = m->start[net];
	}
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		port = port_at(v, i);
		if (!port)
			continue;
		m->port[at[port->net]++] = (uint16_t)i;
		if (vnet_port_mode(port) == VNET_POLL)
			m->poll[m->npoll++] = (uint16_t)i;
	}
}

void members_publish(struct vnet *v)
{
	struct vnet_members *old = atomic_load(&v->members);
	struct vnet_members *m = &v->member_space[old == &v->member_space[0]];

	members_list(v, m);
	atomic_store(&v->members, m);
	vnet_sync(v);
}

static struct vnet_port *find(struct vnet *v, const char *name)
{
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		struct vnet_port *port = port_at(v, i);

		if (port && !strcmp(port->name, name))
			return port;
	}
	return NULL;
}

static struct vnet_port *port_make(struct vnet *v, const char *name, unsigned net, unsigned number)
{
	size_t size = sizeof(struct vnet_port) + v->cores * sizeof(struct vnet_port_stats);
	struct vnet_port *port = v->mem.alloc(size);

	if (!port)
		return NULL;
	memcpy(port->name, name, strlen(name) + 1);
	port->size = size;
	port->vnet = v;
	port->net = (uint16_t)net;
	port->number = (uint16_t)number;
	atomic_flag_clear(&port->polled);
	return port;
}

static struct vnet_port *port_add(struct vnet *v, const char *name, unsigned net)
{
	size_t len = strnlen(name, VNET_NAME);
	unsigned number = 0;

	if (net >= VNET_NETS || !v->net[net] || len == 0 || len == VNET_NAME || find(v, name))
		return NULL;
	while (number < VNET_PORTS && port_at(v, number))
		number++;
	return number < VNET_PORTS ? port_make(v, name, net, number) : NULL;
}

struct vnet_port *vnet_port_add(struct vnet *v, const char *name, unsigned net,
                                const struct vnet_port_ops *ops, void *dev, unsigned flags)
{
	struct vnet_port *port;

	control_lock(v);
	port = port_add(v, name, net);
	if (port) {
		port->ops = ops;
		port->dev = dev;
		port->flags = (uint8_t)flags;
		atomic_store(&v->port[port->number], port);
		members_publish(v);
	}
	control_unlock(v);
	return port;
}

/* The present table without the routes from and to a port; NULL: no memory. */
static struct vnet_table *table_without(struct vnet *v, unsigned port)
{
	const struct vnet_table *t = atomic_load(&v->table);
	size_t size = (t->n + 1) * sizeof(struct vnet_route); /* never 0 */
	struct vnet_route *kept = v->mem.alloc(size);
	struct vnet_table *without;
	unsigned n = 0;
	char err[1];

	if (!kept)
		return NULL;
	for (unsigned i = 0; i < t->n; i++)
		if (t->route[i].to != port && t->route[i].from != (int)port)
			kept[n++] = t->route[i];
	/* Routes that were accepted once fail for want of memory only. */
	without = table_make(&v->mem, v->cores, kept, n, err, sizeof err);
	v->mem.free(kept, size);
	return without;
}

static void port_unlink(struct vnet *v, struct vnet_port *port)
{
	/* Walks that began before members_publish() may still learn and use the port; none does
	 * after it, so the addresses go last. */
	atomic_store(&v->port[port->number], NULL);
	members_publish(v);
	if (v->learn[port->net])
		learn_forget_port(v->learn[port->net], port->number);
}

bool vnet_port_remove(struct vnet_port *port)
{
	struct vnet *v = port->vnet;
	struct vnet_table *t;

	control_lock(v);
	t = table_without(v, port->number);
	if (t) {
		table_publish(v, t);
		port_unlink(v, port);
		v->mem.free(port, port->size);
	}
	control_unlock(v);
	return t != NULL;
}

void vnet_port_set_mode(struct vnet_port *port, enum vnet_mode mode)
{
	struct vnet *v = port->vnet;

	control_lock(v);
	atomic_store(&port->mode, (uint8_t)mode);
	members_publish(v);
	control_unlock(v);
}

struct vnet_port *vnet_port_get(struct vnet *v, unsigned number)
{
	return number < VNET_PORTS ? port_at(v, number) : NULL;
}

struct vnet_port *vnet_port_find(struct vnet *v, const char *name)
{
	struct vnet_port *port;

	control_lock(v);
	port = find(v, name);
	control_unlock(v);
	return port;
}

/* Another core may count just now: each counter is read whole, and at most a moment old. */
static void add_stats(struct vnet_port_stats *sum, const struct vnet_port_stats *one)
{
	sum->in_frames += __atomic_load_n(&one->in_frames, __ATOMIC_RELAXED);
	sum->in_bytes += __atomic_load_n(&one->in_bytes, __ATOMIC_RELAXED);
	sum->out_frames += __atomic_load_n(&one->out_frames, __ATOMIC_RELAXED);
	sum->out_bytes += __atomic_load_n(&one->out_bytes, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < VNET_DROP_CAUSES; i++)
		sum->drop[i] += __atomic_load_n(&one->drop[i], __ATOMIC_RELAXED);
}

void vnet_port_stats(const struct vnet_port *port, struct vnet_port_stats *out)
{
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < port->vnet->cores; i++)
		add_stats(out, &port->count[i]);
}

void vnet_drop(struct vnet_core *core, struct vnet_port *port, enum vnet_drop why)
{
	count_drop(core, port, why, 1);
}

void vnet_refuse(struct vnet_core *core, struct vnet_port *port, const struct vnet_frame *frame,
                 enum vnet_drop why)
{
	/* The switch adds the bytes of all frames that it hands over. */
	port->count[core->id].out_bytes -= frame->len;
	count_drop(core, port, why, 1);
}
