/* SPDX-License-Identifier: BSD-2-Clause */
/* The node's settings, and the run-time statements, which give the caller an action to do. */
#include <string.h>
#include "vmm/config/parse.h"

/* ---- settings ---- */

bool apply_node(struct parser *p)
{
	const char *name = config_arg(p, "NAME")->word->text;

	memcpy(p->node->name, name, strlen(name) + 1);
	return true;
}

bool apply_move(struct parser *p)
{
	struct node_config *n = p->node;
	const struct arg *mode = config_arg(p, "MODE"), *core = config_arg(p, "core");
	const struct arg *time = config_arg(p, "for");
	const struct guest_config *owner =
	    core ? config_core_owner(n, (unsigned)core->number) : NULL;

	if (owner)
		return config_fail(p, core->word, "core %u is taken by guest \"%s\"",
		                   (unsigned)core->number, owner->name);
	if (core)
		n->poll_core = (int32_t)core->number;
	if ((mode->number != CONFIG_MOVE_KICK || time) && n->poll_core < 0)
		return config_fail(p, &p->word[p->words], "missing: core N, the core that polls");
	if (time)
		n->poll_us = (uint32_t)time->number;
	n->move = (enum config_move)mode->number;
	return true;
}

bool apply_log(struct parser *p)
{
	p->node->log = (enum config_log)config_arg(p, "LEVEL")->number;
	return true;
}

bool apply_smt(struct parser *p)
{
	p->node->smt = (enum config_smt)config_arg(p, "MODE")->number;
	return true;
}

bool apply_iommu(struct parser *p)
{
	p->node->iommu = (enum config_iommu)config_arg(p, "MODE")->number;
	return true;
}

bool apply_panic(struct parser *p)
{
	const struct arg *what = config_arg(p, "WHAT"), *seconds = config_arg(p, "SECONDS");
	bool reset = what->number == CONFIG_PANIC_RESET;

	if (!reset && seconds)
		return config_fail(p, seconds->word,
		                   "\"%s\" is unexpected; the statement ends before it",
		                   seconds->word->text);
	p->node->panic = (enum config_panic)what->number;
	p->node->panic_seconds = !reset ? 0 : seconds ? (uint32_t)seconds->number : 10;
	return true;
}

bool apply_trace(struct parser *p)
{
	struct trace_config *t = &p->node->trace;
	const struct arg *port = config_arg(p, "port"), *mac = config_arg(p, "mac");
	const struct arg *filter = port ? port : mac;
	bool on = config_arg(p, "STATE")->number;

	if (filter && !on)
		return config_fail(p, filter->word,
		                   "\"%s\" is unexpected; the statement ends before it",
		                   filter->word->text);
	t->stated = true;
	t->on = on;
	t->port = port ? (int32_t)config_port_slot(p->node, (unsigned)port->number) : -1;
	t->mac = mac ? mac->number : 0;
	return true;
}

bool apply_histogram(struct parser *p)
{
	p->node->histogram = config_arg(p, "STATE")->number;
	return true;
}

bool apply_idle(struct parser *p)
{
	const struct arg *what = config_arg(p, "WHAT"), *guest = config_arg(p, "GUEST");
	bool with = what->number == CONFIG_IDLE_EXIT_WITH;

	if (with && !guest)
		return config_fail(p, &p->word[p->words],
		                   "missing: GUEST, whose status ends the node");
	if (!with && guest)
		return config_fail(p, guest->word,
		                   "\"%s\" is unexpected; the statement ends before it",
		                   guest->word->text);
	p->node->idle = (enum config_idle)what->number;
	p->node->exit_guest = with ? (int32_t)guest->number : -1;
	return true;
}

/* ---- run-time statements ---- */

static int32_t arg_slot(const struct parser *p, const char *name)
{
	const struct arg *a = config_arg(p, name);

	return a ? (int32_t)a->number : -1;
}

/* Fills in the action from the statement's arguments. */
bool apply_verb(struct parser *p)
{
	struct config_action *a = p->action;
	const struct arg *src = config_arg(p, "SRC-MAC"), *dst = config_arg(p, "DST-MAC");

	memset(a, 0, sizeof *a);
	p->acts = true;
	a->verb = p->statement->verb;
	a->guest = arg_slot(p, "GUEST");
	a->port = arg_slot(p, "PORT");
	if (a->port >= 0)
		a->port = (int32_t)config_port_slot(p->node, (unsigned)a->port);
	a->net = -1;
	a->src = src ? src->number : 0;
	a->dst = dst ? dst->number : 0;
	a->json = config_arg(p, "json");
	return true;
}

/* In a text: which console the terminal shows first; at the monitor: switches to it now. */
bool apply_console(struct parser *p)
{
	if (p->action)
		return apply_verb(p);
	p->node->console = (int32_t)config_arg(p, "GUEST")->number;
	return true;
}

