/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split.c: the time from each point of a way to the next, over all frames, or round trips, that
 * went the same way: by the same ports, with the same points known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/trace/trace.h"

#define LEGS    (2 * POINTS) /* of a round trip: two frames */
#define REPLIES 16           /* a reply is looked for among so many of the next frames */

/* A frame, or a round trip: its points in order of time. */
struct way {
	const struct frame *there, *back; /* back: NULL for a frame alone */
	unsigned legs;
	uint64_t ticks[LEGS];         /* of each leg */
	uint8_t from[LEGS], to[LEGS]; /* points; those of `back` from POINTS on */
};

struct ways {
	struct way *way;
	size_t n, room;
};

/* A point that is earlier than the one before it is left out: a guest may stamp any time. */
static void add_points(const struct frame *f, unsigned base, unsigned first, unsigned last,
                       uint64_t at[LEGS], uint8_t point[LEGS], unsigned *n)
{
	for (unsigned p = first; p <= last; p++)
		if ((f->known >> p & 1) && (!*n || f->at[p] >= at[*n - 1])) {
			at[*n] = f->at[p];
			point[(*n)++] = (uint8_t)(base + p);
		}
}

static struct way make_way(const struct frame *there, const struct frame *back)
{
	struct way w = {.there = there, .back = back};
	uint64_t at[LEGS];
	uint8_t point[LEGS];
	unsigned n = 0;

	/* A round trip begins with its sender's kick, and ends with its sender's interrupt. */
	add_points(there, 0, back ? POINT_kick : 0, POINTS - 1, at, point, &n);
	if (back)
		add_points(back, POINTS, 0, POINT_raised, at, point, &n);
	for (unsigned i = 1; i < n; i++) {
		w.from[w.legs] = point[i - 1];
		w.to[w.legs] = point[i];
		w.ticks[w.legs++] = at[i] - at[i - 1];
	}
	return w;
}

static void add_way(struct ways *w, struct way way)
{
	if (!way.legs)
		return;
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 1024;
		w->way = realloc(w->way, w->room * sizeof *w->way);
		if (!w->way)
			exit(1);
	}
	w->way[w->n++] = way;
}

/* The answer to frame i: the next one between the same two in the other direction, unless its
 * sender sends another before. */
static const struct frame *reply_to(const struct frames *f, size_t i)
{
	const struct frame *x = &f->frame[i];

	for (size_t k = i + 1; k < f->n && k <= i + REPLIES; k++) {
		const struct frame *y = &f->frame[k];

		if (y->src == x->src && y->dst == x->dst)
			return NULL;
		if (y->src == x->dst && y->dst == x->src)
			return y->at[POINT_taken] > x->at[POINT_raised] ? y : NULL;
	}
	return NULL;
}

static int compare_ways(const struct way *x, const struct way *y)
{
	const struct frame *a = x->there, *b = y->there;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (x->legs != y->legs)
		return x->legs > y->legs ? -1 : 1;
	return memcmp(x->to, y->to, x->legs);
}

