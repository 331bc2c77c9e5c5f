/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c: the observation window and the trace as the description says.
 *
 * The window has a ring for each core, one for each guest that has a physical device (it may stamp
 * what it does with frames), and the names of the switch's ports.  All of it stays once it was
 * asked for.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/core.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/control/control.h"
#include "vmm/control/network.h"
#include "vmm/control/trace.h"
#include "vmm/devices/shown.h"
#include "vmm/window.h"

#define RECORDS 2048 /* of a ring */

static struct trace_ring *core_ring[CORES_MAX];
static struct window_port *ports;

/* What a guest sees of the window. */
static struct seen {
	struct shown window, ring;
	struct trace_ring *records;
} * seen[CONFIG_GUESTS];

static bool wanted(const struct node_config *n)
{
	for (unsigned i = 0; i < n->guests; i++)
		if (n->guest[i].name[0] && n->guest[i].control)
			return true;
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		if (n->mirror[i].name[0])
			return true;
	return n->trace.stated;
}

static struct trace_ring *add_ring(enum window_kind kind, const char *name, unsigned owner)
{
	struct trace_ring *ring = window_add(kind, owner, name, trace_bytes(RECORDS));

	if (ring)
		trace_ring_init(ring, RECORDS, (uint16_t)owner);
	return ring;
}

static bool add_parts(void)
{
	char name[WINDOW_NAME];

	if (!ports)
		ports = window_add(WINDOW_ports, 0, "ports", VNET_PORTS * sizeof *ports);
	for (unsigned i = 0; i < ncores; i++) {
		snprintf(name, sizeof name, "core %u", i);
		if (!core_ring[i])
			core_ring[i] = add_ring(WINDOW_trace, name, i);
		if (!core_ring[i])
			return false;
	}
	return ports;
}

bool control_trace_build(const struct node_config *n, char *why, size_t size)
{
	if (!wanted(n) || (window_make() && add_parts()))
		return true;
	snprintf(why, size, "no memory left for the observation window");
	return false;
}

static bool show_window(struct seen *s, struct vm *vm)
{
	struct window *w = window_get();

	return shown_attach(&s->window, vm, "window", SHOWN_WINDOW, w, w->size, false);
}

/* The ring is no more than a help: without room for it the guest does without. */
static bool show_ring(struct seen *s, struct vm *vm)
{
	s->records = add_ring(WINDOW_stamps, vm->name, vm->slot);
	if (!s->records) {
		log_warn("guest %s has no trace ring: the observation window is full", vm->name);
		return true;
	}
	return shown_attach(&s->ring, vm, "trace ring", SHOWN_RING, s->records,
	                    trace_bytes(RECORDS), true);
}

bool control_trace_show(struct vm *vm, const struct guest_config *g, char *why, size_t size)
{
	struct seen *s;

	if (!window_get() || !(g->control || g->has_pci))
		return true;
	s = seen[vm->slot] = mem_zalloc(sizeof *s);
	if (s && (!g->control || show_window(s, vm)) && (!g->has_pci || show_ring(s, vm)))
		return true;
	snprintf(why, size,
	         "guest %s: no memory, or no room on its PCI bus, for the observation window",
	         g->name);
	return false;
}

void control_trace_forget(unsigned slot)
{
	struct seen *s = seen[slot];

	if (!s)
		return;
	if (s->records)
		window_remove(s->records);
	mem_zfree(s, sizeof *s);
	seen[slot] = NULL;
}

/* Readers look at any time: what does not change is not written. */
static void list_port(unsigned number, const struct window_port *p)
{
	if (memcmp(&ports[number], p, sizeof *p) != 0)
		ports[number] = *p;
}

/* The ports by number, as records have them. */
static void list_ports(const struct node_config *n)
{
	uint32_t nics[CONFIG_GUESTS] = {0};
	bool there[VNET_PORTS] = {false};

	for (unsigned i = 0; i < n->ports; i++) {
		const struct port_config *p = &n->port[i];
		struct vnet_port *port = control_port(i);
		struct window_port shown = {.guest = 0};

		if (!port)
			continue;
		if (p->kind == CONFIG_NIC) {
			shown.guest = p->guest + 1u;
			shown.order = nics[p->guest]++;
		}
		snprintf(shown.name, sizeof shown.name, "%s", port->name);
		list_port(port->number, &shown);
		there[port->number] = true;
	}
	for (unsigned i = 0; i < VNET_PORTS; i++)
		if (!there[i])
			list_port(i, &(struct window_port){.guest = 0});
}

static void switch_guests(bool on)
{
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		if (seen[i] && seen[i]->records)
			atomic_store(&seen[i]->records->on, on);
}

void control_trace_follow(const struct node_config *n)
{
	struct vnet_trace_filter filter = {-1, n->trace.mac};

	if (!window_get())
		return;
	list_ports(n);
	switch_guests(n->trace.on);
	if (!n->trace.on) {
		vnet_trace_stop(node_vnet);
		return;
	}
	if (n->trace.port >= 0)
		filter.port = control_port((unsigned)n->trace.port)->number;
	vnet_trace_start(node_vnet, core_ring, &filter);
}
