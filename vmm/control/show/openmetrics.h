/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * openmetrics.h: writes metrics as text for monitoring systems, in one of two forms.
 *
 * OpenMetrics 1.0 (draft-richih-opsawg-openmetrics-00), and the older text format 0.0.4 of
 * Prometheus, which its tools for files read.  The samples are the same in both, the lines above
 * them are not:
 *
 *                         OpenMetrics                      Prometheus
 *   a counter x           # TYPE x counter                 # TYPE x_total counter
 *   information x         # TYPE x info                    # TYPE x_info gauge
 *   states x              # TYPE x stateset                # TYPE x gauge
 *   a histogram x         # TYPE x histogram               # TYPE x histogram
 *   the unit              # UNIT x bytes                   -
 *   the end               # EOF                            -
 *
 * Nothing is buffered or allocated: all output goes to `put` at once.  The samples of a family come
 * after its head and before the next one, each with another set of label values; the caller keeps
 * to that.
 */
#ifndef VMM_CONTROL_SHOW_OPENMETRICS_H
#define VMM_CONTROL_SHOW_OPENMETRICS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_INFO,      /* labels alone; its value is 1 */
	METRIC_STATESET,  /* one sample for each state, of which one is 1 */
	METRIC_HISTOGRAM, /* how many values are at most a bound, for each bound; their sum */
};

struct metric_family {
	const char *name; /* without its unit, and without `_total` and `_info` */
	enum metric_type type;
	const char *unit;   /* base unit, in the plural; NULL: a plain number */
	const char *labels; /* their names, with commas between; "": none */
	const char *help;   /* a sentence without quotes, backslashes and newlines */
};

struct metrics {
	void (*put)(void *ctx, const char *text, size_t len);
	void *ctx;
	bool prometheus;                    /* else OpenMetrics */
	const struct metric_family *family; /* the present one */
};

/* Begins a text; everything goes to put(ctx, ...), from the calling core. */
void metrics_begin(struct metrics *m, bool prometheus, void (*put)(void *, const char *, size_t),
                   void *ctx);
/* Ends it. */
void metrics_end(struct metrics *m);

/* The head of a family, which must live until the next one: type, unit, help. */
void metrics_family(struct metrics *m, const struct metric_family *f);

/*
 * One sample of the present family.  `value`: of each of its labels, in their order, any bytes: a
 * character that is not printable UTF-8 becomes U+FFFD.  NULL for a family without labels.
 */
void metrics_number(struct metrics *m, const char *const *value, uint64_t n);

/* The same, n being nanoseconds: in seconds. */
void metrics_nanoseconds(struct metrics *m, const char *const *value, uint64_t n);

/* The samples of a METRIC_STATESET: all states by name, of which the one with this index is 1. */
void metrics_states(struct metrics *m, const char *const *value, const char *const *state,
                    unsigned states, unsigned now);

struct metric_bucket {
	uint64_t le;    /* nanoseconds; the values counted here are at most this */
	uint64_t count; /* of these and of all buckets before */
};

struct metric_histogram {
	const struct metric_bucket *bucket; /* by ascending bounds, none of them the same */
	unsigned buckets;                   /* without that of all values, `+Inf` */
	uint64_t count;                     /* of all values */
	uint64_t sum;                       /* of all values, in nanoseconds */
};

/* The samples of one object of a METRIC_HISTOGRAM in seconds, whose bounds are below 10^6 s. */
void metrics_histogram(struct metrics *m, const char *const *value,
                       const struct metric_histogram *h);
#endif
