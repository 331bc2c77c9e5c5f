/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h: an emulated 82574L or 82540EM for guests that have no virtio driver, at a port of the
 * switch.
 *
 *   model.c          identity, start, stop and reset; the control plane's view (drivers/nic.h)
 *   model_regs.c     the registers: which there are, and what an access to each does
 *   model_phy.c      the PHY behind MDIC, the link
 *   model_eeprom.c   the EEPROM, by its register and by its wires
 *   model_irq.c      causes, masks, vectors and the interrupt pin
 *   model_tx.c       the guest sends: a write to TDT or a poll -> batch -> vnet_input()
 *   model_frame.c    what descriptors ask of a frame: checksum, segmentation, VLAN tag
 *   model_rx.c       the switch delivers: filters, descriptors
 *   model_put.c      the copy of a frame into the guest's buffers
 *
 * Registers and descriptors are in regs.h, which the driver for the real NIC uses, too.
 *
 * Each descriptor is read once, into a copy that is checked.  A guest that breaks a rule
 * (E1000_MODEL_ERRORS) stops that direction of its own device until it resets the device or sets
 * the ring up anew.
 *
 * The 82540EM interrupts by its pin, has an I/O BAR through which all registers can be reached, and
 * has none of what regs.h marks with 82574; what is written to such a register has no effect.
 *
 * What a real NIC does in time and this one does not: there is no timer behind it, so interrupts
 * are not moderated (ITR, EITR, RDTR, RADV, TIDV and TADV keep what is written to them); its clock
 * for time stamps stands still.
 */
#ifndef DRIVERS_E1000_MODEL_H
#define DRIVERS_E1000_MODEL_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "drivers/bus/gpa.h"
#include "drivers/bus/vpci.h"
#include "drivers/nic.h"
#include "drivers/virtio/lock.h"
#include "vnet/vnet.h"

#define E1000_MODEL_BAR      0x20000u          /* bytes of registers */
#define E1000_MODEL_WORDS    (0x6000 / 4 + 32) /* registers below 0x6000, and those of time stamps */
#define E1000_MODEL_STATS    (0x200 / 4)       /* registers of statistics */
#define E1000_MODEL_VECTORS  5
#define E1000_MODEL_HEAD     256 /* bytes of a frame's head that are copied, at most */
#define E1000_MODEL_BUFFERS  80  /* receive buffers of one frame, at most */
#define E1000_MODEL_EEPROM   64  /* words */
#define E1000_MODEL_BAR_REGS 0
#define E1000_MODEL_BAR_IO   2 /* 82540EM */
#define E1000_MODEL_BAR_MSIX 3 /* 82574L */

/* What the device counts beside its port. */
#define E1000_MODEL_COUNTERS(X)                                                                    \
	X(kicks, "Writes to the transmit ring's tail, each an exit.")                              \
	X(visits, "Continuations of work that one visit did not complete.")                        \
	X(resets, "Resets by the guest's driver.")                                                 \
	X(starts, "Starts of the receiver by the guest's driver.")                                 \
	X(bad_access, "Accesses to registers that do not exist, or of a wrong width.")             \
	X(master_off, "Times that bus mastering went off under a running device, which then "      \
	              "needs a reset.")                                                            \
	X(filtered, "Frames that the guest's receive filters refused.")

/* The rules that a driver can break. */
#define E1000_MODEL_ERRORS(X)                                                                      \
	X(tx_ring)        /* a transmit ring that is not wholly in guest memory */                 \
	X(tx_address)     /* a buffer to send that is not wholly in guest memory */                \
	X(tx_descriptors) /* a frame of more descriptors than the device takes */                  \
	X(rx_ring)        /* a receive ring as tx_ring */                                          \
	X(rx_address)     /* a receive buffer that is not wholly in guest memory */

enum e1000_model_error {
	E1000_MODEL_OK,
#define X(name) E1000_MODEL_E_##name,
	E1000_MODEL_ERRORS(X)
#undef X
	    E1000_MODEL_ERROR_COUNT
};

enum e1000_model_counter {
#define X(name, help) E1000_MODEL_COUNT_##name,
	E1000_MODEL_COUNTERS(X)
#undef X
	    E1000_MODEL_COUNTER_COUNT
};

/* What the registers of statistics are made of; each has one writer at a time. */
struct e1000_model_stats {
	uint64_t frames, bytes, broadcast, multicast;
};

