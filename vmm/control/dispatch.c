/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts and lines: who speaks, what is done of it, and the answer. */
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

static struct spinlock lock;                /* one text or line at a time, whoever it is from */
static const struct control_client *client; /* whose */
static _Atomic bool reap_due;               /* the boot core found the lock taken */

static void begin(const struct control_client *who)
{
	spin_lock(&lock);
	client = who;
}

static void end(void)
{
	client = NULL;
	spin_unlock(&lock);
	if (atomic_exchange(&reap_due, false))
		core_call(&cores[0], CORE_CONSOLE);
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	client->put(client->ctx, buf, strlen(buf));
}

static bool fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool fail(const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	client->failed(client->ctx, buf);
	return false;
}

static void say_warnings(const struct config_report *r, const char *source)
{
	char buf[384];
	for (unsigned i = 0; i < r->warnings && i < CONFIG_WARNINGS; i++) {
		config_format(&r->warning[i], source, buf, sizeof buf);
		say("warning: %s\n", buf);
	}
}

static bool take(enum config_outcome outcome, const struct config_report *r, const char *source)
{
	char why[384];
	if (outcome == CONFIG_REFUSED) {
		config_format(&r->error, source, why, sizeof why);
		return fail("%s", why);
	}
	say_warnings(r, source);
	if (outcome != CONFIG_CHANGED || control_apply(why, sizeof why))
		return true;
	return fail("%s: %s", source, why);
}

static bool take_text(const char *text, size_t len, const char *source)
{
	static struct config_report r;
	return take(config_read(control_store(), text, len, &r), &r, source);
}

static bool load_module(const char *name)
{
	const struct boot_module *m = boot_module_find(name);
	return m ? take_text((const char *)m->start, m->size, name)
	         : fail("no boot module is called %s; `show boot` lists them", name);
}

bool control_text(const struct control_client *who, const char *text, size_t len,
                  const char *source)
{
	begin(who);
	bool ok = take_text(text, len, source);
	end();
	return ok;
}

static bool act_on_guest(enum config_verb verb, struct vm *vm)
{
	char why[256];
	if (verb == CONFIG_ENTER && !client->enter)
		return fail("`console` is for the terminal");
	vm->restart_paid = 0;
	if (verb == CONFIG_ENTER) {
		client->enter(client->ctx, &vm->console);
	} else if (verb == CONFIG_START) {
		if (!control_start(vm, 0, why, sizeof why))
			return fail("%s", why);
	} else if (!vm_active(vm) && verb == CONFIG_STOP) {
		return fail("guest %s does not run", vm->name);
	} else {
		vm->restart_once = verb == CONFIG_RESTART;
		vm->stay_off = verb == CONFIG_STOP;
		if (vm_active(vm))
			vm_stop(vm, "stopped from %s", client->name);
		else
			control_guest_ended(vm);
	}
	return true;
}

static void answer(void (*how)(const struct config_action *, config_put *, void *),
                   const struct config_action *a)
{
	if (client->hold)
		client->hold(client->ctx, true);
	how(a, client->put, client->ctx);
	if (client->hold)
		client->hold(client->ctx, false);
}

static bool act(const struct config_action *a)
{
	switch (a->verb) {
	case CONFIG_SHOW:
		answer(show, a);
		break;
	case CONFIG_EXPLAIN:
		answer(show_explain, a);
		break;
	case CONFIG_LINT:
		answer(show_lint, a);
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

bool control_line(const struct control_client *who, const char *text, size_t len,
                  const char *source)
{
	static struct config_report r;
	struct config_action a;
	begin(who);
	enum config_outcome o = config_read_line(control_store(), text, len, &a, &r);
	bool ok = o == CONFIG_ACTION ? act(&a) : take(o, &r, source);
	end();
	return ok;
}

/* One that ends again and again waits for its next start nearly all the time. */
static bool on_its_first_way(struct vm *vm)
{
	return atomic_load(&vm->state) == VM_STARTING && !vm->starts;
}

/* True: no guest is on its way to its first start. */
static bool reap(void)
{
	bool settled = true;
	for (unsigned i = 0; i < CONFIG_GUESTS; i++) {
		if (vms[i] && atomic_load(&vms[i]->state) == VM_STOPPED) {
			vm_reap(vms[i]);
			control_guest_ended(vms[i]);
		}
		settled &= !vms[i] || !on_its_first_way(vms[i]);
	}
	return settled;
}

/* The boot core may run a guest, which must not wait for what is done for another: the mark is set
 * before the attempt, and end() looks at it after it has let go of the lock. */
bool control_reap(void)
{
	atomic_store(&reap_due, true);
	if (!spin_try(&lock))
		return false;
	atomic_store(&reap_due, false);
	bool settled = reap();
	spin_unlock(&lock);
	return settled;
}
