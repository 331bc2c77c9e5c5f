/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_pmem.c: see virtio_pmem.h. */
#include "drivers/virtio/virtio_pmem.h"

#define QUEUE 0 /* 5.19.2 */

static struct virtio_pmem *pmem_of(struct virtio_pci *v)
{
	return (struct virtio_pmem *)v;
}

/* The first four bytes of these pieces, each read once; false: there are fewer. */
static bool read_word(const struct vnet_seg *seg, unsigned n, uint32_t *word)
{
	unsigned have = 0;

	*word = 0;
	for (unsigned i = 0; i < n; i++)
		for (uint32_t k = 0; k < seg[i].len && have < 4; k++, have++)
			*word |= (uint32_t) * (const volatile uint8_t *)&seg[i].base[k] << 8 * have;
	return have == 4;
}

static bool has_word(const struct vnet_seg *seg, unsigned n)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += seg[i].len;
	return bytes >= 4;
}

static void write_word(const struct vnet_seg *seg, uint32_t word)
{
	unsigned done = 0;

	for (; done < 4; seg++)
		for (uint32_t k = 0; k < seg->len && done < 4; k++, done++)
			seg->base[k] = (uint8_t)(word >> 8 * done);
}

/* Checks the request at `head` whole, then answers it. */
static enum vring_error answer(struct virtio_pmem *p, struct vring *r, uint16_t head)
{
	unsigned readable;
	uint32_t type;
	int n = vring_request(r, head, p->seg, VIRTIO_PMEM_PIECES, &readable);

	if (n < 0)
		return (enum vring_error) - n;
	if (!read_word(p->seg, readable, &type))
		return VRING_E_no_header;
	if (!has_word(p->seg + readable, (unsigned)n - readable))
		return VRING_E_no_answer;
	write_word(p->seg + readable,
	           type == VIRTIO_PMEM_FLUSH ? VIRTIO_PMEM_OK : VIRTIO_PMEM_FAILED);
	atomic_fetch_add_explicit(&p->flushes, 1, memory_order_relaxed);
	vring_used(r, 0, head, 4);
	vring_done(r, 1);
	return VRING_OK;
}

/* Requests that may be taken; asks for a kick if there are none. */
static int waiting(struct vring *r)
{
	int n = vring_refresh(r);

	return n ? n : vring_arm(r);
}

/* One visit; gate held.  True: there may be more. */
static bool visit(struct virtio_pmem *p)
{
	struct vring *r = &p->v.queue[QUEUE].ring;
	unsigned done = 0;
	enum vring_error bad = VRING_OK;
	int n = 1;

	if (!virtio_pci_running(&p->v) || !p->v.queue[QUEUE].enabled)
		return false;
	while (!bad && done < VIRTIO_PMEM_QUEUE && (n = waiting(r)) > 0) {
		bad = answer(p, r, vring_head(r, 0));
		done += !bad;
	}
	if (n < 0)
		bad = (enum vring_error) - n;
	if (vring_publish(r))
		virtio_pci_notify(&p->v, QUEUE);
	if (bad)
		virtio_pci_break(&p->v, bad);
	return !bad && n > 0;
}

static void pmem_kick(struct virtio_pci *v, unsigned q)
{
	struct virtio_pmem *p = pmem_of(v);

	if (!vgate_enter(&p->gate))
		return; /* the core that holds the gate arranges a visit */
	if (!visit(p) && vgate_leave(&p->gate))
		return;
	vgate_unlock(&p->gate);
	virtio_pci_schedule_work(v, q);
}

static void pmem_start(struct virtio_pci *v)
{
	(void)v; /* the ring is all the state there is */
}

static void pmem_stop(struct virtio_pci *v)
{
	struct virtio_pmem *p = pmem_of(v);

	vgate_lock(&p->gate);
	vgate_unlock(&p->gate);
}

static const struct virtio_ops pmem_ops = {
    .id = VIRTIO_ID_PMEM,
    .class_code = 0x058000, /* memory controller, other */
    .kick = pmem_kick,
    .start = pmem_start,
    .stop = pmem_stop,
};

void virtio_pmem_init(struct virtio_pmem *p, const char *name, const struct gmem *mem,
                      uint64_t start, uint64_t size)
{
	static const uint16_t queue[1] = {VIRTIO_PMEM_QUEUE};

	p->config = (struct virtio_pmem_config){start, size};
	virtio_pci_init(&p->v, name, &pmem_ops, mem, queue, 1, 0, (const uint8_t *)&p->config,
	                sizeof p->config);
}
