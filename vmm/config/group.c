/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements of groups: guests with memory in common. */
#include <string.h>
#include "vmm/config/parse.h"

static int find_group(const struct node_config *n, const char *name)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		if (n->group[i].name[0] && strcmp(n->group[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The first free slot, if possible one that is free in the live description, too, where a group
 * that this text removes lives until the commit; -1: there is none. */
static int free_group(const struct parser *p)
{
	int any = -1;

	for (int i = CONFIG_GROUPS - 1; i >= 0; i--)
		if (!p->node->group[i].name[0] &&
		    (any < 0 || !p->live->group[i].name[0] || p->live->group[any].name[0]))
			any = i;
	return any;
}

static unsigned groups_of(const struct node_config *n, unsigned guest)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		count += config_is_member(&n->group[i], guest);
	return count;
}

/* Each membership costs its guest a PCI slot and a region of memory. */
static bool check_members(struct parser *p, const struct arg *members)
{
	for (unsigned i = 0; i < p->node->guests; i++)
		if (members->number >> i & 1 && groups_of(p->node, i) == CONFIG_JOINED)
			return config_fail(p, members->word,
			                   "guest \"%s\" is a member of %u groups already",
			                   p->node->guest[i].name, CONFIG_JOINED);
	return true;
}

static bool check_units(struct parser *p, const struct arg *a)
{
	return !a || a->number % CONFIG_GROUP_UNIT == 0 ||
	       config_fail(p, a->word, "%s %s is no multiple of %lluM, the size of a large page",
	                   a->term->word, a->word->text, CONFIG_GROUP_UNIT >> 20);
}

/* The first large page has a label, and is nobody's. */
static bool check_sizes(struct parser *p, const struct arg *memory, const struct arg *frames)
{
	if (!check_units(p, memory) || !check_units(p, frames))
		return false;
	if (!frames || frames->number <= memory->number - CONFIG_GROUP_UNIT)
		return true;
	return config_fail(p, frames->word, "buffers %s of memory %s: all but %lluM at most",
	                   frames->word->text, memory->word->text, CONFIG_GROUP_UNIT >> 20);
}

bool apply_group(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *name = config_arg(p, "NAME")->word;
	const struct arg *memory = config_arg(p, "memory"), *members = config_arg(p, "members");
	const struct arg *frames = config_arg(p, "buffers");
	int taken = find_group(n, name->text), slot = free_group(p);
	struct group_config *g = &n->group[slot < 0 ? 0 : slot];

	if (taken >= 0)
		return config_fail_taken(p, name, "group", n->group[taken].line);
	if (slot < 0)
		return config_fail(p, name, "more than %u groups", CONFIG_GROUPS);
	if (!check_sizes(p, memory, frames) || !check_members(p, members))
		return false;
	memset(g, 0, sizeof *g);
	memcpy(g->name, name->text, strlen(name->text) + 1);
	g->line = name->line;
	g->memory = memory->number;
	g->frames = frames ? frames->number : 0;
	g->members = members->number;
	return true;
}

/* The group's slot; -1: there is none, and that was said. */
static int known_group(struct parser *p, const struct word *w)
{
	const struct node_config *n = p->node;
	int slot = find_group(n, w->text);
	struct nearest near;

	if (slot >= 0)
		return slot;
	nearest_init(&near, w->text);
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		nearest_offer(&near, n->group[i].name);
	config_fail_unknown(p, w, "unknown group", &near, "`show groups` lists them");
	return -1;
}

/* A port of the group, but for `except`; NULL: none. */
static const struct port_config *port_of(const struct node_config *n, int slot, int guest,
                                         const struct port_config *except)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *port = &n->port[i];

		if (port->name[0] && port->group == slot + 1 && port != except &&
		    (guest < 0 || port->guest == guest))
			return port;
	}
	return NULL;
}

bool apply_remove_group(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *w = config_arg(p, "GROUP")->word;
	int slot = known_group(p, w);
	const struct port_config *port;

	if (slot < 0)
		return false;
	port = port_of(n, slot, -1, NULL);
	if (port)
		return config_fail(p, w, "port \"%s\" is in group \"%s\"; remove it first",
		                   port->name, w->text);
	memset(&n->group[slot], 0, sizeof n->group[slot]);
	return true;
}

bool config_set_group(struct parser *p, struct port_config *port)
{
	const struct arg *a = config_arg(p, "group");
	const struct node_config *n = p->node;
	const char *guest = n->guest[port->guest].name;
	const struct port_config *other;
	int slot;

	if (!a)
		return true;
	slot = known_group(p, a->word);
	if (slot < 0)
		return false;
	if (!config_is_member(&n->group[slot], port->guest))
		return config_fail(p, a->word, "guest \"%s\" is no member of group \"%s\"", guest,
		                   a->word->text);
	if (!n->group[slot].frames)
		return config_fail(p, a->word,
		                   "group \"%s\" has no buffers for frames: give it `buffers SIZE`",
		                   a->word->text);
	other = port_of(n, slot, port->guest, port);
	if (other)
		return config_fail(p, a->word,
		                   "guest \"%s\" has a port in group \"%s\" already: port \"%s\"",
		                   guest, a->word->text, other->name);
	port->group = (uint8_t)(slot + 1);
	return true;
}
