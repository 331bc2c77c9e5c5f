/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `show histogram`: how long frames take, by port and by route, and exits, by vCPU and kind.
 *
 * A row has the histogram of an object on all cores (core or exit: null), or on one core, or of one
 * kind of exit.  As JSON there are the buckets of each row, too.  Rows without a value are left
 * out.
 */
#include "arch/x86_64/core.h"
#include "arch/x86_64/tsc.h"
#include "vmm/control/control.h"
#include "vmm/control/network.h"
#include "vmm/control/show/parts.h"
#include "vmm/exit.h"
#include "vmm/exit_times.h"
#include "vmm/life.h"

/* One histogram, and what it is of. */
struct measured {
	const char *name; /* of the port, of the route's destination, or of the guest */
	unsigned number;  /* of the route, or the vCPU */
	int core;         /* -1: all */
	const char *exit; /* NULL: all */
	struct hist hist;
};

/* Writes one histogram; one kind of table each. */
typedef void write_rows(struct out *o, const struct measured *m);

static void out_core(struct out *o, int core)
{
	if (core < 0)
		out_null(o, NULL);
	else
		out_signed(o, NULL, core);
}

static void port_head(struct out *o, const struct measured *m)
{
	out_row(o);
	out_string(o, NULL, m->name);
	out_core(o, m->core);
}

static void route_head(struct out *o, const struct measured *m)
{
	out_row(o);
	out_number(o, NULL, m->number);
	out_string(o, NULL, m->name);
	out_core(o, m->core);
}

static void exit_head(struct out *o, const struct measured *m)
{
	out_row(o);
	out_string(o, NULL, m->name);
	out_number(o, NULL, m->number);
	out_string(o, NULL, m->exit);
}

static void summary(struct out *o, const struct measured *m, write_rows *head)
{
	static const unsigned thousandths[] = {500, 900, 990, 999};

	head(o, m);
	out_number(o, NULL, hist_count(&m->hist));
	for (unsigned i = 0; i < sizeof thousandths / sizeof thousandths[0]; i++)
		out_number(o, NULL, hist_percentile(&m->hist, thousandths[i]));
	out_number(o, NULL, m->hist.max);
	out_number(o, NULL, m->hist.sum);
}

static void buckets(struct out *o, const struct measured *m, write_rows *head)
{
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!m->hist.bucket[i])
			continue;
		head(o, m);
		out_number(o, NULL, hist_from(i));
		out_number(o, NULL, m->hist.bucket[i]);
	}
}

typedef void write_table(struct out *o, const struct measured *m, write_rows *head);

/* ---- what there is to show ---- */

/* Of the cores one after the other, from -1 on: the next that has a value of its own to show.  When
 * all is of one core, that is not shown again. */
static bool own(const struct measured *m, uint64_t *all)
{
	uint64_t count = hist_count(&m->hist);

	if (m->core < 0)
		*all = count;
	return count && (m->core < 0 || count != *all);
}

static void each_port(struct out *o, const struct config_action *a, write_table *write)
{
	for (unsigned i = 0; i < control_config()->ports; i++) {
		struct vnet_port *p = wanted_port(a, i) ? control_port(i) : NULL;
		uint64_t all = 0;

		for (int core = -1; p && core < (int)ncores; core++) {
			struct measured m = {.name = p->name, .core = core};

			if (vnet_port_measured(p, core, &m.hist) && own(&m, &all))
				write(o, &m, port_head);
		}
	}
}

static void each_route(struct out *o, const struct config_action *a, write_table *write)
{
	struct vnet_route r;
	uint64_t hits;

	/* A guest's name selects its ports, not the routes to them. */
	for (unsigned i = 0; a->guest < 0 && vnet_route_get(node_vnet, i, &r, &hits); i++) {
		struct vnet_port *to = vnet_port_get(node_vnet, r.to);
		uint64_t all = 0;

		for (int core = -1; wanted_route(a, &r) && core < (int)ncores; core++) {
			struct measured m = {.name = to->name, .number = i, .core = core};

			if (vnet_route_measured(node_vnet, i, core, &m.hist) && own(&m, &all))
				write(o, &m, route_head);
		}
	}
}

static void vcpu_rows(struct out *o, const struct vm *vm, const struct vcpu *v, write_table *write)
{
	for (unsigned k = 0; k <= VMEXIT_COUNT; k++) {
		enum vmexit_kind kind = k ? (enum vmexit_kind)(k - 1) : VMEXIT_COUNT;
		struct measured m = {
		    .name = vm->name, .number = v->id, .exit = k ? vmexit_name(kind) : NULL};

		if (exit_times_read(v, kind, &m.hist) && hist_count(&m.hist))
			write(o, &m, exit_head);
	}
}

static void each_exit(struct out *o, const struct config_action *a, write_table *write)
{
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		for (unsigned c = 0; vms[i] && wanted_own(a, i) && c < vms[i]->nvcpus; c++)
			vcpu_rows(o, vms[i], &vms[i]->vcpu[c], write);
}

/* ---- the tables ---- */

#define SUMMARY                                                                                    \
	{"count", 10, true}, {"p50", 8, true}, {"p90", 8, true}, {"p99", 8, true},                 \
	    {"p99.9", 8, true}, {"max", 10, true},                                                 \
	{                                                                                          \
		"sum", 14, true                                                                    \
	}
#define BUCKETS                                                                                    \
	{"from", 10, true},                                                                        \
	{                                                                                          \
		"count", 10, true                                                                  \
	}
#define PORT                                                                                       \
	{"port", 12, false},                                                                       \
	{                                                                                          \
		"core", 4, true                                                                    \
	}
#define ROUTE                                                                                      \
	{"route", 5, true}, {"to", 12, false},                                                     \
	{                                                                                          \
		"core", 4, true                                                                    \
	}
#define EXIT                                                                                       \
	{"guest", 12, false}, {"vcpu", 4, true},                                                   \
	{                                                                                          \
		"exit", 13, false                                                                  \
	}

static void show_buckets(struct out *o, const struct config_action *a)
{
	static const struct out_column port[] = {PORT, BUCKETS}, route[] = {ROUTE, BUCKETS},
	                               exits[] = {EXIT, BUCKETS};

	TABLE(o, "port_buckets", port);
	each_port(o, a, buckets);
	out_end_table(o);
	TABLE(o, "route_buckets", route);
	each_route(o, a, buckets);
	out_end_table(o);
	TABLE(o, "exit_buckets", exits);
	each_exit(o, a, buckets);
	out_end_table(o);
}

void show_histogram(struct out *o, const struct config_action *a)
{
	static const struct out_column port[] = {PORT, SUMMARY}, route[] = {ROUTE, SUMMARY},
	                               exits[] = {EXIT, SUMMARY};

	out_begin_object(o, "histogram");
	out_bool(o, "on", control_config()->histogram);
	out_number(o, "tsc_khz", tsc_khz);
	out_end_object(o);
	TABLE(o, "port_times", port);
	each_port(o, a, summary);
	out_end_table(o);
	TABLE(o, "route_times", route);
	each_route(o, a, summary);
	out_end_table(o);
	TABLE(o, "exit_times", exits);
	each_exit(o, a, summary);
	out_end_table(o);
	if (a->json)
		show_buckets(o, a);
}
