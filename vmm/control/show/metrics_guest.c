/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_guest.c: the metrics of guests, their vCPUs and their devices; see metrics.h. */
#include "arch/x86_64/core.h"
#include "drivers/e1000/model.h"
#include "drivers/ism/ism.h"
#include "drivers/shm/shm.h"
#include "drivers/virtio/virtio_net.h"
#include "vmm/control/control.h"
#include "vmm/control/guest_console.h"
#include "vmm/control/ism.h"
#include "vmm/control/network.h"
#include "vmm/control/session.h"
#include "vmm/control/show/metrics.h"
#include "vmm/control/show/parts.h"
#include "vmm/exit.h"
#include "vmm/exit_times.h"
#include "vmm/group.h"
#include "vmm/life.h"

/* ---- guests ---- */

/* The next guest from this slot on, which becomes its slot; NULL: there are no more. */
static const struct vm *next_guest(unsigned *slot)
{
	while (*slot < CONFIG_GUESTS && !vms[*slot])
		++*slot;
	return *slot < CONFIG_GUESTS ? vms[*slot] : NULL;
}

static void guest_info(struct metrics *m, unsigned which)
{
	const struct vm *vm;

	(void)which;
	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		metrics_number(m, LABELS(vm->name, vm->config->kernel), 1);
}

static void guest_states(struct metrics *m, unsigned which)
{
	const struct vm *vm;

	(void)which;
	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		metrics_states(m, LABELS(vm->name), guest_state_name, GUEST_STATES,
		               guest_state(vm));
}

/* Only of guests that have ended themselves. */
static void guest_status(struct metrics *m, unsigned which)
{
	const struct vm *vm;

	(void)which;
	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		if (vm->ended)
			metrics_number(m, LABELS(vm->name), vm->exit_status);
}

enum guest_number {
	GUEST_VCPUS,
	GUEST_MEMORY,
	GUEST_STARTS,
	GUEST_LOST_IRQS,
	GUEST_OUTPUT_LOST,
	GUEST_INPUT_LOST,
	GUEST_COM1_LOST,
	GUEST_READS,
	GUEST_WRITES,
};

static uint64_t guest_number(const struct vm *vm, enum guest_number which)
{
	switch (which) {
	case GUEST_VCPUS:
		return vm->nvcpus;
	case GUEST_MEMORY:
		return vm->mem_size;
	case GUEST_STARTS:
		return vm->starts;
	case GUEST_LOST_IRQS:
		return atomic_load(&vm->lost_interrupts);
	case GUEST_OUTPUT_LOST:
		return atomic_load(&vm->console.dropped);
	case GUEST_INPUT_LOST:
		return atomic_load(&vm->console.missed);
	case GUEST_COM1_LOST:
		return vm->uart.unsent;
	case GUEST_READS:
		return vm->absent.reads;
	case GUEST_WRITES:
		return vm->absent.writes;
	}
	return 0;
}

static void guest_numbers(struct metrics *m, unsigned which)
{
	const struct vm *vm;

	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		metrics_number(m, LABELS(vm->name), guest_number(vm, (enum guest_number)which));
}

/* ---- their vCPUs ---- */

typedef void vcpu_samples(struct metrics *m, const struct vcpu *v, const char *id, unsigned which);

static void for_vcpus(struct metrics *m, vcpu_samples *samples, unsigned which)
{
	char id[NUMBER];
	const struct vm *vm;

	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		for (unsigned i = 0; i < vm->nvcpus; i++)
			samples(m, &vm->vcpu[i], number_text(id, i), which);
}

/* Of those that have a core: afterwards a vCPU still names the last one. */
static void one_vcpu_core(struct metrics *m, const struct vcpu *v, const char *id, unsigned which)
{
	const struct core *c = v->cpu.core;
	enum vcpu_state state = atomic_load(&v->state);
	char core[NUMBER];

	(void)which;
	if (c && state != VCPU_OFF && state != VCPU_LEFT)
		metrics_number(m, LABELS(v->vm->name, id, number_text(core, c->index)), 1);
}

