/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/virtio_guest.h"

void guest_msi(void *ctx, uint64_t addr, uint32_t data)
{
	struct guest *g = ctx;

	g->msis++;
	g->msi_of[data % 64]++;
	g->last_addr = addr;
}

struct guest *guest_new(void)
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

void guest_free(struct guest *g)
{
	free(g->low);
	free(g->high);
	free(g);
}

uint64_t guest_alloc(struct guest *g, uint64_t size)
{
	uint64_t gpa = (g->next + 4095) & ~4095ull;

	assert_true(gpa + size <= HIGH_GPA + HIGH_SIZE);
	g->next = gpa + size;
	return gpa;
}

void *guest_at(struct guest *g, uint64_t gpa)
{
	void *p = gmem_ptr(&g->mem, gpa, 1);

	assert_non_null(p);
	return p;
}

uint32_t guest_in(struct guest *g, uint16_t port, unsigned size)
{
	uint32_t v = 0;

	if (!vpci_io(&g->pci, port, size, false, &v))
		v = ~0u;
	return size == 4 ? v : v & ((1u << (8 * size)) - 1);
}

void guest_out(struct guest *g, uint16_t port, unsigned size, uint32_t val)
{
	vpci_io(&g->pci, port, size, true, &val);
}

static void select_cfg(struct guest *g, unsigned slot, unsigned off)
{
	guest_out(g, 0xcf8, 4, 0x80000000u | slot << 11 | (off & 0xfc));
}

uint32_t guest_cfg(struct guest *g, unsigned slot, unsigned off, unsigned size)
{
	select_cfg(g, slot, off);
	return guest_in(g, (uint16_t)(0xcfc + (off & 3)), size);
}

void guest_cfg_set(struct guest *g, unsigned slot, unsigned off, unsigned size, uint32_t v)
{
	select_cfg(g, slot, off);
	guest_out(g, (uint16_t)(0xcfc + (off & 3)), size, v);
}

uint32_t guest_mmio(struct guest *g, uint64_t gpa)
{
	uint64_t v = 0;

	assert_true(vpci_mmio(&g->pci, gpa, 4, false, &v));
	return (uint32_t)v;
}

void guest_mmio_set(struct guest *g, uint64_t gpa, uint32_t val)
{
	uint64_t v = val;

	assert_true(vpci_mmio(&g->pci, gpa, 4, true, &v));
}

static uint16_t bar_port(struct guest *g, struct probe *p, unsigned cap)
{
	unsigned bar = guest_cfg(g, p->slot, cap + 4, 1);

	return (uint16_t)((guest_cfg(g, p->slot, 0x10 + 4 * bar, 4) & ~3u) +
	                  guest_cfg(g, p->slot, cap + 8, 4));
}

