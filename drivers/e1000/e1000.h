/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * e1000.h: driver for the Intel 82540EM and 82574L, with no operating system under it.
 *
 *   e1000.c          identity, reset, MAC address, link, interrupts
 *   e1000_rx.c       receive ring
 *   e1000_tx.c       transmit ring
 *   e1000_offload.c  checksum and segmentation by the NIC, from a virtio offload header
 *   e1000_stats.c    the NIC's own counters, by name
 *
 * One CPU at a time.  The caller owns the buffers: the driver returns them in the order given.
 */
#ifndef DRIVERS_E1000_E1000_H
#define DRIVERS_E1000_E1000_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vnet/frame/frame.h"

#define E1000_VENDOR  0x8086
#define E1000_82540EM 0x100e
#define E1000_82574L  0x10d3

#define E1000_RX_RING 256 /* descriptors */
#define E1000_TX_RING 1024
#define E1000_BUFFER  2048 /* bytes of a receive buffer, unless e1000_set_mtu() says more */
#define E1000_MTU     1500 /* until e1000_set_mtu() */
#define E1000_PIECES  24   /* segments of memory per frame to send, at most */

/* Bytes of 4096-aligned memory for both rings. */
#define E1000_RING_BYTES ((E1000_RX_RING + E1000_TX_RING) * 16)

/* How the driver reaches the machine; `ctx` is the caller's. */
struct e1000_ops {
	uint32_t (*read)(void *ctx, uint32_t reg);
	void (*write)(void *ctx, uint32_t reg, uint32_t v);
	uint64_t (*dma)(void *ctx, const void *p); /* the address by which the NIC reaches *p */
	void (*delay_us)(void *ctx, unsigned us);
};

struct e1000_config {
	uint16_t device; /* E1000_82540EM or E1000_82574L */
	bool promiscuous;
	uint16_t itr; /* least time between interrupts, in 256 ns; 0: none (8254x 13.4.18) */
};

struct e1000_rx_desc;
struct e1000_tx_desc;

/* What the driver counts; the NIC's own counters are in e1000_stats.c. */
#define E1000_COUNTERS(X)                                                                          \
	X(rx_frames)                                                                               \
	X(rx_errors)    /* CRC, symbol, sequence or carrier errors: dropped */                     \
	X(rx_fragments) /* longer than a buffer: dropped */                                        \
	X(rx_long)      /* longer than the MTU and a VLAN tag allow: dropped */                    \
	X(tx_frames)                                                                               \
	X(tx_tso)    /* of these: segmented by the NIC */                                          \
	X(tx_csum)   /* of these: checksum by the NIC, not segmented */                            \
	X(tx_full)   /* refused, the ring was full: the caller keeps the frame */                  \
	X(tx_unable) /* refused: an offload that the NIC does not have */                          \
	X(tx_bad)    /* refused: an offload header that contradicts the frame, or no frame */      \
	X(link_changes)

enum e1000_counter {
#define X(name) E1000_COUNT_##name,
	E1000_COUNTERS(X)
#undef X
	    E1000_COUNTER_COUNT
};
extern const char *const e1000_counter_name[E1000_COUNTER_COUNT];

struct e1000 {
	const struct e1000_ops *ops;
	void *ctx;
	struct e1000_config config;
	uint8_t mac[6];
	bool link;
	volatile struct e1000_rx_desc *rx;
	volatile struct e1000_tx_desc *tx;
	uint16_t rx_next, rx_add, rx_tail; /* next to read, next to fill, last RDT written */
	bool rx_skip;                      /* inside a frame longer than a buffer */
	uint32_t rx_longest, rx_bytes;     /* longest frame without CRC; bytes of a buffer */
	uint32_t rx_size;                  /* both as RCTL bits */
	uint16_t tx_next, tx_clean, tx_tail;
	struct e1000_context {
		uint64_t low, high, popts;
	} context; /* the NIC's current context; low 0: none */
	void *rx_buffer[E1000_RX_RING];
	void *tx_cookie[E1000_TX_RING];  /* by the frame's first descriptor */
	uint16_t tx_last[E1000_TX_RING]; /* that frame's last descriptor */
	uint64_t count[E1000_COUNTER_COUNT];
};

/*
 * Resets the NIC whatever state it was left in, and starts it with empty rings and interrupts
 * masked.  `rings`: E1000_RING_BYTES of 4096-aligned memory, `ops` and `ctx` outlive *n.  Returns
 * NULL, or what went wrong.  Does not wait for the link.
 */
