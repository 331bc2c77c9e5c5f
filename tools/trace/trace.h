/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h: from the rings of a node's observation window (lib/window.h) to a table of where the
 * time of a frame, and of a round trip, went.
 *
 *   source.c   finds the window: in a PCI device's BAR, or in an emulated machine's memory file
 *   collect.c  reads all rings
 *   frames.c   ties records together to frames
 *   split.c    the time from step to step: of each path, and of round trips
 *   program.c  the program
 */
#ifndef TOOLS_TRACE_TRACE_H
#define TOOLS_TRACE_TRACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/trace.h"
#include "lib/window.h"

/* --- source.c: each returns false after it said on standard error, as `program`, what is wrong -
 */

struct source {
	const struct window *window;
	uint64_t size; /* bytes that are mapped from there on */
};

/* The window in the BAR of this machine's PCI device. */
bool source_device(struct source *s, const char *program);

/* The window in a file that is an emulated machine's memory. */
bool source_memory(struct source *s, const char *path, const char *program);

/* A part's memory if it lies in the window whole; else NULL. */
const void *source_part(const struct source *s, unsigned i, struct window_part *part);

/* --- collect.c ------------------------------------------------------------------------------- */

#define RINGS 80

struct ring {
	const struct trace_ring *ring;
	uint32_t records; /* as many as its memory has room for */
	bool guest;
	unsigned owner;
	char name[WINDOW_NAME];
	uint64_t next, lost;
	struct trace_record *record; /* collected so far */
	size_t n, room;
};

struct collection {
	struct ring ring[RINGS];
	unsigned rings;
	struct window_port *port;
	unsigned ports;
	uint64_t tsc_khz;
};

/* Finds the rings and the names of ports. */
void collect_begin(struct collection *c, const struct source *s);

/* Adds what is new in all rings. */
void collect(struct collection *c);

/* Frees what was collected. */
void collect_end(struct collection *c);

/* --- frames.c -------------------------------------------------------------------------------- */

/* The points of a frame's way that may be known, in their order. */
enum point {
	POINT_nic_taken,
	POINT_guest_given,
	POINT_kick,
	POINT_taken,
	POINT_looked_up,
	POINT_copied,
	POINT_raised,
	POINT_guest_taken,
	POINT_nic_given,
	POINTS
};
extern const char *const point_name[POINTS];

struct frame {
	uint64_t src, dst;
	uint16_t from, to; /* ports; `to` is the first destination, NO_PORT: none */
	uint16_t entry;    /* the port whose TX ring it lay in */
	uint16_t out;      /* the port in whose RX ring it was put */
	uint16_t tx, rx;   /* its positions there */
	uint16_t len;
	bool rx_known;
	unsigned known; /* points, one bit each */
	uint64_t at[POINTS];
	uint64_t returned;
};
#define NO_PORT 0xffff

struct frames {
	struct frame *frame; /* by the time at which they were taken */
	size_t n, room;
	uint64_t untied; /* stamps of guests that belong to no frame */
};

/* Makes frames of all that was collected. */
void frames_make(struct frames *f, const struct collection *c);
void frames_free(struct frames *f);

/* --- split.c --------------------------------------------------------------------------------- */

/* Prints the paths and the round trips, as text or as JSON (one object, one line). */
void split_print(const struct frames *f, const struct collection *c, bool json);

/* --- program.c ------------------------------------------------------------------------------- */

/* The program: on the host it is all of one, in a guest a part of vnetctl's file. */
int patio_trace(int argc, char **argv);

#endif