static int by_way(const void *a, const void *b)
{
	return compare_ways(a, b);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* --- printing -------------------------------------------------------------------------------- */

struct printer {
	const struct collection *c;
	bool json, first;
	uint64_t *sample; /* as many as there are ways */
};

static const char *port_name(const struct collection *c, unsigned port)
{
	return port < c->ports && c->port[port].name[0] ? c->port[port].name : "-";
}

static const char *leg_point(char text[40], unsigned point, bool round)
{
	snprintf(text, 40, "%s%s", point_name[point % POINTS],
	         !round           ? ""
	         : point < POINTS ? ""
	                          : "'");
	return text;
}

/* The nearest-rank percentile of n sorted values. */
static uint64_t percentile(const uint64_t *sorted, size_t n, unsigned percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

static void print_leg(struct printer *p, const char *from, const char *to, size_t n)
{
	double us = p->c->tsc_khz ? 1000.0 / (double)p->c->tsc_khz : 0;
	uint64_t p50, p99, max;

	qsort(p->sample, n, sizeof *p->sample, by_value);
	p50 = percentile(p->sample, n, 50);
	p99 = percentile(p->sample, n, 99);
	max = p->sample[n - 1];
	if (p->json)
		printf("%s{\"from\":\"%s\",\"to\":\"%s\",\"p50\":%lu,\"p99\":%lu,\"max\":%lu}",
		       p->first ? "" : ",", from, to, p50, p99, max);
	else
		printf("  %-12s %-12s %10lu %10lu %10lu %12.3f\n", from, to, p50, p99, max,
		       (double)p50 * us);
	p->first = false;
}

static void print_group(struct printer *p, const struct way *w, size_t n, bool more)
{
	const struct frame *f = w->there;
	char from[40], to[40];

	if (p->json)
		printf("%s{\"from\":\"%s\",\"to\":\"%s\",\"count\":%zu,\"legs\":[", more ? "," : "",
		       port_name(p->c, f->from), port_name(p->c, f->to), n);
	else
		printf("\n%s %s > %s: %zu\n  %-12s %-12s %10s %10s %10s %12s\n",
		       w->back ? "round trips" : "frames", port_name(p->c, f->from),
		       port_name(p->c, f->to), n, "from", "to", "p50", "p99", "max", "p50 us");
	p->first = true;
	for (unsigned leg = 0; leg < w->legs; leg++) {
		for (size_t i = 0; i < n; i++)
			p->sample[i] = w[i].ticks[leg];
		print_leg(p, leg_point(from, w->from[leg], w->back),
		          leg_point(to, w->to[leg], w->back), n);
	}
	if (p->json)
		printf("],\"whole\":");
	p->first = true;
	for (size_t i = 0; i < n; i++) {
		p->sample[i] = 0;
		for (unsigned leg = 0; leg < w->legs; leg++)
			p->sample[i] += w[i].ticks[leg];
	}
	print_leg(p, p->json ? leg_point(from, w->from[0], w->back) : "all of it",
	          p->json ? leg_point(to, w->to[w->legs - 1], w->back) : "", n);
	if (p->json)
		printf("}");
}

static void print_ways(struct printer *p, struct ways *w)
{
	bool more = false;

	if (w->n)
		qsort(w->way, w->n, sizeof *w->way, by_way);
	p->sample = malloc(w->n * sizeof *p->sample + 1);
	if (!p->sample)
		exit(1);
	for (size_t i = 0, n; i < w->n; i += n) {
		for (n = 1; i + n < w->n && !compare_ways(&w->way[i], &w->way[i + n]); n++)
			;
		print_group(p, &w->way[i], n, more);
		more = true;
	}
	free(p->sample);
	free(w->way);
	*w = (struct ways){0};
}

static void print_lost(const struct printer *p, const struct frames *f)
{
	uint64_t lost = 0, stamps_lost = 0; /* a guest may claim any number */

	for (unsigned i = 0; i < p->c->rings; i++) {
		const struct ring *r = &p->c->ring[i];

		*(r->guest ? &stamps_lost : &lost) += r->lost;
		if (r->lost && !p->json)
			printf("\n%s: %lu records lost (overwritten before they were read)\n",
			       r->name, r->lost);
	}
	if (p->json)
		printf("],\"lost\":%lu,\"stamps_lost\":%lu,\"untied\":%lu,\"tsc_khz\":%lu}\n", lost,
		       stamps_lost, f->untied, p->c->tsc_khz);
	else if (f->untied)
		printf("\n%lu stamps of guests belong to no frame that is known\n", f->untied);
}

void split_print(const struct frames *f, const struct collection *c, bool json)
{
	struct printer p = {.c = c, .json = json};
	struct ways w = {0};

	if (json)
		printf("{\"frames\":[");
	else
		printf("ticks; %.3f MHz; ' is the reply\n", (double)c->tsc_khz / 1000);
	for (size_t i = 0; i < f->n; i++)
		add_way(&w, make_way(&f->frame[i], NULL));
	print_ways(&p, &w);
	if (json)
		printf("],\"round_trips\":[");
	for (size_t i = 0; i < f->n; i++) {
		const struct frame *reply = reply_to(f, i);

		if (reply)
			add_way(&w, make_way(&f->frame[i], reply));
	}
	print_ways(&p, &w);
	print_lost(&p, f);
}
