/* SPDX-License-Identifier: BSD-2-Clause */
/* `show groups`: guests with memory in common. */
#include <stdio.h>
#include "vmm/control/control.h"
#include "vmm/control/group.h"
#include "vmm/control/show/parts.h"
#include "vmm/group.h"
#include "vmm/vm.h"

/* prepared: bytes cleared; no member runs before all are.  address: where the guest finds the
 * memory; driver: whether its driver uses the device. */
static void member_row(struct out *o, const struct group *g, const struct group_member *m)
{
	char address[24];

	snprintf(address, sizeof address, "%lx", m->gpa);
	out_row(o);
	out_string(o, NULL, g->name);
	out_size(o, NULL, g->size);
	out_size(o, NULL, atomic_load(&g->cleared));
	out_string(o, NULL, m->vm->name);
	out_string(o, NULL, address);
	out_bool(o, NULL, virtio_pci_running(&m->pmem.v));
}

void show_groups(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {{"group", 12, false},  {"memory", 8, true},
	                                            {"prepared", 8, true}, {"member", 12, false},
	                                            {"address", 12, true}, {"driver", 6, false}};

	TABLE(o, "groups", columns);
	for (unsigned i = 0; i < CONFIG_GROUPS; i++) {
		const struct group *g = control_group(i);

		for (unsigned k = 0; g && k < CONFIG_GUESTS; k++)
			if (g->member[k] && wanted_guest(a, k))
				member_row(o, g, g->member[k]);
	}
	out_end_table(o);
}
