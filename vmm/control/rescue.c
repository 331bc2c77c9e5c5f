/* SPDX-License-Identifier: BSD-2-Clause */
/* rescue.c: see rescue.h. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "vmm/control/control.h"
#include "vmm/control/dispatch.h"
#include "vmm/control/monitor.h"
#include "lib/log.h"
#include "vmm/place.h"
#include "vmm/control/rescue.h"

static bool waiting;
static char reason[544];

static void note_failure(void *ctx, const char *text)
{
	snprintf(reason, sizeof reason, "%s", text);
	monitor_client.failed(ctx, text);
}

static void read_config(void)
{
	const struct boot_module *m = boot_module_find("patio.conf");
	struct control_client boot_file = monitor_client;

	boot_file.failed = note_failure;
	/* No guest runs yet, so nobody else makes a request. */
	if (m && control_try(&boot_file)) {
		bool applied = control_text((const char *)m->start, m->size, "patio.conf");

		control_done();
		if (applied)
			return;
	}
	if (m) {
		log_error("patio.conf was refused: none of it has taken effect");
		return;
	}
	snprintf(reason, sizeof reason,
	         "no boot module is called patio.conf: load one with the image (GRUB: module2 "
	         "/boot/patio.conf patio.conf)");
	log_error("%s", reason);
}

bool rescue_take_config(void)
{
	char value[8];

	read_config();
	if (!reason[0])
		return true;
	waiting = !boot_option("rescue", value, sizeof value) || strcmp(value, "no");
	return waiting;
}

bool rescue_waits(void)
{
	return waiting;
}

static void put_terminal(const char *text)
{
	log_raw(text, strlen(text));
}

static void print_modules(void)
{
	char part[80];

	put_terminal("Boot modules:");
	for (unsigned i = 0; i < boot.nmodules; i++) {
		snprintf(part, sizeof part, " %s", boot.module[i].name);
		put_terminal(part);
	}
	put_terminal(boot.nmodules ? "\r\n" : " none\r\n");
}

void rescue_greet(void)
{
	put_terminal("\r\nThis node has no configuration:\r\n  ");
	put_terminal(reason);
	put_terminal("\r\n");
	print_modules();
	put_terminal(
	    "`load` reads a configuration from the lines up to `end`, `load MODULE` from a boot "
	    "module; then\r\nthe boot continues. `help` lists the language, `show boot` the "
	    "modules, `reboot` starts again.\r\n");
}

bool rescue_ends(void)
{
	if (!waiting || !control_config()->guests)
		return false;
	waiting = false;
	log_info("the node has a configuration now: the boot continues");
	place_log(control_config());
	return true;
}

const char *rescue_reason(void)
{
	return reason[0] ? reason : NULL;
}
