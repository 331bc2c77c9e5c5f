/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements that declare guests, networks and ports, and what must hold between these. */
#include <string.h>
#include "lib/address_text.h"
#include "vmm/config/parse.h"

#define MEMORY_DEFAULT (256ull * 1024 * 1024)

/* The number given with a keyword, or `otherwise`. */
static uint64_t number_or(const struct parser *p, const char *name, uint64_t otherwise)
{
	const struct arg *a = config_arg(p, name);

	return a ? a->number : otherwise;
}

/* A checked word fits its field: the grammar bounds its length. */
static void copy_text(const struct parser *p, const char *name, char *to)
{
	const struct arg *a = config_arg(p, name);

	if (a)
		memcpy(to, a->word->text, strlen(a->word->text) + 1);
}

bool config_fail_taken(struct parser *p, const struct word *w, const char *what, uint32_t line)
{
	if (line)
		return config_fail(p, w, "%s \"%s\" is declared in line %u already", what, w->text,
		                   line);
	return config_fail(p, w, "%s \"%s\" exists already", what, w->text);
}

/* ---- guest ---- */

const struct guest_config *config_core_owner(const struct node_config *n, unsigned core)
{
	for (uint32_t i = 0; i < n->guests; i++) {
		for (unsigned k = 0; k < n->guest[i].cores; k++) {
			if (n->guest[i].core[k] == core)
				return &n->guest[i];
		}
	}
	return NULL;
}

static bool check_core(struct parser *p, const struct word *w, unsigned core)
{
	const struct guest_config *owner = config_core_owner(p->node, core);

	if (p->node->poll_core == (int32_t)core)
		return config_fail(p, w, "core %u moves frames (`move`); a guest needs another",
		                   core);
	if (owner)
		return config_fail(p, w, "core %u is taken by guest \"%s\"", core, owner->name);
	return true;
}

static bool set_cores(struct parser *p, struct guest_config *g)
{
	const struct arg *cpus = config_arg(p, "cpus"), *core = config_arg(p, "core");

	g->cpus = (uint16_t)(cpus ? cpus->number : core ? core->number : 1);
	if (!core)
		return true;
	g->cores = (uint16_t)config_cores(core->word->text, g->core);
	if (g->cores != g->cpus)
		return config_fail(p, core->word,
		                   "core lists %u, cpus says %u; write one core for each vCPU",
		                   g->cores, g->cpus);
	for (unsigned i = 0; i < g->cores; i++) {
		if (!check_core(p, core->word, g->core[i]))
			return false;
	}
	return true;
}

/* `args` applies to the `module` right before it. */
static bool set_modules(struct parser *p, struct guest_config *g)
{
	for (uint32_t i = 0; i < p->args; i++) {
		const struct word *w = p->arg[i].word;
		const char *keyword = p->arg[i].term->word;

		if (!keyword)
			continue;
		if (strcmp(keyword, "args") == 0) {
			if (!p->arg[i - 1].term->word ||
			    strcmp(p->arg[i - 1].term->word, "module") != 0)
				return config_fail(p, w,
				                   "args stands right after its `module MODULE`");
			memcpy(g->module[g->modules - 1].args, w->text, strlen(w->text) + 1);
		}
		if (strcmp(keyword, "module") == 0) {
			if (g->modules == CONFIG_MODULES)
				return config_fail(p, w, "more than %u extra modules",
				                   CONFIG_MODULES);
			memcpy(g->module[g->modules++].name, w->text, strlen(w->text) + 1);
		}
	}
	return true;
}

static bool set_pci(struct parser *p, struct guest_config *g)
{
	const struct arg *a = config_arg(p, "pci");

	if (!a)
		return true;
	for (uint32_t i = 0; i < p->node->guests; i++) {
		const struct guest_config *other = &p->node->guest[i];

		if (other->has_pci && other->pci == a->number)
			return config_fail(p, a->word, "PCI function %s is taken by guest \"%s\"",
			                   a->word->text, other->name);
	}
	g->has_pci = true;
	g->pci = (uint16_t)a->number;
	return true;
}

