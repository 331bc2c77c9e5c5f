/* SPDX-License-Identifier: BSD-2-Clause */
/* svm.h: the virtual machine control block and its codes (AMD APM vol. 2, appendix B and C). */
#ifndef ARCH_HVM_SVM_H
#define ARCH_HVM_SVM_H
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/hvm/hvm.h"

struct vmcb_seg {
	uint16_t selector, attr;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	/* control area */
	uint16_t intercept_cr_read, intercept_cr_write;
	uint16_t intercept_dr_read, intercept_dr_write;
	uint32_t intercept_exceptions;
	uint32_t intercept3, intercept4, intercept5;
	uint8_t reserved_018[0x03c - 0x018];
	uint16_t pause_filter_threshold, pause_filter_count;
	uint64_t iopm_base, msrpm_base, tsc_offset;
	uint32_t asid;
	uint8_t tlb_control, reserved_05d[3];
	uint64_t v_intr; /* V_TPR, V_IRQ, V_INTR_MASKING */
	uint64_t interrupt_shadow;
	uint64_t exit_code, exit_info1, exit_info2, exit_int_info;
	uint64_t nested_control;
	uint8_t reserved_098[0x0a8 - 0x098];
	uint64_t event_inject;
	uint64_t nested_cr3;
	uint64_t lbr_control;
	uint32_t clean_bits, reserved_0c4;
	uint64_t next_rip;
	uint8_t fetched, insn_bytes[15];
	uint8_t reserved_0e0[0x120 - 0x0e0];
	uint16_t bus_lock_counter; /* bus locks until the next exit for one */
	uint8_t reserved_122[0x400 - 0x122];
	/* state save area */
	struct vmcb_seg seg[6]; /* in the order of enum hvm_seg */
	struct vmcb_seg gdtr, ldtr, idtr, tr;
	uint8_t reserved_4a0[0x4cb - 0x4a0];
	uint8_t cpl;
	uint32_t reserved_4cc;
	uint64_t efer;
	uint8_t reserved_4d8[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
	uint8_t reserved_580[0x5d8 - 0x580];
	uint64_t rsp;
	uint8_t reserved_5e0[0x5f8 - 0x5e0];
	uint64_t rax;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	uint8_t reserved_648[0x668 - 0x648];
	uint64_t g_pat;
	uint8_t reserved_670[0x6e0 - 0x670];
	uint64_t spec_ctrl; /* where the CPU switches it; 0 after svm_reset() */
	uint8_t reserved_6e8[0x1000 - 0x6e8];
};
_Static_assert(offsetof(struct vmcb, iopm_base) == 0x040, "APM 2, table B-1");
_Static_assert(offsetof(struct vmcb, asid) == 0x058, "APM 2, table B-1");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x070, "APM 2, table B-1");
_Static_assert(offsetof(struct vmcb, event_inject) == 0x0a8, "APM 2, table B-1");
_Static_assert(offsetof(struct vmcb, next_rip) == 0x0c8, "APM 2, table B-1");
_Static_assert(offsetof(struct vmcb, bus_lock_counter) == 0x120, "APM 2, table B-1");
_Static_assert(offsetof(struct vmcb, seg) == 0x400, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, cr4) == 0x548, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, g_pat) == 0x668, "APM 2, table B-2");
_Static_assert(offsetof(struct vmcb, spec_ctrl) == 0x6e0, "APM 2, table B-2");
_Static_assert(sizeof(struct vmcb) == 4096, "APM 2, appendix B");

/* intercept3 (offset 00Ch) */
#define ICPT3_NMI      (1u << 1)
#define ICPT3_INIT     (1u << 3)
#define ICPT3_CR0_SEL  (1u << 5) /* CR0 writes that change bits other than TS and MP; every LMSW */
#define ICPT3_RDPMC    (1u << 15)
#define ICPT3_CPUID    (1u << 18)
#define ICPT3_IRET     (1u << 20)
#define ICPT3_INVD     (1u << 22)
#define ICPT3_INVLPGA  (1u << 26)
#define ICPT3_IOIO     (1u << 27)
#define ICPT3_MSR      (1u << 28)
#define ICPT3_FERR     (1u << 30) /* the freeze for an x87 error with CR0.NE = 0 */
#define ICPT3_SHUTDOWN (1u << 31)
/* intercept4 (offset 010h) */
#define ICPT4_VMRUN       (1u << 0)
#define ICPT4_VMMCALL     (1u << 1)
#define ICPT4_VMLOAD      (1u << 2)
#define ICPT4_VMSAVE      (1u << 3)
#define ICPT4_STGI        (1u << 4)
#define ICPT4_CLGI        (1u << 5)
#define ICPT4_SKINIT      (1u << 6)
#define ICPT4_WBINVD      (1u << 9) /* WBNOINVD too */
#define ICPT4_MONITOR     (1u << 10)
#define ICPT4_MWAIT       (1u << 11)
#define ICPT4_MWAIT_ARMED (1u << 12)
#define ICPT4_XSETBV      (1u << 13)
#define ICPT4_RDPRU       (1u << 14)
/* intercept5 (offset 014h) */
#define ICPT5_INVLPGB         (1u << 0)
#define ICPT5_INVLPGB_ILLEGAL (1u << 1)
#define ICPT5_MCOMMIT         (1u << 3)
#define ICPT5_TLBSYNC         (1u << 4)
#define ICPT5_BUS_LOCK        (1u << 5)
#define SVM_EDX_BUS_LOCK      (1u << 29) /* CPUID 8000000Ah: this intercept exists */
#define SVM_EDX_V_SPEC_CTRL   (1u << 20) /* the VMCB has the guest's SPEC_CTRL */