static void one_vcpu_exits(struct metrics *m, const struct vcpu *v, const char *id, unsigned time)
{
	for (unsigned k = 0; k < VMEXIT_COUNT; k++) {
		const struct exit_stat *e = &v->exits[k];
		const char *const value[] = {v->vm->name, id, vmexit_name((enum vmexit_kind)k)};

		if (!e->count)
			continue;
		if (time)
			metrics_nanoseconds(m, value, metrics_ticks(e->ticks));
		else
			metrics_number(m, value, e->count);
	}
}

static void one_vcpu_exit_times(struct metrics *m, const struct vcpu *v, const char *id,
                                unsigned which)
{
	struct hist all = {0};

	(void)which;
	if (exit_times_read(v, VMEXIT_COUNT, &all))
		metrics_measured(m, LABELS(v->vm->name, id), &all);
}

static void one_vcpu_field(struct metrics *m, const struct vcpu *v, const char *id, unsigned offset)
{
	metrics_number(m, LABELS(v->vm->name, id), number_at(v, offset));
}

static void vcpu_core(struct metrics *m, unsigned which)
{
	for_vcpus(m, one_vcpu_core, which);
}

static void vcpu_exits(struct metrics *m, unsigned time)
{
	for_vcpus(m, one_vcpu_exits, time);
}

static void vcpu_exit_times(struct metrics *m, unsigned which)
{
	for_vcpus(m, one_vcpu_exit_times, which);
}

static void vcpu_field(struct metrics *m, unsigned offset)
{
	for_vcpus(m, one_vcpu_field, offset);
}

/* ---- devices: consoles, control consoles, memory in common, NICs, groups' ports ---- */

struct device {
	const char *label[3]; /* guest, device, port */
	const struct vm *vm;
	const struct virtio_pci *v;     /* NULL: one of those below, or the control console */
	const struct shm_member *group; /* NULL: another device */
	const struct e1000_model *e1000;
};

/* What a group's port has of a virtio device's counters: of MSI-X, and the same name for it. */
static bool member_port_counter(const struct shm_member *p, unsigned i, uint64_t *value)
{
	char name[64];

	return i >= VIRTIO_COUNTER_MSIX && i < VIRTIO_COUNTER_SUPPRESSED &&
	       shm_member_counter(p, SHM_COUNTER_MSIX + i - VIRTIO_COUNTER_MSIX, name, sizeof name,
	                          value);
}

/* The same of an emulated NIC, whose own are patio_e1000_*. */
static bool e1000_device_counter(const struct e1000_model *e, unsigned i, uint64_t *value)
{
	char name[64];

	return i >= VIRTIO_COUNTER_MSIX && i < VIRTIO_COUNTER_SUPPRESSED &&
	       e1000_model_counter(e, E1000_MODEL_COUNTER_MSIX + i - VIRTIO_COUNTER_MSIX, name,
	                           sizeof name, value);
}

/* The i-th counter as virtio_pci_counter() has it; false: there is none, or no such device. */
static bool device_counter(const struct device *d, unsigned i, uint64_t *value)
{
	char name[64];

	if (d->group)
		return member_port_counter(d->group, i, value);
	if (d->e1000)
		return e1000_device_counter(d->e1000, i, value);
	return d->v ? virtio_pci_counter(d->v, i, name, sizeof name, value)
	            : control_console_counter(d->vm, SESSION_COUNTER_COUNT + i, name, sizeof name,
	                                      value);
}

typedef void device_samples(struct metrics *m, const struct device *d, unsigned which);

/* Memory in common with others: its port is the group. */
static void member_samples(struct metrics *m, device_samples *samples, const struct group_member *g,
                           unsigned which)
{
	samples(
	    m,
	    &(struct device){{g->vm->name, "pmem", g->group->name}, g->vm, &g->pmem.v, NULL, NULL},
	    which);
}

/* What a guest has at a port of the switch. */
static void port_samples(struct metrics *m, device_samples *samples, unsigned slot, unsigned which)
{
	const struct node_config *n = control_config();
	const struct port_config *c = &n->port[slot];
	const struct nic *nic = control_nic(slot);
	const struct shm_member *group = control_group_port(slot);

	struct device d = {
	    {n->guest[c->guest].name, group ? "group" : "net", c->name}, NULL, NULL, group, NULL};

	if (!nic)
		return;
	if (nic->ops == &virtio_net_nic)
		d.v = &((const struct virtio_net *)nic->dev)->v;
	if (nic->ops == &e1000_model_nic)
		d.e1000 = (const struct e1000_model *)nic->dev;
	samples(m, &d, which);
}

