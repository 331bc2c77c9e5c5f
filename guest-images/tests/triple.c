/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that prints a line and then triple-faults. */
#include "guest-images/lib/console.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"

void guest_main(void)
{
	print("triple: now\n");
	cpu_triple_fault();
}
