/* SPDX-License-Identifier: BSD-2-Clause */
/* `show groups`: guests with memory in common. */
#include <stdio.h>
#include "vmm/control/control.h"
#include "vmm/control/group.h"
#include "vmm/control/show/parts.h"
#include "vmm/group.h"
#include "vmm/vm.h"

/* The guest's port in the group; NULL: it has none. */
static const char *port_in(const struct group *g, unsigned guest)
{
	const struct node_config *n = control_config();

	for (unsigned i = 0; i < n->ports; i++)
		if (n->port[i].name[0] && n->port[i].group == g->slot + 1 &&
		    n->port[i].guest == guest)
			return n->port[i].name;
	return NULL;
}

/* prepared: bytes cleared; no member runs before all are.  address: where the guest finds the
 * memory; driver: whether its driver uses the device.  buffers: bytes for frames; port: the
 * member's that uses them. */
static void member_row(struct out *o, const struct group *g, const struct group_member *m)
{
	const char *port;
	char address[24];

	snprintf(address, sizeof address, "%lx", m->gpa);
	out_row(o);
	out_string(o, NULL, g->name);
	out_size(o, NULL, g->size);
	out_size(o, NULL, atomic_load(&g->cleared));
	out_string(o, NULL, m->vm->name);
	out_string(o, NULL, address);
	out_bool(o, NULL, virtio_pci_running(&m->pmem.v));
	out_size(o, NULL, g->frames_size);
	port = port_in(g, m->vm->slot);
	if (port)
		out_string(o, NULL, port);
	else
		out_null(o, NULL);
}

void show_groups(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {{"group", 12, false},  {"memory", 8, true},
	                                            {"prepared", 8, true}, {"member", 12, false},
	                                            {"address", 12, true}, {"driver", 6, false},
	                                            {"buffers", 8, true},  {"port", 12, false}};

	TABLE(o, "groups", columns);
	for (unsigned i = 0; i < CONFIG_GROUPS; i++) {
		const struct group *g = control_group(i);

		for (unsigned k = 0; g && k < CONFIG_GUESTS; k++)
			if (g->member[k] && wanted_guest(a, k))
				member_row(o, g, g->member[k]);
	}
	out_end_table(o);
}
