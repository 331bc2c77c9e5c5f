/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pci.h: the modern virtio transport over PCI (virtio 1.2, 4.1), device side.
 *
 * All registers are in one I/O BAR of 256 bytes, because an I/O exit needs no instruction decoding;
 * the MSI-X table lies in a memory BAR.  Each queue has its own notify port.
 *
 *   0x00 common configuration   0x40 ISR   0x50 device configuration   0x80 notify, 4 per queue
 *
 * Locking.  `lock` serialises the registers except notify.  A notify runs the device without it.
 * To stop the device (reset, bus mastering off), `running` is cleared first, then the device's
 * stop() waits until no core uses its rings: a core leaves a ring after one bounded visit.  After
 * stop() no core accesses the old rings.  A violation is found by a core that uses a ring, so
 * virtio_pci_break() only clears `running` and does not wait; the rings stay valid memory.
 *
 * The driver's setup is valid until it resets the device or turns bus mastering off; after that
 * neither the rings are accessed nor an interrupt for them sent.  Moving a BAR, or turning its
 * decoding off, changes only where the registers are found, as on any PCI device.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_PCI_H
#define DRIVERS_VIRTIO_VIRTIO_PCI_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "drivers/virtio/lock.h"
#include "drivers/virtio/vring.h"
#include "drivers/bus/gpa.h"
#include "drivers/bus/vpci.h"

#define VIRTIO_ID_NET     1
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_ID_PMEM    27

#define VIRTIO_QUEUES_MAX 4

/* Feature bits that belong to the transport and the rings (virtio 1.2, 6). */
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX     (1ull << 29)
#define VIRTIO_F_VERSION_1     (1ull << 32)

/* Device status bits (2.1). */
#define VIRTIO_ACKNOWLEDGE 1
#define VIRTIO_DRIVER      2
#define VIRTIO_DRIVER_OK   4
#define VIRTIO_FEATURES_OK 8
#define VIRTIO_NEEDS_RESET 0x40
#define VIRTIO_FAILED      0x80

#define VIRTIO_ISR_QUEUE  1 /* 4.1.4.5 */
#define VIRTIO_ISR_CONFIG 2

#define VIRTIO_IO_BAR   0
#define VIRTIO_MSIX_BAR 1

/* Where the structures lie in the I/O BAR. */
#define VIRTIO_IO_COMMON      0x00
#define VIRTIO_IO_COMMON_SIZE 0x38
#define VIRTIO_IO_ISR         0x40
#define VIRTIO_IO_DEVICE      0x50
#define VIRTIO_IO_NOTIFY      0x80
#define VIRTIO_NOTIFY_STEP    4 /* notify_off_multiplier */

struct virtio_pci;

struct virtio_ops {
	uint16_t id; /* VIRTIO_ID_... */
	uint32_t class_code;
	/* Whether this set of accepted features is consistent (may be NULL). */
	bool (*features_fit)(uint64_t features);
	/* A kick of queue q while the device runs, or once at its start; any core.  Does
	 * a bounded part of the work, and calls virtio_pci_schedule_work() for the rest. */
	void (*kick)(struct virtio_pci *v, unsigned q);
	/* The driver is ready: v->features and the rings of enabled queues are set. lock held. */
	void (*start)(struct virtio_pci *v);
	/* v->running is false: wait until no core is in the rings. lock held. */
	void (*stop)(struct virtio_pci *v);
};

struct virtio_queue {
	struct vring ring; /* valid while v->running, and until stop() has returned */
	uint16_t max, num;
	_Atomic uint16_t vector;
	_Atomic bool enabled;
	uint64_t desc, driver, device; /* GPAs as the driver wrote them */
};

/* Counters of the transport, besides violations and MSI-X counters, with their meaning. */
#define VIRTIO_COUNTERS(X)                                                                         \
	X(kicks, "Notifications from the guest to a running device.")                              \
	X(early_kicks, "Kicks before DRIVER_OK or after a violation, which are ignored.")          \
	X(resets, "Resets by the guest's driver.")                                                 \
	X(starts, "Starts of the guest's driver: DRIVER_OK with all rings valid.")                 \
	X(bad_access, "Accesses to registers that do not exist, or of a wrong width.")             \
	X(bad_features, "FEATURES_OK refused, or DRIVER_OK without it.")                           \
	X(visits, "Continuations of a kick's work, which is bounded for each visit.")              \
	X(master_off, "Times that bus mastering went off under a running device, which then "      \
	              "needs a reset.")

