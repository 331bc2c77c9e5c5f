/* SPDX-License-Identifier: BSD-2-Clause */
/* multiboot.h: loads a Multiboot 1 kernel (Multiboot Specification 0.6.96): ELF32, ELF64, or
 * any file with the header's address fields. */
#ifndef VMM_LOAD_MULTIBOOT_H
#define VMM_LOAD_MULTIBOOT_H
#include <stdbool.h>
#include "drivers/bus/gpa.h"
#include "vmm/load/load.h"
#include "arch/x86_64/hvm/vcpu_state.h"

#define MULTIBOOT_MODULES_MAX 16

struct multiboot_module {
	struct blob image;
	const char *string; /* NUL-terminated; NULL means "" */
};

struct multiboot_boot {
	struct blob kernel;
	const char *cmdline; /* NUL-terminated; NULL means "" */
	const struct multiboot_module *modules;
	unsigned n_modules;
	const struct gpa_range *reserved; /* further ranges, reserved in the guest's memory map */
	unsigned n_reserved;
};

/*
 * Loads the kernel and its modules into guest memory, builds the information structure and fills
 * *entry as section 3.2 says: EAX magic, EBX information, flat 32-bit segments, protected mode
 * without paging, interrupts off.  The images are untrusted and stay the caller's.
 * NULL on success, otherwise the reason as a constant string (guest memory may then be partly
 * written).
 */
const char *load_multiboot(const struct gmem *m, const struct multiboot_boot *boot,
                           struct cpu_entry *entry);

/* The least memory, from address 0 on, into which this kernel and its modules can be loaded; 0: not
 * a kernel that load_multiboot() accepts. */
uint64_t load_multiboot_needs(const struct multiboot_boot *boot);

/* True when the image has a valid Multiboot 1 header (magic, checksum) in its first 8 KiB. */
bool multiboot_header_present(struct blob image);
#endif
