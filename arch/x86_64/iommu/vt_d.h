/* SPDX-License-Identifier: BSD-2-Clause */
/* vt_d.h: one Intel IOMMU: its registers, invalidation queue and fault records (VT-d 3.3, 6.5, 7.2
 * and chapter 11). */
#ifndef ARCH_IOMMU_VT_D_H
#define ARCH_IOMMU_VT_D_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/core.h"
#include "lib/spinlock.h"

struct iommu_fault;

struct vt_d_command {
	uint64_t word[2];
};

#define VT_D_COMMANDS 512 /* of the queue: each core has at most VT_D_BATCH + 1 in it */
#define VT_D_BATCH    3

struct vt_d_unit {
	volatile uint8_t *registers;
	uint64_t cap, ecap;
	struct spinlock lock; /* of the queue, held while commands are written to it */
	struct vt_d_command *queue;
	unsigned tail;                        /* of the queue: the next free place */
	_Atomic uint32_t finished[CORES_MAX]; /* the last command that a core waits for, when the
	                                         unit has carried it out */
	uint32_t asked[CORES_MAX];
};

/* What a unit can do (11.4.2, 11.4.3). */
bool vt_d_can_levels(const struct vt_d_unit *u, unsigned levels); /* of page tables */
bool vt_d_has_2mib(const struct vt_d_unit *u);
bool vt_d_has_1gib(const struct vt_d_unit *u);
bool vt_d_snoops(const struct vt_d_unit *u);      /* entries can force snooping of caches */
bool vt_d_is_coherent(const struct vt_d_unit *u); /* it reads its tables through the caches */
bool vt_d_remaps(const struct vt_d_unit *u);      /* interrupts */
bool vt_d_has_x2apic(const struct vt_d_unit *u);  /* ... to APIC IDs of 32 bits */
unsigned vt_d_domains(const struct vt_d_unit *u);

/* Invalidations (6.5.2): of what is cached of a function's context entry, of all pages of a domain,
 * of all interrupts. */
struct vt_d_command vt_d_forget_context(uint16_t function, uint16_t domain);
struct vt_d_command vt_d_forget_pages(const struct vt_d_unit *u, uint16_t domain);
struct vt_d_command vt_d_forget_interrupts(void);

/* Looks at the unit's registers; NULL, or why it cannot be used. */
const char *vt_d_find(struct vt_d_unit *u, uint64_t registers);

/* Switches off what firmware has left on, gives the unit its root table and, if `interrupts` is not
 * 0, its interrupt table (the content of IRTA_REG), makes it forget everything, and enables it.
 * NULL, or why not. */
const char *vt_d_enable(struct vt_d_unit *u, const void *root, uint64_t interrupts);
void vt_d_disable(struct vt_d_unit *u);

/*
 * Has the unit carry out at most VT_D_BATCH commands, and waits until it has.  Any core: the lock
 * is not held while it waits.  false: the unit did not do so within VT_D_PATIENCE_US; it is logged.
 */
#define VT_D_PATIENCE_US 100000
bool vt_d_command(struct vt_d_unit *u, const struct vt_d_command *c, unsigned n);

/* Is there a fault record?  Any core. */
bool vt_d_has_faults(const struct vt_d_unit *u);

/* Calls back for fault records, `budget` at most, and clears them.  True: some were lost. */
bool vt_d_read_faults(struct vt_d_unit *u, unsigned budget,
                      void (*stopped)(const struct iommu_fault *f));
#endif
