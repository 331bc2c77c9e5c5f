/* SPDX-License-Identifier: BSD-2-Clause */
/* vmx_caps.h: which controls a CPU's VT-x offers, computed from its capability MSRs only
 * (Intel SDM vol. 3, appendix A). */
#ifndef ARCH_HVM_VMX_CAPS_H
#define ARCH_HVM_VMX_CAPS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vmx_word { VMX_PIN, VMX_PROC, VMX_EXIT, VMX_ENTRY, VMX_PROC2, VMX_WORDS };

#define BASIC_TRUE_CONTROLS (1ul << 55)

/* Values of the capability MSRs; the first four from the TRUE MSRs if the CPU has them. */
struct vmx_caps {
	uint64_t word[VMX_WORDS]; /* low half: bits that must be 1; high half: bits that may be 1 */
	uint64_t ept_vpid;
};

struct vmx_controls {
	uint32_t word[VMX_WORDS];
};

/* Bits of IA32_FEATURE_CONTROL (SDM 3, 23.7). */
#define FEATURE_LOCKED (1ul << 0)
#define FEATURE_VMXON  (1ul << 2) /* outside SMX */

#define ARCH_CAPS_PSCHANGE_MC_NO (1ul << 6) /* IA32_ARCH_CAPABILITIES: no iTLB multihit */

/* IA32_FEATURE_CONTROL: VMX enabled; unlocked, so that we enable and lock it; or locked off. */
enum vmx_lock { VMX_LOCKED_ON, VMX_UNLOCKED, VMX_LOCKED_OFF };
enum vmx_lock vmx_lock(uint64_t feature_control);

/*
 * Does this CPU have CVE-2018-12207 (iTLB multihit): a machine check when the size of a page
 * changes under a fetch?  leaf1_eax: CPUID 1; arch_caps: IA32_ARCH_CAPABILITIES, 0 if the CPU lacks
 * it.
 */
bool vmx_itlb_multihit(bool intel, uint32_t leaf1_eax, uint64_t arch_caps);

/* Sets the controls for a guest; false and one line in `why`, which names what the CPU lacks. */
bool vmx_choose(const struct vmx_caps *caps, struct vmx_controls *out, char *why, size_t size);
#endif