static void probe_cap(struct guest *g, struct probe *p, unsigned cap)
{
	switch (guest_cfg(g, p->slot, cap + 3, 1)) {
	case 1:
		p->common = bar_port(g, p, cap);
		break;
	case 2:
		p->notify = bar_port(g, p, cap);
		p->notify_step = guest_cfg(g, p->slot, cap + 16, 4);
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

struct probe guest_probe(struct guest *g, unsigned slot)
{
	struct probe p = {.slot = slot};

	for (unsigned cap = guest_cfg(g, slot, 0x34, 1); cap;
	     cap = guest_cfg(g, slot, cap + 1, 1)) {
		if (guest_cfg(g, slot, cap, 1) == 0x11)
			p.msix_cap = cap;
		else
			probe_cap(g, &p, cap);
	}
	if (p.msix_cap) {
		uint32_t table = guest_cfg(g, slot, p.msix_cap + 4, 4);

		p.msix = (guest_cfg(g, slot, 0x10 + 4 * (table & 7), 4) & ~15u) + (table & ~7u);
	}
	return p;
}

void msix_on(struct guest *g, struct probe *p, unsigned n, uint32_t first)
{
	for (unsigned i = 0; i < n; i++) {
		guest_mmio_set(g, p->msix + 16 * i, 0xfee00000u);
		guest_mmio_set(g, p->msix + 16 * i + 4, 0);
		guest_mmio_set(g, p->msix + 16 * i + 8, first + i);
		guest_mmio_set(g, p->msix + 16 * i + 12, 0);
	}
	guest_cfg_set(g, p->slot, p->msix_cap + 2, 2, 0x8000);
}

void queue_alloc(struct guest *g, struct queue *q, uint16_t num)
{
	*q = (struct queue){.num = num};
	q->desc_gpa = guest_alloc(g, 16ull * num);
	q->avail_gpa = guest_alloc(g, 6 + 2ull * num);
	q->used_gpa = guest_alloc(g, 6 + 8ull * num);
	q->desc = guest_at(g, q->desc_gpa);
	q->avail = guest_at(g, q->avail_gpa);
	q->used = guest_at(g, q->used_gpa);
	memset(q->desc, 0, 16ull * num);
	memset(q->avail, 0, 6 + 2ull * num);
	memset(q->used, 0, 6 + 8ull * num);
}

void queue_offer(struct queue *q, uint16_t head)
{
	q->avail[2 + q->avail_idx % q->num] = head;
	__atomic_store_n(&q->avail[1], ++q->avail_idx, __ATOMIC_SEQ_CST);
}

bool queue_kick_wanted(const struct queue *q, uint16_t old)
{
	uint16_t event = __atomic_load_n(&q->used[2 + 4 * q->num], __ATOMIC_SEQ_CST);

	return (uint16_t)(q->avail_idx - event - 1) < (uint16_t)(q->avail_idx - old);
}

void queue_interrupt_at(struct queue *q, uint16_t used_idx)
{
	__atomic_store_n(&q->avail[2 + q->num], used_idx, __ATOMIC_SEQ_CST);
}

uint16_t queue_used_idx(const struct queue *q)
{
	return __atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE);
}

struct vring_used_elem queue_used(struct queue *q)
{
	struct vring_used_elem e;

	assert_int_not_equal(queue_used_idx(q), q->last_used);
	memcpy(&e, &q->used[2 + 4 * (q->last_used++ % q->num)], sizeof e);
	return e;
}

void queue_setup(struct guest *g, struct probe *p, unsigned index, struct queue *q, uint16_t vector)
{
	const uint64_t area[3] = {q->desc_gpa, q->avail_gpa, q->used_gpa};

	guest_out(g, (uint16_t)(p->common + 0x16), 2, index);
	guest_out(g, (uint16_t)(p->common + 0x18), 2, q->num);
	guest_out(g, (uint16_t)(p->common + 0x1a), 2, vector);
	for (unsigned i = 0; i < 3; i++) {
		guest_out(g, (uint16_t)(p->common + 0x20 + 8 * i), 4, (uint32_t)area[i]);
		guest_out(g, (uint16_t)(p->common + 0x24 + 8 * i), 4, (uint32_t)(area[i] >> 32));
	}
	guest_out(g, (uint16_t)(p->common + 0x1c), 2, 1);
	q->notify =
	    (uint16_t)(p->notify + guest_in(g, (uint16_t)(p->common + 0x1e), 2) * p->notify_step);
}

uint8_t status_get(struct guest *g, struct probe *p)
{
	return (uint8_t)guest_in(g, (uint16_t)(p->common + 0x14), 1);
}

void status_add(struct guest *g, struct probe *p, uint8_t bits)
{
	guest_out(g, (uint16_t)(p->common + 0x14), 1, status_get(g, p) | bits);
}

uint64_t features_offered(struct guest *g, struct probe *p)
{
	uint64_t f;

	guest_out(g, p->common, 4, 0);
	f = guest_in(g, (uint16_t)(p->common + 4), 4);
	guest_out(g, p->common, 4, 1);
	return f | (uint64_t)guest_in(g, (uint16_t)(p->common + 4), 4) << 32;
}

bool negotiate(struct guest *g, struct probe *p, uint64_t features)
{
	guest_cfg_set(g, p->slot, 4, 2, guest_cfg(g, p->slot, 4, 2) | VPCI_CMD_MASTER);
	guest_out(g, (uint16_t)(p->common + 0x14), 1, 0);
	assert_int_equal(status_get(g, p), 0);
	status_add(g, p, VIRTIO_ACKNOWLEDGE);
	status_add(g, p, VIRTIO_DRIVER);
	for (unsigned half = 0; half < 2; half++) {
		guest_out(g, (uint16_t)(p->common + 8), 4, half);
		guest_out(g, (uint16_t)(p->common + 12), 4, (uint32_t)(features >> (32 * half)));
	}
	status_add(g, p, VIRTIO_FEATURES_OK);
	return status_get(g, p) & VIRTIO_FEATURES_OK;
}

uint64_t device_counter(const struct virtio_pci *v, const char *name)
{
	char have[64];
	uint64_t value;

	for (unsigned i = 0; virtio_pci_counter(v, i, have, sizeof have, &value); i++)
		if (!strcmp(have, name))
			return value;
	fail_msg("no counter %s", name);
	return 0;
}
