/* SPDX-License-Identifier: BSD-2-Clause */
/* hist.c: reading histograms; see hist.h. */
#include "lib/hist.h"

uint64_t hist_from(unsigned bucket)
{
	unsigned octave = bucket >> HIST_PART_BITS;
	uint64_t part = bucket & ((1u << HIST_PART_BITS) - 1);

	if (bucket >= HIST_BUCKETS)
		return UINT64_MAX;
	if (!octave)
		return part;
	return (part | 1u << HIST_PART_BITS) << (octave - 1);
}

void hist_merge(struct hist *to, const struct hist *from)
{
	uint64_t max = count_read(&from->max);

	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += count_read(&from->bucket[i]);
	to->sum += count_read(&from->sum);
	if (max > to->max)
		to->max = max;
}

uint64_t hist_count(const struct hist *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		n += h->bucket[i];
	return n;
}

uint64_t hist_percentile(const struct hist *h, unsigned thousandths)
{
	uint64_t count = hist_count(h), rank = count / 1000 * thousandths, below = 0, last;
	unsigned i = 0;

	rank += (count % 1000 * thousandths + 999) / 1000;
	if (!count)
		return 0;
	while (below + h->bucket[i] < rank)
		below += h->bucket[i++];
	last = hist_from(i + 1) - 1;
	/* A writer adds to the bucket first: a copy may have an older maximum. */
	if (i == HIST_BUCKETS - 1 || (h->max < last && h->max >= hist_from(i)))
		return h->max;
	return last;
}
