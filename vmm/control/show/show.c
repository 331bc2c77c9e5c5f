/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers to `show`, as text or JSON. */
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/tsc.h"
#include "vmm/control/control.h"
#include "vmm/control/show/show.h"
#include "vmm/machine.h"
#include "vmm/version.h"
#include "lib/mem.h"
#include "vmm/last_panic.h"
#include "vmm/load/load.h"
#include "vmm/control/show/out.h"
#include "vmm/control/rescue.h"
#include "vmm/control/show/parts.h"
#include "vmm/exit.h"
#include "vmm/life.h"

extern const char image_start[], image_end[];

const char *const guest_state_name[GUEST_STATES] = {"new",      "starting", "running",
                                                    "stopping", "ended",    "stopped"};

enum guest_state guest_state(const struct vm *vm)
{
	enum vm_state state = atomic_load(&vm->state);

	if (!vm->starts && state == VM_OFF)
		return GUEST_NEW;
	switch (state) {
	case VM_STARTING:
		return GUEST_STARTING;
	case VM_RUNNING:
		return GUEST_RUNNING;
	case VM_STOPPING:
	case VM_STOPPED:
		return GUEST_STOPPING;
	default:
		return vm->ended ? GUEST_ENDED : GUEST_STOPPED;
	}
}

static void show_guests(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"guest", 12, false},   {"state", 9, false},   {"vcpus", 5, true},
	    {"memory", 8, true},    {"kernel", 16, false}, {"starts", 6, true},
	    {"lost_irqs", 9, true}, {"status", 6, true},   {"reason", 24, false},
	};

	TABLE(o, "guests", columns);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		struct vm *vm = vms[i];

		if (!vm || !wanted_guest(a, i))
			continue;
		out_row(o);
		out_string(o, NULL, vm->name);
		out_string(o, NULL, guest_state_name[guest_state(vm)]);
		out_number(o, NULL, vm->nvcpus);
		out_size(o, NULL, vm->mem_size);
		out_string(o, NULL, vm->config->kernel);
		out_number(o, NULL, vm->starts);
		out_number(o, NULL, atomic_load(&vm->lost_interrupts));
		if (vm->ended)
			out_number(o, NULL, vm->exit_status);
		else
			out_null(o, NULL);
		out_string(o, NULL, vm->reason);
	}
	out_end_table(o);
}

static const char *vcpu_state_name(const struct vcpu *v)
{
	static const char *const name[] = {
	    [VCPU_OFF] = "off", [VCPU_LOAD] = "load", [VCPU_WAIT_SIPI] = "wait-sipi",
	    [VCPU_RUN] = "run", [VCPU_LEFT] = "off",
	};

	return name[atomic_load(&v->state)];
}

static uint64_t total_exits(const struct vcpu *v, bool ticks)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < VMEXIT_COUNT; k++)
		sum += ticks ? v->exits[k].ticks : v->exits[k].count;
	return sum;
}

/* stray_irqs: vectors for former owners of the core, which were dropped; masked_lvts: local vector
 * table entries with a delivery mode that no guest may use, kept masked; refused_bases: APIC base
 * addresses refused because memory or a device is there. */
static void show_vcpus(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"guest", 12, false},     {"vcpu", 4, true},         {"core", 4, true},
	    {"state", 9, false},      {"exits", 10, true},       {"vmm_ticks", 14, true},
	    {"stray_irqs", 10, true}, {"masked_lvts", 11, true}, {"refused_bases", 13, true},
	};

	TABLE(o, "vcpus", columns);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		for (unsigned c = 0; vms[i] && wanted_guest(a, i) && c < vms[i]->nvcpus; c++) {
			const struct vcpu *v = &vms[i]->vcpu[c];

			out_row(o);
			out_string(o, NULL, vms[i]->name);
			out_number(o, NULL, c);
			if (v->cpu.core)
				out_number(o, NULL, v->cpu.core->index);
			else
				out_null(o, NULL);
			out_string(o, NULL, vcpu_state_name(v));
			out_number(o, NULL, total_exits(v, false));
			out_number(o, NULL, total_exits(v, true));
			if (v->cpu.core)
				out_number(o, NULL, v->cpu.core->stray_vectors);
			else
				out_null(o, NULL);
			out_number(o, NULL, v->masked_lvts);
			out_number(o, NULL, v->refused_bases);
		}
	}
	out_end_table(o);
}

static void exit_rows(struct out *o, const struct vm *vm, const struct vcpu *v)
{
	for (unsigned k = 0; k < VMEXIT_COUNT; k++) {
		if (!v->exits[k].count)
			continue;
		out_row(o);
		out_string(o, NULL, vm->name);
		out_number(o, NULL, v->id);
		out_string(o, NULL, vmexit_name((enum vmexit_kind)k));
		out_number(o, NULL, v->exits[k].count);
		out_number(o, NULL, v->exits[k].ticks);
		out_number(o, NULL, v->exits[k].ticks / v->exits[k].count);
	}
}

static void show_exits(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {
	    {"guest", 12, false}, {"vcpu", 4, true},   {"exit", 12, false},
	    {"count", 10, true},  {"ticks", 14, true}, {"mean", 8, true},
	};

	TABLE(o, "exits", columns);
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		for (unsigned c = 0; vms[i] && wanted_guest(a, i) && c < vms[i]->nvcpus; c++)
			exit_rows(o, vms[i], &vms[i]->vcpu[c]);
	out_end_table(o);
}