const char *e1000_start(struct e1000 *n, const struct e1000_ops *ops, void *ctx,
                        const struct e1000_config *config, void *rings);

/* "82540EM" or "82574L"; NULL for a device that is not ours. */
const char *e1000_name(uint16_t device);

/*
 * Whether the NIC segments TCP over IPv6: the 82574L does.  The 82540EM is not asked to: where it
 * is emulated (QEMU 10) it gets the payload length wrong.
 */
bool e1000_tso6(const struct e1000 *n);

/*
 * Whether the NIC completes a checksum inside a tunnel over UDP: the 82540EM does.  The 82574L is
 * not asked to: where it is emulated (QEMU 10) it completes the outermost one instead.
 */
bool e1000_sums_in_tunnel(const struct e1000 *n);

/*
 * Sets the largest payload to receive to `mtu` or the NIC's limit, at least E1000_MTU; returns it.
 * Each frame still fits one buffer, of n->rx_bytes.  To be called between
 * e1000_start() and the first e1000_rx_give().  (8254x 13.4.22, RCTL.LPE, BSIZE and BSEX)
 */
uint32_t e1000_set_mtu(struct e1000 *n, uint32_t mtu);

/* Reads the link state into n->link, counts a change. */
bool e1000_link(struct e1000 *n);

/* Reads, and by that clears, the cause of an interrupt. True when the link state changed. */
bool e1000_irq_cause(struct e1000 *n);

/* Enables interrupts for received frames and link changes, and for sent frames if `tx`. */
void e1000_irq_on(struct e1000 *n, bool tx);
void e1000_irq_off(struct e1000 *n);

/* Gives the NIC a receive buffer of n->rx_bytes; false when the ring is full. */
bool e1000_rx_give(struct e1000 *n, void *buffer);
unsigned e1000_rx_room(const struct e1000 *n);
void e1000_rx_flush(struct e1000 *n); /* writes RDT: the NIC may use the given buffers */

/*
 * Takes the next received frame: its buffer and its length without CRC.  NULL when there is none.
 * Bad frames are counted, and their buffers returned to the NIC.  The NIC is not asked to verify
 * checksums: a virtio driver may not pass that on (virtio 1.2, 5.1.6.2.1, DATA_VALID).
 */
void *e1000_rx_next(struct e1000 *n, uint32_t *len);

/* Whether the ring has a received frame, which may be a bad one. */
bool e1000_rx_ready(const struct e1000 *n);

enum e1000_sent {
	E1000_SENT,
	E1000_FULL,   /* try again after e1000_tx_done() */
	E1000_UNABLE, /* the NIC cannot do what the offload header asks: do it in software */
	E1000_BAD,    /* drop it */
};

/*
 * Queues a frame of `n_pieces` segments with the offload header hdr.  If hdr asks for an offload,
 * the headers, Ethernet to TCP, must be in piece[0]; for segmentation they are changed in place
 * (lengths and checksums, 8254x 3.5).  The caller keeps the memory unchanged until e1000_tx_done()
 * returns `cookie` (not NULL); if not E1000_SENT, the frame is unchanged and remains the caller's.
 */
enum e1000_sent e1000_tx_send(struct e1000 *n, const struct vnet_seg *piece, unsigned n_pieces,
                              const struct vnet_hdr *hdr, void *cookie);
void e1000_tx_flush(struct e1000 *n); /* writes TDT: the NIC sends the queued frames */

/* The cookie of the next sent frame, in order; NULL when there is none. */
void *e1000_tx_done(struct e1000 *n);
bool e1000_tx_ready(const struct e1000 *n);       /* whether e1000_tx_done() has a frame */
unsigned e1000_tx_pending(const struct e1000 *n); /* descriptors not sent yet */

/* The i-th of the NIC's counters: name and value since the last call (they clear on read). */
const char *e1000_stat(struct e1000 *n, unsigned i, uint32_t *value);

/*
 * Builds the context descriptor for hdr, and prepares `head` (the frame's first head_len bytes) for
 * segmentation.  popts 0: no offload.  E1000_SENT, E1000_UNABLE or E1000_BAD.
 */
enum e1000_sent e1000_offload(const struct vnet_hdr *hdr, uint8_t *head, uint32_t head_len,
                              uint32_t frame_len, struct e1000_context *context);

/* Whether hdr asks for a checksum behind the outermost UDP header; `head` as above. */
bool e1000_in_tunnel(const struct vnet_hdr *hdr, const uint8_t *head, uint32_t head_len);
#endif
