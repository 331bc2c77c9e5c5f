/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.h: from the rings of a node's mirrors (lib/capture.h) to a pcapng stream.
 *
 *   groups.c   reads the rings of all cores, and brings their groups of records in order
 *   itinerary.c  what the trace says of a frame, if it was on
 *   pcapng.c   writes a stream: blocks and options
 *   stream.c   what becomes of each record
 *   main.c     the program
 */
#ifndef TOOLS_CAPTURE_READER_H
#define TOOLS_CAPTURE_READER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/capture.h"
#include "lib/trace.h"
#include "lib/window.h"
#include "vnet/vnet.h"

#define READER_RINGS 64
#define READER_PORTS VNET_PORTS

/* --- groups.c -------------------------------------------------------------------------------- */

/* A record, with its bytes. */
struct item {
	struct item *next;
	struct capture_record r;
	uint8_t bytes[];
};

/* What one walk, or one event, has said. */
struct group {
	struct group *next;
	uint64_t tsc, number; /* number: on its core, since this reader began */
	unsigned core;
	struct item *item, **end;
};

struct queue {
	const struct capture_ring *ring;
	struct capture_cursor cursor;
	struct group *first, **end;
	struct group *open; /* the last one */
	uint64_t groups, busy;
};

struct groups {
	const struct capture *capture;
	uint64_t ring_size;
	unsigned rings;
	struct queue queue[READER_RINGS];
	uint64_t latest;  /* TSC of the latest group that was read */
	uint64_t horizon; /* of the groups up to here none can be missing */
};

/* Begins with what is in the rings.  `size`: bytes at `capture`, which may be anything.  False: no
 * capture that this program knows is there. */
bool groups_begin(struct groups *g, const struct capture *capture, uint64_t size);

/* Reads what is new.  False: the capture is no longer there. */
bool groups_read(struct groups *g);

/* The next group in order, the caller's, who frees it; NULL: there is none yet.  `all`: even if an
 * earlier one may still come. */
struct group *groups_next(struct groups *g, bool all);
void group_free(struct group *group);

/* Records lost so far, in all rings. */
uint64_t groups_lost(const struct groups *g);

void groups_end(struct groups *g);

/* --- itinerary.c ----------------------------------------------------------------------------- */

struct itinerary_ring {
	const struct trace_ring *ring;
	uint32_t records;
	uint64_t next, lost;
	struct trace_record *record;
	size_t first, n, room; /* `first`: the first one that may still be asked for */
};

struct itinerary {
	struct itinerary_ring core[READER_RINGS];
	uint64_t tsc_khz;
};

/* Adds the trace ring of a core: `size` bytes, of which nothing is trusted. */
void itinerary_add(struct itinerary *t, unsigned core, const void *ring, uint64_t size);

/* Reads what is new. */
void itinerary_read(struct itinerary *t);

/* Writes the steps of frame `number` of the walk of that core that began at `tsc`; false: the trace
 * has nothing of it.  Forgets what is older. */
bool itinerary_text(struct itinerary *t, unsigned core, uint64_t tsc, unsigned number, char *text,
                    size_t size);
void itinerary_end(struct itinerary *t);

/* --- pcapng.c: draft-ietf-opsawg-pcapng; each returns false when the stream takes no more ----- */

enum pcapng_direction { PCAPNG_IN = 1, PCAPNG_OUT = 2 }; /* as in epb_flags */

struct pcapng_packet {
	uint32_t interface;
	uint64_t ns;
	enum pcapng_direction direction;
	uint64_t id;    /* equal for the same packet at several interfaces */
	uint32_t queue; /* the core */
	const uint8_t *bytes;
	uint32_t captured, length;
	const char *comment[2]; /* NULL or "": none */
};

bool pcapng_section(FILE *f, const char *comment);
bool pcapng_interface(FILE *f, const char *name);
bool pcapng_packet(FILE *f, const struct pcapng_packet *p);
/* A statistics block; `dropped`: packets that were lost so far. */
bool pcapng_statistics(FILE *f, uint32_t interface, uint64_t ns, uint64_t dropped,
                       const char *comment);

/* --- stream.c -------------------------------------------------------------------------------- */

struct stream {
	FILE *out;
	const struct capture *capture;
	const struct window_port *port; /* their names; `ports` of them */
	unsigned ports;
	struct itinerary *itinerary;   /* NULL: none */
	uint8_t mirrors;               /* whose frames are wanted, one bit each */
	uint32_t cut[CAPTURE_MIRRORS]; /* of each, as it was last listed */
	uint32_t interfaces;
	uint32_t interface[READER_PORTS];     /* of each port, + 1; 0: none yet */
	char name[READER_PORTS][WINDOW_NAME]; /* that it has there */
	uint64_t lost, packets;
};

/* Begins the stream: its section, and an interface for each port.  The mirrors, ports and out are
 * set. */
bool stream_begin(struct stream *s);

/* Writes all that a group says. */
bool stream_group(struct stream *s, const struct group *g);

/* Says that so many records were lost up to now. */
bool stream_lost(struct stream *s, uint64_t tsc, uint64_t lost);

#endif
