/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_iommu.c: the firmware's tables of IOMMUs, IVRS and DMAR, with any content. */
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/iommu/tables.h"

static uint8_t buses; /* what the input says of bridges */

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool bridge(uint16_t function, uint8_t *secondary, uint8_t *subordinate)
{
	*secondary = (uint8_t)(function + buses);
	*subordinate = (uint8_t)(*secondary + (buses & 3));
	return function & buses;
}

/* What the VMM relies on when it has accepted a table. */
static void check_tables(const struct iommu_tables *t, uint64_t align)
{
	uint16_t function;

	check(t->units && t->units <= IOMMU_UNITS && t->reserved <= IOMMU_RESERVED &&
	      t->sources <= IOMMU_SOURCES && t->aliases <= IOMMU_ALIASES);
	for (unsigned i = 0; i < t->units; i++) {
		check(t->unit[i].registers && t->unit[i].registers % align == 0);
		for (unsigned k = 0; k < i; k++)
			check(t->unit[i].registers != t->unit[k].registers);
	}
	for (unsigned i = 0; i < t->reserved; i++) {
		const struct iommu_reserved *r = &t->reserve[i];

		check(r->size && r->start + (r->size - 1) >= r->start && r->first <= r->last);
		check(iommu_reserved_for(t, r->first) && iommu_reserved_for(t, r->last));
	}
	for (unsigned i = 0; i < t->aliases; i++)
		check(t->alias[i].first <= t->alias[i].last);
	iommu_requester(t, 0x100);
	iommu_ioapic_source(t, 0, &function);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iommu_tables t, before;
	uint32_t length = (uint32_t)size - 2;
	uint8_t *copy;
	bool dmar;

	if (size < 2)
		return 0;
	dmar = data[0] & 1;
	buses = data[1];
	copy = malloc(length ? length : 1);
	memcpy(copy, data + 2, length);
	if (data[0] & 2 && length >= 8) {
		memcpy(copy, dmar ? "DMAR" : "IVRS", 4);
		memcpy(copy + 4, &length, 4);
	}
	memset(&t, 0xee, sizeof t);
	before = t;
	if (dmar ? iommu_dmar_parse(copy, length, bridge, &t) : iommu_ivrs_parse(copy, length, &t))
		check(!memcmp(&t, &before, sizeof t));
	else
		check_tables(&t, dmar ? 4096 : 0x4000);
	free(copy);
	return 0;
}
