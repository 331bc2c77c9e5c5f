/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * absent.h: unassigned guest-physical addresses: neither the guest's memory nor a device's
 * register.
 *
 * As on a bus where no device answers, a read gives all ones and a write is dropped.  Each access
 * is counted.  The page is logged, at most once a second and for at most ABSENT_NAMED pages of a
 * guest a second, so that no guest floods the log.
 */
#ifndef VMM_DEVICES_ABSENT_H
#define VMM_DEVICES_ABSENT_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/spinlock.h"

#define ABSENT_NAMED 4 /* pages of one guest that are logged in a second, at most */

/* Per guest; all zero at first. */
struct absent {
	struct spinlock lock; /* taken by this guest's own vCPUs only */
	uint64_t reads, writes;
	uint64_t unnamed; /* accesses since the last that was logged */
	struct {
		uint64_t page, when; /* when: TSC of its log line; 0: free */
	} named[ABSENT_NAMED];
};

/*
 * absent_policy.c: counts an access at TSC time `now`; a second has `second` ticks.  True: the
 * access is to be logged; *unnamed is how many were not logged since the last one that was.  Any
 * core.
 */
bool absent_count(struct absent *a, uint64_t gpa, bool write, uint64_t now, uint64_t second,
                  uint64_t *unnamed);

struct vcpu;

/*
 * absent.c: carries out an instruction's access, within one page, to an unassigned address; a read
 * sets *val.  False: the access stopped the guest (`debug-absent stop`).  On the vCPU's core.
 */
bool absent_access(struct vcpu *v, uint64_t gpa, bool write, uint64_t *val);
#endif
