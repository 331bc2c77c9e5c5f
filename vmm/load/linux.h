/* SPDX-License-Identifier: BSD-2-Clause */
/* linux.h: loads a Linux bzImage by the 64-bit boot protocol (Linux, arch/x86/boot.rst). */
#ifndef VMM_LOAD_LINUX_H
#define VMM_LOAD_LINUX_H
#include <stdbool.h>
#include <stdint.h>
#include "drivers/bus/gpa.h"
#include "vmm/load/load.h"
#include "arch/x86_64/hvm/vcpu_state.h"

/* Addresses of the loader's boot structures, all in conventional memory. */
#define LINUX_GDT_GPA     0x500
#define LINUX_PT_GPA      0x1000 /* eight pages at most */
#define LINUX_PARAMS_GPA  0x10000
#define LINUX_CMDLINE_GPA 0x20000

struct linux_boot {
	struct blob kernel;
	struct blob initrd;               /* size 0: none */
	const char *cmdline;              /* NUL-terminated; NULL means "" */
	uint64_t rsdp;                    /* GPA of the guest's ACPI RSDP; 0: none */
	bool x2apic;                      /* start the local APIC in x2APIC mode */
	const struct gpa_range *reserved; /* further ranges that the guest's kernel must not use */
	unsigned n_reserved;
};

/*
 * The least memory, from address 0 on, into which this kernel and its initramfs can be loaded.  A
 * kernel that decompresses itself needs its preferred address, even if it is loaded below.  0: not
 * a bzImage that load_linux() accepts.
 */
uint64_t load_linux_needs(const struct linux_boot *boot);

/*
 * Loads kernel, initramfs, command line and boot_params into guest memory and fills *entry for the
 * first vCPU.  The images are untrusted, must not lie in that guest's memory, and stay the
 * caller's.  NULL on success, otherwise the reason as a constant string (guest memory may then be
 * partly written).
 */
const char *load_linux(const struct gmem *m, const struct linux_boot *boot,
                       struct cpu_entry *entry);
#endif
