/* Answers to `show` and `explain`: one description of each table, as text or JSON. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/platform.h"
#include "vmm/control.h"
#include "vmm/mem.h"
#include "vmm/out.h"
#include "vmm/vm.h"

#define TABLE(o, name, columns)                                                                    \
	out_begin_table(o, name, columns, sizeof columns / sizeof columns[0])

extern const char image_start[], image_end[];

static bool wanted_guest(const struct config_action *a, unsigned slot)
{
	return a->guest < 0 || a->guest == (int)slot;
}

static bool wanted_port(const struct config_action *a, unsigned slot)
{
	return control_port(slot) && (a->port < 0 || a->port == (int)slot) &&
	       wanted_guest(a, control_config()->port[slot].guest);
}

static const char *vm_state_name(struct vm *vm)
{
	if (!vm->starts)
		return "new";
	switch (atomic_load(&vm->state)) {
	case VM_RUNNING:
		return "running";
	case VM_STOPPING:
	case VM_STOPPED:
		return "stopping";
	default:
		return vm->ended ? "ended" : "stopped";
	}
}

static void show_guests(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"guest", 12, false},   {"state", 9, false},   {"vcpus", 5, true},
	    {"memory", 8, true},    {"kernel", 16, false}, {"starts", 6, true},
	    {"lost_irqs", 9, true}, {"status", 6, true},   {"reason", 24, false},
	};
	TABLE(o, "guests", columns);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		struct vm *vm = vms[i];
		if (!vm || !wanted_guest(a, i))
			continue;
		out_row(o);
		out_string(o, NULL, vm->name);
		out_string(o, NULL, vm_state_name(vm));
		out_number(o, NULL, vm->nvcpus);
		out_size(o, NULL, vm->mem_size);
		out_string(o, NULL, vm->config->kernel);
		out_number(o, NULL, vm->starts);
		out_number(o, NULL, atomic_load(&vm->lost_interrupts));
		if (vm->ended)
			out_number(o, NULL, vm->exit_status);
		else
			out_null(o, NULL);
		out_string(o, NULL, vm->reason);
	}
	out_end_table(o);
}

static const char *vcpu_state_name(const struct vcpu *v)
{
	static const char *const name[] = {"off", "wait-sipi", "run"};
	return name[atomic_load(&v->state)];
}

static uint64_t total_exits(const struct vcpu *v, bool ticks)
{
	uint64_t sum = 0;
	for (unsigned k = 0; k < VMEXIT_COUNT; k++)
		sum += ticks ? v->exits[k].ticks : v->exits[k].count;
	return sum;
}

/* stray_irqs: vectors of former owners that the core took and dropped. */
static void show_vcpus(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"guest", 12, false},     {"vcpu", 4, true},   {"core", 4, true},
	    {"state", 9, false},      {"exits", 10, true}, {"vmm_ticks", 14, true},
	    {"stray_irqs", 10, true},
	};
	TABLE(o, "vcpus", columns);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		for (unsigned c = 0; vms[i] && wanted_guest(a, i) && c < vms[i]->nvcpus; c++) {
			const struct vcpu *v = &vms[i]->vcpu[c];
			out_row(o);
			out_string(o, NULL, vms[i]->name);
			out_number(o, NULL, c);
			if (v->core)
				out_number(o, NULL, v->core->index);
			else
				out_null(o, NULL);
			out_string(o, NULL, vcpu_state_name(v));
			out_number(o, NULL, total_exits(v, false));
			out_number(o, NULL, total_exits(v, true));
			if (v->core)
				out_number(o, NULL, v->core->stray_vectors);
			else
				out_null(o, NULL);
		}
	}
	out_end_table(o);
}

static void exit_rows(struct out *o, const struct vm *vm, const struct vcpu *v)
{
	for (unsigned k = 0; k < VMEXIT_COUNT; k++) {
		if (!v->exits[k].count)
			continue;
		out_row(o);
		out_string(o, NULL, vm->name);
		out_number(o, NULL, v->id);
		out_string(o, NULL, vmexit_name((enum vmexit_kind)k));
		out_number(o, NULL, v->exits[k].count);
		out_number(o, NULL, v->exits[k].ticks);
		out_number(o, NULL, v->exits[k].ticks / v->exits[k].count);
	}
}

