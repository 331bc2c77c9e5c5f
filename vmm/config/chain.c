/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements of services and flows (docs/chains.md). */
#include <stdio.h>
#include <string.h>
#include "lib/bytes.h"
#include "vmm/config/parse.h"

static int find_service(const struct node_config *n, const char *name)
{
	for (uint32_t i = 0; i < n->services; i++)
		if (name[0] && strcmp(n->service[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int find_flow(const struct node_config *n, const char *name)
{
	for (uint32_t i = 0; i < n->flows; i++)
		if (strcmp(n->flow[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The words of a list, in order. */
static const struct word *list_word(const struct arg *a, uint64_t i)
{
	return a->word + i;
}

static bool fail_net(struct parser *p, const struct word *w, const char *what, unsigned net,
                     unsigned wanted)
{
	const struct node_config *n = p->node;

	return config_fail(p, w, "%s \"%s\" is in network \"%s\", not \"%s\"", what, w->text,
	                   n->net[net].name, n->net[wanted].name);
}

/* ---- services ---- */

static bool fail_port(struct parser *p, const struct word *w)
{
	const struct node_config *n = p->node;
	struct nearest near;

	nearest_init(&near, w->text);
	for (uint32_t i = 0; i < n->ports; i++)
		if (n->port[i].kind == CONFIG_NIC && !n->port[i].edge)
			nearest_offer(&near, n->port[i].name);
	return config_fail_unknown(p, w, "unknown port", &near, "declare it first");
}

/* The service that has the port; NULL: none. */
static const struct vnet_service *service_with(const struct node_config *n, unsigned port)
{
	for (uint32_t i = 0; i < n->services; i++)
		for (unsigned k = 0; n->service[i].name[0] && k < n->service[i].replicas; k++)
			if (n->service[i].port[k] == port)
				return &n->service[i];
	return NULL;
}

static bool add_replica(struct parser *p, struct vnet_service *s, const struct word *w)
{
	const struct node_config *n = p->node;
	int slot = config_find_port(n, w->text);
	const struct vnet_service *other;

	if (slot < 0)
		return fail_port(p, w);
	if (n->port[slot].kind != CONFIG_NIC || n->port[slot].edge)
		return config_fail(
		    p, w, "\"%s\" leads out of the node; a service is a guest's port", w->text);
	if (n->port[slot].net != s->net)
		return fail_net(p, w, "port", n->port[slot].net, s->net);
	other = service_with(n, (unsigned)slot);
	for (unsigned i = 0; i < s->replicas && !other; i++)
		other = s->port[i] == slot ? s : NULL;
	if (other)
		return config_fail(p, w, "port \"%s\" is in service \"%s\" already", w->text,
		                   other->name);
	s->port[s->replicas++] = (uint16_t)slot;
	return true;
}

/* The network that was given, or that of the first port. */
static unsigned service_net(const struct parser *p, const struct word *port)
{
	const struct arg *net = config_arg(p, "network");
	int slot = config_find_port(p->node, port->text);

	return net ? (unsigned)net->number : slot >= 0 ? p->node->port[slot].net : 0;
}

/* Whether a chain could name it. */
static bool check_service_name(struct parser *p, const struct word *name)
{
	static const char *const taken[] = {"before", "network", "src", "dst", "proto", "ports",
	                                    "from",   "chain",   "to",  "out", "drop"};

	for (unsigned i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (strcmp(name->text, taken[i]) == 0)
			return config_fail(p, name,
			                   "\"%s\" is a word of flows; it cannot be a name here",
			                   name->text);
	return true;
}

/* Whether the flow names a port of the service. */
static bool names_port_of(const struct vnet_flow *f, const struct vnet_service *s)
{
	for (unsigned i = 0; i < s->replicas; i++)
		if (f->from == s->port[i] || (f->end == VNET_FLOW_TO && f->to == s->port[i]))
			return true;
	return false;
}

/* A flow from or to a port that becomes a service's, or is one no longer, may now be wrong; others
 * are as they were, and to compare each with all others would take long. */
static bool check_flows(struct parser *p, const struct word *w, const struct vnet_service *changed)
{
	const struct node_config *n = p->node;
	const struct vnet_chain_rules rules = {n->service, n->services, n->flow, n->flows};
	char why[200];

	for (uint32_t i = 0; i < n->flows; i++)
		if (names_port_of(&n->flow[i], changed) &&
		    vnet_chains_wrong(&rules, i, why, sizeof why))
			return config_fail(p, w, "flow \"%s\" is then refused: %s", n->flow[i].name,
			                   why);
	return true;
}

bool apply_service(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *name = config_arg(p, "NAME")->word;
	const struct arg *ports = config_arg(p, "ports"), *fail = config_arg(p, "fail");
	int taken = find_service(n, name->text);
	struct vnet_service *s;
	uint32_t slot = 0;

	if (taken >= 0)
		return config_fail_taken(p, name, "service", p->service_line[taken]);
	while (slot < n->services && n->service[slot].name[0])
		slot++;
	if (slot == CONFIG_SERVICES)
		return config_fail(p, name, "more than %u services", CONFIG_SERVICES);
	if (!check_service_name(p, name))
		return false;
	s = &n->service[slot];
	memset(s, 0, sizeof *s);
	memcpy(s->name, name->text, strlen(name->text) + 1);
	s->net = (uint16_t)service_net(p, list_word(ports, 0));
	s->fail_open = fail && fail->number;
	s->may_leave = config_arg(p, "may-leave") != NULL;
	for (uint64_t i = 0; i < ports->number; i++)
		if (!add_replica(p, s, list_word(ports, i)))
			return false;
	p->service_line[slot] = name->line;
	if (slot == n->services)
		n->services++;
	return check_flows(p, name, s);
}

/* Whether the flow has the service in its chain. */
static bool passes(const struct vnet_flow *f, unsigned service)
{
	for (unsigned i = 0; i < f->services; i++)
		if (f->service[i] == service)
			return true;
	return false;
}

static bool fail_service(struct parser *p, const struct word *w, const char *hint)
{
	struct nearest near;

	nearest_init(&near, w->text);
	for (uint32_t i = 0; i < p->node->services; i++)
		nearest_offer(&near, p->node->service[i].name);
	return config_fail_unknown(p, w, "unknown service", &near, hint);
}

bool apply_remove_service(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *w = config_arg(p, "SERVICE")->word;
	int slot = find_service(n, w->text);
	struct vnet_service gone;

	if (slot < 0)
		return fail_service(p, w, "`show services` lists them");
	for (uint32_t i = 0; i < n->flows; i++)
		if (passes(&n->flow[i], (unsigned)slot))
			return config_fail(p, w,
			                   "flow \"%s\" names service \"%s\"; remove it first",
			                   n->flow[i].name, w->text);
	gone = n->service[slot];
	memset(&n->service[slot], 0, sizeof n->service[slot]);
	return check_flows(p, w, &gone);
}

/* ---- flows ---- */

/* One port, or A-B. */
static bool read_range(struct parser *p, const struct word *w, struct vnet_port_range *r)
{
	unsigned long v[2] = {0, 0};
	const char *s = w->text;
	unsigned n = 0, digits = 0;

	for (; *s && v[n] <= 65535; s++) {
		if (*s == '-' && digits && !n) {
			n = 1;
			digits = 0;
		} else if (*s >= '0' && *s <= '9') {
			v[n] = v[n] * 10 + (unsigned long)(*s - '0');
			digits++;
		} else {
			digits = 0;
			break;
		}
	}
	if (*s || !digits || v[n] > 65535)
		return config_fail(p, w, "\"%.40s\" is no port; write N, or A-B, 0 to 65535",
		                   w->text);
	*r = (struct vnet_port_range){(uint16_t)v[0], (uint16_t)v[n]};
	return r->first <= r->last || config_fail(p, w, "\"%s\" ends before it begins", w->text);
}

static bool set_match(struct parser *p, struct vnet_flow *f)
{
	const struct arg *src = config_arg(p, "src"), *dst = config_arg(p, "dst");
	const struct arg *proto = config_arg(p, "proto"), *ports = config_arg(p, "ports");

	if (src)
		f->src = src->prefix;
	if (dst)
		f->dst = dst->prefix;
	f->protocol = proto ? (int16_t)(proto->number & 255) : -1;
	f->version = proto ? (uint8_t)(proto->number >> 8) : 0;
	for (uint64_t i = 0; ports && i < ports->number; i++)
		if (!read_range(p, list_word(ports, i), &f->range[f->ranges++]))
			return false;
	return true;
}

static bool set_chain(struct parser *p, struct vnet_flow *f)
{
	const struct arg *chain = config_arg(p, "chain");

	for (uint64_t i = 0; chain && i < chain->number; i++) {
		const struct word *w = list_word(chain, i);
		int slot = find_service(p->node, w->text);

		if (slot < 0)
			return fail_service(p, w, "declare it first");
		if (passes(f, (unsigned)slot))
			return config_fail(p, w, "service \"%s\" is in this chain already",
			                   w->text);
		f->service[f->services++] = (uint16_t)slot;
	}
	return true;
}

/* `to`, `out` and `drop`: one of them. */
static bool set_end(struct parser *p, struct vnet_flow *f)
{
	const struct arg *to = config_arg(p, "to"), *out = config_arg(p, "out");
	const struct arg *drop = config_arg(p, "drop");
	const struct arg *second = to && out ? out : (to || out) && drop ? drop : NULL;

	if (second)
		return config_fail(p, second->word, "a flow has one end: to, out or drop");
	if (!to && !out && !drop)
		return config_fail(p, &p->word[p->words], "missing: to NAME, out or drop");
	if (drop && f->services)
		return config_fail(p, drop->word, "what is dropped passes no service");
	f->end = to ? VNET_FLOW_TO : out ? VNET_FLOW_OUT : VNET_FLOW_DROP;
	if (to)
		f->to = (uint16_t)config_port_slot(p->node, (unsigned)to->number);
	return true;
}

/* The network that was given, or that of what it names first; every other name must be in it. */
static bool set_net(struct parser *p, struct vnet_flow *f)
{
	const struct node_config *n = p->node;
	const struct arg *net = config_arg(p, "network"), *to = config_arg(p, "to");
	const struct arg *from = config_arg(p, "from"), *chain = config_arg(p, "chain");

	f->net = net     ? (uint16_t)net->number
	         : to    ? n->port[to->number].net
	         : from  ? n->port[from->number].net
	         : chain ? n->service[f->service[0]].net
	                 : 0;
	if (to && n->port[to->number].net != f->net)
		return fail_net(p, to->word, "port", n->port[to->number].net, f->net);
	if (from && n->port[from->number].net != f->net)
		return fail_net(p, from->word, "port", n->port[from->number].net, f->net);
	for (unsigned i = 0; i < f->services; i++)
		if (n->service[f->service[i]].net != f->net)
			return fail_net(p, list_word(chain, i), "service",
			                n->service[f->service[i]].net, f->net);
	return true;
}

static bool read_flow(struct parser *p, struct vnet_flow *f)
{
	const struct arg *from = config_arg(p, "from");
	const struct word *name = config_arg(p, "NAME")->word;

	memset(f, 0, sizeof *f);
	memcpy(f->name, name->text, strlen(name->text) + 1);
	f->from = from ? (int32_t)config_port_slot(p->node, (unsigned)from->number) : -1;
	return set_match(p, f) && set_chain(p, f) && set_end(p, f) && set_net(p, f);
}

static bool fail_flow(struct parser *p, const struct word *w)
{
	struct nearest near;

	nearest_init(&near, w->text);
	for (uint32_t i = 0; i < p->node->flows; i++)
		nearest_offer(&near, p->node->flow[i].name);
	return config_fail_unknown(p, w, "unknown flow", &near, "`show flows` lists them");
}

/* Moves the flows from number `at` on by one place, up or down. */
static void move_flows(struct parser *p, uint32_t at, uint32_t to, uint32_t count)
{
	struct node_config *n = p->node;

	memmove(&n->flow[to], &n->flow[at], count * sizeof n->flow[0]);
	memmove(&p->flow_line[to], &p->flow_line[at], count * sizeof p->flow_line[0]);
}

/* Checks the new flow `i` against the others. */
static bool check_flow(struct parser *p, const struct word *name, uint32_t i)
{
	const struct node_config *n = p->node;
	const struct vnet_chain_rules rules = {n->service, n->services, n->flow, n->flows};
	char why[200];

	return !vnet_chains_wrong(&rules, i, why, sizeof why) || config_fail(p, name, "%s", why);
}

bool apply_flow(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *name = config_arg(p, "NAME")->word;
	const struct arg *before = config_arg(p, "before");
	int taken = find_flow(n, name->text);
	int at = before ? find_flow(n, before->word->text) : (int)n->flows;
	struct vnet_flow f;

	if (taken >= 0)
		return config_fail_taken(p, name, "flow", p->flow_line[taken]);
	if (at < 0)
		return fail_flow(p, before->word);
	if (n->flows == CONFIG_FLOWS)
		return config_fail(p, name, "more than %u flows", CONFIG_FLOWS);
	if (!read_flow(p, &f))
		return false;
	move_flows(p, (uint32_t)at, (uint32_t)at + 1, n->flows - (uint32_t)at);
	n->flow[at] = f;
	p->flow_line[at] = name->line;
	n->flows++;
	return check_flow(p, name, (uint32_t)at);
}

bool apply_remove_flow(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *w = config_arg(p, "FLOW")->word;
	int at = find_flow(n, w->text);

	if (at < 0)
		return fail_flow(p, w);
	n->flows--;
	move_flows(p, (uint32_t)at + 1, (uint32_t)at, n->flows - (uint32_t)at);
	return true;
}

bool config_check_unchained(struct parser *p, const struct arg *a, bool net)
{
	const struct node_config *n = p->node;
	const struct vnet_service *s = net ? NULL : service_with(n, (unsigned)a->number);

	if (s)
		return config_fail(p, a->word, "service \"%s\" names port \"%s\"; remove it first",
		                   s->name, a->word->text);
	for (uint32_t i = 0; i < n->flows; i++) {
		const struct vnet_flow *f = &n->flow[i];
		bool named = net ? f->net == a->number
		                 : f->from == (int32_t)a->number ||
		                       (f->end == VNET_FLOW_TO && f->to == a->number);

		if (named)
			return config_fail(p, a->word, "flow \"%s\" names \"%s\"; remove it first",
			                   f->name, a->word->text);
	}
	return true;
}

void config_number_chains(const struct node_config *n, unsigned (*number)(void *ctx, unsigned slot),
                          void *ctx, struct vnet_service *service, struct vnet_flow *flow)
{
	for (unsigned i = 0; i < n->services; i++) {
		service[i] = n->service[i];
		for (unsigned k = 0; k < n->service[i].replicas; k++)
			service[i].port[k] = (uint16_t)number(ctx, n->service[i].port[k]);
	}
	for (unsigned i = 0; i < n->flows; i++) {
		flow[i] = n->flow[i];
		if (flow[i].from >= 0)
			flow[i].from = (int32_t)number(ctx, (unsigned)flow[i].from);
		if (flow[i].end == VNET_FLOW_TO)
			flow[i].to = (uint16_t)number(ctx, flow[i].to);
	}
}

/* ---- explain ---- */

static bool set_packet(struct parser *p, struct vnet_packet *packet)
{
	const struct arg *src = config_arg(p, "src"), *dst = config_arg(p, "dst");
	const struct arg *proto = config_arg(p, "proto"), *ports = config_arg(p, "ports");
	const struct arg *any = src ? src : dst ? dst : proto ? proto : ports;
	struct vnet_port_range r;

	if (!any)
		return true;
	if (!src || !dst)
		return config_fail(p, any->word, "an IP packet has both: src ADDRESS dst ADDRESS");
	if (src->prefix.version != dst->prefix.version)
		return config_fail(p, dst->word, "src and dst are of different versions of IP");
	if (ports && !(proto && vnet_protocol_has_ports((unsigned)(proto->number & 255))))
		return config_fail(p, ports->word,
		                   "without a protocol that has ports: proto tcp, udp or sctp");
	packet->version = src->prefix.version;
	packet->protocol = proto ? (uint8_t)proto->number : 0;
	memcpy(packet->src, src->prefix.address, sizeof packet->src);
	memcpy(packet->dst, dst->prefix.address, sizeof packet->dst);
	for (unsigned i = 0; ports && i < 2; i++) {
		if (!read_range(p, list_word(ports, i), &r))
			return false;
		if (r.first != r.last)
			return config_fail(p, list_word(ports, i),
			                   "a packet has one port, no range");
		packet->port[i] = r.first;
	}
	return true;
}

bool apply_explain(struct parser *p)
{
	return apply_verb(p) && set_packet(p, &p->action->packet);
}

/* ---- as text ---- */

void config_format_prefix(const struct vnet_prefix *prefix, char text[CONFIG_PREFIX])
{
	char address[IP6_TEXT];

	if (!prefix->version) {
		snprintf(text, CONFIG_PREFIX, "any");
		return;
	}
	if (prefix->version == 4)
		ip_to_text(be32(prefix->address), address);
	else
		ip6_to_text(prefix->address, address);
	snprintf(text, CONFIG_PREFIX, "%s/%u", address, prefix->bits);
}

void config_format_protocol(const struct vnet_flow *f, char text[8])
{
	const char *name =
	    config_word_of(config_protocol_words, (unsigned)f->version << 8 | (uint8_t)f->protocol);

	if (f->protocol < 0)
		snprintf(text, 8, "any");
	else if (name)
		snprintf(text, 8, "%s", name);
	else
		snprintf(text, 8, "%d", f->protocol);
}

void config_format_ranges(const struct vnet_flow *f, char text[CONFIG_RANGES])
{
	size_t used = 0;

	snprintf(text, CONFIG_RANGES, "any");
	for (unsigned i = 0; i < f->ranges; i++) {
		const struct vnet_port_range *r = &f->range[i];

		used += (size_t)snprintf(text + used, CONFIG_RANGES - used, "%s%u", i ? " " : "",
		                         r->first);
		if (r->last != r->first)
			used += (size_t)snprintf(text + used, CONFIG_RANGES - used, "-%u", r->last);
	}
}
