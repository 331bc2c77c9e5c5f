/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings about groups. */
#include "vmm/config/lint.h"

void lint_groups(struct lint *l)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++) {
		const struct group_config *g = &l->n->group[i];

		if (g->name[0] && !(g->members & (g->members - 1)))
			report_finding(l, g->line,
			               "group \"%s\" has one member: nobody shares its memory",
			               g->name);
	}
}
