/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm.h: frames between the members of a trust group move by descriptors, and are not copied.
 *
 *   shm_group.c  the group's buffers, its members' start and stop
 *   shm_out.c    a member sends: doorbell or poll -> batch -> vnet_input()
 *   shm_in.c     the switch delivers: the buffer itself, where it is the group's own
 *   shm_copy.c   the switch delivers: a copy, of what comes from elsewhere
 *   shm_pci.c    the PCI function by which a member is found, started and notified
 *
 * Each member is a port of the switch, and the switch knows nothing of this.  What members see is
 * in shm_abi.h.
 *
 * Every member has the same number of buffers, its share, at all times; some it has (in `in`, in
 * `free` or in its hands), the others the VMM keeps for it as spare ones.  When a frame goes from
 * one member to another, a full buffer is exchanged for one of the receiver's spare ones.  So a
 * member that takes buffers and gives none back runs out of its own alone, gets no more frames
 * (rx_full), and takes nothing from the others.
 *
 * The frames of a member's batch are the VMM's while the switch walks it, and are put into the
 * receivers' rings when the walk has returned: a frame for several destinations is copied for all
 * but the first one, and the first one must not change it before.
 *
 * Where the switch has checked a frame's head in a copy, the buffer is given with that head.
 */
#ifndef DRIVERS_SHM_SHM_H
#define DRIVERS_SHM_SHM_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "drivers/bus/vpci.h"
#include "drivers/nic.h"
#include "drivers/shm/shm_abi.h"
#include "drivers/virtio/lock.h"
#include "vnet/vnet.h"

/* Bytes behind the Ethernet header, with a VLAN tag, of the longest frame that is copied into a
 * buffer. */
#define SHM_MTU (SHM_FRAME_MAX - 18)

/* The rules that a member can break.  Each stops its port until the member is reset. */
#define SHM_ERRORS(X)                                                                              \
	X(out_of_region) /* a buffer that the group does not have */                               \
	X(wrong_owner)   /* a buffer that is not the member's: another's, or given before */       \
	X(bad_length)    /* a frame that is not wholly inside its buffer */                        \
	X(bad_action)    /* an unknown action or member */                                         \
	X(ring_broken)   /* an index further ahead than the ring has entries */

/* What a member's device counts beside its port. */
#define SHM_COUNTERS(X)                                                                            \
	X(doorbells, "Notifications from the guest, each an exit.")                                \
	X(visits, "Continuations of work that one visit did not complete.")                        \
	X(starts, "Starts by the guest's driver.")                                                 \
	X(resets, "Resets by the guest's driver, or of the guest.")                                \
	X(bad_access, "Accesses to registers that do not exist, or of a wrong width.")             \
	X(handed, "Frames that the guest got as they were, without a copy.")                       \
	X(dropped, "Frames that the guest dropped itself.")                                        \
	X(out, "Frames that the guest sent out of their chains.")                                  \
	X(direct, "Frames sent straight to another member, past the switch.")                      \
	X(direct_lost, "Such frames for which that one had no buffer, or did not run.")

enum shm_error {
	SHM_OK,
#define X(name) SHM_E_##name,
	SHM_ERRORS(X)
#undef X
	    SHM_ERROR_COUNT
};

enum shm_counter {
#define X(name, help) SHM_COUNT_##name,
	SHM_COUNTERS(X)
#undef X
	    SHM_COUNTER_COUNT
};

struct shm_member;

/* A group's buffers and who has them.  In zeroed memory of the caller's. */
struct shm_group {
	uint8_t *buffer; /* the first one */
	uint64_t bytes;  /* of all of them */
	uint32_t buffers, seats, share, entries;
	_Atomic(struct shm_member *) member[SHM_SEATS]; /* NULL: nobody has joined there */
	_Atomic uint32_t owner[SHM_BUFFERS_MAX];        /* by buffer, who has it: shm_parts.h */
};

/* A member's device.  In zeroed memory of the caller's. */
struct shm_member {
	struct vpci_dev pci; /* first */
	struct shm_group *group;
	struct vnet_port *port;
	struct shm_private *shared; /* the private region */
	unsigned seat;
	uint32_t mask; /* of all rings: entries - 1 */
	uint16_t mtu;
	void (*moved)(struct shm_member *m);
	uint64_t region_at, region_bytes; /* as its registers have them */
	struct spinlock control;          /* serialises start and reset */
	struct vgate gate;                /* serialises what it sends */
	struct spinlock lock;             /* serialises what it receives, and its spare buffers */
	/* It runs: set by start, cleared by reset and by a broken rule.  Set with gate and lock
	 * held; whoever has one of them and finds it set may use the rings. */
	atomic_bool ready;
	_Atomic uint32_t status;

