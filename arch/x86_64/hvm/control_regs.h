/* SPDX-License-Identifier: BSD-2-Clause */
/* control_regs.h: which values a guest may write to CR0 and CR4, computed from values only
 * (AMD APM vol. 2, 3.1; Intel SDM vol. 3, 2.5 and 4.1). */
#ifndef ARCH_HVM_CONTROL_REGS_H
#define ARCH_HVM_CONTROL_REGS_H
#include <stdbool.h>
#include <stdint.h>

#define CR0_CACHE (CR0_CD | CR0_NW) /* kept by the host on both vendors: XSA-60 */

/* As the guest sees its registers; cs_long: its code segment is a 64-bit one. */
struct control_state {
	uint64_t cr0, cr3, cr4, efer;
	bool cs_long;
};

/* The bits of CR4 that a guest may set, according to the CPUID it sees; the arguments are the
 * host's CPUID leaves.  The other bits belong to features that cpuid.c hides. */
uint64_t cr4_offered(uint32_t leaf1_ecx, uint32_t leaf7_ebx, uint32_t leaf7_ecx);

/* Does a MOV of `value` raise no #GP?  `offered`: as cr4_offered() gives it. */
bool cr0_allowed(const struct control_state *now, uint64_t value);
bool cr4_allowed(const struct control_state *now, uint64_t value, uint64_t offered);

/* EFER once CR0 is `cr0`: LMA follows paging while LME is set. */
uint64_t efer_with_cr0(uint64_t efer, uint64_t cr0);

/* CR0 after LMSW of `word`: its low four bits, of which PE can only be set. */
uint64_t cr0_after_lmsw(uint64_t cr0, uint16_t word);
#endif
