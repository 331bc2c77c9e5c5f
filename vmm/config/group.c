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

bool apply_group(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *name = config_arg(p, "NAME")->word;
	const struct arg *memory = config_arg(p, "memory"), *members = config_arg(p, "members");
	int taken = find_group(n, name->text), slot = free_group(p);
	struct group_config *g = &n->group[slot < 0 ? 0 : slot];

	if (taken >= 0)
		return config_fail_taken(p, name, "group", n->group[taken].line);
	if (slot < 0)
		return config_fail(p, name, "more than %u groups", CONFIG_GROUPS);
	if (memory->number % CONFIG_GROUP_UNIT)
		return config_fail(p, memory->word,
		                   "memory %s is no multiple of %lluM, the size of a large page",
		                   memory->word->text, CONFIG_GROUP_UNIT >> 20);
	if (!check_members(p, members))
		return false;
	memset(g, 0, sizeof *g);
	memcpy(g->name, name->text, strlen(name->text) + 1);
	g->line = name->line;
	g->memory = memory->number;
	g->members = members->number;
	return true;
}

bool apply_remove_group(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *w = config_arg(p, "GROUP")->word;
	struct nearest near;
	int slot = find_group(n, w->text);

	if (slot >= 0) {
		memset(&n->group[slot], 0, sizeof n->group[slot]);
		return true;
	}
	nearest_init(&near, w->text);
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		nearest_offer(&near, n->group[i].name);
	return config_fail_unknown(p, w, "unknown group", &near, "`show groups` lists them");
}
