/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci.h: a guest's virtual PCI: one bus, a host bridge at 00:00.0 and up to 31 single-function
 * devices, found by configuration mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2 and 6).
 *
 * Base addresses are assigned here as firmware would: I/O from 0x1000, memory from 0xe0000000; the
 * guest may move them.  An I/O BAR has 256 bytes, the most that PCI allows, so one lookup
 * in a table of 256 entries finds a port's device: this is the path of a virtio kick.
 */
#ifndef DRIVERS_BUS_VPCI_H
#define DRIVERS_BUS_VPCI_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VPCI_SLOTS    32
#define VPCI_CFG_SIZE 256u /* bytes of configuration space that mechanism #1 reaches */
#define VPCI_BARS     6
#define VPCI_IO_FIRST 0x1000u
#define VPCI_IO_SIZE  256u
#define VPCI_MEM_BASE 0xe0000000u /* the guest's window for memory BARs */
#define VPCI_MEM_SIZE 0x08000000u
#define VPCI_MSIX_MAX 64 /* vectors of a device, at most (PBA: one word) */

#define VPCI_CMD_IO       1
#define VPCI_CMD_MEM      2
#define VPCI_CMD_MASTER   4
#define VPCI_CMD_INTX_OFF 0x400
#define VPCI_NO_VECTOR    0xffff

struct vpci;
struct vpci_dev;

enum vpci_bar_kind { VPCI_BAR_NONE, VPCI_BAR_IO, VPCI_BAR_MEM };

struct vpci_bar {
	struct vpci_dev *dev;
	enum vpci_bar_kind kind;
	unsigned index;
	uint32_t size;         /* a power of two */
	uint32_t home;         /* the address that the VMM assigned */
	_Atomic uint32_t base; /* where the guest has it; 0: nowhere */
};

/*
 * The operations of a device type; every function may be NULL.  `size` is 1, 2 or 4 bytes (BARs:
 * also 8) and no access crosses the end of its BAR or of a configuration dword.
 */
struct vpci_ops {
	/* An access to a BAR other than the MSI-X BAR; on any core, no lock held, so it must be
	 * reentrant.  A read sets *val. */
	void (*bar)(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
	            uint64_t *val);
	/* Handles a configuration access within d->cfg_size, vpci.lock held; false: use the generic
	 * registers.  A passed-through device handles all accesses here. */
	bool (*cfg_read)(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t *val);
	bool (*cfg_write)(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val);
	/* The command register changed; vpci.lock held. */
	void (*command)(struct vpci_dev *d, uint16_t command);
	/* A BAR's base changed: its decoding was switched, it was moved, or the machine was reset;
	 * vpci.lock held. */
	void (*moved)(struct vpci_dev *d, unsigned bar);
	/* The machine was reset; vpci.lock held; configuration space is as after vpci_add(). */
	void (*reset)(struct vpci_dev *d);
	/* One more visit of those that vpci_schedule_work() asked for (may be NULL). */
	void (*work)(struct vpci_dev *d);
};

/* Interrupts of a device, by outcome. */
#define VPCI_MSIX_COUNTERS(X)                                                                      \
	X(interrupts, "Interrupts sent.")                                                          \
	X(masked, "Interrupts left pending because the guest masked the vector or the function.")  \
	X(msix_off, "Interrupts lost because MSI-X was not enabled, or bus mastering was off.")    \
	X(no_vector, "Interrupts lost because the driver gave the source no vector.")

enum vpci_msix_counter {
#define X(name, help) VPCI_##name,
	VPCI_MSIX_COUNTERS(X)
#undef X
	    VPCI_MSIX_COUNTER_COUNT
};
extern const char *const vpci_msix_counter_name[VPCI_MSIX_COUNTER_COUNT];

struct vpci_dev {
	const struct vpci_ops *ops;
	const char *name;
	struct vpci *bus;
	unsigned slot;
	uint16_t cfg_size; /* of its configuration space; ops handle what is above `cfg` */
	uint8_t cfg[VPCI_CFG_SIZE], mask[VPCI_CFG_SIZE]; /* mask: bits that the guest may write */
	uint8_t home[VPCI_CFG_SIZE]; /* initial value of cfg, restored by a reset */
	uint16_t cap_end;            /* where the next capability goes */
	uint8_t cap_last;            /* offset of the pointer to the next capability */
	_Atomic uint16_t command;
	struct vpci_bar bar[VPCI_BARS];
	struct spinlock msix_lock; /* the table, the pending bits and the counters */
	uint8_t msix_cap;          /* offset of the capability, 0 = no MSI-X */
	uint8_t msix_bar;
	uint16_t msix_n;
	uint16_t msix_control; /* the capability's control word */
	uint64_t msix_pending;
	uint32_t msix[VPCI_MSIX_MAX][4]; /* address low and high, data, control: 6.8.2.6 */
	uint64_t msix_count[VPCI_MSIX_COUNTER_COUNT];
};

struct vpci {
	struct spinlock lock; /* configuration accesses of the guest's vCPUs, one at a time */
	uint32_t address;     /* the register at 0xcf8 */
	_Atomic(struct vpci_bar *) io[256];
	struct vpci_dev *dev[VPCI_SLOTS];
	struct vpci_dev host_bridge;
	void (*msi)(void *ctx, uint64_t addr, uint32_t data);
	void (*resume)(void *ctx); /* may be set after vpci_init(): see vpci_schedule_work() */
	void *ctx;
	_Atomic uint32_t left;   /* bit n: the device in slot n has work left */
	_Atomic unsigned served; /* the slot that vpci_work() served last */
};

