/* SPDX-License-Identifier: BSD-2-Clause */
/* hvm.h for AMD SVM (AMD APM vol. 2, chapter 15): only translates exits. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/hvm/hvm_vcpu.h"
#include "arch/x86_64/hvm/npt.h"
#include "arch/x86_64/hvm/svm.h"
#include "arch/x86_64/lapic.h"
#include "lib/mem.h"

#define IOPM_SIZE  (3 * PAGE_SIZE)
#define MSRPM_SIZE (2 * PAGE_SIZE)
#define ASID       1 /* a core runs one vCPU; its translations are flushed when that starts */
#define PAT_RESET  0x0007040600070406ul

/* For all guests: every port exits, and every MSR except those of hvm_open_msrs(): one MSR map for
 * each set of enum hvm_own. */
static uint8_t *iopm, *msrpm[HVM_OWN_SETS];

static bool has_v_spec_ctrl; /* SPEC_CTRL is switched by the CPU */

/* --- I/O and MSR permission maps ------------------------------------------------------------ */

static void open_msr(uint8_t *map, uint32_t msr, bool read, bool write)
{
	uint32_t bit = (msr & 0x1fff) * 2;
	uint8_t *byte = map + (msr < 0x2000 ? 0 : 0x800) + bit / 8;

	*byte = (uint8_t)(*byte & ~(((read ? 1u : 0) | (write ? 2u : 0)) << bit % 8));
}

static bool maps_init(void)
{
	iopm = (void *)mem_alloc(IOPM_SIZE, PAGE_SIZE, 0);
	if (!iopm)
		return false;
	memset(iopm, 0xff, IOPM_SIZE);
	for (unsigned own = 0; own < HVM_OWN_SETS; own++) {
		msrpm[own] = (void *)mem_alloc(MSRPM_SIZE, PAGE_SIZE, 0);
		if (!msrpm[own])
			return false;
		memset(msrpm[own], 0xff, MSRPM_SIZE);
		hvm_open_msrs(open_msr, msrpm[own], own);
	}
	return true;
}

/* --- the CPU -------------------------------------------------------------------------------- */

static enum hvm_found svm_probe(char *why, size_t size)
{
	if (cpuid(0x80000000, 0).eax < 0x8000000a || !(cpuid(0x80000001, 0).ecx & 1u << 2))
		return HVM_ABSENT;
	if (!(cpuid(0x8000000a, 0).edx & 1)) {
		snprintf(why, size, "this CPU's SVM has no nested paging: Patio needs it");
		return HVM_UNUSABLE;
	}
	has_v_spec_ctrl = cpuid(0x8000000a, 0).edx & SVM_EDX_V_SPEC_CTRL;
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS) {
		snprintf(why, size, "SVM is locked off (VM_CR.SVMDIS): enable SVM in the firmware");
		return HVM_UNUSABLE;
	}
	return HVM_USABLE;
}

/* The first page is VMRUN's host save area, the second holds the host state saved by VMSAVE. */
static const char *svm_core_enable(struct core *c)
{
	void *pages = msrpm[HVM_OWN_SETS - 1] || maps_init() ? mem_zalloc(2 * PAGE_SIZE) : NULL;

	if (!pages)
		return "not enough memory for the core's host state";
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, (paddr_t)pages);
	c->hvm_host = (paddr_t)pages + PAGE_SIZE;
	__asm__ volatile("vmsave %0" : : "a"(c->hvm_host) : "memory");
	return NULL;
}

static void svm_core_disable(void)
{
	uint64_t efer = rdmsr(MSR_EFER);

	if (!(efer & EFER_SVME))
		return;
	__asm__ volatile("stgi");
	wrmsr(MSR_EFER, efer & ~(uint64_t)EFER_SVME);
}

/* --- a vCPU --------------------------------------------------------------------------------- */

static struct svm_vcpu *svm_of(const struct hvm_vcpu *v)
{
	return v->vendor;
}

