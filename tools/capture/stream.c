/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.c: what becomes of each record in a pcapng stream (docs/capture.md).
 *
 * A port is an interface.  A frame that a port sends into the switch is an inbound packet there,
 * one that the switch gives to a port an outbound one; the copies of a frame have one packet ID,
 * whose upper bits tell batches apart.  What is no frame is the comment of a statistics block.
 */
#include <string.h>
#include "tools/capture/reader.h"

#define FRAMES     64
#define ID_CORE    56 /* of a packet ID: core, group, number in the batch */
#define ID_GROUP   8
#define TEXT       1024
#define ALL_EVENTS 0xff

static const char *cause_name(unsigned cause)
{
	static const char *const name[] = {
#define X(cause) #cause,
	    VNET_DROPS(X)
#undef X
	};

	return cause && cause <= sizeof name / sizeof name[0] ? name[cause - 1] : "unknown";
}

static uint64_t ns_of(const struct stream *s, uint64_t tsc)
{
	uint64_t khz = s->capture->tsc_khz;

	return s->capture->unix_ns + (uint64_t)((unsigned __int128)tsc * 1000000 / (khz ? khz : 1));
}

/* --- interfaces ------------------------------------------------------------------------------ */

static void name_of(const struct stream *s, unsigned port, char name[WINDOW_NAME])
{
	name[0] = 0;
	if (port < s->ports)
		memcpy(name, s->port[port].name, WINDOW_NAME);
	name[WINDOW_NAME - 1] = 0;
	if (!name[0] && s->interface[port])
		memcpy(name, s->name[port], WINDOW_NAME); /* the port was removed meanwhile */
	else if (!name[0])
		snprintf(name, WINDOW_NAME, "port %u", port);
}

/* The interface of a port, made when it is needed; a port of another name with the same number is
 * another interface. */
static bool interface_of(struct stream *s, unsigned port, uint32_t *interface)
{
	char name[WINDOW_NAME];

	port %= READER_PORTS;
	name_of(s, port, name);
	if (!s->interface[port] || strcmp(name, s->name[port])) {
		if (!pcapng_interface(s->out, name))
			return false;
		s->interface[port] = ++s->interfaces;
		memcpy(s->name[port], name, sizeof name);
	}
	*interface = s->interface[port] - 1;
	return true;
}

static void mirror_text(const struct stream *s, char *text, size_t size)
{
	size_t used = 0;

	text[0] = 0;
	for (unsigned i = 0; i < CAPTURE_MIRRORS; i++) {
		struct capture_mirror m = s->capture->mirror[i];

		m.name[CAPTURE_NAME - 1] = m.text[CAPTURE_TEXT - 1] = 0;
		if (!(s->mirrors >> i & 1) || !m.name[0] || used >= size)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%smirror %s %s",
		                         used ? "; " : "", m.name, m.text);
		if (m.cut != CAPTURE_WHOLE && used < size)
			used += (size_t)snprintf(text + used, size - used, " cut %u", m.cut);
	}
}

bool stream_begin(struct stream *s)
{
	char text[TEXT];
	uint32_t interface;

	for (unsigned i = 0; i < CAPTURE_MIRRORS; i++)
		s->cut[i] = CAPTURE_WHOLE;
	mirror_text(s, text, sizeof text);
	if (!pcapng_section(s->out, text))
		return false;
	for (unsigned i = 0; i < s->ports && i < READER_PORTS; i++)
		if (s->port[i].name[0] && !interface_of(s, i, &interface))
			return false;
	return s->interfaces || interface_of(s, 0, &interface);
}

/* --- packets --------------------------------------------------------------------------------- */

/* A group, and the frames of its batch as they are at this place. */
struct walk {
	struct stream *s;
	const struct group *g;
	const struct item *slot[FRAMES];
};

/* How many of its bytes the mirrors that see it want, or wanted before they were removed. */
static uint32_t cut_of(struct stream *s, uint8_t mirrors)
{
	uint32_t cut = 0;

	for (unsigned i = 0; i < CAPTURE_MIRRORS; i++) {
		const struct capture_mirror *m = &s->capture->mirror[i];

		if (m->name[0])
			s->cut[i] = m->cut;
		if (mirrors >> i & 1 && s->cut[i] > cut)
			cut = s->cut[i];
	}
	return cut;
}

/* Appends to a comment: ` WORD=VALUE`. */
static void append(char *text, const char *word, const char *value)
{
	size_t used = strlen(text);

	if (used < TEXT)
		snprintf(text + used, TEXT - used, "%s%s=%s", used ? " " : "", word, value);
}

static void append_offload(char *text, const struct capture_record *r)
{
	char value[64];
	struct vnet_hdr h;

	memcpy(&h, r->offload, sizeof h);
	if (!h.flags && !h.gso_type && !h.gso_size)
		return;
	snprintf(value, sizeof value, "%u,%u,%u,%u,%u,%u", h.flags, h.gso_type, h.hdr_len,
	         h.gso_size, h.csum_start, h.csum_offset);
	append(text, "offload", value);
}

