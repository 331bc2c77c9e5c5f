/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h: the driver's side of virtio 1.2 over PCI, modern only, for our own guests.
 *
 * Supports structures in I/O and memory BARs.  Split rings, EVENT_IDX when both
 * sides have it, no indirect descriptors.  Memory is identity-mapped: a pointer is its
 * guest-physical address.  One CPU; nothing here waits without a bound.
 */
#ifndef GUEST_IMAGES_LIB_VIRTIO_H
#define GUEST_IMAGES_LIB_VIRTIO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_VQ_MAX 1024 /* entries of a queue, at most */

#define GUEST_VIRTIO_F_EVENT_IDX (1ull << 29)
#define GUEST_VIRTIO_F_VERSION_1 (1ull << 32)

#define GUEST_VIRTIO_S_NEEDS_RESET 0x40

/* How the driver reaches the machine. `bdf`: bus << 8 | device << 3 | function. */
struct guest_bus {
	uint32_t (*config_read)(uint16_t bdf, unsigned off, unsigned size);
	void (*config_write)(uint16_t bdf, unsigned off, unsigned size, uint32_t v);
	uint32_t (*in)(uint16_t port, unsigned size);
	void (*out)(uint16_t port, unsigned size, uint32_t v);
};

/* A structure of the device that a vendor capability names (4.1.4). */
struct guest_region {
	uint64_t base; /* port or address; 0: absent */
	uint32_t len;
	bool io;
};

struct guest_virtio {
	const struct guest_bus *bus;
	uint16_t bdf;
	struct guest_region common, notify, device;
	uint32_t notify_step;
	uint64_t features; /* negotiated */
	uintptr_t msix_table;
	unsigned msix_cap, msix_entries;
};

/* One buffer of a chain. */
struct guest_vbuf {
	void *base;
	uint32_t len;
};

struct guest_vdesc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct guest_vq {
	const struct guest_bus *bus;
	struct guest_vdesc *desc;
	volatile uint16_t *avail; /* flags, idx, ring[num], used_event */
	volatile uint16_t *used;  /* flags, idx, {id, len}[num], avail_event */
	struct guest_region notify;
	uint16_t index, num, free_head, nfree;
	uint16_t avail_next;   /* the driver's index, published by guest_vq_kick() */
	uint16_t avail_kicked; /* the index at the last kick decision */
	uint16_t used_next;    /* the next used entry to take */
	bool event_idx;
	uint64_t kicks, bad_used; /* bad_used: used entries with an unknown head */
	void *cookie[GUEST_VQ_MAX];
	uint16_t chain[GUEST_VQ_MAX]; /* descriptors of the chain that starts here, 0: none */
};

/*
 * Finds the structures of the function at `bdf`, whose BARs firmware has assigned, and switches on
 * decoding and bus mastering.  `bus` must outlive *v.  Returns NULL, or what is missing.
 */
const char *guest_virtio_open(struct guest_virtio *v, const struct guest_bus *bus, uint16_t bdf);

/*
 * Resets the device and negotiates (3.1.1 steps 1 to 6): VERSION_1 and those of `wanted` that are
 * offered; see v->features.  Returns NULL, or what went wrong.
 */
const char *guest_virtio_begin(struct guest_virtio *v, uint64_t wanted);

/* Bytes of 4096-aligned memory that a queue of `num` entries takes. */
size_t guest_vq_bytes(unsigned num);

/*
 * Sets up queue `index` with as many entries as the device has, at most `max` (a power of two), in
 * zeroed `memory` of guest_vq_bytes(max); `msix_entry` 0xffff: no interrupt.  Returns NULL, or what
 * went wrong.
 */
const char *guest_virtio_queue(struct guest_virtio *v, struct guest_vq *q, unsigned index,
                               unsigned max, void *memory, uint16_t msix_entry);

/* Sets entry `entry` of the MSI-X table and enables MSI-X (PCI 3.0, 6.8.2). */
bool guest_virtio_msix(struct guest_virtio *v, unsigned entry, uint64_t address, uint32_t data);

/* DRIVER_OK: the device may use its queues. */
void guest_virtio_ready(struct guest_virtio *v);

uint8_t guest_virtio_status(const struct guest_virtio *v);

/* Reads `len` bytes of the device configuration. */
void guest_virtio_config(const struct guest_virtio *v, unsigned off, void *to, unsigned len);

/*
 * Adds a chain of nread device-readable and then nwrite device-writable buffers, at least one in
 * all; guest_vq_kick() publishes it.  `cookie`, not NULL, comes back from
 * guest_vq_used().  False when there are too few free descriptors: nothing was added.
 */
bool guest_vq_add(struct guest_vq *q, const struct guest_vbuf *bufs, unsigned nread,
                  unsigned nwrite, void *cookie);

/* Publishes all added chains and notifies the device if it asks for that (2.7.13.4). */
void guest_vq_kick(struct guest_vq *q);

/* Takes a used chain: its cookie and the bytes written into it; NULL when there is none. */
void *guest_vq_used(struct guest_vq *q, uint32_t *len);

/* Asks for an interrupt at the next used chain.  False: there is one already (2.7.13.4.1). */
bool guest_vq_arm(struct guest_vq *q);

/* Suppresses interrupts. */
void guest_vq_disarm(struct guest_vq *q);
#endif
