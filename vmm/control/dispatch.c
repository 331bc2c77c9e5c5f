/* SPDX-License-Identifier: BSD-2-Clause */
/* Carries out texts and lines of the control language and answers the client. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/power.h"
#include "lib/spinlock.h"
#include "vmm/control/control.h"
#include "vmm/control/dispatch.h"
#include "vmm/control/lifecycle.h"
#include "vmm/control/show/show.h"
#include "vmm/life.h"

static struct spinlock lock;                /* one text or line at a time, from all clients */
static const struct control_client *client; /* the client that holds `lock` */
static _Atomic bool boot_core_due;          /* it found the lock taken: call it again */

/* A request may take long, and the core that asks for the lock may have a guest to run: nobody
 * waits for it. */
bool control_try(const struct control_client *who)
{
	if (!spin_try(&lock))
		return false;
	client = who;
	return true;
}

void control_done(void)
{
	client = NULL;
	spin_unlock(&lock);
	if (atomic_exchange(&boot_core_due, false))
		core_call(&cores[0], CORE_CONSOLE);
}

/* boot_core_due is set before the attempt, and control_done() looks at it after it has released the
 * lock: so that call is not missed. */
bool control_try_boot_core(const struct control_client *who)
{
	atomic_store(&boot_core_due, true);
	if (!control_try(who))
		return false;
	atomic_store(&boot_core_due, false);
	return true;
}

static void answer_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void answer_format(const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	client->put(client->ctx, buf, strlen(buf));
}

static bool answer_failure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool answer_failure(const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	client->failed(client->ctx, buf);
	return false;
}

static void put_warnings(const struct config_report *r, const char *source)
{
	char buf[384];

	for (unsigned i = 0; i < r->warnings && i < CONFIG_WARNINGS; i++) {
		config_format(&r->warning[i], source, buf, sizeof buf);
		answer_format("warning: %s\n", buf);
	}
}

static bool apply_outcome(enum config_outcome outcome, const struct config_report *r,
                          const char *source)
{
	char why[384];

	if (outcome == CONFIG_REFUSED) {
		config_format(&r->error, source, why, sizeof why);
		return answer_failure("%s", why);
	}
	put_warnings(r, source);
	if (outcome != CONFIG_CHANGED || control_apply(why, sizeof why))
		return true;
	return answer_failure("%s: %s", source, why);
}

bool control_text(const char *text, size_t len, const char *source)
{
	static struct config_report r;

	return apply_outcome(config_read(control_store(), text, len, &r), &r, source);
}

static bool load_module(const char *name)
{
	const struct boot_module *m = boot_module_find(name);

	return m ? control_text((const char *)m->start, m->size, name)
	         : answer_failure("no boot module is called %s; `show boot` lists them", name);
}

static bool act_on_guest(enum config_verb verb, struct vm *vm)
{
	char why[256];

	if (verb == CONFIG_ENTER && !client->enter)
		return answer_failure("`console` works at the serial terminal only");
	vm->restart_paid = 0;
	if (verb == CONFIG_ENTER) {
		client->enter(client->ctx, &vm->console);
	} else if (verb == CONFIG_START) {
		if (!control_start(vm, 0, why, sizeof why))
			return answer_failure("%s", why);
	} else if (!vm_active(vm) && verb == CONFIG_STOP) {
		return answer_failure("guest %s is not running", vm->name);
	} else {
		vm->restart_once = verb == CONFIG_RESTART;
		vm->stay_off = verb == CONFIG_STOP;
		if (vm_active(vm))
			vm_stop(vm, "command from %s", client->name);
		else
			control_guest_ended(vm);
	}
	return true;
}

static void answer_uninterrupted(void (*how)(const struct config_action *, config_put *, void *),
                                 const struct config_action *a)
{
	if (client->hold)
		client->hold(client->ctx, true);
	how(a, client->put, client->ctx);
	if (client->hold)
		client->hold(client->ctx, false);
}

static bool do_action(const struct config_action *a)
{
	switch (a->verb) {
	case CONFIG_SHOW:
		answer_uninterrupted(show, a);
		break;
	case CONFIG_METRICS:
		answer_uninterrupted(show_metrics, a);
		break;
	case CONFIG_EXPLAIN:
		answer_uninterrupted(show_explain, a);
		break;
	case CONFIG_LINT:
		answer_uninterrupted(show_lint, a);
		break;
	case CONFIG_HELP:
		config_help(a->word, client->put, client->ctx);
		break;
	case CONFIG_LOAD:
		if (a->word[0])
			return load_module(a->word);
		client->gather(client->ctx);
		break;
	case CONFIG_POWEROFF:
		node_exit(0);
	case CONFIG_REBOOT:
		node_reboot();
	case CONFIG_START:
	case CONFIG_STOP:
	case CONFIG_RESTART:
	case CONFIG_ENTER:
		return act_on_guest(a->verb, vms[a->guest]);
	}
	return true;
}

bool control_line(const char *text, size_t len, const char *source)
{
	static struct config_report r;
	struct config_action a;
	enum config_outcome o;

	o = config_read_line(control_store(), text, len, &a, &r);
	return o == CONFIG_ACTION ? do_action(&a) : apply_outcome(o, &r, source);
}

/* Preparing its first start.  Later starts do not count: a guest that ends again and again is
 * nearly always waiting for one. */
static bool in_first_start(struct vm *vm)
{
	return atomic_load(&vm->state) == VM_STARTING && !vm->starts;
}

/* True: no guest is preparing its first start. */
static bool reap_stopped(void)
{
	bool settled = true;

	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		if (vms[i] && atomic_load(&vms[i]->state) == VM_STOPPED) {
			vm_reap(vms[i]);
			control_guest_ended(vms[i]);
		}
		settled &= !vms[i] || !in_first_start(vms[i]);
	}
	return settled;
}

bool control_reap(void)
{
	bool settled;

	if (!control_try_boot_core(NULL))
		return false;
	settled = reap_stopped();
	control_done();
	return settled;
}
