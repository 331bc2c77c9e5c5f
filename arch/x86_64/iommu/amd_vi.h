/* SPDX-License-Identifier: BSD-2-Clause */
/* amd_vi.h: one AMD IOMMU: its registers, command queue and event log (AMD I/O Virtualization
 * Technology Specification 3.05, 2.4, 2.5 and 3.4). */
#ifndef ARCH_IOMMU_AMD_VI_H
#define ARCH_IOMMU_AMD_VI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/core.h"
#include "lib/spinlock.h"

struct iommu_fault;
struct iommu_unit;

struct amd_vi_command {
	uint64_t word[2];
};

#define AMD_VI_COMMANDS 512 /* of the queue: each core has at most AMD_VI_BATCH + 1 in it */
#define AMD_VI_EVENTS   512 /* of the log */
#define AMD_VI_BATCH    3

struct amd_vi_unit {
	volatile uint8_t *registers;
	struct spinlock lock; /* of the queue, held while commands are written to it */
	struct amd_vi_command *queue;
	unsigned tail;                        /* of the queue: the next free place */
	_Atomic uint64_t finished[CORES_MAX]; /* the last command that a core waits for, when the
	                                         unit has carried it out */
	uint64_t asked[CORES_MAX];
	uint64_t (*log)[2];
	unsigned next; /* of the log: the event that is read next */
};

/* Commands (2.4.3, 2.4.4, 2.4.6): forget what is cached of a function's device table entry, of all
 * pages of a domain, of a function's interrupts. */
struct amd_vi_command amd_vi_forget_device(uint16_t function);
struct amd_vi_command amd_vi_forget_pages(uint16_t domain);
struct amd_vi_command amd_vi_forget_interrupts(uint16_t function);

/* Resets the unit's queue and log, makes it forget everything, and enables it with this device
 * table.  NULL, or why not. */
const char *amd_vi_enable(struct amd_vi_unit *u, const struct iommu_unit *where, const void *table,
                          size_t bytes);
void amd_vi_disable(struct amd_vi_unit *u);

/*
 * Has the unit carry out at most AMD_VI_BATCH commands, and waits until it has.  Any core: the lock
 * is not held while it waits, so that cores wait side by side.  false: the unit did not do so
 * within AMD_VI_PATIENCE_US; it is logged.
 */
#define AMD_VI_PATIENCE_US 100000
bool amd_vi_command(struct amd_vi_unit *u, const struct amd_vi_command *c, unsigned n);

/* Is there an event that was not read?  Any core. */
bool amd_vi_has_events(const struct amd_vi_unit *u);

/* Calls back for the faults among the next events, `budget` at most.  True: events were lost. */
bool amd_vi_read_events(struct amd_vi_unit *u, unsigned budget,
                        void (*stopped)(const struct iommu_fault *f));
#endif
