/* SPDX-License-Identifier: BSD-2-Clause */
/* Which VT-x controls a guest runs under, and whether this CPU has them. */
#include <stdio.h>
#include "arch/x86_64/hvm/vmx_caps.h"

/* How Patio wants a control. */
enum wish {
	ON,    /* must be 1, or Patio cannot run */
	OFF,   /* must be 0, or Patio cannot run: older CPUs force some to 1 */
	BOTH,  /* must allow both: starts as 0, changes while the guest runs */
	OFFER, /* 1 if the CPU has it: enables an instruction, or makes it exit */
};

/* SDM 3, tables 24-5 to 24-7, 24-13 and 24-15. */
static const struct {
	enum vmx_word word;
	uint8_t bit;
	enum wish wish;
	const char *name;
} control[] = {
    {VMX_PIN, 0, OFF, "external-interrupt exiting"},
    {VMX_PIN, 3, ON, "NMI exiting"},
    {VMX_PIN, 5, ON, "virtual NMIs"},
    {VMX_PROC, 2, BOTH, "interrupt-window exiting"},
    {VMX_PROC, 3, ON, "TSC offsetting"},
    {VMX_PROC, 7, OFF, "HLT exiting"},
    {VMX_PROC, 9, OFF, "INVLPG exiting"},
    {VMX_PROC, 10, ON, "MWAIT exiting"},
    {VMX_PROC, 11, ON, "RDPMC exiting"},
    {VMX_PROC, 12, OFF, "RDTSC exiting"},
    {VMX_PROC, 15, OFF, "CR3-load exiting"},
    {VMX_PROC, 16, OFF, "CR3-store exiting"},
    {VMX_PROC, 19, OFF, "CR8-load exiting"},
    {VMX_PROC, 20, OFF, "CR8-store exiting"},
    {VMX_PROC, 22, BOTH, "NMI-window exiting"},
    {VMX_PROC, 25, ON, "I/O bitmaps"},
    {VMX_PROC, 28, ON, "MSR bitmaps"},
    {VMX_PROC, 29, ON, "MONITOR exiting"},
    {VMX_PROC, 31, ON, "secondary controls"},
    {VMX_PROC2, 1, ON, "EPT"},
    {VMX_PROC2, 3, OFFER, "RDTSCP"},
    {VMX_PROC2, 5, ON, "VPID"},
    {VMX_PROC2, 6, ON, "WBINVD exiting"},
    {VMX_PROC2, 7, ON, "unrestricted guest"},
    {VMX_PROC2, 12, OFFER, "INVPCID"},
    {VMX_PROC2, 15, OFFER, "ENCLS exiting"},
    {VMX_PROC2, 20, OFFER, "XSAVES"},
    {VMX_PROC2, 30, OFFER, "bus-lock detection"},
    {VMX_EXIT, 2, ON, "saving of debug controls"},
    {VMX_EXIT, 9, ON, "64-bit host"},
    {VMX_EXIT, 18, ON, "saving of IA32_PAT"},
    {VMX_EXIT, 19, ON, "loading of IA32_PAT at exits"},
    {VMX_EXIT, 20, ON, "saving of IA32_EFER"},
    {VMX_EXIT, 21, ON, "loading of IA32_EFER at exits"},
    {VMX_ENTRY, 2, ON, "loading of debug controls"},
    {VMX_ENTRY, 9, BOTH, "64-bit guest"},
    {VMX_ENTRY, 14, ON, "loading of IA32_PAT at entries"},
    {VMX_ENTRY, 15, ON, "loading of IA32_EFER at entries"},
};

/* IA32_VMX_EPT_VPID_CAP (SDM 3, A.10). */
static const struct {
	uint8_t bit;
	const char *name;
} ept_vpid[] = {
    {6, "EPT with four levels"},     {14, "write-back EPT tables"},
    {16, "EPT pages of 2 MiB"},      {20, "INVEPT"},
    {26, "INVEPT of all contexts"},  {32, "INVVPID"},
    {42, "INVVPID of all contexts"},
};

enum vmx_lock vmx_lock(uint64_t feature_control)
{
	if (!(feature_control & FEATURE_LOCKED))
		return VMX_UNLOCKED;
	return feature_control & FEATURE_VMXON ? VMX_LOCKED_ON : VMX_LOCKED_OFF;
}

/* Atoms and Xeon Phis are not affected, but do not set PSCHANGE_MC_NO (Intel's list of affected
 * processors). */
static bool is_unaffected(unsigned model)
{
	static const uint8_t unaffected[] = {0x1c, 0x26, 0x27, 0x35, 0x36, 0x37, 0x4a,
	                                     0x4c, 0x4d, 0x57, 0x5a, 0x5c, 0x5d, 0x5f,
	                                     0x75, 0x7a, 0x85, 0x86, 0x96, 0x9c};

	for (unsigned i = 0; i < sizeof unaffected; i++)
		if (unaffected[i] == model)
			return true;
	return false;
}

bool vmx_itlb_multihit(bool intel, uint32_t leaf1_eax, uint64_t arch_caps)
{
	unsigned family = leaf1_eax >> 8 & 0xf;
	unsigned model = (leaf1_eax >> 4 & 0xf) | (leaf1_eax >> 12 & 0xf0);

	if (!intel || family != 6 || (arch_caps & ARCH_CAPS_PSCHANGE_MC_NO))
		return false;
	return !is_unaffected(model);
}

static bool cpu_allows(uint64_t word, uint32_t bit, enum wish wish)
{
	bool must = word & bit, may = (word >> 32) & bit;

	if (wish == ON)
		return may;
	return wish == OFF ? !must : wish == BOTH ? may && !must : true;
}

bool vmx_choose(const struct vmx_caps *caps, struct vmx_controls *out, char *why, size_t size)
{
	for (unsigned w = 0; w < VMX_WORDS; w++)
		out->word[w] = (uint32_t)caps->word[w];
	for (unsigned i = 0; i < sizeof control / sizeof control[0]; i++) {
		uint64_t word = caps->word[control[i].word];
		uint32_t bit = 1u << control[i].bit;
		enum wish wish = control[i].wish;

		if (!cpu_allows(word, bit, wish)) {
			snprintf(why, size, "this CPU's VT-x has no %s%s: Patio needs it",
			         wish == OFF ? "way to switch off " : "", control[i].name);
			return false;
		}
		if (wish == ON || (wish == OFFER && (word >> 32) & bit))
			out->word[control[i].word] |= bit;
	}
	for (unsigned i = 0; i < sizeof ept_vpid / sizeof ept_vpid[0]; i++)
		if (!(caps->ept_vpid >> ept_vpid[i].bit & 1)) {
			snprintf(why, size, "this CPU's VT-x has no %s: Patio needs it",
			         ept_vpid[i].name);
			return false;
		}
	return true;
}