static void for_devices(struct metrics *m, device_samples *samples, unsigned which)
{
	const struct vm *vm;

	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++) {
		samples(m, &(struct device){{vm->name, "console", ""}, vm, &vm->hvc.v, NULL, NULL},
		        which);
		samples(m, &(struct device){{vm->name, "control", ""}, vm, NULL, NULL, NULL},
		        which);
	}
	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		for (unsigned i = 0; i < CONFIG_JOINED; i++)
			if (vm->joined[i])
				member_samples(m, samples, vm->joined[i], which);
	for (unsigned i = 0; i < control_config()->ports; i++)
		port_samples(m, samples, i, which);
}

static void one_device_counter(struct metrics *m, const struct device *d, unsigned which)
{
	uint64_t value;

	if (device_counter(d, which, &value))
		metrics_number(m, d->label, value);
}

static void member_port_violations(struct metrics *m, const struct device *d)
{
	static const char *const rule[SHM_ERROR_COUNT] = {"",
#define X(name) #name,
	                                                  SHM_ERRORS(X)
#undef X
	};
	char name[64];
	uint64_t value;

	for (unsigned e = SHM_OK + 1; e < SHM_ERROR_COUNT; e++)
		if (shm_member_counter(d->group, SHM_COUNTER_VIOLATION + e, name, sizeof name,
		                       &value) &&
		    value)
			metrics_number(m, LABELS(d->label[0], d->label[1], d->label[2], rule[e]),
			               value);
}

static void e1000_violations(struct metrics *m, const struct device *d)
{
	static const char *const rule[E1000_MODEL_ERROR_COUNT] = {"",
#define X(name) #name,
	                                                          E1000_MODEL_ERRORS(X)
#undef X
	};

	for (unsigned e = E1000_MODEL_OK + 1; e < E1000_MODEL_ERROR_COUNT; e++)
		if (atomic_load(&d->e1000->violation[e]))
			metrics_number(m, LABELS(d->label[0], d->label[1], d->label[2], rule[e]),
			               atomic_load(&d->e1000->violation[e]));
}

static void one_device_violations(struct metrics *m, const struct device *d, unsigned which)
{
	uint64_t value;

	(void)which;
	if (d->group)
		member_port_violations(m, d);
	if (d->e1000)
		e1000_violations(m, d);
	for (unsigned e = VRING_OK + 1; e < VRING_ERROR_COUNT; e++)
		if (device_counter(d, VIRTIO_COUNTER_VIOLATION + e, &value) && value)
			metrics_number(
			    m, LABELS(d->label[0], d->label[1], d->label[2], vring_error_name[e]),
			    value);
}

static void device_counters(struct metrics *m, unsigned which)
{
	for_devices(m, one_device_counter, which);
}

static void device_violations(struct metrics *m, unsigned which)
{
	for_devices(m, one_device_violations, which);
}

static void one_group_port_counter(struct metrics *m, const struct device *d, unsigned which)
{
	char name[64];
	uint64_t value;

	if (d->group && shm_member_counter(d->group, which, name, sizeof name, &value))
		metrics_number(m, LABELS(d->label[0], d->label[2]), value);
}

static void group_port_counters(struct metrics *m, unsigned which)
{
	for_devices(m, one_group_port_counter, which);
}

static void one_e1000_counter(struct metrics *m, const struct device *d, unsigned which)
{
	if (d->e1000)
		metrics_number(m, LABELS(d->label[0], d->label[2]),
		               atomic_load(&d->e1000->count[which]));
}

static void e1000_counters(struct metrics *m, unsigned which)
{
	for_devices(m, one_e1000_counter, which);
}

/* ---- groups: of each that a guest is in, as that guest's ---- */

enum member_number { MEMBER_MEMORY, MEMBER_PREPARED, MEMBER_FLUSHES };

