/* SPDX-License-Identifier: BSD-2-Clause */
/* The two descriptions, live and staged; applies a text to the staged one. */
#include "vmm/config/config.h"
#include <string.h>
#include "vmm/config/parse.h"

size_t config_size(void)
{
	return sizeof(struct config);
}

struct config *config_init(void *mem)
{
	struct config *c = mem;
	struct node_config *n = &c->node[0];

	n->log = CONFIG_LOG_INFO;
	n->poll_core = n->exit_guest = n->console = n->trace.port = -1;
	n->poll_us = CONFIG_POLL_US;
	n->nets = 1;
	memcpy(n->net[0].name, "default", sizeof "default");
	n->net[0].mode = VNET_LEARN;
	n->net[0].mtu = 1500;
	return c;
}

const struct node_config *config_live(const struct config *c)
{
	return &c->node[c->live];
}

const struct node_config *config_staged(const struct config *c)
{
	return &c->node[!c->live];
}

void config_commit(struct config *c)
{
	c->live = !c->live;
}

/* Empties slots that the previous staged copy used and the live description does not. */
static void empty_unused_slots(struct node_config *to, const struct node_config *from)
{
	for (uint32_t i = from->guests; i < to->guests; i++)
		to->guest[i].name[0] = '\0';
	for (uint32_t i = from->nets; i < to->nets; i++)
		to->net[i].name[0] = '\0';
	for (uint32_t i = from->ports; i < to->ports; i++)
		memset(&to->port[i], 0, sizeof to->port[i]);
}

/* Makes the staged description a copy of the live one (used slots only), with no line numbers
 * yet. */
static struct node_config *copy_to_staged(struct config *c)
{
	struct node_config *to = &c->node[!c->live];
	const struct node_config *from = &c->node[c->live];

	empty_unused_slots(to, from);
	memcpy(to, from, offsetof(struct node_config, guest));
	memcpy(to->guest, from->guest, from->guests * sizeof from->guest[0]);
	memcpy(to->net, from->net, from->nets * sizeof from->net[0]);
	memcpy(to->port, from->port, from->ports * sizeof from->port[0]);
	memcpy(to->route, from->route, from->routes * sizeof from->route[0]);
	memcpy(to->service, from->service, from->services * sizeof from->service[0]);
	memcpy(to->flow, from->flow, from->flows * sizeof from->flow[0]);
	for (uint32_t i = 0; i < to->guests; i++)
		to->guest[i].line = 0;
	for (uint32_t i = 0; i < to->nets; i++)
		to->net[i].line = 0;
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		to->mirror[i].line = 0;
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		to->group[i].line = 0;
	for (uint32_t i = 0; i < to->ports; i++)
		to->port[i].line = to->port[i].underlay.line = 0;
	return to;
}

static bool begin_reading(struct config *c, const char *text, size_t len,
                          struct config_action *action, struct config_report *report)
{
	struct parser *p = &c->parser;
	struct word start = {"", 1, 1, false};

	memset(report, 0, sizeof *report);
	p->action = action;
	p->report = report;
	p->node = copy_to_staged(c);
	p->live = config_live(c);
	p->acts = p->indexed = false;
	memset(p->route_line, 0, p->node->routes * sizeof p->route_line[0]);
	memset(p->service_line, 0, sizeof p->service_line);
	memset(p->flow_line, 0, p->node->flows * sizeof p->flow_line[0]);
	lexer_init(&p->lexer, text, len);
	if (len > CONFIG_TEXT)
		return config_fail(p, &start, "the text has more than %u bytes", CONFIG_TEXT);
	return true;
}

enum config_outcome config_read(struct config *c, const char *text, size_t len,
                                struct config_report *report)
{
	enum config_outcome outcome = CONFIG_NOTHING;
	bool failed = !begin_reading(c, text, len, NULL, report);

	while (!failed && config_next_line(&c->parser, &failed)) {
		outcome = CONFIG_CHANGED;
		failed = !config_statement_read(&c->parser);
	}
	if (!failed)
		config_lint_staged(&c->parser);
	return failed ? CONFIG_REFUSED : outcome;
}

enum config_outcome config_read_line(struct config *c, const char *text, size_t len,
                                     struct config_action *action, struct config_report *report)
{
	struct parser *p = &c->parser;
	bool failed = !begin_reading(c, text, len, action, report);

	if (failed || !config_next_line(p, &failed))
		return failed ? CONFIG_REFUSED : CONFIG_NOTHING;
	if (!config_statement_read(p))
		return CONFIG_REFUSED;
	if (config_next_line(p, &failed))
		failed =
		    !config_fail(p, &p->word[0], "one statement per line; `load` takes several");
	if (failed)
		return CONFIG_REFUSED;
	if (p->acts)
		return CONFIG_ACTION;
	config_lint_staged(p);
	return CONFIG_CHANGED;
}

int config_find_guest(const struct node_config *n, const char *name)
{
	for (uint32_t i = 0; i < n->guests; i++) {
		if (name[0] && strcmp(n->guest[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int config_find_net(const struct node_config *n, const char *name)
{
	for (uint32_t i = 0; i < n->nets; i++) {
		if (name[0] && strcmp(n->net[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int config_find_port(const struct node_config *n, const char *name)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		if (name[0] && strcmp(n->port[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

unsigned config_port_slot(const struct node_config *n, unsigned slot)
{
	return n->port[slot].kind == CONFIG_DIRECT ? n->port[slot].link.edge : slot;
}