static struct vmcb_seg seg_to_vmcb(const struct seg *s)
{
	return (struct vmcb_seg){s->selector, seg_attr_packed(s->attr), s->limit, s->base};
}

static void reset_control(struct vmcb *b, uint64_t nested_root)
{
	/* #DB and #AC: delivering them can loop in microcode for ever (CVE-2015-8104, -5307), and
	 * no NMI gets through meanwhile; #MC belongs to the host. */
	b->intercept_exceptions = 1u << 1 | 1u << 17 | 1u << 18;
	b->intercept3 = ICPT3_NMI | ICPT3_INIT | ICPT3_CR0_SEL | ICPT3_RDPMC | ICPT3_CPUID |
	                ICPT3_INVD | ICPT3_INVLPGA | ICPT3_IOIO | ICPT3_MSR | ICPT3_FERR |
	                ICPT3_SHUTDOWN;
	b->intercept4 = ICPT4_VMRUN | ICPT4_VMMCALL | ICPT4_VMLOAD | ICPT4_VMSAVE | ICPT4_STGI |
	                ICPT4_CLGI | ICPT4_SKINIT | ICPT4_WBINVD | ICPT4_MONITOR | ICPT4_MWAIT |
	                ICPT4_MWAIT_ARMED | ICPT4_XSETBV | ICPT4_RDPRU;
	b->intercept5 = ICPT5_INVLPGB | ICPT5_INVLPGB_ILLEGAL | ICPT5_MCOMMIT | ICPT5_TLBSYNC;
	if (cpuid(0x8000000a, 0).edx & SVM_EDX_BUS_LOCK)
		b->intercept5 |= ICPT5_BUS_LOCK;
	b->iopm_base = (paddr_t)iopm;
	b->asid = ASID;
	b->tlb_control = TLB_FLUSH_ALL;
	b->nested_control = 1;
	b->nested_cr3 = nested_root;
	b->g_pat = PAT_RESET;
}

/* VMRUN does it (APM 2, 15.16.1). */
static void svm_flush(struct hvm_vcpu *v)
{
	svm_of(v)->vmcb.tlb_control = TLB_FLUSH_ALL;
}

static void svm_own_msrs(struct hvm_vcpu *v, unsigned own)
{
	own |= has_v_spec_ctrl ? HVM_OWN_SPEC_CTRL : 0u;
	svm_of(v)->vmcb.msrpm_base = (paddr_t)msrpm[own];
}

static void svm_reset(struct hvm_vcpu *v, const struct cpu_entry *e, unsigned own)
{
	struct vmcb *b = &svm_of(v)->vmcb;

	memset(svm_of(v), 0, sizeof(struct svm_vcpu));
	reset_control(b, v->nested_root);
	svm_own_msrs(v, own);
	b->seg[HVM_ES] = seg_to_vmcb(&e->es);
	b->seg[HVM_CS] = seg_to_vmcb(&e->cs);
	b->seg[HVM_SS] = seg_to_vmcb(&e->ss);
	b->seg[HVM_DS] = seg_to_vmcb(&e->ds);
	b->seg[HVM_FS] = seg_to_vmcb(&e->fs);
	b->seg[HVM_GS] = seg_to_vmcb(&e->gs);
	b->gdtr = (struct vmcb_seg){.limit = e->gdt.limit, .base = e->gdt.base};
	b->idtr = (struct vmcb_seg){.limit = e->idt.limit, .base = e->idt.base};
	b->tr = (struct vmcb_seg){.attr = SEG_TSS, .limit = 0xffff};
	b->ldtr = (struct vmcb_seg){.attr = SEG_LDT, .limit = 0xffff};
	svm_control_reset(svm_of(v), e->cr0, e->cr4);
	b->cr3 = e->cr3;
	/* VMRUN requires LMA to be set with LME and PG, as the CPU would set it */
	b->efer = e->efer | EFER_SVME | ((e->efer & EFER_LME) && (e->cr0 & CR0_PG) ? EFER_LMA : 0);
	b->dr6 = 0xffff0ff0;
	b->dr7 = 0x400;
	b->rflags = e->rflags | 2;
	b->rip = e->rip;
	memset(v->regs, 0, sizeof v->regs);
	v->regs[REG_RAX] = e->rax;
	v->regs[REG_RBX] = e->rbx;
	v->regs[REG_RSI] = e->rsi;
	v->regs[REG_RSP] = e->rsp;
}