/* intercept_cr_read, intercept_cr_write */
#define ICPT_CR0 (1u << 0)
#define ICPT_CR4 (1u << 4)

#define SVM_EXIT_CR_WRITE    0x10 /* .. 1Fh: CR0 to CR15; below: their reads */
#define SVM_EXIT_EXCP0       0x40
#define SVM_EXIT_NMI         0x61
#define SVM_EXIT_INIT        0x63
#define SVM_EXIT_CR0_SEL     0x65
#define SVM_EXIT_RDPMC       0x6f
#define SVM_EXIT_CPUID       0x72
#define SVM_EXIT_IRET        0x74
#define SVM_EXIT_INVD        0x76
#define SVM_EXIT_INVLPGA     0x7a
#define SVM_EXIT_IOIO        0x7b
#define SVM_EXIT_MSR         0x7c
#define SVM_EXIT_FERR        0x7e
#define SVM_EXIT_SHUTDOWN    0x7f
#define SVM_EXIT_VMRUN       0x80
#define SVM_EXIT_VMMCALL     0x81
#define SVM_EXIT_SKINIT      0x86
#define SVM_EXIT_WBINVD      0x89
#define SVM_EXIT_MONITOR     0x8a
#define SVM_EXIT_MWAIT       0x8b
#define SVM_EXIT_MWAIT_ARMED 0x8c
#define SVM_EXIT_XSETBV      0x8d
#define SVM_EXIT_RDPRU       0x8e
#define SVM_EXIT_INVLPGB     0xa0
#define SVM_EXIT_ILLEGAL     0xa1 /* INVLPGB with an operand that is not allowed */
#define SVM_EXIT_MCOMMIT     0xa3
#define SVM_EXIT_TLBSYNC     0xa4
#define SVM_EXIT_BUS_LOCK    0xa5
#define SVM_EXIT_NPF         0x400
#define SVM_EXIT_INVALID     0xffffffff /* low half only: emulators differ in the high one */

#define EVENT_VALID     (1ul << 31)
#define EVENT_HAS_ERROR (1ul << 11)
#define EVENT_NMI       (2ul << 8)
#define EVENT_EXCEPTION (3ul << 8)
#define EVENT_SOFT_INT  (4ul << 8)
#define EVENT_TYPE_MASK (7ul << 8)

#define DR6_OTHERS 0xa00ful /* causes of a #DB other than the single step: BT, BD, B0 to B3 */

#define TLB_FLUSH_ALL 1

#define MSR_VM_CR       0xc0010114
#define VM_CR_SVMDIS    (1ul << 4)
#define MSR_VM_HSAVE_PA 0xc0010117

struct svm_vcpu {
	struct vmcb vmcb;   /* first: page-aligned */
	uint64_t cr0_cache; /* CD and NW as the guest wrote them; the hardware's are 0 */
	uint64_t cr4_mce;   /* MCE as the guest wrote it; the hardware's is 1 */
	bool in_nmi;        /* the guest has not reached the IRET of its NMI handler */
	bool at_iret;       /* it reached the IRET at iret_rip, which may not be completed yet */
	bool call_back;     /* exit right after the injected event is delivered */
	bool stepping;      /* RFLAGS.TF is set by the VMM, for one instruction */
	uint64_t iret_rip, step_rflags, step_dr6; /* the guest's own, before the step */
};

/* svm_control.c: CR0 and CR4, which have host-owned bits. */
void svm_control_reset(struct svm_vcpu *s, uint64_t cr0, uint64_t cr4);
uint64_t svm_cr0(const struct svm_vcpu *s); /* as the guest sees them */
uint64_t svm_cr4(const struct svm_vcpu *s);
/* Emulates a MOV of `value` to CR0 or CR4; false: #GP, and nothing was changed. */
bool svm_write_control(struct svm_vcpu *s, unsigned which, uint64_t value);

void svm_enter(uint64_t *regs, uint64_t vmcb, uint64_t host_vmcb);
#endif
