/* SPDX-License-Identifier: BSD-2-Clause */
/* chain_rig.c: see chain_rig.h. */
#include "tests/unit/rig/chain_rig.h"
#include <arpa/inet.h>
#include "lib/bytes.h"
#include "lib/net_formats.h"
#include "tests/unit/rig/vnet_rig.h"

#define MARK 0x5e /* the byte before a serial number */

static struct chain_rig *rig; /* for egress() */

/* --- devices ------------------------------------------------------------------------------ */

static int serial_of(const uint8_t *bytes, unsigned len)
{
	return len >= 5 && bytes[len - 5] == MARK ? (int)be32(bytes + len - 4) : -1;
}

static unsigned egress(struct vnet_port *port, struct vnet_core *core,
                       struct vnet_frame *const *frames, unsigned n)
{
	struct chain_dev *d = port->dev;

	(void)core;
	for (unsigned i = 0; i < n; i++) {
		unsigned at = 0;
		int serial;

		assert_true(d->n < CHAIN_QUEUE);
		for (unsigned s = 0; s < frames[i]->nseg; s++) {
			memcpy(d->frame[d->n].bytes + at, frames[i]->seg[s].base,
			       frames[i]->seg[s].len);
			at += frames[i]->seg[s].len;
		}
		assert_int_equal(at, frames[i]->len);
		d->frame[d->n].len = at;
		d->frame[d->n].hdr = frames[i]->hdr;
		serial = serial_of(d->frame[d->n++].bytes, at);
		if (serial >= 0) {
			assert_true(rig->steps[serial] < CHAIN_STEPS);
			rig->way[serial][rig->steps[serial]++] = (uint8_t)port->number;
			if (port->number < CHAIN_HOSTS)
				rig->arrived[rig->narrived++ % CHAIN_SERIAL] = (uint32_t)serial;
		}
	}
	return n;
}

static const struct vnet_port_ops ops = {.egress = egress};

mac_t chain_mac(unsigned port)
{
	return 0x52 | (mac_t)(port + 1) << 40;
}

int chain_setup(void **state)
{
	struct chain_rig *r = calloc(1, sizeof *r);

	rig = r;
	r->v = vnet_create(&rig_mem, 2);
	r->core = vnet_core(r->v, 0);
	r->batch = 8;
	vnet_secret_set(r->v, (const uint64_t[]){0x1234, 0x5678});
	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_true(vnet_net_set(r->v, 1, VNET_LEARN));
	for (unsigned i = 0; i < CHAIN_PORTS; i++) {
		char name[8];

		snprintf(name, sizeof name, "%c%u", i < CHAIN_HOSTS ? 'h' : 'f', i);
		r->dev[i].port = vnet_port_add(r->v, name, 0, &ops, &r->dev[i], 0);
		assert_int_equal(r->dev[i].port->number, i);
		r->dev[i].port->up = true;
		assert_true(vnet_port_set_mac(r->dev[i].port, chain_mac(i)));
	}
	*state = r;
	return 0;
}

int chain_teardown(void **state)
{
	struct chain_rig *r = *state;

	vnet_destroy(r->v);
	free(r);
	return 0;
}

/* --- frames ------------------------------------------------------------------------------- */

struct chain_packet chain_udp(unsigned a, unsigned b, unsigned sport, unsigned dport)
{
	return (struct chain_packet){.dst = chain_mac(b),
	                             .src = chain_mac(a),
	                             .version = 4,
	                             .protocol = IP_UDP,
	                             .from = {10, 0, 0, (uint8_t)a},
	                             .to = {10, 0, 0, (uint8_t)b},
	                             .port = {sport, dport}};
}

struct chain_packet chain_udp6(unsigned a, unsigned b, unsigned sport, unsigned dport)
{
	struct chain_packet p = chain_udp(a, b, sport, dport);

	p.version = 6;
	p.from[0] = p.to[0] = 0x20;
	p.from[1] = p.to[1] = 1;
	p.from[15] = p.from[3];
	p.to[15] = p.to[3];
	p.from[3] = p.to[3] = 0xb8;
	p.from[2] = p.to[2] = 0x0d;
	return p;
}

static unsigned write_ipv4(uint8_t *at, const struct chain_packet *p)
{
	at[0] = (uint8_t)(0x45 + p->options);
	put_be16(at + 6, p->fragment);
	at[9] = (uint8_t)p->protocol;
	memcpy(at + 12, p->from, 4);
	memcpy(at + 16, p->to, 4);
	memset(at + 20, 1, 4ul * p->options); /* no operation */
	return 20 + 4 * p->options;
}