/* Makes an empty bus with its host bridge.  `msi` delivers a message-signalled interrupt to the
 * guest: called on any core, with the device's msix_lock and possibly a ring's lock held, so it
 * must not take a lock. */
void vpci_init(struct vpci *p, void (*msi)(void *ctx, uint64_t addr, uint32_t data), void *ctx);

/*
 * Gives a device its identity: call this first, then add BARs and capabilities, then vpci_add().
 * `class_code`: 24 bits, base class highest.  The caller owns the device; vpci never frees it.
 */
void vpci_dev_init(struct vpci_dev *d, const char *name, const struct vpci_ops *ops,
                   uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t revision);

/* I/O BARs are 256 bytes; memory BARs a power of two, 4 KiB at least. */
void vpci_bar_init(struct vpci_dev *d, unsigned index, enum vpci_bar_kind kind, uint32_t size);

/* Appends a capability: `len` bytes from `body`, where body[0] is the ID and body[1], the next
 * pointer, is set here; `mask` (may be NULL: read-only) has the writable bits.  Returns its offset,
 * 0 when it does not fit. */
unsigned vpci_cap_add(struct vpci_dev *d, const uint8_t *body, const uint8_t *mask, unsigned len);

/* Adds MSI-X with n vectors (1..VPCI_MSIX_MAX) in memory BAR `bar`, which is 4 KiB: table at 0,
 * pending bits at 2048. */
void vpci_msix_init(struct vpci_dev *d, unsigned bar, unsigned n);

/* Puts the device into slot 1..31 (0: the next free one) and gives its BARs addresses.  false when
 * the slot is taken or a window is full. */
bool vpci_add(struct vpci *p, struct vpci_dev *d, unsigned slot);

/* Removes the device from its bus; no vCPU of the guest may run.  Its addresses are free. */
void vpci_remove(struct vpci_dev *d);

/* Resets the bus and all devices (a guest's restart); no vCPU of the guest may run. */
void vpci_reset(struct vpci *p);

/*
 * Bounded work.  One access of a guest can ask for unbounded work (a ring can be refilled as fast
 * as it is emptied), so a device does a bounded part of it, called a visit, and calls
 * vpci_schedule_work() for the rest: `resume` then makes one of this guest's own cores call
 * vpci_work() after it has handled its other requests.  Any core.
 */
void vpci_schedule_work(struct vpci_dev *d);

/* Lets the next device with work left, round robin, do one visit; true: more is left. */
bool vpci_work(struct vpci *p);

/* True when this I/O port belongs to a device or to the configuration ports: an access there may
 * cost as much as a visit. */
bool vpci_claims_io(struct vpci *p, uint16_t port);

/* An I/O access of 1, 2 or 4 bytes at any port.  false: no device has the port, *val is unchanged.
 */
bool vpci_io(struct vpci *p, uint16_t port, unsigned size, bool write, uint32_t *val);

/*
 * An access to the device's configuration space, by any mechanism; vpci.lock held.  An access that
 * is not wholly within d->cfg_size, or crosses a dword, reads all ones and writes nothing.
 */
uint32_t vpci_cfg_read(struct vpci_dev *d, uint16_t off, unsigned size);
void vpci_cfg_write(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val);

/* For cfg_write(): writes to the generic registers, only the bits that the guest may write. */
void vpci_cfg_store(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val);

/* A memory access of 1, 2, 4 or 8 bytes.  false: no BAR is there. */
bool vpci_mmio(struct vpci *p, uint64_t gpa, unsigned size, bool write, uint64_t *val);

/* True when gpa is in the window for memory BARs: vpci_mmio() handles it. */
static inline bool vpci_claims_mmio(uint64_t gpa)
{
	return gpa - VPCI_MEM_BASE < VPCI_MEM_SIZE;
}

/* Little-endian fields of configuration space. */
static inline uint32_t vpci_get(const uint8_t *cfg, unsigned off, unsigned size)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (uint32_t)cfg[off + i] << (8 * i);
	return v;
}

static inline void vpci_put(uint8_t *cfg, unsigned off, unsigned size, uint32_t v)
{
	for (unsigned i = 0; i < size; i++)
		cfg[off + i] = (uint8_t)(v >> (8 * i));
}

/* Is this VPCI_CMD_ bit (I/O decoding, memory decoding, bus mastering) set? */
static inline bool vpci_enabled(const struct vpci_dev *d, uint16_t command_bit)
{
	return atomic_load_explicit(&d->command, memory_order_relaxed) & command_bit;
}

/* vpci_msix.c, for vpci.c: the capability's control word was written; an access to the table. */
void vpci_msix_control(struct vpci_dev *d, uint16_t control);
void vpci_msix_access(struct vpci_dev *d, uint32_t off, unsigned size, bool write, uint64_t *val);
void vpci_msix_reset(struct vpci_dev *d);

/* Clears the pending bits: the events that they stand for no longer exist. */
void vpci_msix_forget(struct vpci_dev *d);

/* Sends the device's MSI-X vector (VPCI_NO_VECTOR: none), or leaves it pending when masked.  False:
 * the guest has not switched MSI-X on.  Any core. */
bool vpci_msix_send(struct vpci_dev *d, uint16_t vector);
#endif