bool apply_guest(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *name = config_arg(p, "NAME")->word;
	int taken = config_find_guest(n, name->text);
	struct guest_config *g;

	if (taken >= 0)
		return config_fail_taken(p, name, "guest", n->guest[taken].line);
	if (n->guests == CONFIG_GUESTS)
		return config_fail(p, name, "more than %u guests", CONFIG_GUESTS);
	g = &n->guest[n->guests];
	memset(g, 0, sizeof *g);
	if (!set_cores(p, g) || !set_pci(p, g) || !set_modules(p, g))
		return false;
	copy_text(p, "NAME", g->name);
	copy_text(p, "kernel", g->kernel);
	copy_text(p, "initrd", g->initrd);
	copy_text(p, "cmdline", g->cmdline);
	copy_text(p, "ism", g->ism);
	g->line = name->line;
	g->memory = number_or(p, "memory", MEMORY_DEFAULT);
	g->debug_exit = config_arg(p, "debug-exit");
	g->absent_stops = number_or(p, "debug-absent", false);
	g->control = config_arg(p, "control");
	g->autostart = number_or(p, "autostart", true);
	g->restart = (enum config_restart)number_or(p, "restart", CONFIG_RESTART_NEVER);
	n->guests++;
	return true;
}

/* ---- network ---- */

static struct net_config *new_net(struct parser *p, const struct word *name)
{
	struct node_config *n = p->node;
	uint32_t slot = 0;
	struct net_config *net;

	while (slot < n->nets && n->net[slot].name[0])
		slot++;
	if (slot == CONFIG_NETS) {
		config_fail(p, name, "more than %u networks", CONFIG_NETS);
		return NULL;
	}
	net = &n->net[slot];
	memset(net, 0, sizeof *net);
	copy_text(p, "NAME", net->name);
	net->mode = VNET_LEARN;
	if (slot == n->nets)
		n->nets++;
	return net;
}

static bool has_ports(const struct node_config *n, unsigned net)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		if (n->port[i].name[0] && n->port[i].net == net)
			return true;
	}
	return false;
}

/* A later text may change a network's settings; one text may declare it only once. */
bool apply_network(struct parser *p)
{
	struct node_config *n = p->node;
	const struct word *name = config_arg(p, "NAME")->word;
	const struct arg *mode = config_arg(p, "mode"), *mtu = config_arg(p, "mtu");
	const struct arg *link_local = config_arg(p, "link-local");
	int known = config_find_net(n, name->text);
	struct net_config *net = known < 0 ? new_net(p, name) : &n->net[known];

	if (!net)
		return false;
	if (known >= 0 && (net->line || (!mode && !mtu && !link_local)))
		return config_fail_taken(p, name, "network", net->line);
	net->line = name->line;
	net->mtu = (uint32_t)number_or(p, "mtu", net->mtu);
	net->mtu_given |= mtu != NULL;
	net->mode = (enum vnet_policy)number_or(p, "mode", net->mode);
	if (link_local)
		net->link_local = (enum vnet_link_local)link_local->number;
	return config_settle_mtu(p, mtu ? mtu->word : name);
}

bool apply_remove_network(struct parser *p)
{
	struct node_config *n = p->node;
	const struct arg *a = config_arg(p, "NET");
	struct net_config *net = &n->net[a->number];

	if (a->number == 0)
		return config_fail(p, a->word, "network \"%s\" is always there", net->name);
	if (has_ports(n, (unsigned)a->number))
		return config_fail(
		    p, a->word, "network \"%s\" has ports or links; remove them first", net->name);
	if (!config_check_unmirrored(p, a, true) || !config_check_unchained(p, a, true))
		return false;
	memset(net, 0, sizeof *net);
	return true;
}

/* ---- port ---- */

