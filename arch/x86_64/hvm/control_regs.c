/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulates the checks of MOV to CR0 and CR4. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/control_regs.h"

/* VME, PVI, TSD, DE, PSE, PAE, MCE, PGE, PCE, OSFXSR, OSXMMEXCPT: present on every CPU with 64-bit
 * mode. */
#define CR4_ALWAYS 0x7fful

uint64_t cr4_offered(uint32_t leaf1_ecx, uint32_t leaf7_ebx, uint32_t leaf7_ecx)
{
	const struct {
		bool has;
		uint64_t bit;
	} feature[] = {
	    {leaf7_ecx >> 2 & 1, CR4_UMIP},   {leaf7_ebx & 1, CR4_FSGSBASE},
	    {leaf1_ecx >> 17 & 1, CR4_PCIDE}, {leaf1_ecx >> 26 & 1, CR4_OSXSAVE},
	    {leaf7_ebx >> 7 & 1, CR4_SMEP},   {leaf7_ebx >> 20 & 1, CR4_SMAP},
	    {leaf7_ecx >> 3 & 1, CR4_PKE},
	};
	uint64_t bits = CR4_ALWAYS;

	for (unsigned i = 0; i < sizeof feature / sizeof feature[0]; i++)
		if (feature[i].has)
			bits |= feature[i].bit;
	return bits;
}

bool cr0_allowed(const struct control_state *now, uint64_t value)
{
	bool paging = value & CR0_PG, was = now->cr0 & CR0_PG;

	if (value >> 32 || (value & CR0_CACHE) == CR0_NW || (paging && !(value & CR0_PE)))
		return false;
	if (paging && !was && (now->efer & EFER_LME))
		return (now->cr4 & CR4_PAE) && !now->cs_long;
	if (!paging && was && (now->efer & EFER_LMA))
		return !now->cs_long && !(now->cr4 & CR4_PCIDE);
	return true;
}

bool cr4_allowed(const struct control_state *now, uint64_t value, uint64_t offered)
{
	bool is_long = now->efer & EFER_LMA;

	if ((value & ~offered) || (is_long && !(value & CR4_PAE)))
		return false;
	if ((value & CR4_PCIDE) && !(now->cr4 & CR4_PCIDE))
		return is_long && !(now->cr3 & 0xfff);
	return true;
}

uint64_t efer_with_cr0(uint64_t efer, uint64_t cr0)
{
	bool is_long = (efer & EFER_LME) && (cr0 & CR0_PG);

	return (efer & ~(uint64_t)EFER_LMA) | (is_long ? EFER_LMA : 0);
}

uint64_t cr0_after_lmsw(uint64_t cr0, uint16_t word)
{
	return (cr0 & ~0xeul) | (word & 0xf);
}