static unsigned write_ipv6(uint8_t *at, const struct chain_packet *p)
{
	unsigned len = 40;
	uint8_t *next = at + 6;

	at[0] = 0x60;
	memcpy(at + 8, p->from, 16);
	memcpy(at + 24, p->to, 16);
	if (p->options) {
		*next = 60;
		next = at + len;
		at[len + 1] = (uint8_t)(p->options - 1);
		len += 8 * p->options;
	}
	if (p->fragment) {
		*next = 44;
		next = at + len;
		put_be16(at + len + 2, p->fragment);
		len += 8;
	}
	*next = (uint8_t)p->protocol;
	return len;
}

static unsigned write_frame(uint8_t *at, const struct chain_packet *p, uint32_t serial)
{
	unsigned len = 12;

	memset(at, 0, CHAIN_FRAME);
	mac_write(at, p->dst);
	mac_write(at + 6, p->src);
	for (unsigned i = 0; i < p->tags; i++, len += 4)
		put_be16(at + len, i + 1 < p->tags ? ETHER_TAG_S : ETHER_TAG_C);
	put_be16(at + len, p->version == 4 ? ETHER_IPV4 : p->version == 6 ? ETHER_IPV6 : ETHER_ARP);
	len += 2;
	if (p->version)
		len += p->version == 4 ? write_ipv4(at + len, p) : write_ipv6(at + len, p);
	put_be16(at + len, p->port[0]);
	put_be16(at + len + 2, p->port[1]);
	len += 16;
	at[len] = MARK;
	put_be32(at + len + 1, serial);
	return len + 5;
}

/* Appends a frame to a core's batch, in pieces if there are to be any. */
static void append(struct chain_rig *r, struct vnet_batch *b, uint8_t *bytes, unsigned len,
                   const struct vnet_hdr *hdr)
{
	struct vnet_frame *f = &b->frame[b->n++];
	unsigned piece = r->pieces ? r->pieces : len;

	memset(f, 0, sizeof *f);
	f->seg = &b->seg[b->nseg];
	f->len = len;
	f->hdr = *hdr;
	for (unsigned at = 0; at < len; at += piece, f->nseg++)
		b->seg[b->nseg++] =
		    (struct vnet_seg){bytes + at, len - at < piece ? len - at : piece};
	f->contiguous_head = f->seg->len >= VNET_FRAME_MIN;
}

uint32_t chain_send(struct chain_rig *r, unsigned from, const struct chain_packet *p)
{
	static const struct vnet_hdr none;
	struct vnet_batch *b = vnet_core_batch(r->core);
	uint8_t bytes[CHAIN_FRAME];
	unsigned len = write_frame(bytes, p, r->serial);

	assert_true(r->serial < CHAIN_SERIAL);
	b->n = b->nseg = 0;
	append(r, b, bytes, len, &none);
	vnet_input(r->core, r->dev[from].port, b);
	return r->serial++;
}

void chain_give_back(struct chain_rig *r, unsigned port)
{
	static uint8_t bytes[VNET_BATCH][CHAIN_FRAME];
	struct vnet_batch *b = vnet_core_batch(r->core);
	struct chain_dev *d = &r->dev[port];
	unsigned n = d->n < r->batch ? d->n : r->batch;

	b->n = b->nseg = 0;
	for (unsigned i = 0; i < n; i++) {
		memcpy(bytes[i], d->frame[i].bytes, d->frame[i].len);
		if (r->change)
			r->change(r, port, bytes[i], d->frame[i].len);
		append(r, b, bytes[i], d->frame[i].len, &d->frame[i].hdr);
	}
	d->n -= n;
	memmove(d->frame, d->frame + n, d->n * sizeof d->frame[0]);
	vnet_input(r->core, d->port, b);
}

unsigned chain_run(struct chain_rig *r)
{
	unsigned batches = 0, before;

	do {
		before = batches;
		for (unsigned i = CHAIN_HOSTS; i < CHAIN_PORTS; i++) {
			if (!r->dev[i].n)
				continue;
			chain_give_back(r, i);
			assert_true(++batches < 10000); /* else frames go in a circle */
		}
	} while (batches != before);
	for (unsigned i = 0; i < CHAIN_HOSTS; i++)
		r->dev[i].n = 0;
	return batches;
}

const char *chain_way_of(const struct chain_rig *r, uint32_t serial)
{
	static char text[8 * CHAIN_STEPS];
	char *at = text;

	text[0] = '\0';
	for (unsigned i = 0; i < r->steps[serial]; i++)
		at += sprintf(at, "%s%s", i ? " " : "", r->dev[r->way[serial][i]].port->name);
	return text;
}