/* A context descriptor, as two words (8254x 3.3.6). */
struct e1000_model_context {
	uint64_t low, high;
};

/* A ring as the guest set it up; `desc` is NULL while it may not be used. */
struct e1000_model_ring {
	uint8_t *desc;
	uint32_t count;    /* descriptors */
	uint32_t head;     /* the next one */
	atomic_bool ready; /* enabled, valid, not broken; changes with the ring's lock held */
};

struct e1000_model {
	struct vpci_dev pci; /* first */
	struct vnet_port *port;
	const struct gmem *mem;
	mac_t mac;
	bool is_82574;
	_Atomic uint16_t mtu;
	struct spinlock lock; /* what a write to a register other than a tail does */
	bool master;          /* the guest has bus mastering on */
	bool halted;          /* bus mastering was lost: nothing starts before a reset */
	_Atomic uint32_t reg[E1000_MODEL_WORDS];
	/* Statistics: up to where reads have returned and cleared them, and where the low half of
	 * one was read; under `lock`. */
	uint64_t cleared[E1000_MODEL_STATS], latched[E1000_MODEL_STATS];
	uint16_t phy[32], phy_page; /* under `lock`, as the next three */
	uint32_t io_address;
	uint32_t wire_in, wire_clocks; /* bits shifted in, clocks since the EEPROM was selected */
	uint16_t eeprom[E1000_MODEL_EEPROM];

	struct spinlock irq_lock;
	uint32_t icr, ims; /* causes and mask, under irq_lock */
	uint32_t sent;     /* of the causes with a vector, those whose message was sent */
	bool pin;          /* it is asserted */
	void (*pin_set)(void *ctx, bool asserted);
	void *ctx;

	/* Under tx_gate. */
	struct vgate tx_gate;
	struct e1000_model_ring tx;
	uint32_t tx_partial; /* the tail up to which there was no whole frame; ~0: none */
	struct e1000_model_context context[2]; /* for a checksum alone; for segmentation */
	struct e1000_model_stats sent_stats;
	uint64_t segmented;                         /* frames to be segmented */
	uint8_t head[VNET_BATCH][E1000_MODEL_HEAD]; /* heads of the batch that were changed */

	/* Under rx_lock. */
	struct spinlock rx_lock;
	struct e1000_model_ring rx;
	bool extended, split; /* descriptors: 82574 7.1.4; of four buffers */
	bool announced;       /* the edge was told of buffers */
	uint32_t buffer[4];   /* bytes of each buffer of a descriptor */
	struct vnet_seg rx_seg[E1000_MODEL_BUFFERS];
	struct e1000_model_stats got_stats;
	uint64_t missed, copied;

	_Atomic uint64_t count[E1000_MODEL_COUNTER_COUNT];
	_Atomic uint64_t violation[E1000_MODEL_ERROR_COUNT];
};

struct e1000_model_config {
	const char *name;
	mac_t mac;
	uint16_t mtu;           /* large frames are segmented to it, and to 1500 without RCTL.LPE */
	const struct gmem *mem; /* the guest's memory; outlives the device */
	uint16_t device;        /* E1000_82574L or E1000_82540EM */
	uint8_t line;           /* 82540EM: what firmware would write to Interrupt Line */
	/* 82540EM: sets the level of its interrupt pin; called on any core, with a lock of the
	 * device held. */
	void (*pin_set)(void *ctx, bool asserted);
	void *ctx;
};

/* The model for the control plane; the device is &m->pci. */
extern const struct nic_ops e1000_model_nic;

/* Prepares the device in memory that the caller owns (zeroed).  Then: attach() of its nic_ops and
 * vpci_add(&m->pci). */
void e1000_model_init(struct e1000_model *m, const struct e1000_model_config *c);

/*
 * The i-th counter by name, from 0 on; false when there are no more: enum e1000_model_counter, then
 * at E1000_MODEL_COUNTER_MSIX those of MSI-X, then violations (named violation.X), of which that
 * for enum e1000_model_error e is at E1000_MODEL_COUNTER_VIOLATION + e.
 */
enum {
	E1000_MODEL_COUNTER_MSIX = E1000_MODEL_COUNTER_COUNT,
	E1000_MODEL_COUNTER_VIOLATION = E1000_MODEL_COUNTER_MSIX + VPCI_MSIX_COUNTER_COUNT - 1,
};
bool e1000_model_counter(const struct e1000_model *m, unsigned i, char *name, size_t size,
                         uint64_t *value);

#endif
