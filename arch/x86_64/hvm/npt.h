/* SPDX-License-Identifier: BSD-2-Clause */
/* npt.h: nested page tables: AMD APM vol. 2, 15.25; EPT: Intel SDM vol. 3, 28.2. */
#ifndef ARCH_HVM_NPT_H
#define ARCH_HVM_NPT_H
#include <stdbool.h>
#include <stdint.h>

#define NPT_ADDR 0x000ffffffffff000ul

/* The bits of one vendor's format. */
struct npt_format {
	uint64_t present; /* any of these bits set: the entry is present */
	uint64_t large;   /* the entry maps a page above the last level */
	uint64_t table;   /* bits of an entry that points to a table */
	uint64_t ram, device;
	uint64_t shown, shared; /* memory of the VMM's: without fetches; `shown`: read-only */
	bool (*gib_pages)(void);
	uint64_t fetch; /* the bit of `ram` that allows fetches; 0: always allowed */
	/* True: only 4 KiB pages may be executable; larger ones are mapped without `fetch`. */
	bool (*small_fetch)(void);
};

/* What a mapped page is to the guest. */
enum npt_use {
	NPT_RAM,
	NPT_DEVICE, /* registers of a physical device */
	NPT_SHOWN,  /* memory of the VMM's that the guest may read; a write exits */
	NPT_SHARED, /* memory of the VMM's that the guest may read and write */
};

/* An empty root table; its physical address, or 0 when memory is short. */
uint64_t npt_create(void);

/*
 * Maps [gpa, gpa + size) to [hpa, ...) with the largest pages that fit; all three are multiples of
 * 4 KiB.  false when memory for tables is short or something is mapped there already.
 *
 * With small_fetch() it also preallocates the tables that npt_allow_fetch() may need for this
 * range: 4 KiB for each 2 MiB.
 */
bool npt_map(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa, uint64_t size,
             enum npt_use use);

/*
 * Removes what npt_map() mapped with these arguments, also what it had mapped when it returned
 * false; pages that map something else stay.  The tables stay, so that mapping the same range again
 * needs no memory.
 *
 * vCPUs may run during both functions, and call npt_allow_fetch(), which changes entries of RAM
 * alone; the caller serialises all other calls for one root.  What was unmapped can be reached
 * until each vCPU's translations are flushed (vm_flush()).
 */
void npt_unmap(const struct npt_format *f, uint64_t root, uint64_t gpa, uint64_t hpa,
               uint64_t size);

/*
 * After a fetch from a page without `fetch`: splits the large page at gpa down to 4 KiB, which is
 * executable.  false: fetches are not allowed there.  May be called for several vCPUs at once; it
 * fills two tables at most, and a page is split only once.  No TLB flush is needed: the new entries
 * allow more, and the fault has invalidated the old translation of this address (Intel SDM vol. 3,
 * 28.3.3.1).
 */
bool npt_allow_fetch(const struct npt_format *f, uint64_t root, uint64_t gpa);

/* Frees all tables; no vCPU may use them any more. */
void npt_destroy(const struct npt_format *f, uint64_t root);
#endif
