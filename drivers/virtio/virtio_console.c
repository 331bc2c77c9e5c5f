/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_console.c: see virtio_console.h. */
#include <string.h>
#include "drivers/virtio/virtio_console.h"

static struct virtio_console *console_of(struct virtio_pci *v)
{
	return (struct virtio_console *)v;
}

/* Prints one chain; gate held.  Returns its bytes; 0: no chain, -1: the driver broke a rule. */
static int64_t print_chain(struct virtio_console *c)
{
	struct vring *r = &c->v.queue[VIRTIO_CONSOLE_TX].ring;
	uint32_t bytes = 0;
	int nseg = vring_refresh(r);
	uint16_t head;

	if (nseg == 0)
		nseg = vring_arm(r);
	if (nseg == 0)
		return 0;

	head = vring_head(r, 0);

	if (nseg > 0)
		nseg = vring_chain(r, head, VRING_READ, c->tx_seg, VIRTIO_CONSOLE_QUEUE, &bytes);
	if (nseg < 0) {
		virtio_pci_break(&c->v, (enum vring_error) - nseg);
		return -1;
	}
	c->output(c->ctx, c->tx_seg, (unsigned)nseg);
	vring_used(r, 0, head, 0);
	vring_done(r, 1);
	if (vring_publish(r))
		virtio_pci_notify(&c->v, VIRTIO_CONSOLE_TX);
	return bytes;
}

/* One visit: prints what the guest has offered, up to VIRTIO_CONSOLE_VISIT bytes and a ring full;
 * gate held.  True: there may be more. */
static bool print_visit(struct virtio_console *c)
{
	int64_t total = 0;

	for (unsigned n = 0; n < VIRTIO_CONSOLE_QUEUE && total < VIRTIO_CONSOLE_VISIT; n++) {
		int64_t bytes;

		if (!virtio_pci_running(&c->v) || !c->v.queue[VIRTIO_CONSOLE_TX].enabled)
			return false;

		bytes = print_chain(c);

		if (bytes <= 0)
			return false;
		total += bytes;
	}
	return true;
}

/* Copies queued input into the buffers of one chain; returns how many bytes. */
static uint32_t copy_input(struct virtio_console *c, unsigned nseg)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < nseg; i++)
		for (uint32_t k = 0; k < c->rx_seg[i].len && c->in_tail != c->in_head; k++, done++)
			c->rx_seg[i].base[k] =
			    (uint8_t)c->waiting[c->in_tail++ % VIRTIO_CONSOLE_WAITING];
	return done;
}

/* Copies queued input into the driver's buffers; rx_lock held.  True: interrupt the driver. */
static bool deliver_input(struct virtio_console *c)
{
	struct vring *r = &c->v.queue[VIRTIO_CONSOLE_RX].ring;

	if (!virtio_pci_running(&c->v) || !c->v.queue[VIRTIO_CONSOLE_RX].enabled)
		return false;
	while (c->in_tail != c->in_head) {
		uint32_t bytes = 0;
		int nseg = vring_refresh(r);
		uint16_t head;

		if (nseg == 0)
			nseg = vring_arm(r);
		if (nseg == 0)
			break;

		head = vring_head(r, 0);

		if (nseg > 0)
			nseg = vring_chain(r, head, VRING_WRITE, c->rx_seg, VIRTIO_CONSOLE_QUEUE,
			                   &bytes);
		if (nseg < 0) {
			virtio_pci_break(&c->v, (enum vring_error) - nseg);
			return false;
		}
		vring_used(r, 0, head, copy_input(c, (unsigned)nseg));
		vring_done(r, 1);
	}
	return vring_publish(r);
}

static void deliver_and_notify(struct virtio_console *c)
{
	spin_lock(&c->rx_lock);
	if (deliver_input(c)) /* under rx_lock: stop() waits until the interrupt is sent */
		virtio_pci_notify(&c->v, VIRTIO_CONSOLE_RX);
	spin_unlock(&c->rx_lock);
}

static void tx_kicked(struct virtio_console *c)
{
	bool left;

	if (!vgate_enter(&c->tx_gate))
		return; /* the core that holds the gate arranges a visit */
	left = print_visit(c);

	if (!left && vgate_leave(&c->tx_gate))
		return;
	vgate_unlock(&c->tx_gate);
	virtio_pci_schedule_work(&c->v, VIRTIO_CONSOLE_TX);
}

static void rx_kicked(struct virtio_console *c)
{
	deliver_and_notify(c);
	if (c->room)
		c->room(c->ctx);
}

static void console_kick(struct virtio_pci *v, unsigned q)
{
	struct virtio_console *c = console_of(v);

	if (q == VIRTIO_CONSOLE_RX)
		rx_kicked(c);
	else
		tx_kicked(c);
}

static void console_start(struct virtio_pci *v)
{
	(void)v; /* the rings are all the state there is */
}

static void console_stop(struct virtio_pci *v)
{
	struct virtio_console *c = console_of(v);

	vgate_lock(&c->tx_gate);
	spin_lock(&c->rx_lock);
	spin_unlock(&c->rx_lock);
	vgate_unlock(&c->tx_gate);
}

static const struct virtio_ops console_ops = {
    .id = VIRTIO_ID_CONSOLE,
    .class_code = 0x078000, /* communication controller, other */
    .kick = console_kick,
    .start = console_start,
    .stop = console_stop,
};

void virtio_console_init(struct virtio_console *c, const char *name, const struct gmem *mem,
                         virtio_console_output *output, void *ctx)
{
	static const uint16_t size[2] = {VIRTIO_CONSOLE_QUEUE, VIRTIO_CONSOLE_QUEUE};

	c->output = output;
	c->ctx = ctx;
	c->in_head = c->in_tail = 0;
	virtio_pci_init(&c->v, name, &console_ops, mem, size, 2, 0, NULL, 0);
}

size_t virtio_console_input(struct virtio_console *c, const char *buf, size_t len)
{
	size_t n = 0;

	spin_lock(&c->rx_lock);
	while (n < len && c->in_head - c->in_tail < VIRTIO_CONSOLE_WAITING)
		c->waiting[c->in_head++ % VIRTIO_CONSOLE_WAITING] = buf[n++];
	spin_unlock(&c->rx_lock);
	deliver_and_notify(c);
	return n;
}

void virtio_console_forget(struct virtio_console *c)
{
	spin_lock(&c->rx_lock);
	c->in_tail = c->in_head;
	spin_unlock(&c->rx_lock);
}