static void show_exits(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"guest", 12, false}, {"vcpu", 4, true},   {"exit", 12, false},
	    {"count", 10, true},  {"ticks", 14, true}, {"mean", 8, true},
	};
	TABLE(o, "exits", columns);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		for (unsigned c = 0; vms[i] && wanted_guest(a, i) && c < vms[i]->nvcpus; c++)
			exit_rows(o, vms[i], &vms[i]->vcpu[c]);
	out_end_table(o);
}

static void show_ports(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"port", 12, false},      {"guest", 10, false},    {"network", 10, false},
	    {"mac", 17, false},       {"up", 3, false},        {"edge", 4, false},
	    {"move", 4, false},       {"in_frames", 10, true}, {"in_bytes", 12, true},
	    {"out_frames", 10, true}, {"out_bytes", 12, true}, {"drops", 8, true},
	};
	const struct node_config *n = control_config();
	TABLE(o, "ports", columns);
	for (unsigned i = 0; i < n->ports; i++) {
		struct vnet_port_stats s;
		struct vnet_port *p = control_port(i);
		uint64_t drops = 0;
		if (!wanted_port(a, i))
			continue;
		vnet_port_stats(p, &s);
		for (unsigned d = 0; d < VNET_DROP_CAUSES; d++)
			if (d != VNET_DROP_learn_full) /* that frame went on its way */
				drops += s.drop[d];
		out_row(o);
		out_string(o, NULL, p->name);
		out_string(o, NULL, n->guest[n->port[i].guest].name);
		out_string(o, NULL, n->net[n->port[i].net].name);
		out_mac(o, NULL, n->port[i].mac);
		out_bool(o, NULL, atomic_load(&p->up));
		out_bool(o, NULL, n->port[i].edge);
		out_string(o, NULL, vnet_port_mode(p) == VNET_POLL ? "poll" : "kick");
		out_number(o, NULL, s.in_frames);
		out_number(o, NULL, s.in_bytes);
		out_number(o, NULL, s.out_frames);
		out_number(o, NULL, s.out_bytes);
		out_number(o, NULL, drops);
	}
	out_end_table(o);
}

static void show_networks(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"network", 12, false}, {"mode", 5, false}, {"mtu", 5, true}};
	const struct node_config *n = control_config();
	TABLE(o, "networks", columns);
	for (unsigned i = 0; i < n->nets; i++) {
		if (!n->net[i].name[0] || (a->net >= 0 && a->net != (int)i))
			continue;
		out_row(o);
		out_string(o, NULL, n->net[i].name);
		out_string(o, NULL, n->net[i].mode == VNET_ROUTE ? "route" : "learn");
		out_number(o, NULL, n->net[i].mtu);
	}
	out_end_table(o);
}

static void qualifier_text(const struct vnet_qual *q, char *buf, size_t size)
{
	static const char *const word[] = {"", "not ", "any", "none"};
	const uint8_t *m = (const uint8_t *)&q->mac;
	if (q->match == VNET_MAC_ANY || q->match == VNET_MAC_NONE)
		snprintf(buf, size, "%s", word[q->match]);
	else
		snprintf(buf, size, "%s%02x:%02x:%02x:%02x:%02x:%02x", word[q->match], m[0], m[1],
		         m[2], m[3], m[4], m[5]);
}

static const char *port_name(int number)
{
	struct vnet_port *p = number < 0 ? NULL : vnet_port_get(node_vnet, (unsigned)number);
	return p ? p->name : NULL;
}

static void show_routes(struct out *o)
{
	static const struct out_column columns[] = {
	    {"route", 5, true},    {"network", 10, false}, {"src", 21, false},
	    {"dst", 21, false},    {"from", 10, false},    {"to", 10, false},
	    {"reflect", 7, false}, {"priority", 8, true},  {"hits", 10, true},
	};
	const struct node_config *n = control_config();
	struct vnet_route r;
	uint64_t hits;
	TABLE(o, "routes", columns);
	for (unsigned i = 0; vnet_route_get(node_vnet, i, &r, &hits); i++) {
		char src[32], dst[32];
		const char *why;
		qualifier_text(&r.src, src, sizeof src);
		qualifier_text(&r.dst, dst, sizeof dst);
		out_row(o);
		out_number(o, NULL, i);
		out_string(o, NULL, n->net[r.net].name);
		out_string(o, NULL, src);
		out_string(o, NULL, dst);
		out_string(o, NULL, port_name(r.from));
		out_string(o, NULL, port_name(r.to));
		out_bool(o, NULL, r.reflect);
		out_signed(o, NULL, vnet_route_priority(&r, &why));
		out_number(o, NULL, hits);
	}
	out_end_table(o);
}

