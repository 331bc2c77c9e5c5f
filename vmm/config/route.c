/* SPDX-License-Identifier: BSD-2-Clause */
/* The route statements, in both forms: checks for duplicates, and the look-up for removal. */
#include <string.h>
#include "lib/hash.h"
#include "vmm/config/parse.h"

/* Do two routes send the same frames to the same port?  `reflect` does not matter for that. */
static bool same_route(const struct vnet_route *a, const struct vnet_route *b)
{
	return a->net == b->net && a->from == b->from && a->to == b->to &&
	       a->src.match == b->src.match && a->src.mac == b->src.mac &&
	       a->dst.match == b->dst.match && a->dst.mac == b->dst.mac;
}

static uint32_t hash_route(const struct vnet_route *r)
{
	uint64_t h = r->src.mac ^ (uint64_t)r->src.match << 50;

	h = hash_spread(h ^ h >> 29) + r->dst.mac + ((uint64_t)r->dst.match << 50);
	h = hash_spread(h ^ h >> 29) + r->to + ((uint64_t)(r->from + 1) << 16) +
	    ((uint64_t)r->net << 40);
	h = hash_spread(h ^ h >> 29);
	return (uint32_t)(h >> 32) & (CONFIG_INDEX - 1);
}

/* The index entry of this route, or the free entry for it; half the index is always free. */
static uint16_t *index_entry(struct parser *p, const struct node_config *n,
                             const struct vnet_route *r)
{
	uint32_t i = hash_route(r);

	while (p->index[i] && !same_route(&n->route[p->index[i] - 1], r))
		i = (i + 1) & (CONFIG_INDEX - 1);
	return &p->index[i];
}

void config_index_routes(struct parser *p, const struct node_config *n)
{
	memset(p->index, 0, sizeof p->index);
	for (uint32_t i = 0; i < n->routes; i++)
		*index_entry(p, n, &n->route[i]) = (uint16_t)(i + 1);
	p->indexed = n == p->node;
}

int config_find_route(struct parser *p, const struct node_config *n, const struct vnet_route *r)
{
	return (int)*index_entry(p, n, r) - 1;
}

static bool check_net(struct parser *p, const struct arg *port, unsigned net)
{
	const struct node_config *n = p->node;
	const struct port_config *pc = &n->port[port->number];

	if (pc->net == net)
		return true;
	return config_fail(p, port->word, "%s \"%s\" is in network \"%s\", the route in \"%s\"",
	                   config_kind_word(pc), pc->name, n->net[pc->net].name, n->net[net].name);
}

/* Can any frame match the route? */
static bool check_route(struct parser *p, const struct vnet_route *r, const struct arg *src,
                        const struct arg *from)
{
	const char *why;

	if (!vnet_route_priority(r, &why))
		return config_fail(p, src->word, "this route never matches: %s", why);
	if (r->from == r->to && !r->reflect)
		return config_fail(p, from->word,
		                   "a frame does not go back to %s \"%s\" where it came "
		                   "from, unless the route says `reflect`",
		                   config_kind_word(&p->node->port[r->to]),
		                   p->node->port[r->to].name);
	return true;
}

static bool add_route(struct parser *p, const struct vnet_route *r)
{
	struct node_config *n = p->node;
	const struct word *first = &p->word[0];
	uint16_t *place;

	if (!p->indexed)
		config_index_routes(p, n);
	place = index_entry(p, n, r);
	if (*place)
		return config_fail(p, first,
		                   "the same route exists already; each frame would be "
		                   "delivered twice");
	if (n->routes == CONFIG_ROUTES)
		return config_fail(p, first, "more than %u routes", CONFIG_ROUTES);
	p->route_line[n->routes] = first->line;
	n->route[n->routes++] = *r;
	*place = (uint16_t)n->routes;
	return true;
}

/* The slot of the port that the argument names, directly or as a direct link. */
static unsigned port_slot(const struct parser *p, const struct arg *a)
{
	return config_port_slot(p->node, (unsigned)a->number);
}

/* Reads the route from the arguments of `route` or `remove route`. */
static bool read_route(struct parser *p, struct vnet_route *r)
{
	const struct arg *net = config_arg(p, "network"), *to = config_arg(p, "to");
	const struct arg *src = config_arg(p, "src"), *from = config_arg(p, "from");

	memset(r, 0, sizeof *r);
	r->to = (uint16_t)port_slot(p, to);
	r->net = net ? (uint16_t)net->number : p->node->port[r->to].net;
	r->src = src->qual;
	r->dst = config_arg(p, "dst")->qual;
	r->from = from ? (int32_t)port_slot(p, from) : -1;
	r->reflect = config_arg(p, "reflect");
	if (!check_net(p, to, r->net) || (from && !check_net(p, from, r->net)))
		return false;
	return check_route(p, r, src, from);
}

bool apply_route(struct parser *p)
{
	struct vnet_route r;

	return read_route(p, &r) && add_route(p, &r);
}

bool apply_remove_route(struct parser *p)
{
	struct node_config *n = p->node;
	struct vnet_route r;
	uint32_t i = 0;

	if (!read_route(p, &r))
		return false;
	while (i < n->routes && !same_route(&n->route[i], &r))
		i++;
	if (i == n->routes)
		return config_fail(p, &p->word[0],
		                   "there is no such route; `show routes` lists them");
	n->routes--;
	memmove(&n->route[i], &n->route[i + 1], (n->routes - i) * sizeof n->route[0]);
	memmove(&p->route_line[i], &p->route_line[i + 1],
	        (n->routes - i) * sizeof p->route_line[0]);
	p->indexed = false;
	return true;
}

/* A classic type and port: `edge` must name one, `link` a link, `interface` neither. */
static bool check_type(struct parser *p, const struct arg *type, const struct arg *port)
{
	const struct port_config *pc = &p->node->port[port->number];
	bool link = pc->kind != CONFIG_NIC;
	enum config_classic due = link       ? CONFIG_CLASSIC_LINK
	                          : pc->edge ? CONFIG_CLASSIC_EDGE
	                                     : CONFIG_CLASSIC_INTERFACE;

	if (type->number == due)
		return true;
	return config_fail(p, port->word, "%s \"%s\" is no %s; its type is %s",
	                   config_kind_word(pc), pc->name, type->word->text,
	                   config_word_of(config_classic_dst_words, due));
}

bool apply_classic(struct parser *p)
{
	const struct arg *src = config_arg(p, "SRC-MAC"), *to = config_arg(p, "DST-PORT");
	const struct arg *type = config_arg(p, "SRC-TYPE"), *from = config_arg(p, "SRC-PORT");
	bool any = type->number == CONFIG_CLASSIC_ANY;
	struct vnet_route r;

	memset(&r, 0, sizeof r);
	if (any && from)
		return config_fail(p, from->word, "source type any takes no port");
	if (!any && !from)
		return config_fail(p, &p->word[p->words], "missing: SRC-PORT, for source type %s",
		                   type->word->text);
	if (!check_type(p, config_arg(p, "DST-TYPE"), to) || (from && !check_type(p, type, from)))
		return false;
	r.src = src->qual;
	r.dst = config_arg(p, "DST-MAC")->qual;
	r.to = (uint16_t)port_slot(p, to);
	r.net = p->node->port[r.to].net;
	r.from = from ? (int32_t)port_slot(p, from) : -1;
	if (from && !check_net(p, from, r.net))
		return false;
	return check_route(p, &r, src, from) && add_route(p, &r);
}