/* Nothing to do: between runs the CPU caches no part of a VMCB that must be written back. */
static void svm_leave(struct hvm_vcpu *v)
{
	(void)v;
}

/* SVM has no NMI-window exit: the guest single-steps one instruction with TF set instead. */
static void start_single_step(struct svm_vcpu *s)
{
	if (s->stepping)
		return;
	s->stepping = true;
	s->step_rflags = s->vmcb.rflags;
	s->step_dr6 = s->vmcb.dr6;
	s->vmcb.rflags |= RFLAGS_TF;
}

static void end_single_step(struct svm_vcpu *s)
{
	s->stepping = s->at_iret = false;
	if (!(s->step_rflags & RFLAGS_TF))
		s->vmcb.rflags &= ~RFLAGS_TF;
}

/* Handles the #DB of our single step; true when the guest is to get the #DB as well. */
static bool finish_single_step(struct svm_vcpu *s)
{
	struct vmcb *b = &s->vmcb;
	bool guests = (s->step_rflags & RFLAGS_TF) || (b->dr6 & ~s->step_dr6 & DR6_OTHERS);

	end_single_step(s);
	if (!guests)
		b->dr6 = s->step_dr6;
	return guests;
}

static uint64_t *vmcb_field(struct vmcb *b, enum hvm_state what)
{
	switch (what) {
	case HVM_RIP:
		return &b->rip;
	case HVM_RFLAGS:
		return &b->rflags;
	case HVM_CR2:
		return &b->cr2;
	case HVM_EFER:
		return &b->efer;
	case HVM_DR6:
		return &b->dr6;
	case HVM_PAT:
		return &b->g_pat;
	case HVM_TSC_OFFSET:
		return &b->tsc_offset;
	case HVM_CR3:
		return &b->cr3;
	case HVM_EXIT_CODE:
		return &b->exit_code;
	case HVM_EXIT_INFO1:
		return &b->exit_info1;
	case HVM_EXIT_INFO2:
		return &b->exit_info2;
	default: /* CR0 and CR4, which have host-owned bits; CPL, which is a byte */
		return NULL;
	}
}

static uint64_t svm_get(const struct hvm_vcpu *v, enum hvm_state what)
{
	struct vmcb *b = &svm_of(v)->vmcb;
	const uint64_t *place = vmcb_field(b, what);

	if (!place)
		return what == HVM_CR0   ? svm_cr0(svm_of(v))
		       : what == HVM_CR4 ? svm_cr4(svm_of(v))
		                         : b->cpl;
	return what == HVM_EFER ? *place & ~(uint64_t)EFER_SVME : *place;
}

/* The instruction was completed, which ends the shadow of STI or MOV SS. */
static void end_instruction(struct svm_vcpu *s)
{
	s->vmcb.interrupt_shadow = 0;
	if (s->stepping)
		end_single_step(s);
}

static void svm_set(struct hvm_vcpu *v, enum hvm_state what, uint64_t value)
{
	if (what == HVM_EFER)
		value |= EFER_SVME;
	*vmcb_field(&svm_of(v)->vmcb, what) = value;
	if (what == HVM_RIP)
		end_instruction(svm_of(v));
}

static uint64_t svm_skip(struct hvm_vcpu *v, uint8_t len)
{
	struct svm_vcpu *s = svm_of(v);

	s->vmcb.rip += len;
	end_instruction(s);
	return s->vmcb.rflags;
}

