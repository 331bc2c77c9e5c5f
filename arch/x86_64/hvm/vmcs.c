/* SPDX-License-Identifier: BSD-2-Clause */
/* Initialises the VMCS of a vCPU: each field that the controls in use make the CPU read
 * (Intel SDM vol. 3, chapter 24). */
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/hvm_vcpu.h"
#include "arch/x86_64/hvm/vmx.h"

#define VPID      1 /* a core runs one vCPU; its translations are flushed when that starts */
#define PAT_RESET 0x0007040600070406ul
#define EPT_WALK  0x1e /* write-back tables of four levels (SDM 3, 24.6.11) */
#define DR6_RESET 0xffff0ff0ul
#define DR7_RESET 0x400ul

static void seg_to_vmcs(enum vmcs_segment which, const struct seg *s)
{
	uint32_t attr = s->attr & ATTR_PRESENT ? s->attr : ATTR_UNUSABLE;

	vmwrite(VMCS_GUEST_SELECTOR + 2 * which, s->selector);
	vmwrite(VMCS_GUEST_ATTR + 2 * which, attr);
	vmwrite(VMCS_GUEST_LIMIT + 2 * which, s->limit);
	vmwrite(VMCS_GUEST_BASE + 2 * which, s->base);
}

static void fill_controls(const struct vmx_setup *s, uint64_t nested_root, unsigned own)
{
	vmwrite(VMCS_PIN_CONTROLS, s->controls.word[VMX_PIN]);
	vmwrite(VMCS_PROC_CONTROLS, s->controls.word[VMX_PROC]);
	vmwrite(VMCS_PROC2_CONTROLS, s->controls.word[VMX_PROC2]);
	vmwrite(VMCS_EXIT_CONTROLS, s->controls.word[VMX_EXIT]);
	if (s->controls.word[VMX_PROC2] & PROC2_ENCLS)
		vmwrite(VMCS_ENCLS_BITMAP, ~0ul);
	/* XSAVES and XRSTORS never exit: no bit of IA32_XSS is ever set */
	if (s->controls.word[VMX_PROC2] & PROC2_XSAVES)
		vmwrite(VMCS_XSS_EXITING, 0);
	/* #DB and #AC: delivering them can loop in microcode for ever (CVE-2015-8104, -5307), and
	 * no NMI gets through meanwhile; #MC belongs to the host. */
	vmwrite(VMCS_EXCEPTIONS, 1u << 1 | 1u << 17 | 1u << 18);
	vmwrite(VMCS_IO_BITMAP_A, (paddr_t)s->io_bitmaps);
	vmwrite(VMCS_IO_BITMAP_B, (paddr_t)s->io_bitmaps + PAGE_SIZE);
	vmwrite(VMCS_MSR_BITMAP, (paddr_t)s->msr_bitmap[own]);
	vmwrite(VMCS_VPID, VPID);
	vmwrite(VMCS_EPT_POINTER, nested_root | EPT_WALK);
	vmwrite(VMCS_LINK_POINTER, ~0ul);
	vmwrite(VMCS_CR0_MASK, s->cr0_ones | CR0_CACHE);
	vmwrite(VMCS_CR4_MASK, s->cr4_ones | CR4_MCE | ~s->cr4_offered);
}