/* One packet at a port.  `frame`: the record with its bytes; NULL: there are none. */
static bool put_packet(struct walk *w, enum pcapng_direction direction,
                       const struct capture_record *at, const struct item *frame, unsigned cause,
                       const char *more)
{
	struct stream *s = w->s;
	char text[TEXT] = "", steps[TEXT] = "";
	uint32_t cut = cut_of(s, at->mirrors & s->mirrors);
	struct pcapng_packet p = {.ns = ns_of(s, at->tsc),
	                          .direction = direction,
	                          .id = (uint64_t)w->g->core << ID_CORE | w->g->number << ID_GROUP |
	                                at->frame,
	                          .queue = w->g->core,
	                          .comment = {text, steps}};

	if (!(at->mirrors & s->mirrors))
		return true;
	if (frame) {
		p.bytes = frame->bytes;
		p.captured = frame->r.captured < cut ? frame->r.captured : cut;
		p.length = frame->r.length > p.captured ? frame->r.length : p.captured;
		append_offload(text, &frame->r);
	}
	if (direction == PCAPNG_IN && at->leaves)
		append(text, "action", "out");
	if (cause)
		append(text, "drop", cause_name(cause));
	if (more)
		append(text, "by", more);
	if (s->itinerary && at->frame < FRAMES)
		itinerary_text(s->itinerary, w->g->core, w->g->tsc, at->frame, steps, sizeof steps);
	s->packets++;
	return interface_of(s, at->port, &p.interface) && pcapng_packet(s->out, &p);
}

/* Why the frame of this record was dropped where it came in; 0: it was not. */
static unsigned cause_of(const struct item *frame)
{
	for (const struct item *i = frame->next; i; i = i->next) {
		if (i->r.frame != frame->r.frame)
			continue;
		if (i->r.kind == CAPTURE_frame)
			return 0;
		if (i->r.kind == CAPTURE_dropped && i->r.port == frame->r.port)
			return i->r.cause;
	}
	return 0;
}

static bool put_frame(struct walk *w, const struct item *i)
{
	if (i->r.frame >= FRAMES)
		return true;
	w->slot[i->r.frame] = i;
	return put_packet(w, PCAPNG_IN, &i->r, i, cause_of(i), NULL);
}

static bool put_out(struct walk *w, const struct item *i)
{
	for (unsigned n = 0; n < FRAMES; n++) {
		struct capture_record at = i->r;

		at.frame = (uint8_t)n;
		if (i->r.value >> n & 1 && !put_packet(w, PCAPNG_OUT, &at, w->slot[n], 0, NULL))
			return false;
	}
	return true;
}

static bool put_dropped(struct walk *w, const struct item *i)
{
	const struct item *frame = i->r.frame < FRAMES ? w->slot[i->r.frame] : NULL;

	if (i->r.frame == CAPTURE_NO_FRAME)
		return put_packet(w, PCAPNG_IN, &i->r, NULL, i->r.cause, NULL);
	if (frame && frame->r.port == i->r.port)
		return true; /* said where it came in */
	return put_packet(w, PCAPNG_OUT, &i->r, frame, i->r.cause, NULL);
}

/* --- events ---------------------------------------------------------------------------------- */

static bool put_event(struct walk *w, const struct item *i, bool of_port, const char *word)
{
	struct stream *s = w->s;
	char text[64];
	uint32_t interface = 0;

	snprintf(text, sizeof text, "%s=%lu", word, i->r.value);
	if (of_port && !interface_of(s, i->r.port, &interface))
		return false;
	return pcapng_statistics(s->out, interface, ns_of(s, i->r.tsc), s->lost, text);
}

static bool put_record(struct walk *w, const struct item *i)
{
	switch ((enum capture_kind)i->r.kind) {
	case CAPTURE_frame:
		return put_frame(w, i);
	case CAPTURE_out:
		return put_out(w, i);
	case CAPTURE_dropped:
		return put_dropped(w, i);
	case CAPTURE_made:
		return put_packet(w, PCAPNG_OUT, &i->r, i, i->r.cause, "node");
	case CAPTURE_tick:
		return put_event(w, i, false, "seconds");
	case CAPTURE_clock:
		return put_event(w, i, false, "was_seconds");
	case CAPTURE_up:
		return put_event(w, i, true, "up");
	case CAPTURE_state:
		return put_event(w, i, true, "was_up");
	case CAPTURE_changed:
		return put_event(w, i, false, "changed");
	case CAPTURE_ready:
		return put_event(w, i, true, "ready");
	default:
		return true; /* a walk: its frames say it */
	}
}

bool stream_group(struct stream *s, const struct group *g)
{
	struct walk w = {.s = s, .g = g};

	for (const struct item *i = g->item; i; i = i->next)
		if (!put_record(&w, i))
			return false;
	return true;
}

bool stream_lost(struct stream *s, uint64_t tsc, uint64_t lost)
{
	char text[64];

	if (lost == s->lost)
		return true;
	s->lost = lost;
	snprintf(text, sizeof text, "lost=%lu", lost);
	return pcapng_statistics(s->out, 0, ns_of(s, tsc), lost, text);
}
