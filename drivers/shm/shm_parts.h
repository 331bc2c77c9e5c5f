/* SPDX-License-Identifier: BSD-2-Clause */
/* shm_parts.h: shared by the files of the device. */
#ifndef DRIVERS_SHM_SHM_PARTS_H
#define DRIVERS_SHM_SHM_PARTS_H
#include "drivers/shm/shm.h"
#include "lib/count.h"

/* Who has a buffer.  A spare one is the VMM's. */
#define SHM_OF_VMM  0u
#define SHM_IN_WALK 0x8000u /* the VMM's while the frame is in the walk; the rest: whose it was */
#define SHM_KEPT    0x4000u /* the VMM's for who joins in that seat; the rest: its owner then */

static inline uint32_t shm_id(const struct shm_member *m)
{
	return m->seat + 1;
}

static inline uint32_t shm_owner(const struct shm_group *g, uint64_t buffer)
{
	return atomic_load_explicit(&g->owner[buffer], memory_order_relaxed);
}

static inline void shm_set_owner(struct shm_group *g, uint64_t buffer, uint32_t owner)
{
	atomic_store_explicit(&g->owner[buffer], owner, memory_order_relaxed);
}

/* Acquire: pairs with the start, which has set up the rings. */
static inline bool shm_ready(const struct shm_member *m)
{
	return atomic_load_explicit(&m->ready, memory_order_acquire);
}

/* Counts what several cores may count at once. */
static inline void shm_count(struct shm_member *m, enum shm_counter which)
{
	__atomic_fetch_add(&m->count[which], 1, __ATOMIC_RELAXED);
}

/* shm_group.c: the member broke a rule: its port goes down until it is reset. */
void shm_break(struct shm_member *m, enum shm_error why);

/* shm_group.c: the member's driver wants to run.  No effect while it runs, or is broken. */
void shm_start(struct shm_member *m);

/* shm_group.c, lock held: offers empty buffers by `free`, as far as there are spare ones. */
void shm_refill(struct shm_member *m);

/* shm_out.c: vnet_port_ops.poll and .arm. */
unsigned shm_poll(void *dev, struct vnet_core *core, unsigned budget);
bool shm_arm(void *dev, bool on);

/* shm_in.c: vnet_port_ops.egress and .room. */
unsigned shm_egress(struct vnet_port *port, struct vnet_core *core,
                    struct vnet_frame *const *frames, unsigned n);
unsigned shm_room(const struct vnet_port *port);

/* shm_in.c, lock held: how many of `wanted` frames the member can get now. */
uint32_t shm_receivable(struct shm_member *m, uint32_t wanted);

/* shm_in.c, lock held: puts n frames into `in` and notifies the member; these were counted in
 * `incoming`.  False: it does not run any more. */
bool shm_put(struct shm_member *m, const struct shm_desc *desc, unsigned n);

/* shm_in.c: the frames of SHM_TO in `from`'s batch, and then all that its batch has given away. */
void shm_send_direct(struct shm_member *from);
void shm_put_given(struct shm_member *from);

/* shm_copy.c: copies frames into spare buffers of the member.  Returns how many were delivered. */
unsigned shm_copy(struct shm_member *m, struct vnet_core *core, struct vnet_frame *const *frames,
                  unsigned n);

/* shm_pci.c: makes the PCI function; interrupts the member. */
void shm_pci_init(struct shm_member *m, const char *name);
void shm_notify(struct shm_member *m);

#endif