static void show_memory(struct out *o, const struct config_action *a)
{
	struct mem_stats m;

	mem_stats(&m);
	(void)a;
	out_begin_object(o, "memory");
	out_size(o, "total", m.total);
	out_size(o, "free", m.free);
	out_size(o, "largest", m.largest);
	out_size(o, "vmm", m.vmm);
	out_size(o, "lost", m.lost);
	out_size(o, "image", (uint64_t)(image_end - image_start));
	out_end_object(o);
}

/* exit_...: cost of an exit on the boot core, measured by machine_init(). */
static void show_machine(struct out *o, const struct config_action *a)
{
	struct mem_stats m;

	mem_stats(&m);
	(void)a;
	out_begin_object(o, "machine");
	out_string(o, "node", control_config()->name[0] ? control_config()->name : NULL);
	out_string(o, "version", patio_version);
	out_string(o, "vendor", hvm->name);
	out_string(o, "cpu", machine.cpu);
	out_string(o, "hypervisor", machine_hypervisor());
	out_string(o, "signature", machine.hypervisor);
	out_number(o, "cores", ncores);
	out_size(o, "memory", m.total);
	out_number(o, "tsc_khz", tsc_khz);
	out_number(o, "exit_ticks", machine.exit_min);
	out_number(o, "exit_ns", machine_ns(machine.exit_min));
	out_number(o, "exit_median_ticks", machine.exit_median);
	out_end_object(o);
}

static void show_modules(struct out *o)
{
	static const struct out_column columns[] = {
	    {"module", 20, false}, {"size", 10, true}, {"kind", 9, false}, {"args", 16, false}};

	TABLE(o, "modules", columns);
	for (unsigned i = 0; i < boot.nmodules; i++) {
		const struct boot_module *m = &boot.module[i];
		enum image_kind kind = load_kind((struct blob){(const uint8_t *)m->start, m->size});

		out_row(o);
		out_string(o, NULL, m->name);
		out_number(o, NULL, m->size);
		out_string(o, NULL, kind == IMAGE_UNKNOWN ? NULL : image_kind_name(kind));
		out_string(o, NULL, m->args);
	}
	out_end_table(o);
}

/* What the boot loader passed, and whether patio.conf was applied. */
static void show_boot(struct out *o, const struct config_action *a)
{
	struct mem_stats m;

	mem_stats(&m);
	(void)a;
	out_begin_object(o, "boot");
	out_string(o, "cpu", hvm->name);
	out_number(o, "cores", ncores);
	out_size(o, "memory", m.total);
	out_string(o, "loader", boot.loader);
	out_string(o, "options", boot.cmdline);
	out_string(o, "configuration",
	           rescue_waits()    ? "none"
	           : rescue_reason() ? "rescue monitor"
	                             : "patio.conf");
	out_string(o, "refused", rescue_reason());
	out_end_object(o);
	show_modules(o);
}

/* The recorded panic's lines as rows; none if no record survived. */
static void show_last_panic(struct out *o, const struct config_action *a)
{
	static const struct out_column columns[] = {{"line", 1, false}};
	static char line[PANIC_RECORD_TEXT];
	const struct panic_record *r = last_panic();

	(void)a;
	out_begin_object(o, "last_panic");
	if (r) {
		out_number(o, "boots_ago", r->boots);
		out_number(o, "time", r->time);
	} else {
		out_null(o, "boots_ago");
		out_null(o, "time");
	}
	out_end_object(o);
	TABLE(o, "last_panic_text", columns);
	for (const char *p = r ? r->text : "", *end; (end = strchr(p, '\n')); p = end + 1) {
		memcpy(line, p, (size_t)(end - p));
		line[end - p] = '\0';
		out_row(o);
		out_string(o, NULL, line);
	}
	out_end_table(o);
}

typedef void show_what(struct out *o, const struct config_action *a);

static void show_all(struct out *o, const struct config_action *a);

static show_what *const show_functions[] = {
    [CONFIG_SHOW_GUESTS] = show_guests,         [CONFIG_SHOW_VCPUS] = show_vcpus,
    [CONFIG_SHOW_PORTS] = show_ports,           [CONFIG_SHOW_LINKS] = show_links,
    [CONFIG_SHOW_UNDERLAYS] = show_underlays,   [CONFIG_SHOW_NETWORKS] = show_networks,
    [CONFIG_SHOW_SERVICES] = show_services,     [CONFIG_SHOW_FLOWS] = show_flows,
    [CONFIG_SHOW_MIRRORS] = show_mirrors,       [CONFIG_SHOW_GROUPS] = show_groups,
    [CONFIG_SHOW_ROUTES] = show_routes,         [CONFIG_SHOW_EXITS] = show_exits,
    [CONFIG_SHOW_COUNTERS] = show_counters,     [CONFIG_SHOW_MEMORY] = show_memory,
    [CONFIG_SHOW_MACHINE] = show_machine,       [CONFIG_SHOW_ALL] = show_all,
    [CONFIG_SHOW_HISTOGRAM] = show_histogram,   [CONFIG_SHOW_ISM] = show_ism,
    [CONFIG_SHOW_TRACE] = show_trace,           [CONFIG_SHOW_BOOT] = show_boot,
    [CONFIG_SHOW_LAST_PANIC] = show_last_panic,
};

static void show_all(struct out *o, const struct config_action *a)
{
	for (unsigned w = 0; w < CONFIG_SHOW_ALL; w++)
		show_functions[w](o, a);
}

void show(const struct config_action *a, config_put *put, void *ctx)
{
	static struct out o; /* control answers one at a time */

	out_begin(&o, a->json, put, ctx);
	show_functions[a->what](&o, a);
	out_end(&o);
}
