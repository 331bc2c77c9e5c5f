/* SPDX-License-Identifier: BSD-2-Clause */
/* vmx.h: the fields of the virtual-machine control structure, the controls and the exit reasons
 * (Intel SDM vol. 3, chapter 24 and appendices A to C). */
#ifndef ARCH_HVM_VMX_H
#define ARCH_HVM_VMX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/control_regs.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/hvm/vmx_caps.h"

/* SDM 3, appendix B.  Segment fields are two apart, in the order ES, CS, SS, DS, FS, GS, LDTR,
 * TR. */
enum vmcs_field {
	VMCS_VPID = 0x0000,
	VMCS_GUEST_SELECTOR = 0x0800,
	VMCS_HOST_ES = 0x0c00,
	VMCS_HOST_CS = 0x0c02,
	VMCS_HOST_SS = 0x0c04,
	VMCS_HOST_DS = 0x0c06,
	VMCS_HOST_FS = 0x0c08,
	VMCS_HOST_GS = 0x0c0a,
	VMCS_HOST_TR = 0x0c0c,
	VMCS_IO_BITMAP_A = 0x2000,
	VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_TSC_OFFSET = 0x2010,
	VMCS_EPT_POINTER = 0x201a,
	VMCS_XSS_EXITING = 0x202c,
	VMCS_ENCLS_BITMAP = 0x202e,
	VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,
	VMCS_LINK_POINTER = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,
	VMCS_PIN_CONTROLS = 0x4000,
	VMCS_PROC_CONTROLS = 0x4002,
	VMCS_EXCEPTIONS = 0x4004,
	VMCS_PAGE_FAULT_MASK = 0x4006,
	VMCS_PAGE_FAULT_MATCH = 0x4008,
	VMCS_CR3_TARGETS = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORES = 0x400e,
	VMCS_EXIT_MSR_LOADS = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOADS = 0x4014,
	VMCS_ENTRY_EVENT = 0x4016,
	VMCS_ENTRY_ERROR = 0x4018,
	VMCS_PROC2_CONTROLS = 0x401e,
	VMCS_INSTRUCTION_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_EVENT = 0x4404,
	VMCS_EXIT_ERROR = 0x4406,
	VMCS_VECTORING_EVENT = 0x4408,
	VMCS_VECTORING_ERROR = 0x440a,
	VMCS_EXIT_INSN_LENGTH = 0x440c,
	VMCS_GUEST_LIMIT = 0x4800,
	VMCS_GUEST_GDT_LIMIT = 0x4810,
	VMCS_GUEST_IDT_LIMIT = 0x4812,
	VMCS_GUEST_ATTR = 0x4814,
	VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
	VMCS_GUEST_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_HOST_SYSENTER_CS = 0x4c00,
	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_EXIT_QUALIFICATION = 0x6400,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_BASE = 0x6806,
	VMCS_GUEST_GDT_BASE = 0x6816,
	VMCS_GUEST_IDT_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDT_BASE = 0x6c0c,
	VMCS_HOST_IDT_BASE = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14,
	VMCS_HOST_RIP = 0x6c16,
};

enum vmcs_segment { VMCS_ES, VMCS_CS, VMCS_SS, VMCS_DS, VMCS_FS, VMCS_GS, VMCS_LDTR, VMCS_TR };

#define ATTR_UNUSABLE (1u << 16) /* SDM 3, table 24-2 */
#define ATTR_PRESENT  (1u << 7)

/* Controls that change at run time, or that a VMCS field depends on; vmx_caps.c lists all. */
#define PROC2_RDTSCP          (1u << 3)
#define PROC2_INVPCID         (1u << 12)
#define PROC2_ENCLS           (1u << 15)
#define PROC2_XSAVES          (1u << 20)
#define PROC_INTERRUPT_WINDOW (1u << 2)
#define PROC_NMI_WINDOW       (1u << 22)
#define ENTRY_LONG_GUEST      (1u << 9)

/* Guest interruptibility state (SDM 3, table 24-3) */
#define BLOCKED_BY_STI    (1u << 0)
#define BLOCKED_BY_MOV_SS (1u << 1)
#define BLOCKED_BY_NMI    (1u << 3)

