/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_reader.h: reads metrics as text, and fails where they break their format's rules. */
#ifndef TESTS_UNIT_RIG_METRICS_READER_H
#define TESTS_UNIT_RIG_METRICS_READER_H
#include <stdbool.h>

/*
 * Reads a text in OpenMetrics 1.0 or, `prometheus`, Prometheus's text format 0.0.4.  Beside what
 * both demand: a family's head is type, unit, help, in this order; a name that ends with a unit has
 * one, and a help text is a sentence; a histogram's labels have no `}` in their values.  The
 * samples as lines, which the caller frees.
 */
char *metrics_read(const char *text, bool prometheus);
#endif