static bool svm_set_control(struct hvm_vcpu *v, unsigned which, uint64_t value)
{
	return svm_write_control(svm_of(v), which, value);
}

static void svm_get_seg(const struct hvm_vcpu *v, enum hvm_seg which, struct seg *out)
{
	const struct vmcb_seg *s = &svm_of(v)->vmcb.seg[which];

	*out = (struct seg){s->selector, seg_attr_unpacked(s->attr), s->limit, s->base};
}

static void svm_inject_exception(struct hvm_vcpu *v, uint8_t vector, bool has_error, uint32_t error)
{
	svm_of(v)->vmcb.event_inject = vector | EVENT_EXCEPTION | EVENT_VALID |
	                               (has_error ? EVENT_HAS_ERROR | (uint64_t)error << 32 : 0);
}

/*
 * An NMI must wait while the guest is in its NMI handler: the IRET intercept exits before the IRET,
 * and one single step completes it.  It must also wait in the shadow of STI or MOV SS, which a step
 * ends too, and while another event is being injected.
 */
static bool svm_inject_nmi(struct hvm_vcpu *v)
{
	struct svm_vcpu *s = svm_of(v);
	struct vmcb *b = &s->vmcb;

	if (s->in_nmi)
		return false;
	if (b->event_inject & EVENT_VALID) {
		s->call_back = true;
		return false;
	}
	if ((s->at_iret && b->rip == s->iret_rip) || b->interrupt_shadow) {
		start_single_step(s);
		return false;
	}
	s->at_iret = false;
	b->event_inject = VECTOR_NMI | EVENT_NMI | EVENT_VALID;
	b->intercept3 |= ICPT3_IRET;
	s->in_nmi = true;
	return true;
}

/* --- exits ---------------------------------------------------------------------------------- */

/* EXITINFO1 of IOIO: bit 0 IN, 2 string, 3 REP, 4-6 size, 16-31 port (APM 2, 15.10.2). */
static void exit_io(const struct vmcb *b, struct vmexit *e)
{
	uint32_t info = (uint32_t)b->exit_info1;

	e->kind = VMEXIT_io;
	e->insn_len = (uint8_t)(b->exit_info2 - b->rip);
	e->io.port = (uint16_t)(info >> 16);
	e->io.size = info >> 4 & 7;
	e->io.in = info & 1;
	e->io.string = info & 4;
	e->io.rep = info & 8;
}

/* EXITINFO1 of #NPF: a page-fault error code; bit 33: the access was to the guest's page tables. */
static void exit_npf(const struct vmcb *b, struct vmexit *e)
{
	e->kind = VMEXIT_memory;
	e->memory.gpa = b->exit_info2;
	e->memory.write = b->exit_info1 & 2;
	e->memory.fetch = b->exit_info1 & 16;
	e->memory.page_table = b->exit_info1 >> 33 & 1;
	e->memory.event = b->exit_int_info & EVENT_VALID;
}

static void exit_raw(const struct vmcb *b, struct vmexit *e)
{
	e->kind = VMEXIT_raw;
	e->raw.code = b->exit_code;
	e->raw.info1 = b->exit_info1;
	e->raw.info2 = b->exit_info2;
}

static void exit_exception(struct svm_vcpu *s, struct vmexit *e, uint8_t vector)
{
	const struct vmcb *b = &s->vmcb;

	if (vector == VECTOR_MC) {
		e->kind = VMEXIT_machine_check;
		return;
	}
	if (vector == VECTOR_DB && s->stepping && !finish_single_step(s)) {
		e->kind = VMEXIT_nmi_window;
		return;
	}
	e->kind = VMEXIT_exception;
	e->exception.vector = vector;
	e->exception.has_error = vector == VECTOR_AC;
	e->exception.error = (uint32_t)b->exit_info1;
}

/* An x87 error with CR0.NE = 0 freezes the core until an interrupt from external error logic, which
 * no guest has: the guest gets #MF instead, as with NE = 1 and on VT-x. */
