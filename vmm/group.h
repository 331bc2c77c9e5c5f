/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.h: guests with memory in common.
 *
 * A group's memory is one contiguous range of the node's, in the nested page tables of each member
 * and of nobody else.  Each finds it by a virtio-pmem device (drivers/virtio/virtio_pmem.h), and
 * using it costs no exit.  It is cleared, and labelled for Linux (dax_label.h), on the cores of the
 * members that start first; no member runs before.  Then it stays as the members leave it, through
 * their restarts, until the group is removed.
 *
 * Whatever a member writes there, the others read, and may have changed while they read it: members
 * trust each other.  The VMM takes nothing from it but what a member's driver could as well have
 * put into its own memory (rings and buffers, see gpa.h).
 *
 * Made and removed under the lock of control requests.
 */
#ifndef VMM_GROUP_H
#define VMM_GROUP_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/shm/shm.h"
#include "drivers/virtio/virtio_pmem.h"
#include "vmm/config/config.h"

struct vm;

struct group {
	char name[CONFIG_NAME];
	unsigned slot;
	uint64_t hpa, size;
	uint64_t members;         /* bit n: the guest of slot n */
	uint64_t frames_size;     /* bytes of buffers for frames, the last ones of the memory */
	struct shm_group *frames; /* who has which of them; NULL: the group has none */
	_Atomic uint64_t taken;   /* bytes that some core clears or has cleared */
	_Atomic uint64_t cleared; /* bytes */
	_Atomic bool ready;       /* cleared and labelled */
	bool reachable;           /* a device may reach it for ever: it is not given back */
	struct group_member *member[CONFIG_GUESTS]; /* by the guest's slot; NULL: it is none */
};

/* What a guest has of a group. */
struct group_member {
	struct virtio_pmem pmem;
	struct group *group;
	struct vm *vm;
	uint64_t gpa; /* where it finds the memory */
};

/* How many members are guests of slots below `guest`: the seat of that one, if it is a member. */
static inline unsigned group_seat(const struct group *g, unsigned guest)
{
	unsigned n = 0;

	for (unsigned i = 0; i < guest; i++)
		n += g->members >> i & 1;
	return n;
}

/* Makes the group of this slot, without members, over the memory at `hpa`
 * (vm_memory_take_group()), which it then owns.  NULL: no memory for it; hpa stays the caller's. */
struct group *group_create(unsigned slot, const struct group_config *g, uint64_t hpa);

/* Frees the group and its memory; its members have left. */
void group_destroy(struct group *g);

/* Makes a guest that does not run a member: it has the memory at `gpa` from its next start on.
 * False and a reason: no memory for tables, or no room on its PCI bus; then nothing has changed. */
bool group_join(struct group *g, struct vm *vm, uint64_t gpa, char *why, size_t size);

/* Takes the memory and its device from the guest, which does not run; nothing, if it is no
 * member. */
void group_leave(struct group *g, struct vm *vm);

/* Before a guest runs, on its core: does a part of what is left to prepare of its groups' memory,
 * 2 MiB at most.  True: all of it is ready. */
bool group_prepare(struct vm *vm);
#endif
