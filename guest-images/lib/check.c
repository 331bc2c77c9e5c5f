/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c: see check.h. */
#include <stdio.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"

static unsigned failed;

bool check(bool held, const char *name, const char *reason, ...)
{
	char text[160];
	va_list ap;

	if (held) {
		print("ok %s\n", name);
		return true;
	}
	va_start(ap, reason);
	vsnprintf(text, sizeof text, reason, ap);
	va_end(ap);
	print("FAIL %s %s\n", name, text);
	failed++;
	return false;
}

_Noreturn void done(void)
{
	print("done\n");
	guest_exit(failed ? 1 : 0);
}