static void member_numbers(struct metrics *m, unsigned which)
{
	const struct vm *vm;

	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		for (unsigned i = 0; i < CONFIG_JOINED; i++) {
			const struct group_member *g = vm->joined[i];

			if (g)
				metrics_number(m, LABELS(vm->name, g->group->name),
				               which == MEMBER_MEMORY ? g->group->size
				               : which == MEMBER_PREPARED
				                   ? atomic_load(&g->group->cleared)
				                   : atomic_load(&g->pmem.flushes));
		}
}

/* ---- control consoles ---- */

static void control_counters(struct metrics *m, unsigned which)
{
	char name[64];
	uint64_t value;
	const struct vm *vm;

	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		if (control_console_counter(vm, which, name, sizeof name, &value))
			metrics_number(m, LABELS(vm->name), value);
}

/* ---- ISM devices ---- */

static void ism_counters(struct metrics *m, unsigned which)
{
	const char *name;
	uint64_t value;
	const struct vm *vm;

	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		if (control_ism(slot) && ism_counter(control_ism(slot), which, &name, &value))
			metrics_number(m, LABELS(vm->name), value);
}

static void ism_refusals(struct metrics *m, unsigned which)
{
	const char *name;
	uint64_t value;
	const struct vm *vm;

	(void)which;
	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		for (unsigned i = ISM_COUNT_REFUSED; control_ism(slot) && i < ISM_COUNTER_COUNT;
		     i++)
			if (ism_counter(control_ism(slot), i, &name, &value) && value)
				metrics_number(m, LABELS(vm->name, name), value);
}

static void ism_sizes(struct metrics *m, unsigned which)
{
	const struct vm *vm;

	(void)which;
	for (unsigned slot = 0; (vm = next_guest(&slot)); slot++)
		if (control_ism(slot))
			metrics_number(m, LABELS(vm->name), ism_dmbs(control_ism(slot)));
}

/* ---- the families ---- */

#define DEVICE "guest,device,port" /* the labels of a device */

