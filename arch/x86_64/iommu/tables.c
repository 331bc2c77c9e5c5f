/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two parsers have in common: see tables.h. */
#include "arch/x86_64/iommu/tables.h"

bool iommu_add_unit(struct iommu_tables *t, struct iommu_unit u)
{
	if (t->units == IOMMU_UNITS)
		return false;
	t->unit[t->units++] = u;
	return true;
}

bool iommu_add_reserved(struct iommu_tables *t, struct iommu_reserved r)
{
	if (t->reserved == IOMMU_RESERVED)
		return false;
	t->reserve[t->reserved++] = r;
	return true;
}

bool iommu_add_source(struct iommu_tables *t, struct iommu_source s)
{
	if (t->sources == IOMMU_SOURCES)
		return false;
	t->source[t->sources++] = s;
	return true;
}

bool iommu_add_alias(struct iommu_tables *t, struct iommu_alias a)
{
	if (t->aliases == IOMMU_ALIASES)
		return false;
	t->alias[t->aliases++] = a;
	return true;
}

bool iommu_add_range(struct iommu_tables *t, struct iommu_range r)
{
	if (t->ranges == IOMMU_RANGES)
		return false;
	t->range[t->ranges++] = r;
	return true;
}

bool iommu_covers(const struct iommu_tables *t, uint16_t function)
{
	for (unsigned i = 0; i < t->ranges; i++)
		if (function >= t->range[i].first && function <= t->range[i].last)
			return true;
	return false;
}

bool iommu_is_source(const struct iommu_tables *t, uint16_t function)
{
	for (unsigned i = 0; i < t->sources; i++)
		if (t->source[i].function == function)
			return true;
	return false;
}

const struct iommu_reserved *iommu_reserved_for(const struct iommu_tables *t, uint16_t function)
{
	for (unsigned i = 0; i < t->reserved; i++)
		if (function >= t->reserve[i].first && function <= t->reserve[i].last)
			return &t->reserve[i];
	return NULL;
}

uint16_t iommu_requester(const struct iommu_tables *t, uint16_t function)
{
	for (unsigned i = 0; i < t->aliases; i++)
		if (function >= t->alias[i].first && function <= t->alias[i].last)
			return t->alias[i].as;
	return function;
}

bool iommu_ioapic_source(const struct iommu_tables *t, uint8_t id, uint16_t *function)
{
	for (unsigned i = 0; i < t->sources; i++) {
		if (t->source[i].kind != IOMMU_IOAPIC || t->source[i].id != id)
			continue;
		*function = t->source[i].function;
		return true;
	}
	return false;
}
