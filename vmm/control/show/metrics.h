/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics.h: `show metrics`, in three files of this folder: the node (metrics.c), its guests with
 * their devices (metrics_guest.c), its network (metrics_net.c).
 *
 * A family is a row of a table: its head, and a function that writes its samples, with a number
 * that says which value of its objects they are.  docs/metrics.md has the tables in words, made
 * from these (tests/unit/test_metrics.c).
 *
 * The samples of a family with a label `cause`, `rule` or `reason` are left out while they are 0:
 * there are some sixty for each port, and an answer has room for 4 MiB.  Histograms without a value
 * are left out, too.
 */
#ifndef VMM_CONTROL_SHOW_METRICS_H
#define VMM_CONTROL_SHOW_METRICS_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/hist.h"
#include "vmm/control/show/openmetrics.h"

struct family {
	struct metric_family head;
	void (*samples)(struct metrics *m, unsigned which);
	unsigned which;
};

#define FAMILY(type, name, unit, labels, help, samples, which)                                     \
	{                                                                                          \
		{name, METRIC_##type, unit, labels, help}, samples, which                          \
	}

struct family_table {
	const struct family *family;
	unsigned n;
};
#define TABLE_OF(rows)                                                                             \
	{                                                                                          \
		rows, sizeof rows / sizeof rows[0]                                                 \
	}

extern const struct family_table metrics_guest, metrics_net;

/* TSC ticks in nanoseconds. */
uint64_t metrics_ticks(uint64_t ticks);

/*
 * A histogram of TSC ticks as the samples of one object, unless it is empty; without a writer.  All
 * objects of an answer have the same bounds, so that their sums mean something.
 */
void metrics_measured(struct metrics *m, const char *const *value, const struct hist *h);

#define LABELS(...) ((const char *const[]){__VA_ARGS__})
#define NUMBER      24 /* bytes of a number as text, with its NUL */

/* A number as the value of a label. */
static inline const char *number_text(char text[NUMBER], uint64_t n)
{
	snprintf(text, NUMBER, "%llu", (unsigned long long)n);
	return text;
}

/* The 64-bit counter at this offset of a structure. */
static inline uint64_t number_at(const void *object, unsigned offset)
{
	return *(const uint64_t *)((const char *)object + offset);
}
#endif
