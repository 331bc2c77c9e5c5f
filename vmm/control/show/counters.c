/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `show counters`: the counters of ports, guests and the node.
 *
 * A counter source is a function that gives the i-th counter of an object by its full name.  Each
 * counter that is not 0 gets a row; a new source is a line in the table of its object.
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/iommu/iommu.h"
#include "drivers/ism/ism.h"
#include "vmm/control/control.h"
#include "vmm/control/network.h"
#include "vmm/control/guest_console.h"
#include "vmm/control/ism.h"
#include "vmm/control/show/parts.h"
#include "vmm/group.h"
#include "vmm/life.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/poll.h"
#include "lib/log.h"

#define COUNTER_NAME 80 /* bytes, with the NUL */

/* False: the object has no more counters. */
typedef bool counter_source(const void *object, unsigned i, char *name, size_t size,
                            uint64_t *value);

static void counter_row(struct out *o, const char *object, const char *name, uint64_t value)
{
	out_row(o);
	out_string(o, NULL, object);
	out_string(o, NULL, name);
	out_number(o, NULL, value);
}

static void source_rows(struct out *o, const char *name, counter_source *source, const void *object)
{
	char counter[COUNTER_NAME];
	uint64_t value;

	for (unsigned i = 0; source(object, i, counter, sizeof counter, &value); i++)
		if (value)
			counter_row(o, name, counter, value);
}

/* ---- ports: the switch's, with drops by cause, then the device's ---- */

struct counted_port {
	struct vnet_port_stats stats;
	uint64_t copied;       /* by its device */
	const struct nic *nic; /* NULL: it has no device */
};

static bool switch_counter(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	const struct counted_port *p = object;

	if (i > 1 + VNET_DROP_CAUSES)
		return false;
	if (i == 0) {
		*value = p->stats.flooded;
		snprintf(name, size, "flooded");
	} else if (i == 1) {
		*value = p->stats.copied + p->copied;
		snprintf(name, size, "copied");
	} else {
		*value = p->stats.drop[i - 2];
		snprintf(name, size, "drop.%s", vnet_drop_name[i - 2]);
	}
	return true;
}

static bool nic_counter(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	const struct counted_port *p = object;

	return p->nic && p->nic->ops->counter(p->nic->dev, i, name, size, value);
}

static void port_counters(struct out *o, unsigned slot)
{
	static counter_source *const sources[] = {switch_counter, nic_counter};
	struct vnet_port *p = control_port(slot);
	struct counted_port port = {.copied = control_copied(slot), .nic = control_nic(slot)};

	vnet_port_stats(p, &port.stats);
	counter_row(o, p->name, "in_frames", port.stats.in_frames);
	counter_row(o, p->name, "out_frames", port.stats.out_frames);
	for (unsigned s = 0; s < sizeof sources / sizeof sources[0]; s++)
		source_rows(o, p->name, sources[s], &port);
}

/* ---- guests: their consoles, and accesses to unassigned memory ---- */

static bool console_counter(const void *object, unsigned i, char *name, size_t size,
                            uint64_t *value)
{
	static const char *const names[] = {"output_lost", "input_lost", "com1_lost"};
	const struct vm *vm = object;

	if (i >= sizeof names / sizeof names[0])
		return false;
	*value = i == 0   ? atomic_load(&vm->console.dropped)
	         : i == 1 ? atomic_load(&vm->console.missed)
	                  : vm->uart.unsent;
	snprintf(name, size, "console.%s", names[i]);
	return true;
}

static bool hvc_counter(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	const struct vm *vm = object;
	char own[COUNTER_NAME];

	if (!virtio_pci_counter(&vm->hvc.v, i, own, sizeof own, value))
		return false;
	snprintf(name, size, "console.%s", own);
	return true;
}

static bool control_counter(const void *object, unsigned i, char *name, size_t size,
                            uint64_t *value)
{
	return control_console_counter(object, i, name, size, value);
}

static bool absent_counter(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	const struct vm *vm = object;

	if (i > 1)
		return false;
	*value = i ? vm->absent.writes : vm->absent.reads;
	snprintf(name, size, "absent.%s", i ? "writes" : "reads");
	return true;
}

/* Of the memory that it has in common with others; `object` is what it has of one group. */
static bool member_counter(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	const struct group_member *m = object;
	char own[COUNTER_NAME] = "flushes";

	if (i == 0)
		*value = atomic_load(&m->pmem.flushes);
	else if (!virtio_pci_counter(&m->pmem.v, i - 1, own, sizeof own, value))
		return false;
	snprintf(name, size, "pmem.%s.%s", m->group->name, own);
	return true;
}

static bool ism_source(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	const struct vm *vm = object;
	const struct ism *d = control_ism(vm->slot);
	const char *own;

	if (!d || !ism_counter(d, i, &own, value))
		return false;
	snprintf(name, size, "ism.%s", own);
	return true;
}

static bool device_counter(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	return passthrough_counter(object, i, name, size, value);
}

static void guest_counters(struct out *o, const struct vm *vm)
{
	static counter_source *const sources[] = {console_counter, hvc_counter, control_counter,
	                                          absent_counter,  ism_source,  device_counter};

	for (unsigned s = 0; s < sizeof sources / sizeof sources[0]; s++)
		source_rows(o, vm->name, sources[s], vm);
	for (unsigned i = 0; i < CONFIG_JOINED; i++)
		if (vm->joined[i])
			source_rows(o, vm->name, member_counter, vm->joined[i]);
}

static bool node_counter(const void *object, unsigned i, char *name, size_t size, uint64_t *value)
{
	static const char *const names[] = {"log.lost",
	                                    "poll.rounds",
	                                    "poll.rests",
	                                    "poll.wakes",
	                                    "iommu.stopped_reads",
	                                    "iommu.stopped_writes",
	                                    "iommu.stopped_interrupts",
	                                    "iommu.reports_lost"};
	struct vnet_rests r = vnet_rests_get(node_vnet);
	struct iommu_stopped s = iommu_stopped_others();
	const uint64_t values[] = {log_lost(), poll_rounds(), r.rests,      r.wakes,
	                           s.reads,    s.writes,      s.interrupts, iommu_reports_lost()};

	(void)object;
	if (i >= sizeof names / sizeof names[0])
		return false;
	snprintf(name, size, "%s", names[i]);
	*value = values[i];
	return true;
}

bool wanted_own(const struct config_action *a, unsigned guest)
{
	const struct node_config *n = control_config();
	const char *name = a->port >= 0  ? n->port[a->port].name
	                   : a->net >= 0 ? n->net[a->net].name
	                                 : NULL;

	return name ? strcmp(name, vms[guest]->name) == 0 : wanted_guest(a, guest);
}

void show_counters(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"object", 12, false}, {"counter", 28, false}, {"value", 14, true}};

	TABLE(o, "counters", columns);
	for (unsigned i = 0; i < control_config()->ports; i++)
		if (control_port(i) && wanted_port(a, i))
			port_counters(o, i);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		if (vms[i] && wanted_own(a, i))
			guest_counters(o, vms[i]);
	if (a->guest < 0 && a->port < 0 && a->net < 0)
		source_rows(o, "node", node_counter, NULL);
	out_end_table(o);
}
