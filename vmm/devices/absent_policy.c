/* SPDX-License-Identifier: BSD-2-Clause */
/* absent_policy.c: which accesses to unassigned memory are logged; see absent.h. */
#include "vmm/devices/absent.h"

/* A free entry for this page, or -1: the page was logged within the last second, or enough others
 * were. */
static int find_place(const struct absent *a, uint64_t page, uint64_t now, uint64_t second)
{
	int place = -1;

	for (int i = 0; i < ABSENT_NAMED; i++) {
		/* signed: another core's time stamp may be a little ahead */
		int64_t age = (int64_t)(now - a->named[i].when);
		bool old = !a->named[i].when || age >= (int64_t)second;

		if (!old && a->named[i].page == page)
			return -1;
		if (old)
			place = i;
	}
	return place;
}

bool absent_count(struct absent *a, uint64_t gpa, bool write, uint64_t now, uint64_t second,
                  uint64_t *unnamed)
{
	int i;

	spin_lock(&a->lock);
	if (write)
		a->writes++;
	else
		a->reads++;
	i = find_place(a, gpa >> 12, now, second);
	*unnamed = a->unnamed;
	a->unnamed = i < 0 ? a->unnamed + 1 : 0;
	if (i >= 0) {
		a->named[i].page = gpa >> 12;
		a->named[i].when = now;
	}
	spin_unlock(&a->lock);
	return i >= 0;
}
