/* The lives of guests as the description wants them: who starts, starts again, or ends the node. */
#include "arch/x86_64/platform.h"
#include "vmm/control.h"
#include "vmm/control_parts.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define STATUS_NO_START 125 /* the node's status when the guest that it ends with cannot start */
#define STATUS_STOPPED  126 /* the node's status when the guest was stopped, not ended */

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

static void start(struct vm *vm)
{
	char why[256];
	if (vm_start(vm, why, sizeof why))
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
			start(vms[i]);
			failed |= !vm_active(vms[i]);
		}
	if (failed && n->idle == CONFIG_IDLE_POWEROFF && all_ended())
		node_exit(STATUS_NO_START);
}

#define SHORT_LIFE_MS   1000 /* a guest that dies sooner may be dying at once, each time */
#define SHORT_LIVES_MAX 20

/* A guest that asked for a reset gets one, as a PC would.  One that never gets anywhere would keep
 * the boot core busy with loading it. */
static bool starts_again(struct vm *vm)
{
	bool brief = rdtsc() - vm->started_tsc < tsc_khz * SHORT_LIFE_MS;
	bool wanted =
	    vm->config->restart == CONFIG_RESTART_ALWAYS || (vm->reset_asked && !ends_node(vm));
	if (!wanted || vm->stay_off)
		return false;
	vm->short_lives = brief ? vm->short_lives + 1 : 0;
	if (vm->short_lives < SHORT_LIVES_MAX)
		return true;
	log_error("guest %s died %u times within %u ms of its start: it is not restarted any more",
	          vm->name, SHORT_LIVES_MAX, SHORT_LIFE_MS);
	return false;
}

void control_guest_ended(struct vm *vm)
{
	const struct node_config *n = control_config();
	if (vm->restart_once || starts_again(vm)) {
		vm->restart_once = false;
		start(vm);
		return;
	}
	if (ends_node(vm))
		node_exit(vm->ended ? vm->exit_status : STATUS_STOPPED);
	if (n->idle == CONFIG_IDLE_POWEROFF && all_ended())
		node_exit(0);
}
