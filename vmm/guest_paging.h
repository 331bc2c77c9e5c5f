/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_paging.h: guest-virtual to guest-physical addresses by the guest's own page tables (AMD
 * APM 2, chapter 5). */
#ifndef VMM_GUEST_PAGING_H
#define VMM_GUEST_PAGING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/bus/gpa.h"

struct guest_paging {
	uint64_t cr0, cr3, cr4, efer;
};

/* Kinds of access, OR-ed together; 0: a supervisor read. */
#define ACCESS_WRITE 1
#define ACCESS_USER  2
#define ACCESS_FETCH 4

enum paging_fault {
	PAGING_OK,
	PAGING_NOT_PRESENT,   /* some level's entry is not present */
	PAGING_PROTECTION,    /* present, but the access is not allowed */
	PAGING_RESERVED_BIT,  /* an entry has a reserved bit set */
	PAGING_NON_CANONICAL, /* the address is not canonical: #GP, not #PF */
	PAGING_NO_MEMORY,     /* a table, or the page itself, is not guest memory */
	PAGING_FIVE_LEVEL,    /* CR4.LA57 is set, which guests are not offered */
};

/*
 * Translates one guest-virtual address (here: linear) to a GPA.  Reads at most four table entries,
 * sets no accessed or dirty bits.  *gpa is written on PAGING_OK only; it may be outside guest
 * memory (MMIO).
 */
enum paging_fault guest_translate(const struct gmem *m, const struct guest_paging *p, uint64_t gva,
                                  unsigned access, uint64_t *gpa);

/* Reads up to 15 bytes of the instruction at linear address gva (CS base already added).  Rights
 * are not checked: the guest has begun to execute it.  *got is 15, or less if the next page cannot
 * be read. */
enum paging_fault guest_fetch(const struct gmem *m, const struct guest_paging *p, uint64_t gva,
                              uint8_t bytes[15], size_t *got);
#endif