/* Events: entry, exit and vectoring information (SDM 3, 24.8.3, 24.9.2, 24.9.3) */
#define EVENT_VALID          (1u << 31)
#define EVENT_HAS_ERROR      (1u << 11)
#define EVENT_TYPE_MASK      (7u << 8)
#define EVENT_NMI            (2u << 8)
#define EVENT_EXCEPTION      (3u << 8)
#define EVENT_SOFT_INT       (4u << 8) /* INT n; 5: INT1; 6: INT3, INTO */
#define EVENT_PRIV_SOFT      (5u << 8)
#define EVENT_IRET_UNBLOCKED (1u << 12) /* exit: an IRET had unblocked NMIs */

/* SDM 3, appendix C */
#define VMX_EXIT_EXCEPTION        0
#define VMX_EXIT_TRIPLE_FAULT     2
#define VMX_EXIT_INTERRUPT_WINDOW 7
#define VMX_EXIT_NMI_WINDOW       8
#define VMX_EXIT_CPUID            10
#define VMX_EXIT_GETSEC           11
#define VMX_EXIT_INVD             13
#define VMX_EXIT_RDPMC            15
#define VMX_EXIT_VMCALL           18
#define VMX_EXIT_VMCLEAR          19
#define VMX_EXIT_VMXON            27
#define VMX_EXIT_CR               28
#define VMX_EXIT_IO               30
#define VMX_EXIT_RDMSR            31
#define VMX_EXIT_WRMSR            32
#define VMX_EXIT_MWAIT            36
#define VMX_EXIT_MONITOR          39
#define VMX_EXIT_ENTRY_CHECKED    41 /* a machine check during the entry */
#define VMX_EXIT_EPT_VIOLATION    48
#define VMX_EXIT_INVEPT           50
#define VMX_EXIT_INVVPID          53
#define VMX_EXIT_WBINVD           54
#define VMX_EXIT_XSETBV           55
#define VMX_EXIT_ENCLS            60
#define VMX_EXIT_BUS_LOCK         74
#define VMX_EXIT_WITH_BUS_LOCK    (1u << 26) /* with any reason: the instruction took a bus lock */
#define VMX_EXIT_ENTRY_FAILED     (1u << 31)

#define MSR_FEATURE_CONTROL 0x3a
#define MSR_VMX_BASIC       0x480
#define MSR_VMX_PIN         0x481
#define MSR_VMX_CR0_FIXED0  0x486
#define MSR_VMX_CR4_FIXED0  0x488
#define MSR_VMX_PROC2       0x48b
#define MSR_VMX_EPT_VPID    0x48c
#define MSR_VMX_TRUE_PIN    0x48d

static inline uint64_t vmread(enum vmcs_field field)
{
	uint64_t value;

	__asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
	return value;
}

static inline void vmwrite(enum vmcs_field field, uint64_t value)
{
	__asm__ volatile("vmwrite %1, %0" : : "r"((uint64_t)field), "r"(value) : "cc", "memory");
}

/* Common to all guests.  Every port exits, and every MSR except those of hvm_open_msrs(). */
struct vmx_setup {
	struct vmx_controls controls;
	uint64_t cr0_ones, cr4_ones; /* bits fixed to 1 by VMX operation, hidden from the guest */
	uint64_t cr4_offered;        /* bits that the guest may set */
	bool small_fetch;            /* large pages are not executable: CVE-2018-12207 */
	uint8_t *io_bitmaps;
	uint8_t *msr_bitmap[HVM_OWN_SETS]; /* by the set of enum hvm_own */
};

struct hvm_vcpu;
struct cpu_entry;

/* vmcs.c: writes all fields of the core's current VMCS, for a vCPU in the given state with the set
 * `own` of enum hvm_own, and resets the guest registers that no world switch replaces. */
void vmcs_fill(const struct hvm_vcpu *v, const struct cpu_entry *entry, unsigned own,
               const struct vmx_setup *setup);

/* vmx_cpu.c: the hvm_ops of the same names; vmx_revision(): the first word of every VMCS. */
extern struct vmx_setup vmx_setup; /* filled by probe() and the first core_enable() */
enum hvm_found vmx_probe(char *why, size_t size);
unsigned vmx_lacks(void);
const char *vmx_core_enable(struct core *c);
void vmx_core_disable(void);
uint32_t vmx_revision(void);

enum vmx_entered { VMX_EXITED, VMX_KICKED, VMX_REFUSED };

/* vmx_run.asm. */
enum vmx_entered vmx_enter(uint64_t *regs, bool launched);
void vmx_exited(void);
#endif
