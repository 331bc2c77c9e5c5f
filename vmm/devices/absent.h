/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * absent.h: guest-physical memory where nothing is, for this guest: no memory of its own, no
 * register of a device.
 *
 * As on a bus where nobody answers, a read gives all ones and a write goes nowhere.  Each access is
 * counted, and a page is named in the log: once in a second, and few pages of one guest in a
 * second, so that no guest fills the log.
 */
#ifndef VMM_DEVICES_ABSENT_H
#define VMM_DEVICES_ABSENT_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define ABSENT_NAMED 4 /* pages of one guest that are named in a second, at most */

/* A guest's; all zero at first. */
struct absent {
	struct spinlock lock; /* only this guest's own vCPUs want it */
	uint64_t reads, writes;
	uint64_t unnamed; /* accesses since the last that was named */
	struct {
		uint64_t page, when; /* named when; 0: free */
	} named[ABSENT_NAMED];
};

/*
 * absent_policy.c: counts an access at TSC time `now`; a second has `second` ticks.  True: it is to
 * be named; *unnamed is how many came before it, since the last one named.  Any core.
 */
bool absent_count(struct absent *a, uint64_t gpa, bool write, uint64_t now, uint64_t second,
                  uint64_t *unnamed);

struct vcpu;

/*
 * absent.c: what becomes of an instruction's access, within one page, that leads nowhere; *val is
 * set by a read.  False: the guest was stopped by it (`debug-absent stop`).  On the vCPU's core.
 */
bool absent_access(struct vcpu *v, uint64_t gpa, bool write, uint64_t *val);
#endif
