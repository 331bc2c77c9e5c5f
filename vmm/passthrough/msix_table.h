/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msix_table.h: the MSI-X table of a physical device that a guest owns (PCI 3.0, 6.8.2).
 *
 * The guest writes its messages into a copy.  The device's table gets their translations for this
 * machine; an entry is masked if the guest's entry is, or if its message is refused.
 */
#ifndef VMM_PASSTHROUGH_MSIX_TABLE_H
#define VMM_PASSTHROUGH_MSIX_TABLE_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define MSIX_ENTRY_BYTES 16

struct msix_message {
	uint64_t addr;
	uint32_t data;
};

struct msix_pass {
	struct spinlock lock;
	unsigned n;                 /* entries */
	uint32_t (*entry)[4];       /* the guest's copy: address, its high half, data, control */
	volatile uint32_t (*hw)[4]; /* the device's table */
	bool on;                    /* the guest has enabled MSI-X */
	/* Translates the guest's message of entry n for this machine; false: refused. */
	bool (*translate)(void *ctx, unsigned n, const struct msix_message *guest,
	                  struct msix_message *phys);
	void *ctx;
};

/* Masks all entries, in the copy and in the device. */
void msix_pass_reset(struct msix_pass *t);

/* The guest enables or disables MSI-X: updates the device's table from the copy. */
void msix_pass_enable(struct msix_pass *t, bool on);

/* An access by the guest at `off` (bytes, modulo 2^32) from the table's start.  Only aligned dwords
 * and qwords within the table are legal (6.8.2); any other read gives ones, any other write is
 * dropped. */
void msix_pass_access(struct msix_pass *t, uint32_t off, unsigned size, bool write, uint64_t *val);
#endif
