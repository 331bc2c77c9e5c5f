/*
 * virtio_guest.h: a guest for the tests of the devices: memory, a PCI bus reached by port accesses
 * as Linux does them, and the driver's side of a virtqueue.
 */
#ifndef TESTS_UNIT_VIRTIO_GUEST_H
#define TESTS_UNIT_VIRTIO_GUEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/virtio/virtio_pci.h"
#include "drivers/bus/gpa.h"
#include "drivers/bus/vpci.h"

#define LOW_SIZE  0xa0000u
#define HIGH_GPA  0x100000u
#define HIGH_SIZE 0x800000u

struct guest {
	struct vpci pci;
	struct gmem mem;
	uint8_t *low, *high;
	uint64_t next;                     /* the next free GPA */
	_Atomic unsigned msis, msi_of[64]; /* all; by vector, which the tests write as data */
	_Atomic uint64_t last_addr;
};

static inline void guest_msi(void *ctx, uint64_t addr, uint32_t data)
{
	struct guest *g = ctx;

	g->msis++;
	g->msi_of[data % 64]++;
	g->last_addr = addr;
}

static inline struct guest *guest_new(void)
{
	struct guest *g = calloc(1, sizeof *g);

	g->low = calloc(1, LOW_SIZE);
	g->high = calloc(1, HIGH_SIZE);
	assert_true(gmem_add(&g->mem, 0, LOW_SIZE, g->low));
	assert_true(gmem_add(&g->mem, HIGH_GPA, HIGH_SIZE, g->high));
	g->next = HIGH_GPA;
	vpci_init(&g->pci, guest_msi, g);
	return g;
}

static inline void guest_free(struct guest *g)
{
	free(g->low);
	free(g->high);
	free(g);
}

static inline uint64_t guest_alloc(struct guest *g, uint64_t size)
{
	uint64_t gpa = (g->next + 4095) & ~4095ull;

	assert_true(gpa + size <= HIGH_GPA + HIGH_SIZE);
	g->next = gpa + size;
	return gpa;
}

static inline void *at(struct guest *g, uint64_t gpa)
{
	void *p = gmem_ptr(&g->mem, gpa, 1);

	assert_non_null(p);
	return p;
}

/* Port and configuration accesses. */
static inline uint32_t in(struct guest *g, uint16_t port, unsigned size)
{
	uint32_t v = 0;

	if (!vpci_io(&g->pci, port, size, false, &v))
		v = ~0u;
	return size == 4 ? v : v & ((1u << (8 * size)) - 1);
}

static inline void out(struct guest *g, uint16_t port, unsigned size, uint32_t val)
{
	vpci_io(&g->pci, port, size, true, &val);
}

static inline void select_cfg(struct guest *g, unsigned slot, unsigned off)
{
	out(g, 0xcf8, 4, 0x80000000u | slot << 11 | (off & 0xfc));
}

static inline uint32_t cfg_get(struct guest *g, unsigned slot, unsigned off, unsigned size)
{
	select_cfg(g, slot, off);
	return in(g, (uint16_t)(0xcfc + (off & 3)), size);
}

static inline void cfg_set(struct guest *g, unsigned slot, unsigned off, unsigned size, uint32_t v)
{
	select_cfg(g, slot, off);
	out(g, (uint16_t)(0xcfc + (off & 3)), size, v);
}

static inline uint32_t mem_get(struct guest *g, uint64_t gpa)
{
	uint64_t v = 0;

	assert_true(vpci_mmio(&g->pci, gpa, 4, false, &v));
	return (uint32_t)v;
}

static inline void mem_set(struct guest *g, uint64_t gpa, uint32_t val)
{
	uint64_t v = val;

	assert_true(vpci_mmio(&g->pci, gpa, 4, true, &v));
}

/* What a driver finds of a device by its capabilities. */
struct probe {
	unsigned slot, msix_cap, window_cap;
	uint16_t common, notify, isr, device; /* ports */
	uint32_t notify_step;
	uint64_t msix; /* GPA of the table */
};

static inline uint16_t bar_port(struct guest *g, struct probe *p, unsigned cap)
{
	unsigned bar = cfg_get(g, p->slot, cap + 4, 1);

	return (uint16_t)((cfg_get(g, p->slot, 0x10 + 4 * bar, 4) & ~3u) +
	                  cfg_get(g, p->slot, cap + 8, 4));
}

static inline void probe_cap(struct guest *g, struct probe *p, unsigned cap)
{
	switch (cfg_get(g, p->slot, cap + 3, 1)) {
	case 1:
		p->common = bar_port(g, p, cap);
		break;
	case 2:
		p->notify = bar_port(g, p, cap);
		p->notify_step = cfg_get(g, p->slot, cap + 16, 4);
		break;
	case 3:
		p->isr = bar_port(g, p, cap);
		break;
	case 4:
		p->device = bar_port(g, p, cap);
		break;
	case 5:
		p->window_cap = cap;
		break;
	}
}

static inline struct probe probe(struct guest *g, unsigned slot)
{
	struct probe p = {.slot = slot};

	for (unsigned cap = cfg_get(g, slot, 0x34, 1); cap; cap = cfg_get(g, slot, cap + 1, 1)) {
		if (cfg_get(g, slot, cap, 1) == 0x11)
			p.msix_cap = cap;
		else
			probe_cap(g, &p, cap);
	}
	if (p.msix_cap) {
		uint32_t table = cfg_get(g, slot, p.msix_cap + 4, 4);

		p.msix = (cfg_get(g, slot, 0x10 + 4 * (table & 7), 4) & ~15u) + (table & ~7u);
	}
	return p;
}

