/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c: `show metrics`: the answer, and the metrics of the node, its memory and its cores. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/tsc.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/control/control.h"
#include "vmm/control/show/metrics.h"
#include "vmm/control/show/show.h"
#include "vmm/last_panic.h"
#include "vmm/machine.h"
#include "vmm/poll.h"
#include "vmm/version.h"

/* No overflow in 584 years, and below 17 GHz. */
uint64_t metrics_ticks(uint64_t ticks)
{
	uint64_t hz = tsc_khz * 1000, ns = 1000000000;

	return ticks / hz * ns + ticks % hz * ns / hz;
}

/* ---- histograms ---- */

/* The bounds are below 2^first ticks, 2^(first + step) and so on, up to 2^last. */
struct bounds {
	unsigned first, last, step;
};

#define BOUNDS    24  /* at most */
#define FEW_PORTS 512 /* all bounds of more ports would not fit in an answer */

/* At 2.4 GHz 0.1 us to 0.9 s, each twice the last one; 0.4 us to 14 ms, eight times. */
static const struct bounds all_bounds = {8, 31, 1}, few_bounds = {10, 25, 3};

void metrics_measured(struct metrics *m, const char *const *value, const struct hist *h)
{
	const struct bounds *b = control_config()->ports <= FEW_PORTS ? &all_bounds : &few_bounds;
	struct metric_bucket bucket[BOUNDS];
	struct metric_histogram out = {bucket, 0, hist_count(h), metrics_ticks(h->sum)};
	uint64_t below = 0;
	unsigned i = 0;

	if (!out.count)
		return;
	for (unsigned bit = b->first; bit <= b->last; bit += b->step) {
		for (; i < hist_bucket(1ull << bit); i++)
			below += h->bucket[i];
		/* The greatest number below: a bucket's bound belongs to it. */
		bucket[out.buckets++] =
		    (struct metric_bucket){metrics_ticks((1ull << bit) - 1), below};
	}
	metrics_histogram(m, value, &out);
}

/* ---- the node ---- */

static void node_info(struct metrics *m, unsigned which)
{
	char hz[NUMBER];

	(void)which;
	metrics_number(m,
	               LABELS(control_config()->name, patio_version, hvm->name, machine.cpu,
	                      machine_hypervisor(), number_text(hz, tsc_khz * 1000)),
	               1);
}

static void uptime(struct metrics *m, unsigned which)
{
	(void)which;
	metrics_nanoseconds(m, NULL, tsc_us() * 1000);
}

static void exit_cost(struct metrics *m, unsigned which)
{
	(void)which;
	metrics_nanoseconds(m, NULL, metrics_ticks(machine.exit_min));
}

static void log_lines_lost(struct metrics *m, unsigned which)
{
	(void)which;
	metrics_number(m, NULL, log_lost());
}

static void poll_rounds_of_all(struct metrics *m, unsigned which)
{
	(void)which;
	metrics_number(m, NULL, poll_rounds());
}

static void poll_rests(struct metrics *m, unsigned which)
{
	(void)which;
	metrics_number(m, NULL, vnet_rests_get(node_vnet).rests);
}

static void poll_wakes(struct metrics *m, unsigned which)
{
	(void)which;
	metrics_number(m, NULL, vnet_rests_get(node_vnet).wakes);
}

/* No sample when no panic is known. */
static void panic_time(struct metrics *m, unsigned which)
{
	const struct panic_record *r = last_panic();

	(void)which;
	if (r)
		metrics_number(m, NULL, r->time);
}

static void memory(struct metrics *m, unsigned offset)
{
	struct mem_stats s;

	mem_stats(&s);
	metrics_number(m, NULL, number_at(&s, offset));
}

/* ---- cores ---- */

enum role { ROLE_IDLE, ROLE_GUEST, ROLE_POLL, ROLES };
static const char *const role_name[ROLES] = {"idle", "guest", "poll"};

