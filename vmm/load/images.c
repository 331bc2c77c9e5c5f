/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads what a guest boots from.  Free of hardware access: patio-check runs it on the host, too. */
#include <stdio.h>
#include "vmm/load/linux.h"
#include "vmm/load/multiboot.h"
#include "vmm/load/images.h"

#define MIB (1ul << 20)

/* The caller's buffer for the reason why a guest's images cannot be loaded. */
struct reason {
	char *text;
	size_t size;
};

static uint64_t memory_of(const struct gmem *mem)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < gmem_own(mem); i++)
		size += mem->region[i].size;
	return size;
}

/* True, with a reason, if the images need more memory than the guest has. */
static bool too_small(const struct gmem *mem, const struct images *i, uint64_t needs,
                      struct reason why)
{
	uint64_t memory = memory_of(mem);

	if (needs <= memory)
		return false;
	snprintf(why.text, why.size, "guest %s: %s needs %lu MiB, and the guest has %lu", i->guest,
	         i->kernel_name, (needs + MIB - 1) / MIB, memory / MIB);
	return true;
}

static bool check_loaded(const struct images *i, const char *bad, struct reason why)
{
	if (bad)
		snprintf(why.text, why.size, "guest %s: %s: %s", i->guest, i->kernel_name, bad);
	return !bad;
}

static bool load_linux_kernel(const struct gmem *mem, const struct images *i,
                              struct cpu_entry *entry, struct reason why)
{
	struct linux_boot b = {.kernel = i->kernel,
	                       .initrd = i->initrd,
	                       .cmdline = i->cmdline,
	                       .rsdp = GUEST_ACPI_GPA,
	                       .x2apic = true,
	                       .reserved = i->reserved,
	                       .n_reserved = i->n_reserved};

	return !too_small(mem, i, load_linux_needs(&b), why) &&
	       check_loaded(i, load_linux(mem, &b, entry), why);
}

static bool load_multiboot_kernel(const struct gmem *mem, const struct images *i,
                                  struct cpu_entry *entry, struct reason why)
{
	struct multiboot_boot b = {.kernel = i->kernel,
	                           .cmdline = i->cmdline,
	                           .modules = i->modules,
	                           .n_modules = i->n_modules};

	return !too_small(mem, i, load_multiboot_needs(&b), why) &&
	       check_loaded(i, load_multiboot(mem, &b, entry), why);
}

bool images_load(const struct gmem *mem, const struct images *i, struct cpu_entry *entry, char *why,
                 size_t size)
{
	struct reason r = {why, size};

	switch (load_kind(i->kernel)) {
	case IMAGE_BZIMAGE:
		return load_linux_kernel(mem, i, entry, r);
	case IMAGE_MULTIBOOT:
		return load_multiboot_kernel(mem, i, entry, r);
	case IMAGE_UNKNOWN:
		break;
	}
	return check_loaded(i, "neither a bzImage nor a multiboot kernel", r);
}
