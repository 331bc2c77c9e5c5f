/* SPDX-License-Identifier: BSD-2-Clause */
/* `show services`, `show flows`. */
#include <string.h>
#include "vmm/control/control.h"
#include "vmm/control/network.h"
#include "vmm/control/show/parts.h"

/* A service's ports are rows: what each got, and whether it is there. */
void show_services(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"service", 12, false}, {"network", 10, false}, {"port", 12, false}, {"up", 3, false},
	    {"fail", 6, false},     {"leaves", 6, false},   {"frames", 10, true}};
	uint64_t hits[VNET_REPLICAS];
	struct vnet_service s;

	TABLE(o, "services", columns);
	for (unsigned i = 0; vnet_service_get(node_vnet, i, &s, hits); i++) {
		for (unsigned k = 0; s.name[0] && wanted_net(a, s.net) && k < s.replicas; k++) {
			struct vnet_port *p = vnet_port_get(node_vnet, s.port[k]);

			out_row(o);
			out_string(o, NULL, s.name);
			out_string(o, NULL, control_config()->net[s.net].name);
			out_string(o, NULL, p ? p->name : NULL);
			out_bool(o, NULL, p && atomic_load(&p->up));
			out_string(o, NULL, config_word_of(config_fail_words, s.fail_open));
			out_bool(o, NULL, s.may_leave);
			out_number(o, NULL, hits[k]);
		}
	}
	out_end_table(o);
}

/* The services of a flow and its end, as in the language. */
static void out_chain(struct out *o, const struct vnet_flow *f)
{
	char text[VNET_CHAIN * VNET_NAME];
	size_t used = 0;

	for (unsigned i = 0; i < f->services; i++) {
		const char *name = control_config()->service[f->service[i]].name;
		size_t len = strlen(name);

		if (i)
			text[used++] = ' ';
		memcpy(text + used, name, len);
		used += len;
	}
	text[used] = '\0';
	out_string(o, NULL, used ? text : NULL);
}

static void out_port(struct out *o, unsigned number)
{
	struct vnet_port *p = vnet_port_get(node_vnet, number);

	out_string(o, NULL, p ? p->name : NULL);
}

static void out_match(struct out *o, const struct vnet_flow *f)
{
	char prefix[CONFIG_PREFIX], protocol[8], ranges[CONFIG_RANGES];

	config_format_prefix(&f->src, prefix);
	out_string(o, NULL, prefix);
	config_format_prefix(&f->dst, prefix);
	out_string(o, NULL, prefix);
	config_format_protocol(f, protocol);
	out_string(o, NULL, protocol);
	config_format_ranges(f, ranges);
	out_string(o, NULL, ranges);
}

/* In their order, which decides. */
void show_flows(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"flow", 12, false}, {"network", 10, false}, {"src", 18, false},   {"dst", 18, false},
	    {"proto", 5, false}, {"ports", 8, false},    {"from", 10, false},  {"chain", 16, false},
	    {"end", 4, false},   {"to", 10, false},      {"frames", 10, true}, {"bytes", 12, true}};
	static const char *const end[] = {"to", "out", "drop"};
	struct vnet_flow_count count;
	struct vnet_flow f;

	TABLE(o, "flows", columns);
	for (unsigned i = 0; vnet_flow_get(node_vnet, i, &f, &count); i++) {
		if (!wanted_net(a, f.net))
			continue;
		out_row(o);
		out_string(o, NULL, f.name);
		out_string(o, NULL, control_config()->net[f.net].name);
		out_match(o, &f);
		if (f.from < 0)
			out_null(o, NULL);
		else
			out_port(o, (unsigned)f.from);
		out_chain(o, &f);
		out_string(o, NULL, end[f.end]);
		if (f.end == VNET_FLOW_TO)
			out_port(o, f.to);
		else
			out_null(o, NULL);
		out_number(o, NULL, count.frames);
		out_number(o, NULL, count.bytes);
	}
	out_end_table(o);
}