enum virtio_counter {
#define X(name, help) VIRTIO_COUNT_##name,
	VIRTIO_COUNTERS(X)
#undef X
	    VIRTIO_COUNTER_COUNT
};

struct virtio_pci {
	struct vpci_dev pci; /* first: the bus passes this pointer */
	const struct virtio_ops *ops;
	const struct gmem *mem;
	_Atomic bool running; /* DRIVER_OK, bus master, no violation */
	unsigned nqueues;
	struct spinlock lock;
	_Atomic uint8_t status;
	_Atomic uint8_t isr;
	_Atomic uint8_t left; /* bit q: queue q has work left */
	_Atomic uint16_t config_vector;
	uint16_t queue_select;
	uint32_t device_feature_select, driver_feature_select;
	uint64_t offered, driver_features; /* what the driver has written so far */
	uint64_t features;                 /* accepted: stable while running */
	const uint8_t *config;             /* the device configuration; read-only for the driver */
	unsigned config_size;
	unsigned window_cap; /* offset of the capability of 4.1.4.9 */
	struct virtio_queue queue[VIRTIO_QUEUES_MAX];
	_Atomic uint64_t count[VIRTIO_COUNTER_COUNT];
	_Atomic uint64_t violation[VRING_ERROR_COUNT];
};

/*
 * Prepares a device.  `queue_max`: entries of each of the nqueues queues (powers of two up to
 * VRING_MAX).  `offered`: the device's feature bits; VERSION_1, EVENT_IDX and INDIRECT_DESC are
 * added.  `config`/`config_size`: at most 48 bytes, owned by the caller, changed only by
 * stop().  The caller then vpci_add()s &v->pci.
 */
void virtio_pci_init(struct virtio_pci *v, const char *name, const struct virtio_ops *ops,
                     const struct gmem *mem, const uint16_t *queue_max, unsigned nqueues,
                     uint64_t offered, const uint8_t *config, unsigned config_size);

static inline bool virtio_pci_running(const struct virtio_pci *v)
{
	return atomic_load_explicit(&v->running, memory_order_acquire);
}

static inline void virtio_pci_count(struct virtio_pci *v, enum virtio_counter c)
{
	atomic_fetch_add_explicit(&v->count[c], 1, memory_order_relaxed);
}

/* Interrupts the guest for queue q (2.3: used buffers). Any core, with the gate or lock of that
 * ring held, so that stop() also waits for the interrupt. */
static inline void virtio_pci_notify(struct virtio_pci *v, unsigned q)
{
	uint16_t vector = atomic_load_explicit(&v->queue[q].vector, memory_order_relaxed);

	/* With MSI-X on, the ISR has no queue interrupt bit (4.1.4.5.1). */
	if (!vpci_msix_send(&v->pci, vector))
		atomic_fetch_or(&v->isr, VIRTIO_ISR_QUEUE);
}

/* Queue q has work left after a visit: ops->kick() will be called for it once more, on a core of
 * this guest, after its other requests. */
void virtio_pci_schedule_work(struct virtio_pci *v, unsigned q);

/* The driver broke a rule: counts it, sets DEVICE_NEEDS_RESET (2.1.2), sends a
 * configuration interrupt, and stops using the rings until the driver resets the device. */
void virtio_pci_break(struct virtio_pci *v, enum vring_error why);

/*
 * The i-th counter by name, from 0 on; false when there are no more: enum virtio_counter, then at
 * VIRTIO_COUNTER_MSIX those of MSI-X, then interrupts suppressed by the rings, then violations
 * (named violation.X), of which that for enum vring_error e is at VIRTIO_COUNTER_VIOLATION + e.
 */
enum {
	VIRTIO_COUNTER_MSIX = VIRTIO_COUNTER_COUNT,
	VIRTIO_COUNTER_SUPPRESSED = VIRTIO_COUNTER_MSIX + VPCI_MSIX_COUNTER_COUNT,
	VIRTIO_COUNTER_VIOLATION = VIRTIO_COUNTER_SUPPRESSED, /* there is none for VRING_OK */
};
bool virtio_pci_counter(const struct virtio_pci *v, unsigned i, char *name, size_t size,
                        uint64_t *value);
#endif
