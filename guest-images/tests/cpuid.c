/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints every CPUID leaf of the machine, and checks that their values are consistent. */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"

#define BASIC          0u
#define HYPERVISOR     0x40000000u
#define EXTENDED       0x80000000u
#define ECX_HYPERVISOR (1u << 31)

static void print_range(uint32_t first)
{
	uint32_t r[4], last;

	cpuid(first, 0, r);
	last = r[0];
	if (last < first || last > first + 0x100)
		return;
	for (uint32_t leaf = first; leaf <= last; leaf++) {
		cpuid(leaf, 0, r);
		print("cpuid %08x %08x %08x %08x %08x\n", leaf, r[0], r[1], r[2], r[3]);
	}
}

void guest_main(void)
{
	uint32_t r[4];
	char vendor[13] = "";

	print_range(BASIC);
	cpuid(1, 0, r);
	if (r[2] & ECX_HYPERVISOR)
		print_range(HYPERVISOR);
	print_range(EXTENDED);
	cpuid(BASIC, 0, r);
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	print("vendor %s\n", vendor);
	cpuid(EXTENDED, 0, r);
	check(r[0] >= EXTENDED + 8, "extended", "last leaf %x", r[0]);
	cpuid(EXTENDED + 1, 0, r);
	check(r[3] & 1u << 29, "long_mode", "edx %x", r[3]);
	check(!(r[2] & 1u << 2) || mb_number("svm", 0), "no_svm", "ecx %x", r[2]);
	done();
}
