/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements of mirrors: whose frames are copied for readers outside the switch. */
#include <string.h>
#include "vmm/config/parse.h"

static int find_mirror(const struct node_config *n, const char *name)
{
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		if (n->mirror[i].name[0] && strcmp(n->mirror[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* A free slot; -1: there is none. */
static int free_mirror(const struct node_config *n)
{
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		if (!n->mirror[i].name[0])
			return (int)i;
	return -1;
}

static bool is_link(const struct port_config *port)
{
	return port->kind != CONFIG_NIC;
}

/* The slot of the object with this name and of this kind; -1: there is none. */
static int find_object(const struct node_config *n, enum config_object kind, const char *name)
{
	int slot =
	    kind == CONFIG_OBJECT_NETWORK ? config_find_net(n, name) : config_find_port(n, name);

	if (slot < 0 || kind == CONFIG_OBJECT_NETWORK)
		return slot;
	return is_link(&n->port[slot]) == (kind == CONFIG_OBJECT_LINK) ? slot : -1;
}

static const char *kind_word(const struct port_config *port)
{
	return is_link(port) ? "link" : "port";
}

static bool fail_object(struct parser *p, enum config_object kind, const struct word *w)
{
	static const char *const what[] = {[CONFIG_OBJECT_PORT] = "unknown port",
	                                   [CONFIG_OBJECT_LINK] = "unknown link",
	                                   [CONFIG_OBJECT_NETWORK] = "unknown network"};
	const struct node_config *n = p->node;
	int slot = kind == CONFIG_OBJECT_NETWORK ? -1 : config_find_port(n, w->text);
	struct nearest near;

	if (slot >= 0)
		return config_fail(p, w, "\"%s\" is a %s; write `%s %s`", w->text,
		                   kind_word(&n->port[slot]), kind_word(&n->port[slot]), w->text);
	nearest_init(&near, w->text);
	for (uint32_t i = 0; kind == CONFIG_OBJECT_NETWORK && i < n->nets; i++)
		nearest_offer(&near, n->net[i].name);
	for (uint32_t i = 0; kind != CONFIG_OBJECT_NETWORK && i < n->ports; i++)
		if (is_link(&n->port[i]) == (kind == CONFIG_OBJECT_LINK))
			nearest_offer(&near, n->port[i].name);
	return config_fail_unknown(p, w, what[kind], &near, "declare it first");
}

bool apply_mirror(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *name = config_arg(p, "NAME")->word;
	const struct word *object = config_arg(p, "OBJECT")->word;
	enum config_object kind = (enum config_object)config_arg(p, "KIND")->number;
	const struct arg *cut = config_arg(p, "cut");
	int taken = find_mirror(n, name->text), slot = free_mirror(n);
	int found = find_object(n, kind, object->text);
	struct mirror_config *m = &n->mirror[slot < 0 ? 0 : slot];

	if (taken >= 0)
		return config_fail_taken(p, name, "mirror", n->mirror[taken].line);
	if (slot < 0)
		return config_fail(p, name, "more than %u mirrors", CONFIG_MIRRORS);
	if (found < 0)
		return fail_object(p, kind, object);
	memset(m, 0, sizeof *m);
	memcpy(m->name, name->text, strlen(name->text) + 1);
	m->line = name->line;
	m->kind = kind;
	m->object = (uint16_t)found;
	m->cut = cut ? (uint32_t)cut->number : 0;
	return true;
}

bool apply_remove_mirror(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *w = config_arg(p, "MIRROR")->word;
	struct nearest near;
	int slot = find_mirror(n, w->text);

	if (slot >= 0) {
		memset(&n->mirror[slot], 0, sizeof n->mirror[slot]);
		return true;
	}
	nearest_init(&near, w->text);
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		nearest_offer(&near, n->mirror[i].name);
	return config_fail_unknown(p, w, "unknown mirror", &near, "`show mirrors` lists them");
}

const char *config_mirror_object(const struct node_config *n, const struct mirror_config *m)
{
	return m->kind == CONFIG_OBJECT_NETWORK ? n->net[m->object].name : n->port[m->object].name;
}

bool config_check_unmirrored(struct parser *p, const struct arg *a, bool net)
{
	const struct node_config *n = p->node;

	for (unsigned i = 0; i < CONFIG_MIRRORS; i++) {
		const struct mirror_config *m = &n->mirror[i];

		if (m->name[0] && m->object == a->number &&
		    (m->kind == CONFIG_OBJECT_NETWORK) == net)
			return config_fail(p, a->word, "mirror \"%s\" names %s; remove it first",
			                   m->name, a->word->text);
	}
	return true;
}

bool config_mirror_sees(const struct node_config *n, const struct mirror_config *m, unsigned slot)
{
	const struct port_config *port = &n->port[slot];

	if (!m->name[0] || !port->name[0])
		return false;
	if (m->kind == CONFIG_OBJECT_NETWORK)
		return port->net == m->object;
	return config_port_slot(n, m->object) == config_port_slot(n, slot);
}
