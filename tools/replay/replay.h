/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.h: a capture of a node's switch, played again through the same switch on this machine.
 *
 *   blocks.c   reads the blocks of a pcapng file
 *   network.c  makes the switch that a patio.conf describes
 *   play.c     gives it what the capture has, and compares
 *   main.c     the program
 */
#ifndef TOOLS_REPLAY_REPLAY_H
#define TOOLS_REPLAY_REPLAY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "vmm/config/config.h"
#include "vnet/vnet.h"

/* --- blocks.c: as much of pcapng as tools/capture writes -------------------------------------- */

enum block_kind {
	BLOCK_END, /* of the file */
	BLOCK_BAD, /* `why` says what is wrong; nothing follows */
	BLOCK_SECTION,
	BLOCK_INTERFACE,
	BLOCK_PACKET,
	BLOCK_STATISTICS,
	BLOCK_OTHER
};

#define BLOCK_TEXT 1024 /* bytes of a comment or a name, NUL included; longer ones are cut */

struct block {
	enum block_kind kind;
	uint32_t interface;
	uint64_t time;
	const uint8_t *bytes; /* of a packet, in the file's memory */
	uint32_t captured, length;
	uint32_t flags, queue;
	uint64_t id;
	char comment[BLOCK_TEXT]; /* the first one */
	char name[BLOCK_TEXT];    /* of an interface */
	const char *why;
};

struct blocks {
	const uint8_t *at, *end;
	bool section; /* one was read */
};

/* Begins to read `size` bytes, which stay the caller's and may be anything. */
void blocks_begin(struct blocks *b, const uint8_t *bytes, size_t size);

/* Reads the next block. */
void blocks_next(struct blocks *b, struct block *block);

/* --- network.c ------------------------------------------------------------------------------- */

/* What is behind a guest's port: the bytes of its frames that wait. */
struct device {
	uint8_t *held[VNET_HOLDS];
};

/* vnet_port_ops.hold and .release of a struct device. */
int device_hold(void *dev, unsigned frame, struct vnet_held *h);
void device_release(void *dev, unsigned slot);

/* Makes the switch of a description, its ports down, with `cores` cores; `ops` have a struct
 * device. NULL: why says why. */
struct vnet *network_make(const struct node_config *n, unsigned cores,
                          const struct vnet_port_ops *ops, char *why, size_t size);

/* --- play.c ---------------------------------------------------------------------------------- */

struct outcome {
	uint64_t batches, frames;    /* that came in */
	uint64_t delivered, refused; /* as the capture has them */
	uint64_t differences;
	char first[512];      /* the first difference */
	char incomplete[512]; /* what the capture lacks; "": nothing */
};

/*
 * Plays the capture in those bytes through the switch of the description.  The switch is the
 * caller's afterwards (vnet_destroy()), with the counters that it has; NULL: why says why.
 */
struct vnet *play(const struct node_config *n, const uint8_t *bytes, size_t size,
                  struct outcome *outcome, char *why, size_t why_size);

#endif
