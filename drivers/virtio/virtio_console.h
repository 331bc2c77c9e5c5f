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
#define VIRTIO_CONSOLE_WAITING 1024  /* bytes of input queued without a buffer; a power of two */
#define VIRTIO_CONSOLE_VISIT   16384 /* bytes after which a visit ends, with its chain */

#define VIRTIO_CONSOLE_RX 0 /* queue numbers (5.3.2) */
#define VIRTIO_CONSOLE_TX 1

/*
 * Receives the guest's output, one chain at a time, in order, on one core at a time.  The segments
 * are guest memory and may total 4 GiB: the callee must use a bounded part only.
 */
typedef void virtio_console_output(void *ctx, const struct vnet_seg *seg, unsigned nseg);

struct virtio_console {
	struct virtio_pci v; /* first */
	virtio_console_output *output;
	void (*room)(void *ctx); /* optional, set after virtio_console_init(): the guest has
	                          * offered buffers for more input */
	void *ctx;
	struct vgate tx_gate;
	struct spinlock rx_lock;
	unsigned in_head, in_tail; /* free-running; bytes in_tail..in_head are queued */
	char waiting[VIRTIO_CONSOLE_WAITING];
	struct vnet_seg tx_seg[VIRTIO_CONSOLE_QUEUE], rx_seg[VIRTIO_CONSOLE_QUEUE];
};

/* Prepares the device in memory that the caller owns (zeroed); `output` receives the guest's
 * output. Then vpci_add(&c->v.pci). */
void virtio_console_init(struct virtio_console *c, const char *name, const struct gmem *mem,
                         virtio_console_output *output, void *ctx);

/* Sends input to the guest.  Returns how many bytes were accepted, as far as there is room.  Any
 * core.
 */
size_t virtio_console_input(struct virtio_console *c, const char *buf, size_t len);

/* Drops the queued input, when the guest restarts. */
void virtio_console_forget(struct virtio_console *c);
#endif
