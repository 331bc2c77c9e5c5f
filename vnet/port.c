/* SPDX-License-Identifier: BSD-2-Clause */
/* port.c: adding and removing ports, their mode and their counters. */
#include "vnet/port.h"
#include <string.h>
#include "vnet/link/guard.h"
#include "vnet/walk.h"

const char *const vnet_drop_name[VNET_DROP_CAUSES] = {
#define X(name) #name,
    VNET_DROPS(X)
#undef X
};

static struct vnet_port *port_named(struct vnet *v, const char *name)
{
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		struct vnet_port *port = port_at(v, i);

		if (port && !strcmp(port->name, name))
			return port;
	}
	return NULL;
}

static struct vnet_port *port_alloc(struct vnet *v, const char *name, unsigned net, unsigned number)
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
	port->quota = VNET_QUOTA;
	atomic_flag_clear(&port->polled);
	if (measure_port(port))
		return port;
	v->mem.free(port, size);
	return NULL;
}

/* Why a port of that name cannot be made in that network; NULL: it can. */
static const char *port_wrong(struct vnet *v, const char *name, unsigned net)
{
	size_t len = strnlen(name, VNET_NAME);

	if (net >= VNET_NETS || !v->net[net])
		return "there is no such network";
	if (len == 0 || len == VNET_NAME)
		return "the name has no letters or too many";
	return port_named(v, name) ? "the name is taken" : NULL;
}

struct vnet_port *port_make(struct vnet *v, const char *name, unsigned net, const char **why)
{
	struct vnet_port *port = NULL;
	unsigned number = 0;

	*why = port_wrong(v, name, net);
	if (*why)
		return NULL;
	while (number < VNET_PORTS && port_at(v, number))
		number++;
	*why = "there are too many ports";
	if (number < VNET_PORTS) {
		*why = "no memory";
		port = port_alloc(v, name, net, number);
	}
	return port;
}

void port_publish(struct vnet_port *port)
{
	atomic_store(&port->vnet->port[port->number], port);
	stages_set(port->vnet);
	members_publish(port->vnet);
}

struct vnet_port *vnet_port_add(struct vnet *v, const char *name, unsigned net,
                                const struct vnet_port_ops *ops, void *dev, unsigned flags)
{
	struct vnet_port *port;
	const char *why;

	control_lock(v);
	port = port_make(v, name, net, &why);
	if (port) {
		port->ops = ops;
		port->dev = dev;
		port->flags = (uint8_t)flags;
		if (flags & VNET_EDGE)
			port->quota = VNET_QUOTA_OUTSIDE;
		port_publish(port);
	}
	control_unlock(v);
	return port;
}

/* Whether another port of the network declared the address.  Lock held. */
static bool mac_taken(const struct vnet_port *port, mac_t mac)
{
	const struct vnet_members *m = atomic_load(&port->vnet->members);
	struct vnet_port *other = member_mac(m, port->net, mac);

	return other && other != port;
}

bool vnet_port_set_mac(struct vnet_port *port, mac_t mac)
{
	struct vnet *v = port->vnet;
	bool fits;

	control_lock(v);
	fits = !(mac & MAC_MULTICAST) && mac <= MAC_MASK && !mac_taken(port, mac);
	if (fits) {
		atomic_store(&port->mac, mac);
		members_publish(v);
	}
	control_unlock(v);
	return fits;
}

void vnet_port_set_quota(struct vnet_port *port, unsigned quota)
{
	atomic_store(&port->quota, quota < VNET_LEARN_MAX ? quota : VNET_LEARN_MAX);
}

void vnet_port_set_mode(struct vnet_port *port, enum vnet_mode mode)
{
	struct vnet *v = port->vnet;

	control_lock(v);
	atomic_store(&port->mode, (uint8_t)mode);
	members_publish(v);
	control_unlock(v);
}

void vnet_port_ready(struct vnet_core *core, struct vnet_port *port)
{
	const struct vnet_stage *stage;
	bool captured;

	walk_enter(core);
	stage = stage_of(port);
	if (stage && stage->ready) {
		captured = capture_ready(core, port);
		stage->ready(core, port);
		if (captured)
			capture_ready_end(core);
	}
	walk_leave(core);
}

struct vnet_port *vnet_port_get(struct vnet *v, unsigned number)
{
	return number < VNET_PORTS ? port_at(v, number) : NULL;
}

struct vnet_port *vnet_port_find(struct vnet *v, const char *name)
{
	struct vnet_port *port;

	control_lock(v);
	port = port_named(v, name);
	control_unlock(v);
	return port;
}

/* Other cores may be counting: each counter is read whole, and at most a moment old. */
static void add_stats(struct vnet_port_stats *sum, const struct vnet_port_stats *one)
{
	sum->in_frames += count_read(&one->in_frames);
	sum->in_bytes += count_read(&one->in_bytes);
	sum->out_frames += count_read(&one->out_frames);
	sum->out_bytes += count_read(&one->out_bytes);
	sum->copied += count_read(&one->copied);
	sum->flooded += count_read(&one->flooded);
	for (unsigned i = 0; i < VNET_DROP_CAUSES; i++)
		sum->drop[i] += count_read(&one->drop[i]);
}

void vnet_port_stats(const struct vnet_port *port, struct vnet_port_stats *out)
{
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < port->vnet->cores; i++)
		add_stats(out, &port->count[i]);
}

void vnet_drop(struct vnet_core *core, struct vnet_port *port, enum vnet_drop why)
{
	count_add(&port->count[core->id].drop[why], 1);
	if (__builtin_expect(atomic_load_explicit(&core->watched, memory_order_relaxed) != 0, 0))
		capture_early(core, port, why);
}

void vnet_refuse(struct vnet_core *core, struct vnet_port *port, const struct vnet_frame *frame,
                 enum vnet_drop why)
{
	/* The switch adds the bytes of all frames that it hands over. */
	count_add(&port->count[core->id].out_bytes, -(uint64_t)frame->len);
	count_drop(core, port, frame, why);
}