static bool check_mac(struct parser *p, const struct port_config *port, const struct word *name)
{
	const struct node_config *n = p->node;
	const struct arg *mac = config_arg(p, "mac");
	char text[MAC_TEXT];

	mac_to_text(port->mac, text);
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *other = &n->port[i];
		bool underlay = other->underlay.prefix && other->underlay.mac == port->mac;
		bool nic = other->name[0] && other->kind == CONFIG_NIC && other->net == port->net;

		if (underlay || (nic && other->mac == port->mac))
			return config_fail(p, mac ? mac->word : name,
			                   "MAC %s is port \"%s\"'s%s already%s", text, other->name,
			                   underlay ? " underlay's" : "",
			                   mac ? "" : "; give this one with `mac`");
	}
	return true;
}

static bool check_edge(struct parser *p, const struct port_config *port)
{
	const struct node_config *n = p->node;

	for (uint32_t i = 0; port->edge && i < n->ports; i++) {
		const struct port_config *other = &n->port[i];

		if (other->name[0] && other->edge && other->net == port->net)
			return config_fail(p, config_arg(p, "edge")->word,
			                   "network \"%s\" has an edge already: port \"%s\"",
			                   n->net[port->net].name, other->name);
	}
	return true;
}

static bool set_move(struct parser *p, struct port_config *port)
{
	const struct arg *a = config_arg(p, "move");

	if (a && a->number != CONFIG_MOVE_KICK && p->node->poll_core < 0)
		return config_fail(p, a->word,
		                   "no core polls; say which with `move poll core N` or "
		                   "`move kick core N` first");
	if (a)
		port->move = (enum config_move)a->number;
	return true;
}

/* Each has an interrupt pin of its own, since a pin in common would need its devices' drivers to
 * look again when one of them is served. */
static bool check_pins(struct parser *p, const struct port_config *port)
{
	const struct node_config *n = p->node;
	unsigned pins = 0;

	if (port->model != CONFIG_MODEL_E1000)
		return true;
	for (uint32_t i = 0; i < n->ports; i++)
		pins += n->port[i].name[0] && n->port[i].guest == port->guest &&
		        n->port[i].model == CONFIG_MODEL_E1000;
	if (pins < CONFIG_PINS)
		return true;
	return config_fail(p, config_arg(p, "model")->word,
	                   "guest \"%s\" has %u ports of this model already, and there is no "
	                   "interrupt pin for more; e1000e needs none",
	                   n->guest[port->guest].name, CONFIG_PINS);
}

static bool set_model(struct parser *p, struct port_config *port)
{
	const struct arg *a = config_arg(p, "model");

	port->model = a ? (enum config_model)a->number : CONFIG_MODEL_VIRTIO;
	if (a && port->group)
		return config_fail(p, a->word,
		                   "a port in a group has a device of its own kind, no model");
	return check_pins(p, port);
}

static bool change_port(struct parser *p, struct port_config *port, const struct word *name)
{
	const struct arg *move = config_arg(p, "move"), *addresses = config_arg(p, "addresses");
	uint32_t changes = !!move + !!addresses;

	if (port->kind == CONFIG_NIC && changes && p->args == 1 + changes) {
		port->addresses = (uint32_t)number_or(p, "addresses", port->addresses);
		return set_move(p, port);
	}
	return config_fail_taken(p, name, config_kind_word(port), port->line);
}

bool config_check_port_name(struct parser *p, const struct word *name)
{
	int taken = config_find_port(p->node, name->text);
	const struct port_config *port;

	if (strcmp(name->text, "port") == 0 || strcmp(name->text, "link") == 0)
		return config_fail(p, name, "\"%s\" is a word of routes; it cannot be a name here",
		                   name->text);
	if (taken < 0)
		return true;
	port = &p->node->port[taken];
	return config_fail_taken(p, name, config_kind_word(port), port->line);
}

/* The first free slot, if possible one that is free in the live description, too, where an object
 * that this text removes lives until the commit.  CONFIG_PORTS: none. */
static uint32_t free_slot(const struct parser *p)
{
	const struct node_config *n = p->node, *live = p->live;
	uint32_t any = CONFIG_PORTS;

	for (uint32_t i = 0; i < CONFIG_PORTS; i++) {
		if (i < n->ports && n->port[i].name[0])
			continue;
		if (i >= live->ports || !live->port[i].name[0])
			return i;
		if (any == CONFIG_PORTS)
			any = i;
	}
	return any;
}