static const struct family guest_families[] = {
    FAMILY(INFO, "patio_guest", NULL, "guest,kernel", "A guest, and its kernel.", guest_info, 0),
    FAMILY(STATESET, "patio_guest_state", NULL, "guest",
           "The guest's state; new: never started, ended: by itself, stopped: by a command or for "
           "an error.",
           guest_states, 0),
    FAMILY(GAUGE, "patio_guest_exit_status", NULL, "guest",
           "The status with which the guest ended; absent unless it did so by itself.",
           guest_status, 0),
    FAMILY(COUNTER, "patio_guest_starts", NULL, "guest", "Starts of the guest, restarts included.",
           guest_numbers, GUEST_STARTS),
    FAMILY(GAUGE, "patio_guest_vcpus", NULL, "guest", "The guest's vCPUs.", guest_numbers,
           GUEST_VCPUS),
    FAMILY(GAUGE, "patio_guest_memory", "bytes", "guest", "The guest's memory.", guest_numbers,
           GUEST_MEMORY),
    FAMILY(COUNTER, "patio_guest_lost_interrupts", NULL, "guest",
           "Interrupts that no vCPU of the guest could take.", guest_numbers, GUEST_LOST_IRQS),
    FAMILY(COUNTER, "patio_guest_absent_reads", NULL, "guest",
           "The guest's reads of memory where nothing is.", guest_numbers, GUEST_READS),
    FAMILY(COUNTER, "patio_guest_absent_writes", NULL, "guest",
           "The guest's writes to memory where nothing is.", guest_numbers, GUEST_WRITES),
    FAMILY(COUNTER, "patio_guest_console_output_lost", "bytes", "guest",
           "Output of the guest that was dropped because the terminal was full.", guest_numbers,
           GUEST_OUTPUT_LOST),
    FAMILY(COUNTER, "patio_guest_console_input_lost", "bytes", "guest",
           "Input typed for the guest that was lost: its queue was full, or it did not run.",
           guest_numbers, GUEST_INPUT_LOST),
    FAMILY(COUNTER, "patio_guest_console_com1_lost", "bytes", "guest",
           "Output that the guest wrote to COM1 although its FIFO was full.", guest_numbers,
           GUEST_COM1_LOST),
    FAMILY(INFO, "patio_vcpu_core", NULL, "guest,vcpu,core",
           "The core that the vCPU has; absent when it has none.", vcpu_core, 0),
    FAMILY(COUNTER, "patio_vcpu_exits", NULL, "guest,vcpu,reason", "Exits of the vCPU.", vcpu_exits,
           false),
    FAMILY(COUNTER, "patio_vcpu_exit", "seconds", "guest,vcpu,reason",
           "Time from the vCPU's exits to its next entries.", vcpu_exits, true),
    FAMILY(HISTOGRAM, "patio_vcpu_exit_time", "seconds", "guest,vcpu",
           "How long the vCPU's exits of all kinds kept its core: the guest's noise.",
           vcpu_exit_times, 0),
    FAMILY(COUNTER, "patio_vcpu_masked_lvts", NULL, "guest,vcpu",
           "Local interrupts that were set up with a delivery mode no guest may use, kept masked.",
           vcpu_field, offsetof(struct vcpu, masked_lvts)),
    FAMILY(COUNTER, "patio_vcpu_refused_bases", NULL, "guest,vcpu",
           "Writes of the APIC's base that would have put it over memory or devices.", vcpu_field,
           offsetof(struct vcpu, refused_bases)),

    FAMILY(GAUGE, "patio_member_memory", "bytes", "guest,group",
           "The memory that the guest has in common with the others of the group.", member_numbers,
           MEMBER_MEMORY),
    FAMILY(GAUGE, "patio_member_prepared", "bytes", "guest,group",
           "Of that memory: what was cleared; no member runs before all is.", member_numbers,
           MEMBER_PREPARED),
    FAMILY(COUNTER, "patio_member_flushes", NULL, "guest,group",
           "Requests of the guest's driver to make that memory durable, answered at once.",
           member_numbers, MEMBER_FLUSHES),
    FAMILY(GAUGE, "patio_ism_dmbs", NULL, "guest",
           "Buffers that the guest has registered for peers.", ism_sizes, 0),
    FAMILY(COUNTER, "patio_ism_refusals", NULL, "guest,rule",
           "Messages and commands of the guest that were refused.", ism_refusals, 0),

    FAMILY(COUNTER, "patio_device_violations", NULL, "guest,device,port,rule",
           "Rules of the rings that the guest's driver broke.", device_violations, 0),
    FAMILY(COUNTER, "patio_device_suppressed", NULL, DEVICE,
           "Interrupts not sent because the driver asked for none.", device_counters,
           VIRTIO_COUNTER_SUPPRESSED),

#define X(name, help)                                                                              \
	FAMILY(COUNTER, "patio_device_" #name, NULL, DEVICE, help, device_counters,                \
	       VIRTIO_COUNT_##name),
    VIRTIO_COUNTERS(X)
#undef X
#define X(name, help)                                                                              \
	FAMILY(COUNTER, "patio_device_" #name, NULL, DEVICE, help, device_counters,                \
	       VIRTIO_COUNTER_MSIX + VPCI_##name),
        VPCI_MSIX_COUNTERS(X)
#undef X
#define X(name, help)                                                                              \
	FAMILY(COUNTER, "patio_group_port_" #name, NULL, "guest,port", help, group_port_counters,  \
	       SHM_COUNT_##name),
            SHM_COUNTERS(X)
#undef X
#define X(name, help)                                                                              \
	FAMILY(COUNTER, "patio_e1000_" #name, NULL, "guest,port", help, e1000_counters,            \
	       E1000_MODEL_COUNT_##name),
                E1000_MODEL_COUNTERS(X)
#undef X
#define X(name, unit, help)                                                                        \
	FAMILY(COUNTER, "patio_control_" #name, unit, "guest", help, control_counters,             \
	       SESSION_##name),
                    SESSION_COUNTERS(X)
#undef X
#define X(name, unit, help)                                                                        \
	FAMILY(COUNTER, "patio_ism_" #name, unit, "guest", help, ism_counters, ISM_COUNT_##name),
                        ISM_COUNTERS(X)
#undef X
};

const struct family_table metrics_guest = TABLE_OF(guest_families);
