/* SPDX-License-Identifier: BSD-2-Clause */
/* `show mirrors`, `show trace`. */
#include "vmm/control/control.h"
#include "vmm/control/mirror.h"
#include "vmm/control/show/parts.h"

/* left_out, cut_short: records without room, and frames of which less was copied than was asked
 * for, because one batch had more than a core's ring takes of it. */
void show_mirrors(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {{"mirror", 12, false},
	                                            {"kind", 7, false},
	                                            {"object", 12, false},
	                                            {"cut", 6, true},
	                                            {"frames", 10, true}};
	const struct node_config *n = control_config();
	uint64_t left_out, cut_short;

	(void)a;
	TABLE(o, "mirrors", columns);
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++) {
		const struct mirror_config *m = &n->mirror[i];

		if (!m->name[0])
			continue;
		out_row(o);
		out_string(o, NULL, m->name);
		out_string(o, NULL, config_word_of(config_object_words, m->kind));
		out_string(o, NULL, config_mirror_object(n, m));
		if (m->cut)
			out_number(o, NULL, m->cut);
		else
			out_null(o, NULL);
		out_number(o, NULL, control_mirror_frames(i));
	}
	out_end_table(o);
	control_mirror_short(&left_out, &cut_short);
	out_begin_object(o, "capture");
	out_number(o, "left_out", left_out);
	out_number(o, "cut_short", cut_short);
	out_end_object(o);
}

/* What is traced; the records themselves are in the observation window. */
void show_trace(struct out *o, const struct config_action *a)
{
	const struct node_config *n = control_config();
	const struct trace_config *t = &n->trace;

	(void)a;
	out_begin_object(o, "trace");
	out_bool(o, "on", t->on);
	if (t->on && t->port >= 0)
		out_string(o, "port", n->port[t->port].name);
	else
		out_null(o, "port");
	if (t->on && t->mac)
		out_mac(o, "mac", t->mac);
	else
		out_null(o, "mac");
	out_end_object(o);
}
