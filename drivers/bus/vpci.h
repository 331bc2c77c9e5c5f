/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci.h: the PCI that a guest sees: one bus, a host bridge at 00:00.0 and up to 31 single-function
 * devices, found by configuration mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2 and 6).
 *
 * Base addresses are assigned here as firmware would: I/O from 0x1000, memory from 0xE0000000; the
 * guest may move them.  An I/O BAR has 256 bytes, the most that PCI allows, so one look into a
 * table of 256 entries finds the device behind a port: a virtio kick goes this way.
 */
#ifndef DRIVERS_BUS_VPCI_H
#define DRIVERS_BUS_VPCI_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define VPCI_SLOTS    32
#define VPCI_CFG_SIZE 256u  /* bytes of configuration space that mechanism #1 reaches */
#define VPCI_CFG_MAX  4096u /* of a PCI Express function (PCI Express 4.0, 7.2) */
#define VPCI_BARS     6
#define VPCI_IO_FIRST 0x1000u
#define VPCI_IO_SIZE  256u
#define VPCI_MEM_BASE 0xE0000000u /* the guest's window for memory BARs */
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
	uint32_t size; /* a power of two */
	uint32_t home; /* the address that the VMM gave it */
	_Atomic uint32_t base;
};

/*
 * What a kind of device does; every function may be NULL.  `size` is 1, 2 or 4 bytes (BARs: also 8)
 * and no access crosses the end of its BAR or of a configuration dword.
 */
struct vpci_ops {
	/* An access to a BAR other than the MSI-X BAR; on any core, no lock held, so it must be
	 * safe against itself. A read sets *val. */
	void (*bar)(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
	            uint64_t *val);
	/* First look at a configuration access within d->cfg_size, vpci.lock held; false: the
	 * generic registers serve it.  A device that is the real thing behind (passthrough) answers
	 * all of them here. */
	bool (*cfg_read)(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t *val);
	bool (*cfg_write)(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val);
	/* The command register changed; vpci.lock held. */
	void (*command)(struct vpci_dev *d, uint16_t command);
	/* The machine was reset; vpci.lock held; configuration space is as after vpci_add(). */
	void (*reset)(struct vpci_dev *d);
	/* One more visit's worth of what vpci_left() announced (may be NULL). */
	void (*work)(struct vpci_dev *d);
};

/* Interrupts of a device by what became of them. */
#define VPCI_MSIX_COUNTERS(X)                                                                      \
	X(interrupts) /* sent */                                                                   \
	X(masked)     /* left pending because the guest masked the vector or the function */       \
	X(msix_off)   /* lost: MSI-X was not enabled, or bus mastering was off */                  \
	X(no_vector)  /* lost: the driver gave the source no vector */

enum vpci_msix_counter {
#define X(name) VPCI_##name,
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
	uint16_t cfg_size; /* of its configuration space; what lies above `cfg` its ops answer */
	uint8_t cfg[VPCI_CFG_SIZE], mask[VPCI_CFG_SIZE]; /* mask: bits that the guest may write */
	uint8_t home[VPCI_CFG_SIZE]; /* cfg as firmware left it: what a reset brings back */
	uint16_t cap_end;            /* where the next capability goes */
	uint8_t cap_last;            /* offset of the pointer to the next capability */
	_Atomic uint16_t command;
	struct vpci_bar bar[VPCI_BARS];
	struct spinlock msix_lock; /* the table, the pending bits and the counters */
	uint8_t msix_cap;          /* offset of the capability, 0 = no MSI-X */
	uint8_t msix_bar;
	uint16_t msix_n;
	uint16_t msix_control; /* as the capability says */
	uint64_t msix_pending;
	uint32_t msix[VPCI_MSIX_MAX][4]; /* address, its high half, data, control: 6.8.2.6 */
	uint64_t msix_count[VPCI_MSIX_COUNTER_COUNT];
};

struct vpci {
	struct spinlock lock; /* configuration accesses of the guest's vCPUs, one at a time */
	uint32_t address;     /* the register at 0xCF8 */
	_Atomic(struct vpci_bar *) io[256];
	struct vpci_dev *dev[VPCI_SLOTS];
	struct vpci_dev host_bridge;
	uint32_t next_io, next_mem; /* the next free home addresses */
	void (*msi)(void *ctx, uint64_t addr, uint32_t data);
	void (*resume)(void *ctx); /* may be set after vpci_init(): see vpci_left() */
	void *ctx;
	_Atomic uint32_t left;   /* slots whose devices have work left, one bit each */
	_Atomic unsigned served; /* the slot that vpci_work() served last */
};

