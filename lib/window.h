/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.h: the layout of the observation window, memory in which the VMM shows what it measures.
 *
 * One contiguous piece of host memory: this header on its first page, then the parts that it lists,
 * each on pages of its own.  A guest with `control` sees all of it in a PCI device's BAR,
 * read-only, so that reading costs no exit; a guest that writes a part (its trace ring) has that
 * part alone in a BAR of its own device.  A program outside an emulated machine finds it in the
 * machine's memory by WINDOW_MAGIC at the start of a page.  Little-endian, as the machine.
 */
#ifndef LIB_WINDOW_H
#define LIB_WINDOW_H
#include <stdatomic.h>
#include <stdint.h>

#define WINDOW_MAGIC   0x574f444e49574150ul /* "PAWINDOW" */
#define WINDOW_VERSION 1
#define WINDOW_PAGE    4096u
#define WINDOW_NAME    32 /* bytes of a name, NUL included */

#define WINDOW_KINDS(X)                                                                            \
	X(trace)   /* a core's struct trace_ring (lib/trace.h) */                                  \
	X(ports)   /* names of the switch's ports: an array of struct window_port */               \
	X(capture) /* a stream of frames: see lib/capture.h */                                     \
	X(stamps)  /* a guest's struct trace_ring: the guest may write anything there */

enum window_kind {
#define X(name) WINDOW_##name,
	WINDOW_KINDS(X)
#undef X
	    WINDOW_KIND_COUNT
};

/* One part of the window. */
struct window_part {
	uint32_t kind;          /* enum window_kind */
	uint32_t owner;         /* of a trace ring the core, of stamps the guest's slot */
	uint64_t offset, size;  /* bytes, from the window's start; multiples of WINDOW_PAGE */
	char name[WINDOW_NAME]; /* the guest's or the mirror's, NUL-terminated */
};

struct window_port {
	char name[WINDOW_NAME]; /* empty: no such port; the index is the port's number */
	uint32_t guest;         /* its guest's slot + 1; 0: it is a link */
	uint32_t order;         /* which of the guest's NICs it is, from 0 */
};

#define WINDOW_PARTS 71 /* as many as fit the first page */

struct window {
	uint64_t magic; /* written last */
	uint32_t version, page;
	uint64_t size; /* bytes, all of it */
	uint64_t tsc_khz;
	uint64_t self; /* host-physical address of the window */
	_Atomic uint32_t parts;
	uint32_t reserved[5];
	struct window_part part[WINDOW_PARTS];
};

_Static_assert(sizeof(struct window_part) == 56, "readers know the layout");
_Static_assert(sizeof(struct window) <= WINDOW_PAGE, "one page");

#endif