static void counter_row(struct out *o, const char *port, const char *name, uint64_t value)
{
	out_row(o);
	out_string(o, NULL, port);
	out_string(o, NULL, name);
	out_number(o, NULL, value);
}

/* Every counter that is not 0: the switch's, with drops by cause, then the device's. */
static void port_counters(struct out *o, unsigned slot)
{
	struct vnet_port *p = control_port(slot);
	struct vnet_port_stats s;
	char name[48];
	uint64_t value;
	vnet_port_stats(p, &s);
	counter_row(o, p->name, "in_frames", s.in_frames);
	counter_row(o, p->name, "out_frames", s.out_frames);
	for (unsigned d = 0; d < VNET_DROP_CAUSES; d++) {
		snprintf(name, sizeof name, "drop.%s", vnet_drop_name[d]);
		if (s.drop[d])
			counter_row(o, p->name, name, s.drop[d]);
	}
	for (unsigned i = 0;
	     virtio_pci_counter(&control_nic(slot)->v, i, name, sizeof name, &value); i++)
		if (value)
			counter_row(o, p->name, name, value);
}

static void show_counters(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"port", 12, false}, {"counter", 28, false}, {"value", 14, true}};
	TABLE(o, "counters", columns);
	for (unsigned i = 0; i < control_config()->ports; i++)
		if (wanted_port(a, i))
			port_counters(o, i);
	out_end_table(o);
}

static void show_memory(struct out *o)
{
	struct mem_stats m;
	mem_stats(&m);
	out_begin_object(o, "memory");
	out_size(o, "total", m.total);
	out_size(o, "free", m.free);
	out_size(o, "largest", m.largest);
	out_size(o, "vmm", m.vmm);
	out_size(o, "lost", m.lost);
	out_size(o, "image", (uint64_t)(image_end - image_start));
	out_end_object(o);
}

static void show_one(struct out *o, const struct config_action *a, enum config_what what)
{
	switch (what) {
	case CONFIG_SHOW_GUESTS:
		show_guests(o, a);
		break;
	case CONFIG_SHOW_VCPUS:
		show_vcpus(o, a);
		break;
	case CONFIG_SHOW_PORTS:
		show_ports(o, a);
		break;
	case CONFIG_SHOW_NETWORKS:
		show_networks(o, a);
		break;
	case CONFIG_SHOW_ROUTES:
		show_routes(o);
		break;
	case CONFIG_SHOW_EXITS:
		show_exits(o, a);
		break;
	case CONFIG_SHOW_COUNTERS:
		show_counters(o, a);
		break;
	case CONFIG_SHOW_MEMORY:
		show_memory(o);
		break;
	case CONFIG_SHOW_ALL:
		for (unsigned w = 0; w < CONFIG_SHOW_ALL; w++)
			show_one(o, a, (enum config_what)w);
		break;
	}
}

void show(const struct config_action *a, config_put *put, void *ctx)
{
	static struct out o; /* the boot core alone answers */
	out_begin(&o, a->json, put, ctx);
	show_one(&o, a, a->what);
	out_end(&o);
}

/* --- explain -------------------------------------------------------------------------------- */

static void explain_row(void *ctx, const struct vnet_verdict *v)
{
	struct out *o = ctx;
	out_row(o);
	if (v->route >= 0)
		out_signed(o, NULL, v->route);
	else
		out_null(o, NULL);
	out_signed(o, NULL, v->priority);
	out_bool(o, NULL, v->wins);
	out_string(o, NULL, port_name(v->port));
	if (v->port < 0)
		out_null(o, NULL);
	else
		out_string(o, NULL, v->drop < 0 ? "out_frames" : vnet_drop_name[v->drop]);
}

void show_explain(const struct config_action *a, config_put *put, void *ctx)
{
	static const struct out_column columns[] = {
	    {"route", 5, true},  {"priority", 8, true},  {"wins", 4, false},
	    {"port", 12, false}, {"counter", 16, false},
	};
	static struct out o;
	const struct port_config *p = &control_config()->port[a->port];
	out_begin(&o, a->json, put, ctx);
	TABLE(&o, "explain", columns);
	vnet_explain(node_vnet, p->net, a->src, a->dst, control_port((unsigned)a->port)->number,
	             explain_row, &o);
	out_end_table(&o);
	out_end(&o);
}
