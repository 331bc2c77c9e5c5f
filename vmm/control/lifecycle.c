/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts and restarts guests, or ends the node, as the description says. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/tsc.h"
#include "vmm/control/control.h"
#include "vmm/control/lifecycle.h"
#include "lib/log.h"
#include "vmm/place.h"
#include "vmm/life.h"

#define STATUS_NO_START 125 /* the node's status when the guest that it ends with cannot start */
#define STATUS_STOPPED  126 /* the node's status when that guest was stopped */

static bool all_ended(void)
{
	for (unsigned i = 0; i < CONFIG_GUESTS; i++)
		if (vms[i] && atomic_load(&vms[i]->state) != VM_OFF)
			return false;
	return true;
}

static bool ends_node(const struct vm *vm)
{
	const struct node_config *n = control_config();

	return n->idle == CONFIG_IDLE_EXIT_WITH && n->exit_guest == (int)vm->slot;
}

static struct core *choose_core(const struct vm *vm, unsigned vcpu, char *why, size_t size)
{
	return place_vcpu(control_config(), vm, vcpu, why, size);
}

bool control_start(struct vm *vm, uint64_t from, char *why, size_t size)
{
	return vm_start(vm, choose_core, from, why, size);
}

static void start_guest(struct vm *vm, uint64_t from)
{
	char why[256];

	if (control_start(vm, from, why, sizeof why))
		return;
	log_error("%s", why);
	if (ends_node(vm))
		node_exit(STATUS_NO_START);
}

void control_autostart(const struct node_config *n)
{
	bool failed = false;

	for (unsigned i = 0; i < n->guests; i++)
		if (vms[i] && !vms[i]->starts && n->guest[i].autostart && !vm_active(vms[i])) {
			start_guest(vms[i], 0);
			failed |= !vm_active(vms[i]);
		}
	if (failed && n->idle == CONFIG_IDLE_POWEROFF && all_ended())
		node_exit(STATUS_NO_START);
}

#define RESTARTS_AT_ONCE 5
#define RESTART_SECONDS  10

/*
 * The TSC value from which the guest may be restarted.  Each automatic restart costs
 * RESTART_SECONDS, and up to RESTARTS_AT_ONCE may be owed: a guest that fails again and again
 * restarts six times a minute.  (The generic cell rate algorithm of ATM; restart_paid is the TSC
 * value at which nothing is owed any more.)
 */
static uint64_t restart_from(struct vm *vm)
{
	uint64_t now = rdtsc(), price = tsc_khz * 1000 * RESTART_SECONDS, owed_max;

	owed_max = price * RESTARTS_AT_ONCE;
	vm->restart_paid = (vm->restart_paid > now ? vm->restart_paid : now) + price;
	if (vm->restart_paid <= now + owed_max)
		return now;
	log_warn("guest %s restarts too often: its next start is in %lu s", vm->name,
	         (vm->restart_paid - owed_max - now) / (tsc_khz * 1000) + 1);
	return vm->restart_paid - owed_max;
}

/* A guest that asked for a reset is restarted, like a PC. */
static bool is_to_restart(struct vm *vm)
{
	bool wanted =
	    vm->config->restart == CONFIG_RESTART_ALWAYS || (vm->reset_asked && !ends_node(vm));

	return wanted && !vm->stay_off && !vm->unfit;
}

void control_guest_ended(struct vm *vm)
{
	const struct node_config *n = control_config();

	if (vm->restart_once || is_to_restart(vm)) {
		uint64_t from = vm->restart_once ? 0 : restart_from(vm);

		vm->restart_once = false;
		start_guest(vm, from);
		return;
	}
	if (ends_node(vm))
		node_exit(vm->unfit   ? STATUS_NO_START
		          : vm->ended ? vm->exit_status
		                      : STATUS_STOPPED);
	if (n->idle == CONFIG_IDLE_POWEROFF && all_ended())
		node_exit(vm->unfit ? STATUS_NO_START : 0);
}
