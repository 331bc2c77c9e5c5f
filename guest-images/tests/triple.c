/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that triple-faults: the line before is the last one anybody hears of it. */
#include "guest-images/lib/console.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"

void guest_main(void)
{
	print("triple: now\n");
	cpu_triple_fault();
}