bool apply_load(struct parser *p)
{
	const struct arg *module = config_arg(p, "MODULE");

	apply_verb(p);
	if (module)
		memcpy(p->action->word, module->word->text, strlen(module->word->text) + 1);
	return true;
}

bool apply_help(struct parser *p)
{
	const struct arg *word = config_arg(p, "WORD");
	struct nearest near;

	apply_verb(p);
	if (!word)
		return true;
	nearest_init(&near, word->word->text);
	for (const struct statement *s = config_statement; s->word; s++) {
		nearest_offer(&near, s->word);
		if (strcmp(s->word, word->word->text) == 0) {
			memcpy(p->action->word, s->word, strlen(s->word) + 1);
			return true;
		}
	}
	return config_fail_unknown(p, word->word, "unknown statement", &near, "`help` lists them");
}

bool apply_metrics(struct parser *p)
{
	const struct arg *form = config_arg(p, "FORM");

	apply_verb(p);
	p->action->metrics = form ? (enum config_metrics)form->number : CONFIG_METRICS_OPEN;
	return true;
}

#define OF_GUEST 1u
#define OF_NET   2u
#define OF_NIC   4u
#define OF_LINK  8u
#define OF_PORT  (OF_NIC | OF_LINK)

/* What a name after `show WHAT` may refer to; if several kinds have it, the first of: port or link,
 * network, guest. */
static const uint8_t show_scope[] = {
    [CONFIG_SHOW_GUESTS] = OF_GUEST,
    [CONFIG_SHOW_VCPUS] = OF_GUEST,
    [CONFIG_SHOW_PORTS] = OF_GUEST | OF_NET | OF_NIC,
    [CONFIG_SHOW_LINKS] = OF_NET | OF_LINK,
    [CONFIG_SHOW_UNDERLAYS] = OF_NIC,
    [CONFIG_SHOW_NETWORKS] = OF_NET,
    [CONFIG_SHOW_ROUTES] = OF_NET | OF_PORT,
    [CONFIG_SHOW_SERVICES] = OF_NET,
    [CONFIG_SHOW_FLOWS] = OF_NET,
    [CONFIG_SHOW_MIRRORS] = 0,
    [CONFIG_SHOW_GROUPS] = OF_GUEST,
    [CONFIG_SHOW_EXITS] = OF_GUEST,
    [CONFIG_SHOW_COUNTERS] = OF_GUEST | OF_NET | OF_PORT,
    [CONFIG_SHOW_HISTOGRAM] = OF_GUEST | OF_NET | OF_PORT,
    [CONFIG_SHOW_ISM] = OF_GUEST,
    [CONFIG_SHOW_TRACE] = 0,
    [CONFIG_SHOW_MEMORY] = OF_GUEST,
    [CONFIG_SHOW_MACHINE] = OF_GUEST,
    [CONFIG_SHOW_ALL] = OF_GUEST,
    [CONFIG_SHOW_BOOT] = 0,
    [CONFIG_SHOW_LAST_PANIC] = 0,
};

static bool in_scope(const struct port_config *port, unsigned scope)
{
	return scope & (port->kind == CONFIG_NIC ? OF_NIC : OF_LINK);
}

static int32_t find_port(const struct node_config *n, unsigned scope, const char *name)
{
	int slot = config_find_port(n, name);

	return slot >= 0 && in_scope(&n->port[slot], scope) ? slot : -1;
}

static void offer_names(const struct node_config *n, unsigned scope, struct nearest *near)
{
	for (uint32_t i = 0; (scope & OF_GUEST) && i < n->guests; i++)
		nearest_offer(near, n->guest[i].name);
	for (uint32_t i = 0; (scope & OF_NET) && i < n->nets; i++)
		nearest_offer(near, n->net[i].name);
	for (uint32_t i = 0; i < n->ports; i++) {
		if (in_scope(&n->port[i], scope))
			nearest_offer(near, n->port[i].name);
	}
}

bool apply_show(struct parser *p)
{
	struct config_action *a = p->action;
	const struct arg *name = config_arg(p, "NAME");
	struct nearest near;
	unsigned scope;
	const char *text;

	apply_verb(p);
	a->what = (enum config_what)config_arg(p, "WHAT")->number;
	if (!name)
		return true;
	scope = show_scope[a->what];
	text = name->word->text;
	a->port = find_port(p->node, scope, text);
	a->net = scope & OF_NET && a->port < 0 ? config_find_net(p->node, text) : -1;
	a->guest =
	    scope & OF_GUEST && a->port < 0 && a->net < 0 ? config_find_guest(p->node, text) : -1;
	if (a->port >= 0 && a->what != CONFIG_SHOW_LINKS)
		a->port = (int32_t)config_port_slot(p->node, (unsigned)a->port);
	if (a->port >= 0 || a->net >= 0 || a->guest >= 0)
		return true;
	nearest_init(&near, text);
	offer_names(p->node, scope, &near);
	return config_fail_unknown(p, name->word, "unknown name", &near,
	                           "this answer has no such object");
}
