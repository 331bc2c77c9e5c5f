/* SPDX-License-Identifier: BSD-2-Clause */
/* lint.h: what the files of warnings share (private to vmm/config/). */
#ifndef VMM_CONFIG_LINT_H
#define VMM_CONFIG_LINT_H
#include "vmm/config/parse.h"

/* One run of the checks.  A finding is about a line of the text being read, or about none (0). */
struct lint {
	struct parser *p; /* its index is used as work space */
	const struct node_config *n;
	const uint32_t *route_line; /* NULL: not reading a text */
	void (*report)(struct lint *l, uint32_t line, const char *text);
	config_warning *warn;
	void *ctx;
};

/* Reports a finding about that line. */
__attribute__((format(printf, 3, 4))) void report_finding(struct lint *l, uint32_t line,
                                                          const char *fmt, ...);

/* Of two places that only together are worth a finding, the one that came later. */
uint32_t later_line(uint32_t a, uint32_t b);

/* lint_groups.c: groups whose memory nobody shares, or whose ports open more than was meant. */
void lint_groups(struct lint *l);

#endif
