/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_trace.c: a window of any content, as a guest may make one up in its memory, and rings of any
 * records, as a guest writes into its own: patio-trace ends, and says something of what it has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/trace/trace.h"

#define PAGES   8u
#define WRITERS 3u /* of two cores, and of a guest */
#define SHORT   16 /* bytes of the input for a record */
#define NUMBERS 7  /* the record's bytes that hold positions, addresses and sets of frames */

static struct window_part *part_of(struct window *w, unsigned i, enum window_kind kind,
                                   unsigned owner)
{
	struct window_part *p = &w->part[i];

	*p = (struct window_part){
	    .kind = kind, .owner = owner, .offset = (i + 1) * WINDOW_PAGE, .size = WINDOW_PAGE};
	snprintf(p->name, sizeof p->name, "part %u", i);
	return p;
}

static void name_ports(struct window *w)
{
	struct window_port *port = (void *)((uint8_t *)w + w->part[0].offset);

	for (unsigned i = 0; i < 4; i++) {
		snprintf(port[i].name, sizeof port[i].name, "p%u", i);
		port[i].guest = i; /* the first one is a link */
	}
}

/* A record with numbers that fit others. */
static struct trace_record record_of(const uint8_t *p)
{
	struct trace_record r = {.tsc = p[0] | (uint64_t)p[1] << 8,
	                         .walk = p[2] % 4,
	                         .port = p[3] % 5,
	                         .step = p[4] % (TRACE_STEP_COUNT + 1),
	                         .frame = p[5] % 66};

	memcpy(&r.a, p + NUMBERS, sizeof r.a);
	r.a = p[6] & 1 ? r.a : r.a & 0x3f00000003;
	r.b = p[6] & 2 ? r.a : r.a & 7;
	return r;
}

static void fill_ring(struct trace_ring *ring, unsigned owner, const uint8_t **p, size_t *left)
{
	const uint32_t room = 64;
	uint64_t n = 0;

	trace_ring_init(ring, room, (uint16_t)owner);
	for (; *left >= SHORT && (*p)[15] < 0xf0; *p += SHORT, *left -= SHORT)
		ring->record[n++ % room] = record_of(*p);
	if (*left >= SHORT) { /* the next ring; now and then with a count that is none */
		n = (*p)[14] ? n : ~(uint64_t)(*p)[13];
		*p += SHORT;
		*left -= SHORT;
	}
	ring->written = n;
}

static void make_window(struct window *w, const uint8_t *p, size_t left)
{
	part_of(w, 0, WINDOW_ports, 0);
	name_ports(w);
	for (unsigned i = 0; i < WRITERS; i++) {
		struct window_part *part =
		    part_of(w, i + 1, i < 2 ? WINDOW_trace : WINDOW_stamps, i);

		fill_ring((void *)((uint8_t *)w + part->offset), i, &p, &left);
	}
}

/* Bytes of the input's choice as the list of parts and the beginning of their pages. */
static void make_wild(struct window *w, const uint8_t *p, size_t left)
{
	make_window(w, p, 0);
	for (; left >= 4; p += 4, left -= 4) {
		size_t at = (p[0] | (size_t)p[1] << 8) % (PAGES * WINDOW_PAGE - 1);

		memcpy((uint8_t *)w + at, p + 2, 2);
	}
}

static void print_all(const struct source *s, bool json)
{
	struct collection c;
	struct frames f;

	collect_begin(&c, s);
	collect(&c);
	collect(&c);
	frames_make(&f, &c);
	split_print(&f, &c, json);
	frames_free(&f);
	collect_end(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool quiet;
	struct window *w;

	quiet = quiet || freopen("/dev/null", "w", stdout);
	if (!size)
		return 0;
	/* Exactly as long as it is: the sanitizer sees whoever leaves it. */
	w = calloc(PAGES, WINDOW_PAGE);
	if (data[0] & 2)
		make_window(w, data + 1, size - 1);
	else
		make_wild(w, data + 1, size - 1);
	print_all(&(struct source){w, PAGES * WINDOW_PAGE}, data[0] & 1);
	free(w);
	return 0;
}