static enum role role_of(struct core *c)
{
	if (atomic_load(&c->vcpu))
		return ROLE_GUEST;
	return atomic_load(&c->poll) ? ROLE_POLL : ROLE_IDLE;
}

static void core_roles(struct metrics *m, unsigned which)
{
	char core[NUMBER];

	(void)which;
	for (unsigned i = 0; i < ncores; i++)
		metrics_states(m, LABELS(number_text(core, i)), role_name, ROLES,
		               role_of(&cores[i]));
}

static void core_strays(struct metrics *m, unsigned which)
{
	char core[NUMBER];

	(void)which;
	for (unsigned i = 0; i < ncores; i++)
		metrics_number(m, LABELS(number_text(core, i)), cores[i].stray_vectors);
}

/* ---- the families ---- */

static const struct family node_families[] = {
    FAMILY(INFO, "patio", NULL, "node,version,vendor,cpu,hypervisor,tsc_hz",
           "The node: its name, its image, its CPU, the hypervisor below, the TSC's rate.",
           node_info, 0),
    FAMILY(GAUGE, "patio_uptime", "seconds", "", "Time since the node's boot.", uptime, 0),
    FAMILY(GAUGE, "patio_exit_cost", "seconds", "",
           "The least time of one exit of a guest and its return, measured at boot.", exit_cost, 0),
    FAMILY(GAUGE, "patio_last_panic_time", "seconds", "",
           "When an earlier boot panicked, since 1970, 0 if unknown; absent without a panic.",
           panic_time, 0),
    FAMILY(COUNTER, "patio_log_lost_lines", NULL, "",
           "Lines of the log that were dropped for lack of room.", log_lines_lost, 0),
    FAMILY(COUNTER, "patio_poll_rounds", NULL, "",
           "How often the core that polls looked at the rings.", poll_rounds_of_all, 0),
    FAMILY(COUNTER, "patio_poll_rests", NULL, "",
           "How often the core that polls went to sleep (mode adaptive).", poll_rests, 0),
    FAMILY(COUNTER, "patio_poll_wakes", NULL, "",
           "How often a notification or a change of modes woke it.", poll_wakes, 0),
    FAMILY(GAUGE, "patio_memory_size", "bytes", "", "Memory that the node hands out, used or free.",
           memory, offsetof(struct mem_stats, total)),
    FAMILY(GAUGE, "patio_memory_free", "bytes", "", "Memory that nobody has.", memory,
           offsetof(struct mem_stats, free)),
    FAMILY(GAUGE, "patio_memory_largest_free", "bytes", "",
           "The largest free range: a guest's memory is one range.", memory,
           offsetof(struct mem_stats, largest)),
    FAMILY(GAUGE, "patio_memory_vmm", "bytes", "",
           "Memory that the VMM has taken for its own tables.", memory,
           offsetof(struct mem_stats, vmm)),
    FAMILY(GAUGE, "patio_memory_lost", "bytes", "",
           "Memory that is unusable because the table of free ranges was full.", memory,
           offsetof(struct mem_stats, lost)),
    FAMILY(STATESET, "patio_core_role", NULL, "core",
           "What the core does: nothing, a guest's vCPU, or polling the network.", core_roles, 0),
    FAMILY(COUNTER, "patio_core_stray_interrupts", NULL, "core",
           "Interrupts of the core's former guests that were discarded.", core_strays, 0),
};

static const struct family_table metrics_node = TABLE_OF(node_families);

/* ---- the answer ---- */

void show_metrics(const struct config_action *a, config_put *put, void *ctx)
{
	static const struct family_table *const table[] = {&metrics_node, &metrics_guest,
	                                                   &metrics_net};
	struct metrics m;

	metrics_begin(&m, a->metrics == CONFIG_METRICS_PROMETHEUS, put, ctx);
	for (unsigned t = 0; t < sizeof table / sizeof table[0]; t++)
		for (unsigned i = 0; i < table[t]->n; i++) {
			const struct family *f = &table[t]->family[i];

			metrics_family(&m, &f->head);
			f->samples(&m, f->which);
		}
	metrics_end(&m);
}
