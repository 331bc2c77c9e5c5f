/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of core placement (place_policy.h). */
#include <stddef.h>
#include "vmm/place_policy.h"

static bool siblings(const struct place_view *v, unsigned a, unsigned b)
{
	return a != b && v->core[a].apic_id >> v->smt_bits == v->core[b].apic_id >> v->smt_bits;
}

int place_rival(const struct place_view *v, const void *owner, unsigned core)
{
	for (unsigned i = 0; i < v->cores; i++) {
		const void *other = v->core[i].owner;

		if (other && other != owner && siblings(v, core, i))
			return (int)i;
	}
	return -1;
}

static bool beside_own(const struct place_view *v, const void *owner, unsigned core)
{
	for (unsigned i = 0; i < v->cores; i++)
		if (v->core[i].owner == owner && siblings(v, core, i))
			return true;
	return false;
}

/* Is the core a sibling of the poll core?  All guests use that one, so its siblings stay free even
 * before it polls. */
static bool beside_reserved(const struct place_view *v, unsigned core)
{
	for (unsigned i = 0; i < v->cores; i++)
		if (v->core[i].reserved && siblings(v, core, i))
			return true;
	return false;
}

static bool smt_forbids(const struct place_view *v, const void *owner, unsigned core)
{
	return !v->share && (place_rival(v, owner, core) >= 0 || beside_reserved(v, core));
}

/* How preferable a core is; 0: it cannot be used. */
static unsigned core_preference(const struct place_view *v, const void *owner, unsigned core)
{
	const struct place_core *c = &v->core[core];
	unsigned free_of_names;

	if (c->owner || c->reserved || smt_forbids(v, owner, core))
		return 0;
	free_of_names = c->named ? 0 : 2;
	return 1 + free_of_names + (!v->share && beside_own(v, owner, core));
}

/* For a guest that names no core: avoids cores that other guests name, then prefers siblings of its
 * own cores.  The boot core comes last, because it runs the monitor. */
static int pick_any(const struct place_view *v, const void *owner, enum place_refusal *why)
{
	int best = -1;
	unsigned most = 0;

	*why = PLACE_TAKEN;
	for (unsigned i = 1; i <= v->cores; i++) {
		unsigned core = i % v->cores, w = core_preference(v, owner, core);

		if (w > most) {
			most = w;
			best = (int)core;
		}
		if (!v->core[core].owner && smt_forbids(v, owner, core))
			*why = PLACE_SIBLING;
	}
	return best;
}

int place_pick(const struct place_view *v, const void *owner, int wanted, enum place_refusal *why)
{
	if (wanted < 0)
		return pick_any(v, owner, why);
	*why = v->core[wanted].owner ? PLACE_TAKEN : PLACE_SIBLING;
	return *why == PLACE_TAKEN || smt_forbids(v, owner, (unsigned)wanted) ? -1 : wanted;
}
