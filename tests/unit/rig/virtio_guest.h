/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_guest.h: a guest for the tests of the devices: memory, a PCI bus reached by port accesses
 * as Linux does them, and the driver's side of a virtqueue.
 */
#ifndef TESTS_UNIT_RIG_VIRTIO_GUEST_H
#define TESTS_UNIT_RIG_VIRTIO_GUEST_H
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

/* The bus's interrupts, counted; `ctx` is the guest. */
void guest_msi(void *ctx, uint64_t addr, uint32_t data);

/* A guest with memory and an empty bus; the caller frees it by guest_free(). */
struct guest *guest_new(void);

void guest_free(struct guest *g);

/* The GPA of `size` bytes of its memory, page-aligned, which are its own until the end. */
uint64_t guest_alloc(struct guest *g, uint64_t size);

/* What is at a GPA; fails the test when nothing is. */
void *guest_at(struct guest *g, uint64_t gpa);

/* Port accesses; where no device answers, reads are all ones. */
uint32_t guest_in(struct guest *g, uint16_t port, unsigned size);

void guest_out(struct guest *g, uint16_t port, unsigned size, uint32_t val);

/* Configuration accesses, by the ports CF8h and CFCh. */
uint32_t guest_cfg(struct guest *g, unsigned slot, unsigned off, unsigned size);

void guest_cfg_set(struct guest *g, unsigned slot, unsigned off, unsigned size, uint32_t v);

/* Accesses of four bytes to a memory BAR; fail the test when no device answers. */
uint32_t guest_mmio(struct guest *g, uint64_t gpa);

void guest_mmio_set(struct guest *g, uint64_t gpa, uint32_t val);

/* What a driver finds of a device by its capabilities. */
struct probe {
	unsigned slot, msix_cap, window_cap;
	uint16_t common, notify, isr, device; /* ports */
	uint32_t notify_step;
	uint64_t msix; /* GPA of the table */
};

/* Reads the capabilities of the device in that slot. */
struct probe guest_probe(struct guest *g, unsigned slot);

/* Unmasks n vectors, vector i with data `first` + i, and switches MSI-X on. */
void msix_on(struct guest *g, struct probe *p, unsigned n, uint32_t first);

/* The driver's side of a queue. */
struct queue {
	uint16_t num, avail_idx, last_used;
	struct vring_desc *desc;
	uint16_t *avail, *used;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint16_t notify; /* port */
};

/* Makes a queue of `num` entries in the guest's memory, empty. */
void queue_alloc(struct guest *g, struct queue *q, uint16_t num);

/* Makes a descriptor chain available; does not notify the device. */
void queue_offer(struct queue *q, uint16_t head);

/* With EVENT_IDX: whether the driver must kick after it moved the index from `old` (2.7.10.1). */
bool queue_kick_wanted(const struct queue *q, uint16_t old);

/* With EVENT_IDX: the index of the used ring at which the device is to interrupt. */
void queue_interrupt_at(struct queue *q, uint16_t used_idx);

/* How far the device is in the used ring. */
uint16_t queue_used_idx(const struct queue *q);

/* The next used entry; fails the test when there is none. */
struct vring_used_elem queue_used(struct queue *q);

/* Gives the device the queue's addresses, vector and enables it. */
void queue_setup(struct guest *g, struct probe *p, unsigned index, struct queue *q,
                 uint16_t vector);

/* The device status (2.1), and more bits of it. */
uint8_t status_get(struct guest *g, struct probe *p);

void status_add(struct guest *g, struct probe *p, uint8_t bits);

/* All 64 feature bits that the device offers. */
uint64_t features_offered(struct guest *g, struct probe *p);

/* The driver's steps of 3.1.1 up to FEATURES_OK; returns whether the device kept it. */
bool negotiate(struct guest *g, struct probe *p, uint64_t features);

/* The value of a device's counter, by name; fails the test when there is no such counter. */
uint64_t device_counter(const struct virtio_pci *v, const char *name);

#endif
