/* SPDX-License-Identifier: BSD-2-Clause */
/* vmx_cpu.c: detects VT-x and its controls; enters and leaves VMX operation on each core
 * (Intel SDM vol. 3, 23.6 to 23.8 and appendix A). */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/hvm/vmx.h"
#include "lib/log.h"
#include "lib/mem.h"

#define IO_BITMAPS_SIZE (2 * PAGE_SIZE)

struct vmx_setup vmx_setup;

/* --- I/O and MSR bitmaps -------------------------------------------------------------------- */

/* Four maps of 1 KiB: reads of the low and the high MSRs, then writes (SDM 3, 24.6.9). */
static void open_msr(uint8_t *map, uint32_t msr, bool read, bool write)
{
	uint8_t *byte = map + (msr < 0x2000 ? 0 : 1024) + (msr & 0x1fff) / 8;
	uint8_t closed = (uint8_t) ~(1u << msr % 8);

	if (read)
		byte[0] &= closed;
	if (write)
		byte[2048] &= closed;
}

static bool maps_init(void)
{
	vmx_setup.io_bitmaps = (void *)mem_alloc(IO_BITMAPS_SIZE, PAGE_SIZE, 0);
	if (!vmx_setup.io_bitmaps)
		return false;
	memset(vmx_setup.io_bitmaps, 0xff, IO_BITMAPS_SIZE);
	for (unsigned own = 0; own < HVM_OWN_SETS; own++) {
		uint8_t *map = vmx_setup.msr_bitmap[own] =
		    (void *)mem_alloc(PAGE_SIZE, PAGE_SIZE, 0);

		if (!map)
			return false;
		memset(map, 0xff, PAGE_SIZE);
		hvm_open_msrs(open_msr, map, own);
	}
	return true;
}

/* --- the CPU -------------------------------------------------------------------------------- */

/* The pin, processor, exit and entry control MSRs are consecutive, the plain and the TRUE ones. */
static void read_caps(struct vmx_caps *caps)
{
	uint32_t first =
	    rdmsr(MSR_VMX_BASIC) & BASIC_TRUE_CONTROLS ? MSR_VMX_TRUE_PIN : MSR_VMX_PIN;
	bool has_proc2, has_ept;

	for (uint32_t i = 0; i < 4; i++)
		caps->word[VMX_PIN + i] = rdmsr(first + i);
	has_proc2 = caps->word[VMX_PROC] >> 63;
	caps->word[VMX_PROC2] = has_proc2 ? rdmsr(MSR_VMX_PROC2) : 0;
	has_ept = (caps->word[VMX_PROC2] >> 32) & (1u << 1 | 1u << 5);
	caps->ept_vpid = has_ept ? rdmsr(MSR_VMX_EPT_VPID) : 0;
}

/* The boot option itlb-multihit=on or =off decides instead of the CPU. */
static bool has_itlb_multihit(void)
{
	char value[8];
	bool has_caps = cpuid(0, 0).eax >= 7 && cpuid(7, 0).edx & 1u << 29;

	if (boot_option("itlb-multihit", value, sizeof value))
		return strcmp(value, "off") != 0;
	return vmx_itlb_multihit(cpuid(0, 0).ebx == CPUID_INTEL_EBX, cpuid(1, 0).eax,
	                         has_caps ? rdmsr(MSR_ARCH_CAPABILITIES) : 0);
}

enum hvm_found vmx_probe(char *why, size_t size)
{
	struct vmx_caps caps;

	if (!(cpuid(1, 0).ecx & 1u << 5))
		return HVM_ABSENT;
	if (vmx_lock(rdmsr(MSR_FEATURE_CONTROL)) == VMX_LOCKED_OFF) {
		snprintf(why, size,
		         "VT-x is locked off (IA32_FEATURE_CONTROL): enable it in the firmware");
		return HVM_UNUSABLE;
	}
	read_caps(&caps);
	if (!vmx_choose(&caps, &vmx_setup.controls, why, size))
		return HVM_UNUSABLE;
	/* an unrestricted guest may clear PE and PG though they are fixed to 1 */
	vmx_setup.cr0_ones = rdmsr(MSR_VMX_CR0_FIXED0) & ~(CR0_PE | CR0_PG);
	vmx_setup.cr4_ones = rdmsr(MSR_VMX_CR4_FIXED0);
	vmx_setup.cr4_offered = hvm_cr4_offered();
	vmx_setup.small_fetch = has_itlb_multihit();
	if (vmx_setup.small_fetch)
		log_info("iTLB multihit (CVE-2018-12207): guests execute from 4 KiB pages only");
	return HVM_USABLE;
}

uint32_t vmx_revision(void)
{
	return rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
}

unsigned vmx_lacks(void)
{
	uint32_t given = vmx_setup.controls.word[VMX_PROC2];

	return (given & PROC2_RDTSCP ? 0 : HVM_LACKS_RDTSCP) |
	       (given & PROC2_INVPCID ? 0 : HVM_LACKS_INVPCID) |
	       (given & PROC2_XSAVES ? 0 : HVM_LACKS_XSAVES);
}

/* Firmware may leave IA32_FEATURE_CONTROL unlocked, or set it differently per core. */
static bool enter_vmx_operation(paddr_t region)
{
	uint64_t feature = rdmsr(MSR_FEATURE_CONTROL);
	bool ok;

	if (vmx_lock(feature) == VMX_LOCKED_OFF)
		return false;
	if (vmx_lock(feature) == VMX_UNLOCKED)
		wrmsr(MSR_FEATURE_CONTROL, feature | FEATURE_LOCKED | FEATURE_VMXON);
	write_cr0(read_cr0() | vmx_setup.cr0_ones);
	write_cr4(read_cr4() | vmx_setup.cr4_ones);
	__asm__ volatile("vmxon %1" : "=@cca"(ok) : "m"(region) : "memory");
	return ok;
}

/* The VMXON region must not be accessed after VMXON. */
const char *vmx_core_enable(struct core *c)
{
	uint32_t *page =
	    vmx_setup.msr_bitmap[HVM_OWN_SETS - 1] || maps_init() ? mem_zalloc(PAGE_SIZE) : NULL;

	if (!page)
		return "not enough memory for the core's VMXON region";
	*page = vmx_revision();
	c->hvm_host = (paddr_t)page;
	if (!enter_vmx_operation(c->hvm_host))
		return "VMXON failed on a core: the firmware must enable VT-x on all cores alike";
	return NULL;
}

/* A CPU in VMX operation blocks INIT. */
void vmx_core_disable(void)
{
	if (!(read_cr4() & CR4_VMXE))
		return;
	__asm__ volatile("vmxoff" : : : "cc");
	write_cr4(read_cr4() & ~(uint64_t)CR4_VMXE);
}
