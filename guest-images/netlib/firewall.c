/* SPDX-License-Identifier: BSD-2-Clause */
/* firewall.c: a network function that filters by prefix, protocol and port; see functions.h. */
#include <string.h>
#include "guest-images/netlib/functions.h"
#include "lib/bytes.h"
#include "vnet/frame/headers.h"

/* What rules look at, taken from a copy of the frame's first bytes. */
struct packet {
	uint8_t version; /* 4 or 6 */
	uint8_t protocol;
	bool has_port;
	uint16_t port;
	const uint8_t *src, *dst;
};

enum verdict { PASS, BLOCK, MALFORMED };

static bool in_prefix(const struct netlib_prefix *p, const uint8_t *address, unsigned size)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (p->bits > 8 * size || memcmp(p->address, address, whole) != 0)
		return false;
	return !rest || !((p->address[whole] ^ address[whole]) >> (8 - rest));
}

static bool matches(const struct netlib_rule *r, const struct packet *p)
{
	unsigned size = p->version == 4 ? 4 : 16;

	if (r->version && r->version != p->version)
		return false;
	if (r->protocol >= 0 && r->protocol != p->protocol)
		return false;
	if ((r->port_low > 0 || r->port_high < 0xffff) &&
	    (!p->has_port || p->port < r->port_low || p->port > r->port_high))
		return false;
	return in_prefix(&r->src, p->src, size) && in_prefix(&r->dst, p->dst, size);
}

static bool allowed(struct netlib_firewall *w, const struct packet *p)
{
	for (unsigned i = 0; i < w->rules; i++)
		if (matches(&w->rule[i], p)) {
			w->rule[i].hits++;
			return w->rule[i].pass;
		}
	return w->otherwise;
}

static enum verdict judge(struct netlib_firewall *w, const struct netlib_frame *frame)
{
	uint8_t head[HEADERS_FLOW];
	unsigned have = frame->length < sizeof head ? frame->length : sizeof head;
	struct headers h;
	struct packet p;

	memcpy(head, frame->data, have);
	headers_read(&h, head, have);
	if (!h.ipv4 && !h.ipv6)
		return h.type == ETHER_IPV4 || h.type == ETHER_IPV6 || !h.l3 ? MALFORMED : PASS;
	p = (struct packet){.version = h.ipv4 ? 4 : 6,
	                    .protocol = h.protocol,
	                    .src = head + h.l3 + (h.ipv4 ? 12 : 8),
	                    .dst = head + h.l3 + (h.ipv4 ? 16 : 24)};
	if (h.l4 && h.l4 + 4u <= have && (h.protocol == IP_TCP || h.protocol == IP_UDP)) {
		p.has_port = true;
		p.port = be16(head + h.l4 + 2);
	}
	return allowed(w, &p) ? PASS : BLOCK;
}

void netlib_filter(void *state, struct netlib_frame *frame, unsigned count)
{
	struct netlib_firewall *w = state;

	for (unsigned i = 0; i < count; i++) {
		enum verdict v = judge(w, &frame[i]);

		w->passed += v == PASS;
		w->blocked += v == BLOCK;
		w->malformed += v == MALFORMED;
		frame[i].action = v == PASS ? w->onward.action : SHM_DROP;
		frame[i].to = w->onward.to;
	}
}
