/* Into VMX operation and out of it (Intel SDM vol. 3, 23.6 to 23.8). */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/vmx.h"

/* The firmware may have left a core's lock open, or treated the cores differently. */
bool vmx_on(paddr_t region, const struct vmx_setup *setup)
{
	uint64_t feature = rdmsr(MSR_FEATURE_CONTROL);
	bool ok;
	if (vmx_lock(feature) == VMX_LOCKED_OFF)
		return false;
	if (vmx_lock(feature) == VMX_UNLOCKED)
		wrmsr(MSR_FEATURE_CONTROL, feature | FEATURE_LOCKED | FEATURE_VMXON);
	write_cr0(read_cr0() | setup->cr0_ones);
	write_cr4(read_cr4() | setup->cr4_ones);
	__asm__ volatile("vmxon %1" : "=@cca"(ok) : "m"(region) : "memory");
	return ok;
}

void vmx_off(void)
{
	if (!(read_cr4() & CR4_VMXE))
		return;
	__asm__ volatile("vmxoff" : : : "cc");
	write_cr4(read_cr4() & ~(uint64_t)CR4_VMXE);
}