/* Makes an empty bus with its host bridge.  `msi` delivers a message-signalled interrupt to the
 * guest: called on any core, with the device's msix_lock held and possibly a ring's: it takes no
 * lock itself. */
void vpci_init(struct vpci *p, void (*msi)(void *ctx, uint64_t addr, uint32_t data), void *ctx);

/*
 * Gives a device its identity: call this first, then add BARs and capabilities, then vpci_add().
 * `class_code`: 24 bits, base class highest.  The device is the caller's and is never freed.
 */
void vpci_dev_init(struct vpci_dev *d, const char *name, const struct vpci_ops *ops,
                   uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t revision);

/* I/O BARs are 256 bytes; memory BARs a power of two, 4 KiB at least. */
void vpci_bar_init(struct vpci_dev *d, unsigned index, enum vpci_bar_kind kind, uint32_t size);

/* Appends a capability: `len` bytes from `body`, of which body[0] is the ID and body[1] is set
 * here; `mask` (may be NULL: read-only) has the writable bits.  Returns its offset, 0 when it does
 * not fit. */
unsigned vpci_cap_add(struct vpci_dev *d, const uint8_t *body, const uint8_t *mask, unsigned len);

/* Adds MSI-X with n vectors (1..VPCI_MSIX_MAX) in memory BAR `bar`, which is 4 KiB: table at 0,
 * pending bits at 2048. */
void vpci_msix_init(struct vpci_dev *d, unsigned bar, unsigned n);

/* Puts the device into slot 1..31 (0: the next free one) and gives its BARs addresses.  false when
 * the slot is taken or a window is full. */
bool vpci_add(struct vpci *p, struct vpci_dev *d, unsigned slot);

/* Takes the device off its bus; no vCPU of the guest may run.  Its addresses are not used again. */
void vpci_remove(struct vpci_dev *d);

/* Resets the bus and all devices (a guest's restart); no vCPU of the guest may run. */
void vpci_reset(struct vpci *p);

/*
 * Work in portions.  What a guest asks for with one access has no bound (a ring can be refilled as
 * fast as it is emptied), so a device does a bounded part of it, a visit, and calls vpci_left() for
 * the rest: `resume` then sees to it that one of this guest's own cores, after it looked at what
 * else is asked of it, calls vpci_work().  Any core.
 */
void vpci_left(struct vpci_dev *d);

/* Makes one visit to one device that has work left, each in its turn; true: more is left. */
bool vpci_work(struct vpci *p);

/* True when this I/O port leads to a device's registers, also by way of configuration space: an
 * access there may be a visit's work. */
bool vpci_claims_io(struct vpci *p, uint16_t port);

/* An I/O access of 1, 2 or 4 bytes at any port.  false: nobody claims it, *val is untouched. */
bool vpci_io(struct vpci *p, uint16_t port, unsigned size, bool write, uint32_t *val);

/*
 * An access to the device's configuration space, by whatever mechanism; vpci.lock held.  One that
 * lies not wholly within d->cfg_size, or not within a dword, reads all ones and writes nothing.
 */
uint32_t vpci_cfg_read(struct vpci_dev *d, uint16_t off, unsigned size);
void vpci_cfg_write(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val);

/* For cfg_write(): the generic registers take the bits of `val` that the guest may write; nothing
 * beyond them. */
void vpci_cfg_store(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val);

/* A memory access of 1, 2, 4 or 8 bytes.  false: nobody claims it (a hole in the window too). */
bool vpci_mmio(struct vpci *p, uint64_t gpa, unsigned size, bool write, uint64_t *val);

/* True when gpa lies in the window in which vpci_mmio() should be asked. */
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

/* The bus decodes the device's I/O, memory; the device may write memory. */
static inline bool vpci_enabled(const struct vpci_dev *d, uint16_t command_bit)
{
	return atomic_load_explicit(&d->command, memory_order_relaxed) & command_bit;
}

/* vpci_msix.c, for vpci.c: the capability's control word was written; an access to the table. */
void vpci_msix_control(struct vpci_dev *d, uint16_t control);
void vpci_msix_access(struct vpci_dev *d, uint32_t off, unsigned size, bool write, uint64_t *val);
void vpci_msix_reset(struct vpci_dev *d);

/* What is pending will not be sent: the device's events that it stood for are no more. */
void vpci_msix_forget(struct vpci_dev *d);

/* Sends the device's MSI-X vector (VPCI_NO_VECTOR: none), or leaves it pending when masked.  False:
 * the guest has not switched MSI-X on.  Any core. */
bool vpci_msix_send(struct vpci_dev *d, uint16_t vector);
#endif
