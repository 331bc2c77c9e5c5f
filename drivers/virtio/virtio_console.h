/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_console.h: hvc0, the guest's console (virtio 1.2, 5.3), one port.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_CONSOLE_H
#define DRIVERS_VIRTIO_VIRTIO_CONSOLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/virtio/lock.h"
#include "drivers/virtio/virtio_pci.h"

#define VIRTIO_CONSOLE_QUEUE   64    /* ring entries */
#define VIRTIO_CONSOLE_WAITING 1024  /* bytes of input that wait for a buffer; a power of two */
#define VIRTIO_CONSOLE_VISIT   16384 /* bytes that one visit prints before it ends with its chain */

#define VIRTIO_CONSOLE_RX 0 /* queue numbers (5.3.2) */
#define VIRTIO_CONSOLE_TX 1

/*
 * Gets what the guest prints, one chain at a time, in order, by one core at a time: the pieces lie
 * in guest memory and may be 4 GiB together, so whoever gets them takes a bounded part.
 */
typedef void virtio_console_output(void *ctx, const struct vnet_seg *seg, unsigned nseg);

struct virtio_console {
	struct virtio_pci v; /* first */
	virtio_console_output *output;
	void (*room)(void *ctx); /* may be set after the making, for one who is busy with the guest:
	                          * the guest has offered buffers for more input */
	void *ctx;
	struct vgate tx_gate;
	struct spinlock rx_lock;
	unsigned in_head, in_tail; /* free-running; bytes in_tail..in_head wait */
	char waiting[VIRTIO_CONSOLE_WAITING];
	struct vnet_seg tx_seg[VIRTIO_CONSOLE_QUEUE], rx_seg[VIRTIO_CONSOLE_QUEUE];
};

/* Prepares the device in memory that the caller owns (zeroed); `output` gets what the guest prints.
 * Then vpci_add(&c->v.pci). */
void virtio_console_init(struct virtio_console *c, const char *name, const struct gmem *mem,
                         virtio_console_output *output, void *ctx);

/* Types at the guest.  Returns how many bytes were accepted; the rest had no room.  Any core. */
size_t virtio_console_input(struct virtio_console *c, const char *buf, size_t len);

/* Drops the input that waits for a buffer: the guest starts anew. */
void virtio_console_forget(struct virtio_console *c);
#endif
