/* SPDX-License-Identifier: BSD-2-Clause */
/* `show ism`. */
#include "drivers/ism/ism.h"
#include "vmm/control/control.h"
#include "vmm/control/ism.h"
#include "vmm/control/show/parts.h"
#include "vmm/life.h"

/* refused: the guest's messages and commands that were, for all reasons; `show counters` has them
 * one by one. */
static void row(struct out *o, unsigned slot, const struct ism *d)
{
	uint64_t refused = 0, value;
	const char *name;

	out_row(o);
	out_string(o, NULL, vms[slot]->name);
	out_string(o, NULL, control_config()->guest[slot].ism);
	out_bool(o, NULL, atomic_load(&d->running));
	out_number(o, NULL, ism_dmbs(d));
	out_number(o, NULL, ism_peers(d));
	for (unsigned i = 0; ism_counter(d, i, &name, &value); i++) {
		if (i == ISM_COUNT_messages || i == ISM_COUNT_data)
			out_number(o, NULL, value);
		else if (i >= ISM_COUNT_REFUSED && i < ISM_COUNTER_COUNT)
			refused += value;
	}
	out_number(o, NULL, refused);
}

void show_ism(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"guest", 12, false}, {"domain", 12, false},  {"on", 3, false},    {"dmbs", 4, true},
	    {"peers", 5, true},   {"messages", 10, true}, {"bytes", 14, true}, {"refused", 8, true},
	};

	TABLE(o, "ism", columns);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		if (vms[i] && control_ism(i) && wanted_guest(a, i))
			row(o, i, control_ism(i));
	out_end_table(o);
}
