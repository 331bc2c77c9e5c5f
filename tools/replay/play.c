/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * play.c: gives a switch what a capture has, in its order, and compares what the switch gives to
 * its ports with what the capture has of that.
 *
 * Packets with one ID but for its lower bits are one step: the batch that came in, and what became
 * of it.  Devices are not played: whether they refused a frame, and why, is in the capture.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "tools/replay/replay.h"

#define NO_FRAME   0xffu
#define PORTS      4096 /* interfaces, at most */
#define ETHER_IPV4 0x0800u
#define IP_ID      18u /* places in an outer frame */
#define IP_SUM     24u
#define DIRECTION  3u /* of epb_flags */
#define INBOUND    1u
#define OUTBOUND   2u

/* A frame that the capture says a port got, or refused. */
struct expected {
	struct vnet_port *port;
	unsigned frame;
	const uint8_t *bytes;
	uint32_t captured;
	int cause; /* enum vnet_drop; -1: it was accepted */
	bool seen;
};

struct input {
	unsigned frame;
	const uint8_t *bytes;
	uint32_t captured, length;
	struct vnet_hdr hdr;
};

/* One step, as far as it was read. */
struct step {
	bool open, keyed, tick, leaves; /* leaves: as vnet_input_leaving() */
	uint64_t key, seconds;
	unsigned core;
	struct vnet_port *from, *ready; /* ready: whose driver takes frames; NULL: none */
	unsigned inputs;
	struct input input[VNET_BATCH];
	unsigned early[VNET_DROP_CAUSES]; /* frames that the device dropped before the walk */
	struct expected *expected;
	size_t outputs, room;
};

static struct play {
	const struct node_config *n;
	struct vnet *v;
	struct vnet_port *port[PORTS]; /* of each interface */
	unsigned ports, sections;
	struct step step;
	struct vnet_batch *batch; /* in the walk */
	struct outcome *outcome;
	uint64_t number; /* of the packet in the file, from 1 as others count them */
} play_state;