static void exit_ferr(struct vmexit *e)
{
	e->kind = VMEXIT_exception;
	e->exception.vector = VECTOR_MF;
	e->exception.has_error = false;
	e->exception.error = 0;
}

/* The exit precedes the instruction; with the counter at 1 it then completes (APM 2, 15.14.5). */
static void exit_bus_lock(struct svm_vcpu *s, struct vmexit *e)
{
	s->vmcb.bus_lock_counter = 1;
	e->kind = VMEXIT_bus_lock;
}

/* Exits of instructions that guests do not have. */
static bool is_forbidden(uint32_t code)
{
	switch (code) {
	case SVM_EXIT_INVLPGA:
	case SVM_EXIT_VMRUN:
	case SVM_EXIT_VMMCALL + 1 ... SVM_EXIT_SKINIT:
	case SVM_EXIT_MONITOR ... SVM_EXIT_MWAIT_ARMED:
	case SVM_EXIT_RDPRU:
	case SVM_EXIT_INVLPGB:
	case SVM_EXIT_ILLEGAL:
	case SVM_EXIT_MCOMMIT:
	case SVM_EXIT_TLBSYNC:
		return true;
	default:
		return false;
	}
}

/* Decode assists may be missing, so the instruction is decoded to find register and value. */
static void exit_control(struct vmexit *e)
{
	e->kind = VMEXIT_control;
	e->control.decode = true;
}

static void exit_iret(struct svm_vcpu *s, struct vmexit *e)
{
	s->vmcb.intercept3 &= ~ICPT3_IRET;
	s->in_nmi = false;
	s->at_iret = true;
	s->iret_rip = s->vmcb.rip;
	e->kind = VMEXIT_nmi_window;
}

static void set_exit(struct vmexit *e, enum vmexit_kind kind, uint8_t insn_len)
{
	e->kind = kind;
	e->insn_len = insn_len;
}

/* Without NRIPS the CPU gives no next RIP: lengths are those of the plain encodings (APM 3). */
static void translate(struct hvm_vcpu *v, struct vmexit *e)
{
	struct svm_vcpu *s = svm_of(v);
	const struct vmcb *b = &s->vmcb;
	uint32_t code = (uint32_t)b->exit_code;

	e->insn_len = 0;
	if (code == SVM_EXIT_IOIO)
		exit_io(b, e);
	else if (code == SVM_EXIT_NMI)
		e->kind = VMEXIT_kick;
	else if (code == SVM_EXIT_MSR) {
		set_exit(e, VMEXIT_msr, 2);
		e->msr.write = b->exit_info1;
	} else if (code == SVM_EXIT_NPF)
		exit_npf(b, e);
	else if (code == SVM_EXIT_CPUID)
		set_exit(e, VMEXIT_cpuid, 2);
	else if (code == SVM_EXIT_VMMCALL)
		set_exit(e, VMEXIT_hypercall, 3);
	else if (code == SVM_EXIT_XSETBV)
		set_exit(e, VMEXIT_xsetbv, 3);
	else if (code == SVM_EXIT_INVD || code == SVM_EXIT_WBINVD)
		set_exit(e, VMEXIT_cache, 0); /* WBNOINVD has a prefix */
	else if (code == SVM_EXIT_CR0_SEL || code < SVM_EXIT_CR_WRITE + 16)
		exit_control(e);
	else if (code == SVM_EXIT_RDPMC)
		e->kind = VMEXIT_privileged;
	else if (code == SVM_EXIT_SHUTDOWN)
		e->kind = VMEXIT_shutdown;
	else if (code == SVM_EXIT_IRET)
		exit_iret(s, e);
	else if (code == SVM_EXIT_INVALID)
		set_exit(e, VMEXIT_invalid, 0);
	else if (is_forbidden(code))
		e->kind = VMEXIT_forbidden;
	else if (code == SVM_EXIT_FERR)
		exit_ferr(e);
	else if (code == SVM_EXIT_BUS_LOCK)
		exit_bus_lock(s, e);
	else if (code >= SVM_EXIT_EXCP0 && code < SVM_EXIT_EXCP0 + 32)
		exit_exception(s, e, (uint8_t)(code - SVM_EXIT_EXCP0));
	else
		exit_raw(b, e);
}