	/* A core takes entries of `out` whose buffers are in the member's name: exchange_undo(). */
	atomic_bool gathers;

	/* Under `gate`, and while the walk of its batch lasts of that core alone. */
	_Alignas(SHM_LINE) uint32_t out_tail;
	uint32_t out_seen;                    /* out.head as last read */
	_Atomic(struct vnet_batch *) walking; /* the batch in the walk; NULL: none is */
	unsigned ntaken, nhanded, ngiven, nruns, nback, ndirect;
	bool leaving;                       /* the batch is of frames of SHM_OUT */
	uint32_t taken[VNET_BATCH];         /* where its frames begin; those of SHM_TO first */
	uint16_t back[VNET_BATCH];          /* empty ones that it gets back */
	struct shm_desc direct[VNET_BATCH]; /* frames of SHM_TO */
	/* Frames that go into the rings of others when the walk has returned, by receiver. */
	struct shm_desc given[VNET_BATCH];
	struct shm_run {
		struct shm_member *to; /* NULL: it has got them */
		unsigned n;
		uint32_t walk; /* the core's number for it */
	} run[VNET_BATCH];

	/* Under `lock`. */
	_Alignas(SHM_LINE) uint32_t in_head;
	uint32_t in_tail;  /* as last read */
	uint32_t incoming; /* frames that are to go into `in`, and have their buffers already */
	uint32_t free_head;
	uint32_t nspare;
	uint16_t spare[SHM_SHARE_MAX];

	uint64_t copied; /* bytes of frames that were copied into its buffers; under `lock` */
	uint64_t count[SHM_COUNTER_COUNT];
	_Atomic uint64_t violation[SHM_ERROR_COUNT];
};

struct shm_member_config {
	const char *name;
	mac_t mac;
	uint16_t mtu;
	struct shm_private
	    *shared;        /* SHM_PRIVATE_BYTES, zeroed, from a page's start; the caller's */
	uint64_t region_at; /* the region's guest-physical address; 0: not known */
	uint64_t region_bytes;
	/* The guest has moved the BAR of the private region, or switched it: its base is in
	 * pci.bar[SHM_BAR_PRIVATE]; vpci.lock held.  NULL: nothing is to be done. */
	void (*moved)(struct shm_member *m);
};

/* The model for the control plane; the device is &m->pci. */
extern const struct nic_ops shm_nic;

/*
 * Prepares a group for up to `seats` members (1 to SHM_SEATS) in the `bytes` at `region`, from a
 * page's start, which nobody touches here; *g is zeroed.  Each member's share is a part of `seats`
 * of the buffers that fit, SHM_SHARE_MAX at most.  False: too many seats, or a share of less than
 * SHM_SHARE_MIN.
 */
bool shm_group_init(struct shm_group *g, void *region, uint64_t bytes, unsigned seats);

/*
 * Prepares a member's device in *m, zeroed, for a seat that nobody has.  Then:
 * shm_member_attach() and vpci_add(&m->pci).  Its shares of memory stay the caller's.  False: there
 * is no such seat, or it is taken.
 */
bool shm_member_init(struct shm_member *m, struct shm_group *g, unsigned seat,
                     const struct shm_member_config *c);

/* Connects the device to its port of the switch; before the guest starts. */
void shm_member_attach(struct shm_member *m, struct vnet_port *port);

/*
 * Resets the device: on return no core uses its rings, and its buffers are back with the VMM.  Not
 * in the walk.  Bounded: a look at each of the group's buffers.
 */
void shm_member_reset(struct shm_member *m);

/*
 * The member's guest is gone: resets the device, and its seat is free for another one.  Its port
 * has been removed.  On return no core uses *m.  Not in the walk, nor under a member's lock.
 */
void shm_member_leave(struct shm_member *m);

/*
 * The i-th counter's name and value; false when i is past the end.  Those of enum shm_counter come
 * first, from SHM_COUNTER_MSIX on those of MSI-X, then violations (named violation.X), of which
 * that for enum shm_error e is at SHM_COUNTER_VIOLATION + e.  Any core.
 */
enum {
	SHM_COUNTER_MSIX = SHM_COUNTER_COUNT,
	SHM_COUNTER_VIOLATION =
	    SHM_COUNTER_MSIX + VPCI_MSIX_COUNTER_COUNT - 1, /* there is none for SHM_OK */
};
bool shm_member_counter(const struct shm_member *m, unsigned i, char *name, size_t size,
                        uint64_t *value);

/* Does what a doorbell does: forwards what is in `out` on this core, one bounded visit.  Also to be
 * called once after vnet_port_set_mode(), as virtio_net_kick(). */
void shm_member_kick(struct shm_member *m);

#endif