/* Unmasks n vectors, vector i with data `first` + i, and switches MSI-X on. */
static inline void msix_on(struct guest *g, struct probe *p, unsigned n, uint32_t first)
{
	for (unsigned i = 0; i < n; i++) {
		mem_set(g, p->msix + 16 * i, 0xfee00000u);
		mem_set(g, p->msix + 16 * i + 4, 0);
		mem_set(g, p->msix + 16 * i + 8, first + i);
		mem_set(g, p->msix + 16 * i + 12, 0);
	}
	cfg_set(g, p->slot, p->msix_cap + 2, 2, 0x8000);
}

/* The driver's side of a queue. */
struct queue {
	uint16_t num, avail_idx, last_used;
	struct vring_desc *desc;
	uint16_t *avail, *used;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint16_t notify; /* port */
};

static inline void queue_alloc(struct guest *g, struct queue *q, uint16_t num)
{
	*q = (struct queue){.num = num};
	q->desc_gpa = guest_alloc(g, 16ull * num);
	q->avail_gpa = guest_alloc(g, 6 + 2ull * num);
	q->used_gpa = guest_alloc(g, 6 + 8ull * num);
	q->desc = at(g, q->desc_gpa);
	q->avail = at(g, q->avail_gpa);
	q->used = at(g, q->used_gpa);
	memset(q->desc, 0, 16ull * num);
	memset(q->avail, 0, 6 + 2ull * num);
	memset(q->used, 0, 6 + 8ull * num);
}

static inline void queue_offer(struct queue *q, uint16_t head)
{
	q->avail[2 + q->avail_idx % q->num] = head;
	__atomic_store_n(&q->avail[1], ++q->avail_idx, __ATOMIC_SEQ_CST);
}

/* With EVENT_IDX: whether the driver must kick after it moved the index from `old` (2.7.10.1). */
static inline bool queue_kick_wanted(const struct queue *q, uint16_t old)
{
	uint16_t event = __atomic_load_n(&q->used[2 + 4 * q->num], __ATOMIC_SEQ_CST);

	return (uint16_t)(q->avail_idx - event - 1) < (uint16_t)(q->avail_idx - old);
}

static inline void queue_interrupt_at(struct queue *q, uint16_t used_idx)
{
	__atomic_store_n(&q->avail[2 + q->num], used_idx, __ATOMIC_SEQ_CST);
}

static inline uint16_t queue_used_idx(const struct queue *q)
{
	return __atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE);
}

/* The next used entry; fails the test when there is none. */
static inline struct vring_used_elem queue_used(struct queue *q)
{
	struct vring_used_elem e;

	assert_int_not_equal(queue_used_idx(q), q->last_used);
	memcpy(&e, &q->used[2 + 4 * (q->last_used++ % q->num)], sizeof e);
	return e;
}

/* Gives the device the queue's addresses, vector and enables it. */
static inline void queue_setup(struct guest *g, struct probe *p, unsigned index, struct queue *q,
                               uint16_t vector)
{
	const uint64_t area[3] = {q->desc_gpa, q->avail_gpa, q->used_gpa};

	out(g, (uint16_t)(p->common + 0x16), 2, index);
	out(g, (uint16_t)(p->common + 0x18), 2, q->num);
	out(g, (uint16_t)(p->common + 0x1a), 2, vector);
	for (unsigned i = 0; i < 3; i++) {
		out(g, (uint16_t)(p->common + 0x20 + 8 * i), 4, (uint32_t)area[i]);
		out(g, (uint16_t)(p->common + 0x24 + 8 * i), 4, (uint32_t)(area[i] >> 32));
	}
	out(g, (uint16_t)(p->common + 0x1c), 2, 1);
	q->notify = (uint16_t)(p->notify + in(g, (uint16_t)(p->common + 0x1e), 2) * p->notify_step);
}

static inline uint8_t status_get(struct guest *g, struct probe *p)
{
	return (uint8_t)in(g, (uint16_t)(p->common + 0x14), 1);
}

static inline void status_add(struct guest *g, struct probe *p, uint8_t bits)
{
	out(g, (uint16_t)(p->common + 0x14), 1, status_get(g, p) | bits);
}

static inline uint64_t features_offered(struct guest *g, struct probe *p)
{
	uint64_t f;

	out(g, p->common, 4, 0);
	f = in(g, (uint16_t)(p->common + 4), 4);
	out(g, p->common, 4, 1);
	return f | (uint64_t)in(g, (uint16_t)(p->common + 4), 4) << 32;
}

/* The driver's steps of 3.1.1 up to FEATURES_OK; returns whether the device kept it. */
static inline bool negotiate(struct guest *g, struct probe *p, uint64_t features)
{
	cfg_set(g, p->slot, 4, 2, cfg_get(g, p->slot, 4, 2) | VPCI_CMD_MASTER);
	out(g, (uint16_t)(p->common + 0x14), 1, 0);
	assert_int_equal(status_get(g, p), 0);
	status_add(g, p, VIRTIO_ACKNOWLEDGE);
	status_add(g, p, VIRTIO_DRIVER);
	for (unsigned half = 0; half < 2; half++) {
		out(g, (uint16_t)(p->common + 8), 4, half);
		out(g, (uint16_t)(p->common + 12), 4, (uint32_t)(features >> (32 * half)));
	}
	status_add(g, p, VIRTIO_FEATURES_OK);
	return status_get(g, p) & VIRTIO_FEATURES_OK;
}

/* The value of a device's counter, by name; fails the test when there is no such counter. */
static inline uint64_t counter(const struct virtio_pci *v, const char *name)
{
	char have[64];
	uint64_t value;

	for (unsigned i = 0; virtio_pci_counter(v, i, have, sizeof have, &value); i++)
		if (!strcmp(have, name))
			return value;
	fail_msg("no counter %s", name);
	return 0;
}
#endif