const char *chain_way(struct chain_rig *r, unsigned from, const struct chain_packet *p)
{
	uint32_t serial = chain_send(r, from, p);

	chain_run(r);
	return chain_way_of(r, serial);
}

uint64_t chain_drops(struct chain_rig *r, unsigned port, enum vnet_drop why)
{
	struct vnet_port_stats s;

	vnet_port_stats(r->dev[port].port, &s);
	return s.drop[why];
}

/* --- services and flows as text ----------------------------------------------------------- */

static unsigned service_named(const struct chain_rig *r, const char *name)
{
	for (unsigned i = 0; i < r->services; i++)
		if (!strcmp(r->service[i].name, name))
			return i;
	return r->services; /* there is none: refused */
}

static void read_service(struct chain_rig *r, char *words)
{
	struct vnet_service *s = &r->service[r->services++];

	memset(s, 0, sizeof *s);
	snprintf(s->name, sizeof s->name, "%s", strtok(words, " "));
	for (char *w; (w = strtok(NULL, " "));)
		if (!strcmp(w, "open"))
			s->fail_open = true;
		else if (!strcmp(w, "leave"))
			s->may_leave = true;
		else
			s->port[s->replicas++] = (uint16_t)atoi(w);
}

static struct vnet_prefix read_prefix(char *text)
{
	struct vnet_prefix p = {.version = strchr(text, ':') ? 6 : 4};
	char *slash = strchr(text, '/');

	*slash = '\0';
	p.bits = (uint8_t)atoi(slash + 1);
	assert_int_equal(inet_pton(p.version == 6 ? AF_INET6 : AF_INET, text, p.address), 1);
	return p;
}

static void read_range(struct vnet_flow *f, const char *text)
{
	const char *dash = strchr(text, '-');

	f->range[f->ranges].first = (uint16_t)atoi(text);
	f->range[f->ranges++].last = (uint16_t)atoi(dash ? dash + 1 : text);
}

/* The value of a keyword. */
static void read_term(struct chain_rig *r, struct vnet_flow *f, const char *key, char *value)
{
	if (!strcmp(key, "src"))
		f->src = read_prefix(value);
	else if (!strcmp(key, "dst"))
		f->dst = read_prefix(value);
	else if (!strcmp(key, "proto"))
		f->protocol = (int16_t)atoi(value);
	else if (!strcmp(key, "ports"))
		read_range(f, value);
	else if (!strcmp(key, "from"))
		f->from = atoi(value);
	else if (!strcmp(key, "net"))
		f->net = (uint16_t)atoi(value);
	else if (!strcmp(key, "to"))
		f->to = (uint16_t)atoi(value);
	else
		f->service[f->services++] = (uint16_t)service_named(r, value);
}

static void read_flow(struct chain_rig *r, char *words)
{
	struct vnet_flow *f = &r->flow[r->flows++];
	bool chain = false;

	*f = (struct vnet_flow){.protocol = -1, .from = -1};
	snprintf(f->name, sizeof f->name, "%s", strtok(words, " "));
	for (char *w; (w = strtok(NULL, " "));) {
		bool end = !strcmp(w, "out") || !strcmp(w, "drop");

		if (end) {
			f->end = *w == 'o' ? VNET_FLOW_OUT : VNET_FLOW_DROP;
		} else if (!strcmp(w, "chain")) {
			chain = true;
		} else if (chain && strcmp(w, "to")) {
			read_term(r, f, "chain", w);
		} else {
			read_term(r, f, w, strtok(NULL, " "));
		}
	}
}

void chain_text(struct chain_rig *r, const char *text)
{
	static char copy[65536], *save;

	snprintf(copy, sizeof copy, "%s", text);
	r->services = r->flows = 0;
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "service ", 8))
			read_service(r, line + 8);
		else
			read_flow(r, line + 5);
}

const char *chain_try(struct chain_rig *r)
{
	const struct vnet_chain_rules rules = {r->service, r->services, r->flow, r->flows};
	static char err[200];
	struct vnet_chains *c = vnet_chains_make(r->v, &rules, err, sizeof err);

	if (!c)
		return err;
	vnet_chains_use(r->v, c);
	return NULL;
}

void chain_use(struct chain_rig *r, const char *text)
{
	const char *why;

	chain_text(r, text);
	why = chain_try(r);
	if (why)
		fail_msg("%s", why);
}
