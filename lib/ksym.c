/* SPDX-License-Identifier: BSD-2-Clause */
/* ksym.c: looks up the function that an address belongs to. */
#include <stddef.h>
#include "lib/ksym.h"

const char *ksym_find(uint64_t addr, uint64_t *offset)
{
	unsigned low = 0, high = ksym_count;

	if (!ksym_count || addr < ksym_addr[0] || addr >= ksym_addr[ksym_count])
		return NULL;
	/* ksym_addr[low] <= addr < ksym_addr[high] all the time. */
	while (high - low > 1) {
		unsigned mid = low + (high - low) / 2;

		if (ksym_addr[mid] <= addr)
			low = mid;
		else
			high = mid;
	}
	*offset = addr - ksym_addr[low];
	return ksym_names + ksym_name_off[low];
}
