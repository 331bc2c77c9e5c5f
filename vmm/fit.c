/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks a description against a machine: boot modules, PCI functions, cores. */
#include <stdio.h>
#include "vmm/fit.h"
#include "vmm/vm_memory.h"

/* Writes "line N: guest NAME: " into `why`; returns its length. */
static size_t put_prefix(const struct guest_config *g, char *why, size_t size)
{
	int n = snprintf(why, size, "line %u: ", (unsigned)g->line);

	if (!g->line)
		n = 0;
	n += snprintf(why + n, size - (size_t)n, "guest %s: ", g->name);
	return (size_t)n;
}

static bool refuse_guest(const struct guest_config *g, char *why, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static bool refuse_guest(const struct guest_config *g, char *why, size_t size, const char *fmt, ...)
{
	size_t n = put_prefix(g, why, size);
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vsnprintf(why + n, size - n, fmt, ap);
	__builtin_va_end(ap);
	return false;
}

/* --- modules, memory, devices --------------------------------------------------------------- */

static bool need_module(const struct fit_machine *m, const struct guest_config *g, const char *name,
                        char *why, size_t size)
{
	if (!name[0] || !m->has_module || m->has_module(name))
		return true;
	return refuse_guest(g, why, size, "no boot module is called %s: load it beside the image",
	                    name);
}

static bool check_modules(const struct fit_machine *m, const struct guest_config *g, char *why,
                          size_t size)
{
	if (!need_module(m, g, g->kernel, why, size) || !need_module(m, g, g->initrd, why, size))
		return false;
	for (unsigned i = 0; i < g->modules; i++)
		if (!need_module(m, g, g->module[i].name, why, size))
			return false;
	return true;
}

/* The first 16 MiB are not identity-mapped; a device's DMA needs some memory that is. */
static bool check_device(const struct fit_machine *m, const struct guest_config *g, char *why,
                         size_t size)
{
	const char *unfit;

	if (!g->has_pci)
		return true;
	if (!m->confines && g->memory <= VM_IDENTITY_START)
		return refuse_guest(g, why, size, "with a PCI device it needs more than %lu MiB",
		                    VM_IDENTITY_START >> 20);
	unfit = m->pci_unfit ? m->pci_unfit(g->pci) : NULL;
	if (unfit)
		return refuse_guest(g, why, size, "device %02x:%02x.%u %s", g->pci >> 8,
		                    g->pci >> 3 & 31u, g->pci & 7u, unfit);
	return true;
}

/* --- groups --------------------------------------------------------------------------------- */

static bool refuse_group(const struct group_config *g, char *why, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static bool refuse_group(const struct group_config *g, char *why, size_t size, const char *fmt, ...)
{
	int n = snprintf(why, size, "line %u: group %s: ", (unsigned)g->line, g->name);
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vsnprintf(why + n, size - (size_t)n, fmt, ap);
	__builtin_va_end(ap);
	return false;
}

/* Of a group that this text declares: its place must be above the memory of its members. */
static bool check_group(const struct fit_machine *m, const struct node_config *n,
                        const struct group_config *group, char *why, size_t size)
{
	if (m->address_bits && m->address_bits < GROUP_GPA_BITS)
		return refuse_group(group, why, size,
		                    "it needs %u bits of a physical address; this CPU has %u",
		                    GROUP_GPA_BITS, m->address_bits);
	for (unsigned i = 0; i < n->guests; i++) {
		const struct guest_config *g = &n->guest[i];

		if (config_is_member(group, i) && (!g->has_pci || m->confines) &&
		    g->memory > GROUP_GUEST_MAX)
			return refuse_group(
			    group, why, size, "guest %s has %lu MiB; a member has %lu MiB at most",
			    g->name, (unsigned long)(g->memory >> 20), GROUP_GUEST_MAX >> 20);
	}
	return true;
}

static bool check_groups(const struct fit_machine *m, const struct node_config *n, char *why,
                         size_t size)
{
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		if (n->group[i].name[0] && n->group[i].line &&
		    !check_group(m, n, &n->group[i], why, size))
			return false;
	return true;
}

/* --- cores ---------------------------------------------------------------------------------- */

static bool check_cores(const struct fit_machine *m, const struct guest_config *g, char *why,
                        size_t size)
{
	unsigned cores = m->place.cores;

	if (!cores)
		return true;
	if (g->cpus > cores)
		return refuse_guest(g, why, size, "%u vCPUs, but the node has %u cores", g->cpus,
		                    cores);
	for (unsigned i = 0; i < g->cores; i++)
		if (g->core[i] >= cores)
			return refuse_guest(g, why, size, "the node has no core %u (0 to %u)",
			                    g->core[i], cores - 1);
	return true;
}

static bool check_poll_core(const struct fit_machine *m, const struct node_config *n, char *why,
                            size_t size)
{
	const struct place_view *v = &m->place;
	unsigned core;
	int rival;

	if (n->poll_core < 0 || !v->cores)
		return true;
	core = (unsigned)n->poll_core;
	if (core >= v->cores) {
		snprintf(why, size, "move poll: the node has no core %u (0 to %u)", core,
		         v->cores - 1);
		return false;
	}
	if (v->core[core].owner && v->core[core].owner != m->poller) {
		snprintf(why, size, "move poll: core %u runs a guest", core);
		return false;
	}
	rival = v->share ? -1 : place_rival(v, m->poller, core);
	if (rival >= 0)
		snprintf(why, size,
		         "move poll: core %u is a thread of the same physical core as %d, which "
		         "runs a guest: choose another, or say `smt share`",
		         core, rival);
	return rival < 0;
}

static bool core_is_named(const struct node_config *n, unsigned core)
{
	for (unsigned i = 0; i < n->guests; i++)
		for (unsigned c = 0; c < n->guest[i].cores; c++)
			if (n->guest[i].core[c] == core)
				return true;
	return n->poll_core == (int)core;
}

void fit_describe(struct place_view *v, const struct node_config *n)
{
	v->share = n->smt == CONFIG_SMT_SHARE;
	for (unsigned i = 0; i < v->cores; i++) {
		v->core[i].named = core_is_named(n, i);
		v->core[i].reserved = n->poll_core == (int)i;
	}
}

void fit_no_core(const struct place_view *v, const char *guest, unsigned vcpu, int wanted,
                 enum place_refusal refusal, char *why, size_t size)
{
	if (refusal == PLACE_TAKEN && wanted >= 0)
		snprintf(why, size, "guest %s: core %d runs another guest", guest, wanted);
	else if (refusal == PLACE_TAKEN)
		snprintf(why, size, "guest %s: no free core for vCPU %u (the node has %u)", guest,
		         vcpu, v->cores);
	else if (wanted >= 0)
		snprintf(why, size,
		         "guest %s: core %d is a thread of a physical core that another guest or "
		         "the poll core has a part of: choose another, or say `smt share`",
		         guest, wanted);
	else
		snprintf(why, size,
		         "guest %s: no core for vCPU %u: those that are free are threads of "
		         "physical cores that others have a part of (`smt share` allows that)",
		         guest, vcpu);
}

/* Frees the poll core if the description moves polling to another. */
static void forget_poller(struct fit_machine *m)
{
	for (unsigned i = 0; i < m->place.cores; i++)
		if (m->place.core[i].owner == m->poller && !m->place.core[i].reserved)
			m->place.core[i].owner = NULL;
}

static void leave_cores(struct place_view *v, const struct guest_config *g)
{
	for (unsigned i = 0; i < v->cores; i++)
		if (v->core[i].owner == g)
			v->core[i].owner = NULL;
}

/* Assigns cores to the guest, as its start will. */
static bool take_cores(struct place_view *v, const struct guest_config *g, char *why, size_t size)
{
	enum place_refusal refusal;

	for (unsigned i = 0; i < g->cpus; i++) {
		int wanted = g->cores ? g->core[i] : -1;
		int core = place_pick(v, g, wanted, &refusal);

		if (core < 0) {
			int n = g->line ? snprintf(why, size, "line %u: ", (unsigned)g->line) : 0;

			fit_no_core(v, g->name, i, wanted, refusal, why + n, size - (size_t)n);
			leave_cores(v, g);
			return false;
		}
		v->core[core].owner = g;
	}
	return true;
}

/* Checks the guests' starts in their order.  A guest declared before this text that finds no core
 * does not make the text fail. */
static bool check_starts(struct fit_machine *m, const struct node_config *n, char *why, size_t size)
{
	forget_poller(m);
	for (unsigned i = 0; i < n->guests && m->place.cores; i++) {
		const struct guest_config *g = &n->guest[i];

		if (!g->name[0] || !g->autostart || m->guest[i] == FIT_REST)
			continue;
		if (!take_cores(&m->place, g, why, size) && m->guest[i] == FIT_NEW)
			return false;
	}
	return true;
}

bool fit_check(struct fit_machine *m, const struct node_config *n, char *why, size_t size)
{
	fit_describe(&m->place, n);
	for (unsigned i = 0; i < n->guests; i++) {
		const struct guest_config *g = &n->guest[i];

		if (!g->name[0] || m->guest[i] != FIT_NEW)
			continue;
		if (!check_modules(m, g, why, size) || !check_cores(m, g, why, size) ||
		    !check_device(m, g, why, size))
			return false;
	}
	return check_groups(m, n, why, size) && check_poll_core(m, n, why, size) &&
	       check_starts(m, n, why, size);
}