/* Host state that an exit loads, as #VMEXIT and VMLOAD do on SVM. */
static void fill_host(struct core *c)
{
	struct cpu_tables t = cpu_tables(c);

	vmwrite(VMCS_HOST_CR0, read_cr0());
	vmwrite(VMCS_HOST_CR3, read_cr3());
	vmwrite(VMCS_HOST_CR4, read_cr4());
	vmwrite(VMCS_HOST_ES, t.data);
	vmwrite(VMCS_HOST_CS, t.code);
	vmwrite(VMCS_HOST_SS, t.data);
	vmwrite(VMCS_HOST_DS, t.data);
	vmwrite(VMCS_HOST_TR, t.task);
	vmwrite(VMCS_HOST_GS_BASE, (uint64_t)c);
	vmwrite(VMCS_HOST_TR_BASE, t.tss);
	vmwrite(VMCS_HOST_GDT_BASE, t.gdt);
	vmwrite(VMCS_HOST_IDT_BASE, t.idt);
	vmwrite(VMCS_HOST_PAT, rdmsr(MSR_PAT));
	vmwrite(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(VMCS_HOST_RIP, (uint64_t)vmx_exited);
}

/* Registers that no world switch replaces: the guest uses the core's own, and the VMM does not use
 * them. */
static void reset_core_registers(void)
{
	static const uint32_t msr[] = {0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102};

	for (unsigned i = 0; i < sizeof msr / sizeof msr[0]; i++)
		wrmsr(msr[i], 0);
	write_cr2(0);
	write_dr6(DR6_RESET);
}

static void fill_segments(const struct cpu_entry *e)
{
	static const struct seg tr = {.attr = SEG_TSS, .limit = 0xffff};
	static const struct seg ldtr = {.attr = SEG_LDT, .limit = 0xffff};

	seg_to_vmcs(VMCS_ES, &e->es);
	seg_to_vmcs(VMCS_CS, &e->cs);
	seg_to_vmcs(VMCS_SS, &e->ss);
	seg_to_vmcs(VMCS_DS, &e->ds);
	seg_to_vmcs(VMCS_FS, &e->fs);
	seg_to_vmcs(VMCS_GS, &e->gs);
	seg_to_vmcs(VMCS_LDTR, &ldtr);
	seg_to_vmcs(VMCS_TR, &tr);
	vmwrite(VMCS_GUEST_GDT_LIMIT, e->gdt.limit);
	vmwrite(VMCS_GUEST_GDT_BASE, e->gdt.base);
	vmwrite(VMCS_GUEST_IDT_LIMIT, e->idt.limit);
	vmwrite(VMCS_GUEST_IDT_BASE, e->idt.base);
}

static void fill_guest(const struct vmx_setup *s, const struct cpu_entry *e)
{
	bool is_long = (e->efer & EFER_LME) && (e->cr0 & CR0_PG);

	vmwrite(VMCS_ENTRY_CONTROLS,
	        s->controls.word[VMX_ENTRY] | (is_long ? ENTRY_LONG_GUEST : 0));
	vmwrite(VMCS_GUEST_EFER, e->efer | (is_long ? EFER_LMA : 0));
	vmwrite(VMCS_GUEST_CR0, (e->cr0 & ~CR0_CACHE) | s->cr0_ones);
	vmwrite(VMCS_CR0_SHADOW, e->cr0);
	vmwrite(VMCS_GUEST_CR3, e->cr3);
	vmwrite(VMCS_GUEST_CR4, e->cr4 | s->cr4_ones | CR4_MCE);
	vmwrite(VMCS_CR4_SHADOW, e->cr4);
	vmwrite(VMCS_GUEST_PAT, PAT_RESET);
	vmwrite(VMCS_GUEST_DR7, DR7_RESET);
	vmwrite(VMCS_GUEST_RFLAGS, e->rflags | 2);
	vmwrite(VMCS_GUEST_RIP, e->rip);
	vmwrite(VMCS_GUEST_RSP, e->rsp);
}

/* The fields of a new VMCS are undefined, even in a zeroed page (SDM 3, 24.11.3). */
static void fill_zeroes(void)
{
	static const uint16_t zero[] = {
	    VMCS_HOST_FS,
	    VMCS_HOST_GS,
	    VMCS_TSC_OFFSET,
	    VMCS_GUEST_DEBUGCTL,
	    VMCS_PAGE_FAULT_MASK,
	    VMCS_PAGE_FAULT_MATCH,
	    VMCS_CR3_TARGETS,
	    VMCS_EXIT_MSR_STORES,
	    VMCS_EXIT_MSR_LOADS,
	    VMCS_ENTRY_MSR_LOADS,
	    VMCS_ENTRY_EVENT,
	    VMCS_GUEST_INTERRUPTIBILITY,
	    VMCS_GUEST_ACTIVITY,
	    VMCS_GUEST_PENDING_DEBUG,
	    VMCS_GUEST_SYSENTER_CS,
	    VMCS_GUEST_SYSENTER_ESP,
	    VMCS_GUEST_SYSENTER_EIP,
	    VMCS_HOST_SYSENTER_CS,
	    VMCS_HOST_SYSENTER_ESP,
	    VMCS_HOST_SYSENTER_EIP,
	    VMCS_HOST_FS_BASE,
	};

	for (unsigned i = 0; i < sizeof zero / sizeof zero[0]; i++)
		vmwrite(zero[i], 0);
}

void vmcs_fill(const struct hvm_vcpu *v, const struct cpu_entry *e, unsigned own,
               const struct vmx_setup *s)
{
	fill_zeroes();
	fill_controls(s, v->nested_root, own);
	fill_host(v->core);
	reset_core_registers();
	fill_segments(e);
	fill_guest(s, e);
}