struct port_config *config_new_port(struct parser *p, const struct word *name)
{
	struct node_config *n = p->node;
	uint32_t slot = free_slot(p);
	struct port_config *port;

	if (slot == CONFIG_PORTS) {
		config_fail(p, name, "more than %u ports and links", CONFIG_PORTS);
		return NULL;
	}
	port = &n->port[slot];
	memset(port, 0, sizeof *port);
	port->line = name->line;
	port->net = (uint16_t)number_or(p, "network", 0);
	port->move = CONFIG_MOVE_NODE;
	if (slot >= n->ports)
		n->ports = slot + 1;
	return port;
}

static bool set_port(struct parser *p, struct port_config *port, const struct word *name)
{
	const struct arg *mac = config_arg(p, "mac"), *mtu = config_arg(p, "mtu");

	port->guest = (uint16_t)config_arg(p, "guest")->number;
	port->mac = mac ? mac->number : config_derive_mac(name->text);
	port->edge = config_arg(p, "edge");
	port->mtu = (uint32_t)number_or(p, "mtu", 0);
	port->mtu_given = mtu;
	port->addresses =
	    (uint32_t)number_or(p, "addresses", port->edge ? VNET_QUOTA_OUTSIDE : VNET_QUOTA);
	if (!check_mac(p, port, name) || !check_edge(p, port) || !config_set_group(p, port) ||
	    !set_model(p, port) || !set_move(p, port))
		return false;
	copy_text(p, "NAME", port->name);
	return config_settle_mtu(p, mtu ? mtu->word : name);
}

bool apply_port(struct parser *p)
{
	const struct word *name = config_arg(p, "NAME")->word;
	int taken = config_find_port(p->node, name->text);
	struct port_config *port;

	if (taken >= 0)
		return change_port(p, &p->node->port[taken], name);
	if (!config_check_port_name(p, name))
		return false;
	if (!config_arg(p, "guest"))
		return config_fail(p, &p->word[p->words], "missing: guest GUEST, for a new port");
	port = config_new_port(p, name);
	return port && set_port(p, port, name);
}

bool config_check_unlinked(struct parser *p, const struct arg *a)
{
	const struct node_config *n = p->node;

	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *link = &n->port[i];

		if (link->name[0] && link->kind != CONFIG_NIC && link->link.edge == a->number)
			return config_fail(p, a->word,
			                   "link \"%s\" goes through port \"%s\"; remove it first",
			                   link->name, a->word->text);
	}
	return true;
}

static bool remove_port(struct parser *p, const struct arg *a, const char *what)
{
	struct node_config *n = p->node;

	for (uint32_t i = 0; i < n->routes; i++) {
		if (n->route[i].to == a->number || n->route[i].from == (int32_t)a->number)
			return config_fail(p, a->word, "a route names %s \"%s\"; remove it first",
			                   what, a->word->text);
	}
	if (n->trace.port == (int32_t)a->number && n->trace.on)
		return config_fail(p, a->word, "`trace` names %s \"%s\"; say `trace off` first",
		                   what, a->word->text);
	if (!config_check_unmirrored(p, a, false) || !config_check_unchained(p, a, false))
		return false;
	memset(&n->port[a->number], 0, sizeof n->port[a->number]);
	return config_settle_mtu(p, a->word);
}

bool apply_remove_port(struct parser *p)
{
	const struct arg *a = config_arg(p, "PORT");

	return config_check_unlinked(p, a) && remove_port(p, a, "port");
}

bool apply_remove_link(struct parser *p)
{
	return remove_port(p, config_arg(p, "LINK"), "link");
}

bool apply_remove_underlay(struct parser *p)
{
	const struct arg *a = config_arg(p, "PORT");
	struct underlay_config *u = &p->node->port[a->number].underlay;

	if (!u->prefix)
		return config_fail(p, a->word, "port \"%s\" has no underlay", a->word->text);
	if (!config_check_unlinked(p, a))
		return false;
	memset(u, 0, sizeof *u);
	return config_settle_mtu(p, a->word);
}
