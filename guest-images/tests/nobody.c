/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses what no device claims: how=read|write|float (at guest-physical at=), how=exec, how=walk
 * (page tables there), how=msr (msr=), how=port (port=).  Prints the result unless it is stopped.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/trap.h"

#define HOLE    0xd0000000ull
#define NO_MSR  0xc0001234u
#define NO_PORT 0x1f0fu

void guest_main(void)
{
	char how[16] = "read";
	uintptr_t at = mb_number("at", HOLE);
	uint32_t msr = (uint32_t)mb_number("msr", NO_MSR);
	uint16_t port = (uint16_t)mb_number("port", NO_PORT);
	uint64_t v = 0;

	mb_option("how", how, sizeof how);
	print("nobody: %s\n", how);
	if (!strcmp(how, "read")) {
		print("nobody: %lx reads %x\n", at, mmio_read32(at));
	} else if (!strcmp(how, "write")) {
		mmio_write32(at, 0x5a5a5a5a);
		print("nobody: wrote %lx\n", at);
	} else if (!strcmp(how, "float")) {
		__asm__ volatile("fildll (%0); fstp %%st(0)" : : "r"(at) : "memory");
	} else if (!strcmp(how, "walk")) {
		__asm__ volatile("mov %0, %%cr3" : : "r"(at) : "memory");
	} else if (!strcmp(how, "exec")) {
		((void (*)(void))at)();
	} else if (!strcmp(how, "msr")) {
		bool read = rdmsr_safe(msr, &v);

		print("nobody: msr %x %s %lx\n", msr, read ? "reads" : "#GP", v);
	} else {
		print("nobody: port %x reads %x\n", port, inb(port));
	}
	check(true, "survived", " ");
	done();
}