static void note(char text[512], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(char text[512], const char *fmt, ...)
{
	va_list ap;

	if (text[0])
		return;
	va_start(ap, fmt);
	vsnprintf(text, 512, fmt, ap);
	va_end(ap);
}

static void differ(const char *what, const struct vnet_port *port, unsigned frame)
{
	struct play *p = &play_state;

	p->outcome->differences++;
	note(p->outcome->first, "before packet %lu: %s: port %s, frame %u of its batch", p->number,
	     what, port->name, frame);
}

/* --- words of a comment: `WORD=VALUE` between blanks -------------------------------------------
 */

static const char *value_of(const char *comment, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = comment; at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (!strncmp(at, word, len) && at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

static int cause_of(const char *comment)
{
	const char *name = value_of(comment, "drop");
	size_t len = name ? strcspn(name, " ") : 0;

	for (int i = 0; name && i < VNET_DROP_CAUSES; i++)
		if (strlen(vnet_drop_name[i]) == len && !strncmp(vnet_drop_name[i], name, len))
			return i;
	return -1;
}

/* Whether the sender took the frame out of its chain; all frames of its batch, then. */
static bool leaves(const char *comment)
{
	const char *action = value_of(comment, "action");

	return action && !strncmp(action, "out", 3);
}

static struct vnet_hdr offload_of(const char *comment)
{
	const char *value = value_of(comment, "offload");
	unsigned f[6] = {0};

	if (value)
		sscanf(value, "%u,%u,%u,%u,%u,%u", &f[0], &f[1], &f[2], &f[3], &f[4], &f[5]);
	return (struct vnet_hdr){.flags = (uint8_t)f[0],
	                         .gso_type = (uint8_t)f[1],
	                         .hdr_len = (uint16_t)f[2],
	                         .gso_size = (uint16_t)f[3],
	                         .csum_start = (uint16_t)f[4],
	                         .csum_offset = (uint16_t)f[5]};
}

/* --- what devices get ------------------------------------------------------------------------ */

static uint8_t byte_of(const struct vnet_frame *f, uint32_t at)
{
	const struct vnet_seg *seg = f->seg;

	while (at >= seg->len)
		at -= seg++->len;
	return seg->base[at];
}

/* Whether the byte may differ: the identification of outer packets is keyed with a secret of the
 * node, and the header's checksum covers it. */
static bool is_keyed(const struct vnet_frame *f, uint32_t at)
{
	return byte_of(f, 12) == ETHER_IPV4 >> 8 && !byte_of(f, 13) &&
	       (at - IP_ID < 2 || at - IP_SUM < 2);
}

static bool same_bytes(const struct vnet_frame *f, const struct expected *e)
{
	if (f->len != e->captured)
		return false;
	for (uint32_t i = 0; i < f->len; i++)
		if (byte_of(f, i) != e->bytes[i] && !(e->frame == NO_FRAME && is_keyed(f, i)))
			return false;
	return true;
}

static struct expected *find_expected(const struct vnet_port *port, unsigned frame)
{
	struct step *s = &play_state.step;

	for (size_t i = 0; i < s->outputs; i++)
		if (!s->expected[i].seen && s->expected[i].port == port &&
		    s->expected[i].frame == frame)
			return &s->expected[i];
	return NULL;
}

static bool take_frame(struct vnet_port *port, struct vnet_core *core, const struct vnet_frame *f)
{
	const struct vnet_frame *first = play_state.batch ? play_state.batch->frame : NULL;
	bool made = !first || f < first || f >= first + VNET_BATCH;
	unsigned number = made ? NO_FRAME : (unsigned)(f - first);
	struct expected *e = find_expected(port, number);

	if (!e) {
		differ("the switch delivers a frame that the node did not", port, number);
		return true;
	}
	e->seen = true;
	if (!same_bytes(f, e))
		differ("the frame has other bytes", port, number);
	if (e->cause < 0)
		return true;
	vnet_refuse(core, port, f, (enum vnet_drop)e->cause);
	return false;
}

static unsigned take_frames(struct vnet_port *port, struct vnet_core *core,
                            struct vnet_frame *const *frames, unsigned n)
{
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++)
		done += take_frame(port, core, frames[i]);
	return done;
}

static const struct vnet_port_ops device_ops = {
    .egress = take_frames, .hold = device_hold, .release = device_release};

/* Whether the switch itself refuses with that cause, without asking a device. */
static bool by_switch(const struct expected *e)
{
	return e->cause == VNET_DROP_port_down || e->cause == VNET_DROP_bridge_down ||
	       e->port->flags & VNET_LINK;
}

/* --- steps ----------------------------------------------------------------------------------- */

/* What was cut off is zero. */
static void fill_bytes(uint8_t *to, const struct input *in)
{
	memcpy(to, in->bytes, in->captured);
	memset(to + in->captured, 0, in->length - in->captured);
}

static void fill_batch(struct vnet_batch *b, const struct step *s)
{
	static uint8_t bytes[VNET_BATCH][VNET_FRAME_MAX + 1];

	memset(b, 0, sizeof *b);
	for (unsigned i = 0; i < s->inputs; i++) {
		const struct input *in = &s->input[i];

		fill_bytes(bytes[i], in);
		b->seg[i] = (struct vnet_seg){bytes[i], in->length};
		b->frame[i] = (struct vnet_frame){.seg = &b->seg[i],
		                                  .len = in->length,
		                                  .nseg = 1,
		                                  .contiguous_head = in->length >= VNET_FRAME_MIN,
		                                  .hdr = in->hdr};
	}
	b->n = b->nseg = s->inputs;
}

static void run_step(void)
{
	struct play *p = &play_state;
	struct step *s = &p->step;
	struct vnet_core *core = vnet_core(p->v, s->core);

	if (s->tick)
		vnet_clock_set(core, s->seconds);
	if (s->ready)
		vnet_port_ready(core, s->ready);
	if (s->inputs) {
		p->batch = vnet_core_batch(core);
		fill_batch(p->batch, s);
		(s->leaves ? vnet_input_leaving : vnet_input)(core, s->from, p->batch);
		vnet_port_drop_late(core, s->from); /* as a device does */
		p->batch = NULL;
		p->outcome->batches++;
		p->outcome->frames += s->inputs;
	}
	for (unsigned cause = 0; cause < VNET_DROP_CAUSES; cause++)
		for (; s->early[cause]; s->early[cause]--)
			vnet_drop(core, s->from, (enum vnet_drop)cause);
	for (size_t i = 0; i < s->outputs; i++) {
		const struct expected *e = &s->expected[i];

		p->outcome->delivered += e->cause < 0;
		p->outcome->refused += e->cause >= 0;
		if (!e->seen && !by_switch(e))
			differ("the switch does not deliver a frame that the node did", e->port,
			       e->frame);
	}
	s->open = s->keyed = s->tick = s->leaves = false;
	s->ready = NULL;
	s->inputs = 0;
	s->outputs = 0;
}

static void end_step(void)
{
	if (play_state.step.open)
		run_step();
}

static bool add_input(struct play *p, struct vnet_port *port, const struct block *b)
{
	struct step *s = &p->step;
	unsigned frame = b->id & 0xff;
	int cause = cause_of(b->comment);

	if (port->flags & VNET_LINK)
		return true; /* made of what an edge got */
	s->from = port;
	if (frame == NO_FRAME) {
		if (cause >= 0)
			s->early[cause]++;
		return true;
	}
	if (frame != s->inputs || frame >= VNET_BATCH || b->length > VNET_FRAME_MAX + 1)
		return false;
	s->input[s->inputs++] =
	    (struct input){frame, b->bytes, b->captured, b->length, offload_of(b->comment)};
	s->leaves = leaves(b->comment);
	return true;
}

static bool add_output(struct step *s, struct vnet_port *port, const struct block *b)
{
	if (s->outputs == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct expected *more = realloc(s->expected, room * sizeof *more);

		if (!more)
			return false;
		s->expected = more;
		s->room = room;
	}
	s->expected[s->outputs++] = (struct expected){port,        b->id & 0xff,         b->bytes,
	                                              b->captured, cause_of(b->comment), false};
	return true;
}

static bool take_packet(struct play *p, const struct block *b)
{
	struct step *s = &p->step;
	struct vnet_port *port = b->interface < p->ports ? p->port[b->interface] : NULL;
	bool out = (b->flags & DIRECTION) == OUTBOUND, made = (b->id & 0xff) == NO_FRAME;

	if (!port || b->queue >= VNET_CORES)
		return false;
	if (b->captured < b->length)
		note(p->outcome->incomplete, "packet %lu is cut", p->number);
	if (s->open && (s->keyed ? s->key != b->id >> 8 : !(out && made)))
		end_step();
	s->open = s->keyed = true;
	s->key = b->id >> 8;
	s->core = b->queue;
	if (out)
		return add_output(s, port, b);
	return (b->flags & DIRECTION) == INBOUND && add_input(p, port, b);
}

/* --- events ---------------------------------------------------------------------------------- */

static void take_up(struct play *p, const struct block *b, const char *value)
{
	struct vnet_port *port = b->interface < p->ports ? p->port[b->interface] : NULL;

	if (!port || port->flags & VNET_LINK)
		return;
	vnet_port_set_up(port, vnet_core(p->v, 0), *value == '1');
	if (*value != '1')
		vnet_port_recall(vnet_core(p->v, 0), port);
}

static void take_event(struct play *p, const struct block *b)
{
	const char *value;

	end_step();
	if ((value = value_of(b->comment, "seconds"))) {
		p->step.open = p->step.tick = true;
		p->step.core = 0;
		p->step.seconds = strtoull(value, NULL, 10);
	} else if ((value = value_of(b->comment, "was_seconds"))) {
		/* The clock of a switch that begins is 0. */
		p->step.open = p->step.tick = *value != '0';
		p->step.core = 0;
		p->step.seconds = strtoull(value, NULL, 10);
	} else if (value_of(b->comment, "ready")) {
		p->step.ready = b->interface < p->ports ? p->port[b->interface] : NULL;
		p->step.open = p->step.ready != NULL;
		p->step.core = 0;
	} else if ((value = value_of(b->comment, "up"))) {
		take_up(p, b, value);
	} else if ((value = value_of(b->comment, "was_up"))) {
		take_up(p, b, value);
		if (*value == '1' && b->interface < p->ports && p->port[b->interface] &&
		    !(p->port[b->interface]->flags & VNET_LINK))
			note(p->outcome->incomplete,
			     "the mirror began when port %s was up: what it had sent is missing",
			     p->port[b->interface]->name);
	} else if (value_of(b->comment, "changed")) {
		note(p->outcome->incomplete, "the description was changed before packet %lu",
		     p->number);
	} else if (value_of(b->comment, "lost")) {
		note(p->outcome->incomplete, "records were lost before packet %lu", p->number);
	}
}

/* Whether the mirrors of the section see all frames of all networks that have ports. */
static void check_mirrors(struct play *p, const char *comment)
{
	char words[CONFIG_NAME + 16];

	for (unsigned i = 0; i < p->n->nets; i++) {
		bool used = false, whole = false;

		for (unsigned k = 0; k < p->n->ports; k++)
			used |= p->n->port[k].name[0] && p->n->port[k].net == i;
		snprintf(words, sizeof words, "network %s", p->n->net[i].name);
		for (const char *at = comment; used && (at = strstr(at, words)); at++)
			whole |= strchr(";", at[strlen(words)]) != NULL;
		if (used && !whole)
			note(p->outcome->incomplete, "no mirror copies all of network %s",
			     p->n->net[i].name);
	}
}

/* Interfaces are numbered from 0 in each section. */
static void begin_section(struct play *p, const char *comment)
{
	end_step();
	if (p->sections++)
		note(p->outcome->incomplete, "another capture begins before packet %lu",
		     p->number + 1);
	p->ports = 0;
	check_mirrors(p, comment);
}

static bool take_block(struct play *p, const struct block *b, char *why, size_t size)
{
	bool good = true;

	if (b->kind == BLOCK_SECTION) {
		begin_section(p, b->comment);
	} else if (b->kind == BLOCK_INTERFACE) {
		good = p->ports < PORTS;
		if (good)
			p->port[p->ports++] = vnet_port_find(p->v, b->name);
	} else if (b->kind == BLOCK_PACKET) {
		p->number++;
		good = take_packet(p, b);
	} else if (b->kind == BLOCK_STATISTICS) {
		take_event(p, b);
	}
	if (!good)
		snprintf(why, size, "packet %lu is none of a port of this description", p->number);
	return good;
}

static bool play_blocks(struct play *p, struct blocks *blocks, char *why, size_t size)
{
	struct block b;

	for (;;) {
		blocks_next(blocks, &b);
		if (b.kind == BLOCK_END)
			break;
		if (b.kind == BLOCK_BAD) {
			snprintf(why, size, "%s", b.why);
			return false;
		}
		if (!take_block(p, &b, why, size))
			return false;
	}
	end_step();
	return true;
}

struct vnet *play(const struct node_config *n, const uint8_t *bytes, size_t size,
                  struct outcome *outcome, char *why, size_t why_size)
{
	struct play *p = &play_state;
	struct blocks blocks;
	bool good;

	memset(p, 0, sizeof *p);
	memset(outcome, 0, sizeof *outcome);
	p->n = n;
	p->outcome = outcome;
	p->v = network_make(n, VNET_CORES, &device_ops, why, why_size);
	if (!p->v)
		return NULL;
	blocks_begin(&blocks, bytes, size);
	good = play_blocks(p, &blocks, why, why_size);
	free(p->step.expected);
	p->step.expected = NULL;
	if (good)
		return p->v;
	vnet_destroy(p->v);
	return NULL;
}