/*
 * Injects again an event whose delivery the exit interrupted (APM 2, 15.7.2).  Only bit 31 is valid
 * without an event: emulators leave old bits below it.  Software interrupts (INT n, INT3, INTO) are
 * not injected: RIP still points at the instruction, which is executed again, so that the return
 * address is right.
 */
static void reinject(struct vmcb *b)
{
	uint64_t event = b->exit_int_info, type = event & EVENT_TYPE_MASK;
	uint8_t vector = (uint8_t)event;
	bool soft = type == EVENT_SOFT_INT ||
	            (type == EVENT_EXCEPTION && (vector == VECTOR_BP || vector == VECTOR_OF));

	b->event_inject = (event & EVENT_VALID) && !soft ? event : 0;
}

static void svm_run(struct hvm_vcpu *v, struct vmexit *e)
{
	struct svm_vcpu *s = svm_of(v);
	struct vmcb *b = &s->vmcb;
	struct core *c = v->core;

	__asm__ volatile("clgi" ::: "memory");
	if (atomic_load_explicit(&c->attention, memory_order_relaxed)) {
		__asm__ volatile("stgi" ::: "memory");
		set_exit(e, VMEXIT_kick, 0);
		return;
	}
	/* GIF = 0 holds this NMI pending: VMRUN injects its event, then exits for the NMI. */
	if (s->call_back)
		lapic_ipi(c->apic_id, ICR_NMI);
	s->call_back = false;
	b->rax = v->regs[REG_RAX];
	b->rsp = v->regs[REG_RSP];
	spec_ctrl_enter(&v->spec_ctrl, write_spec_ctrl);
	svm_enter(v->regs, (paddr_t)b, c->hvm_host);
	spec_ctrl_leave(&v->spec_ctrl, read_spec_ctrl, write_spec_ctrl);
	v->regs[REG_RAX] = b->rax;
	v->regs[REG_RSP] = b->rsp;
	__asm__ volatile("stgi" ::: "memory");
	b->tlb_control = 0;
	reinject(b);
	translate(v, e);
}

static bool gib_pages(void)
{
	return cpuid(0x80000001, 0).edx & 1u << 26;
}

/* SVM has no controls that enable single instructions. */
static unsigned svm_lacks(void)
{
	return 0;
}

/* AMD CPUs do not have CVE-2018-12207. */
static bool small_fetch(void)
{
	return false;
}

/* Nested entries are looked up as user accesses: without U every one faults (APM 2, 15.25.5). */
static const struct npt_format npt_format = {
    .present = 1,
    .large = 0x80,
    .table = 7,
    .ram = 7,
    .device = 7 | 0x18 | 1ul << 63,
    .shown = 5 | 1ul << 63,
    .shared = 7 | 1ul << 63,
    .gib_pages = gib_pages,
    .small_fetch = small_fetch,
};

const struct hvm_ops svm_ops = {
    .name = "AMD SVM",
    .npt = &npt_format,
    .vcpu_size = sizeof(struct svm_vcpu),
    .probe = svm_probe,
    .lacks = svm_lacks,
    .core_enable = svm_core_enable,
    .core_disable = svm_core_disable,
    .reset = svm_reset,
    .leave = svm_leave,
    .run = svm_run,
    .get = svm_get,
    .set = svm_set,
    .skip = svm_skip,
    .set_control = svm_set_control,
    .get_seg = svm_get_seg,
    .flush = svm_flush,
    .own_msrs = svm_own_msrs,
    .inject_exception = svm_inject_exception,
    .inject_nmi = svm_inject_nmi,
};
