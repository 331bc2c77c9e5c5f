/* SPDX-License-Identifier: BSD-2-Clause */
/* hvm.h for Intel VT-x (Intel SDM vol. 3, chapters 23 to 28): only translates exits. */
#include <string.h>
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/hvm/hvm_vcpu.h"
#include "arch/x86_64/hvm/npt.h"
#include "arch/x86_64/hvm/vmx.h"

#define DR7_GD (1ul << 13)

struct vmx_vcpu {
	uint8_t vmcs[PAGE_SIZE]; /* first: page-aligned */
	bool launched;           /* entered since its VMCLEAR */
	bool event_queued;       /* to be injected by the next entry */
	bool refused;            /* the last VM entry failed (VMfail) */
};

/* --- a vCPU --------------------------------------------------------------------------------- */

static struct vmx_vcpu *vmx_of(const struct hvm_vcpu *v)
{
	return v->vendor;
}

static void vmclear(paddr_t vmcs)
{
	__asm__ volatile("vmclear %0" : : "m"(vmcs) : "cc", "memory");
}

static void vmptrld(paddr_t vmcs)
{
	__asm__ volatile("vmptrld %0" : : "m"(vmcs) : "cc", "memory");
}

/* Flushes all guests' translations on this core (SDM 3, 28.3.3.1). */
static void flush_all(void)
{
	struct {
		uint64_t what, address;
	} none = {0, 0};

	__asm__ volatile("invept %0, %1" : : "m"(none), "r"(2ul) : "cc", "memory");
	__asm__ volatile("invvpid %0, %1" : : "m"(none), "r"(2ul) : "cc", "memory");
}

/* The first VMCLEAR is for a region that this core still has active from an earlier run. */
static void vmx_reset(struct hvm_vcpu *v, const struct cpu_entry *e, unsigned own)
{
	struct vmx_vcpu *x = vmx_of(v);
	uint32_t revision = vmx_revision();

	vmclear((paddr_t)x);
	memset(x, 0, sizeof *x);
	memcpy(x->vmcs, &revision, sizeof revision);
	vmclear((paddr_t)x);
	vmptrld((paddr_t)x);
	flush_all();
	vmcs_fill(v, e, own, &vmx_setup);
	memset(v->regs, 0, sizeof v->regs);
	v->regs[REG_RAX] = e->rax;
	v->regs[REG_RBX] = e->rbx;
	v->regs[REG_RSI] = e->rsi;
	v->regs[REG_RSP] = e->rsp;
}

static void vmx_flush(struct hvm_vcpu *v)
{
	(void)v;
	flush_all();
}

static void vmx_own_msrs(struct hvm_vcpu *v, unsigned own)
{
	(void)v;
	vmwrite(VMCS_MSR_BITMAP, (paddr_t)vmx_setup.msr_bitmap[own]);
}

/* Until VMCLEAR the core may cache parts of the VMCS (SDM 3, 24.11.1). */
static void vmx_leave(struct hvm_vcpu *v)
{
	vmclear((paddr_t)vmx_of(v));
}

static enum vmcs_field state_field(enum hvm_state what)
{
	switch (what) {
	case HVM_RIP:
		return VMCS_GUEST_RIP;
	case HVM_RFLAGS:
		return VMCS_GUEST_RFLAGS;
	case HVM_EFER:
		return VMCS_GUEST_EFER;
	case HVM_PAT:
		return VMCS_GUEST_PAT;
	case HVM_TSC_OFFSET:
		return VMCS_TSC_OFFSET;
	case HVM_CR3:
		return VMCS_GUEST_CR3;
	case HVM_EXIT_CODE:
		return VMCS_EXIT_REASON;
	case HVM_EXIT_INFO1:
		return VMCS_EXIT_QUALIFICATION;
	default:
		return VMCS_GUEST_PHYSICAL_ADDRESS;
	}
}

/* The guest's view: host-owned bits come from the shadow, as the guest last wrote them. */
static uint64_t control_register(enum vmcs_field real, enum vmcs_field mask, enum vmcs_field shadow)
{
	uint64_t hosts = vmread(mask);

	return (vmread(real) & ~hosts) | (vmread(shadow) & hosts);
}

static uint64_t vmx_get(const struct hvm_vcpu *v, enum hvm_state what)
{
	if (what == HVM_CR0)
		return control_register(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW);
	if (what == HVM_CR4)
		return control_register(VMCS_GUEST_CR4, VMCS_CR4_MASK, VMCS_CR4_SHADOW);
	if (what == HVM_CR2)
		return read_cr2();
	if (what == HVM_DR6)
		return read_dr6();
	if (what == HVM_CPL)
		return vmread(VMCS_GUEST_ATTR + 2 * VMCS_SS) >> 5 & 3;
	if (what == HVM_EXIT_INFO1 && vmx_of(v)->refused)
		return vmread(VMCS_INSTRUCTION_ERROR);
	return vmread(state_field(what));
}

/* Clears blocking of interrupts or NMIs, which ends with the completed instruction. */
static void clear_blocking(uint32_t what)
{
	uint64_t blocked = vmread(VMCS_GUEST_INTERRUPTIBILITY);

	if (blocked & what)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY, blocked & ~(uint64_t)what);
}

static void vmx_set(struct hvm_vcpu *v, enum hvm_state what, uint64_t value)
{
	(void)v;
	if (what == HVM_CR2)
		write_cr2(value);
	else if (what == HVM_DR6)
		write_dr6(value);
	else
		vmwrite(state_field(what), value);
	if (what == HVM_RIP)
		clear_blocking(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
}

static uint64_t vmx_skip(struct hvm_vcpu *v, uint8_t len)
{
	vmx_set(v, HVM_RIP, vmread(VMCS_GUEST_RIP) + len);
	return vmread(VMCS_GUEST_RFLAGS);
}

static void vmx_get_seg(const struct hvm_vcpu *v, enum hvm_seg which, struct seg *out)
{
	(void)v;
	*out = (struct seg){(uint16_t)vmread(VMCS_GUEST_SELECTOR + 2 * which),
	                    (uint16_t)vmread(VMCS_GUEST_ATTR + 2 * which),
	                    (uint32_t)vmread(VMCS_GUEST_LIMIT + 2 * which),
	                    vmread(VMCS_GUEST_BASE + 2 * which)};
}

static void queue_event(struct vmx_vcpu *x, uint32_t event, uint64_t error)
{
	vmwrite(VMCS_ENTRY_EVENT, event);
	if (event & EVENT_HAS_ERROR)
		vmwrite(VMCS_ENTRY_ERROR, error);
	x->event_queued = true;
}

/*
 * In real mode exceptions have no error code: an entry with one fails.  Delivery ends the shadow of
 * STI or MOV SS, so it is cleared here: with the shadow and TF set, an entry fails unless a debug
 * trap is pending, and that of a step over STI no longer is (SDM 3, 26.3.1.5).
 */
static void vmx_inject_exception(struct hvm_vcpu *v, uint8_t vector, bool has_error, uint32_t error)
{
	clear_blocking(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
	has_error = has_error && (vmread(VMCS_GUEST_CR0) & CR0_PE);
	queue_event(vmx_of(v),
	            vector | EVENT_EXCEPTION | EVENT_VALID | (has_error ? EVENT_HAS_ERROR : 0),
	            error);
}

/* Selects the window exit with which to wait for an NMI: a PROC_ bit, or 0 for none. */
static void request_window_exit(uint32_t control)
{
	vmwrite(VMCS_PROC_CONTROLS, vmx_setup.controls.word[VMX_PROC] | control);
}

/*
 * An NMI must wait while the guest is in its NMI handler, in the shadow of STI or MOV SS, or while
 * another event is injected: the NMI-window exit tells when it need not.  But a CPU may take that
 * exit in the shadow of STI too, repeatedly (SDM 3, 25.2).  Interrupts are on there, so the
 * interrupt-window exit is used: it comes after the next instruction.
 */
static bool vmx_inject_nmi(struct hvm_vcpu *v)
{
	struct vmx_vcpu *x = vmx_of(v);
	uint64_t blocked = vmread(VMCS_GUEST_INTERRUPTIBILITY);

	if (x->event_queued || blocked) {
		bool sti = !x->event_queued && blocked == BLOCKED_BY_STI;

		request_window_exit(sti ? PROC_INTERRUPT_WINDOW : PROC_NMI_WINDOW);
		return false;
	}
	queue_event(x, VECTOR_NMI | EVENT_NMI | EVENT_VALID, 0);
	return true;
}

/* --- exits ---------------------------------------------------------------------------------- */

/* Qualification: bits 0-2 size less 1, 3 IN, 4 string, 5 REP, 16-31 port (SDM 3, table 27-5). */
static void exit_io(struct vmexit *e)
{
	uint32_t info = (uint32_t)vmread(VMCS_EXIT_QUALIFICATION);

	e->kind = VMEXIT_io;
	e->insn_len = (uint8_t)vmread(VMCS_EXIT_INSN_LENGTH);
	e->io.port = (uint16_t)(info >> 16);
	e->io.size = (info & 7) + 1;
	e->io.in = info & 8;
	e->io.string = info & 16;
	e->io.rep = info & 32;
}

/* Qualification: bit 1 write, 2 fetch, 3 the page can be read, 5 be executed, 7 there is a linear
 * address, 8 the access was to that address, not to the guest's page tables (SDM 3, table 27-7).
 */
static void exit_ept(struct vmexit *e)
{
	uint32_t info = (uint32_t)vmread(VMCS_EXIT_QUALIFICATION);

	e->kind = (info & 0x2c) == 0xc ? VMEXIT_fetch : VMEXIT_memory;
	e->memory.gpa = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
	e->memory.write = info & 2;
	e->memory.fetch = info & 4;
	e->memory.page_table = (info & 0x180) == 0x80;
	e->memory.event = vmread(VMCS_VECTORING_EVENT) & EVENT_VALID;
}

static void exit_raw(struct vmexit *e)
{
	e->kind = VMEXIT_raw;
	e->raw.code = vmread(VMCS_EXIT_REASON);
	e->raw.info1 = vmread(VMCS_EXIT_QUALIFICATION);
	e->raw.info2 = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
}

/* The exit precedes the update of DR6 and DR7 (SDM 3, 27.1), and injecting #DB does not do it
 * either: the causes are in the qualification, at their DR6 positions, and every #DB clears DR7.GD
 * (17.2.4). INT1 is an instruction that has completed, so RIP moves past it. */
static void apply_debug_exception(uint32_t event)
{
	uint64_t causes = vmread(VMCS_EXIT_QUALIFICATION) & (DR6_BS | DR6_BD | 0xf);

	write_dr6(read_dr6() | causes);
	vmwrite(VMCS_GUEST_DR7, vmread(VMCS_GUEST_DR7) & ~DR7_GD);
	if ((event & EVENT_TYPE_MASK) == EVENT_PRIV_SOFT)
		vmwrite(VMCS_GUEST_RIP, vmread(VMCS_GUEST_RIP) + vmread(VMCS_EXIT_INSN_LENGTH));
}

/* The exit consumed the NMI and left NMIs blocked: run the host's handler, whose IRET unblocks. */
static void exit_nmi(struct vmexit *e)
{
	__asm__ volatile("int $2" ::: "memory");
	e->kind = VMEXIT_kick;
}

static void exit_exception(struct vmexit *e)
{
	uint32_t event = (uint32_t)vmread(VMCS_EXIT_EVENT);
	uint8_t vector = (uint8_t)event;

	if ((event & EVENT_TYPE_MASK) == EVENT_NMI) {
		exit_nmi(e);
		return;
	}
	if (vector == VECTOR_MC) {
		e->kind = VMEXIT_machine_check;
		return;
	}
	if (vector == VECTOR_DB)
		apply_debug_exception(event);
	e->kind = VMEXIT_exception;
	e->exception.vector = vector;
	e->exception.has_error = event & EVENT_HAS_ERROR;
	e->exception.error = (uint32_t)vmread(VMCS_EXIT_ERROR);
}

static void exit_nmi_window(struct vmexit *e)
{
	request_window_exit(0);
	e->kind = VMEXIT_nmi_window;
}

/*
 * A MOV to CR0 that changes CD, NW or a bit that VMX operation fixes: only the shadow, which the
 * guest reads, takes the value; the core's caches stay on.  The instruction is then executed again:
 * as the shadow matches now, it does not exit and does the rest itself, faults included.
 */
static void write_guest_cr0(struct hvm_vcpu *v, uint64_t value)
{
	bool bad = value >> 32 || (value & CR0_CACHE) == CR0_NW;

	if (bad)
		vmx_inject_exception(v, VECTOR_GP, true, 0);
	else
		vmwrite(VMCS_CR0_SHADOW, value);
}

/* The same for CR4.  MCE stays 1 in hardware: without it a machine check shuts the machine down.
 * The other masked bits belong to features that guests do not have. */
static void write_guest_cr4(struct hvm_vcpu *v, uint64_t value)
{
	uint64_t shadow = vmread(VMCS_CR4_SHADOW);

	if (value & vmread(VMCS_CR4_MASK) & ~CR4_MCE)
		vmx_inject_exception(v, VECTOR_GP, true, 0);
	else
		vmwrite(VMCS_CR4_SHADOW, (shadow & ~CR4_MCE) | (value & CR4_MCE));
}

/* Qualification: bits 0-3 the register, 4-5 the kind of access, 8-11 the other operand
 * (SDM 3, table 27-3). */
static void exit_cr(struct hvm_vcpu *v, struct vmexit *e)
{
	uint32_t info = (uint32_t)vmread(VMCS_EXIT_QUALIFICATION);
	uint64_t value = v->regs[info >> 8 & 15];

	e->kind = VMEXIT_control;
	e->control.decode = false;
	if (info & 0x30)
		exit_raw(e);
	else if ((info & 15) == 0)
		write_guest_cr0(v, value);
	else
		write_guest_cr4(v, value);
}

static void set_exit(struct vmexit *e, enum vmexit_kind kind)
{
	e->kind = kind;
	e->insn_len = (uint8_t)vmread(VMCS_EXIT_INSN_LENGTH);
}

static void translate(struct hvm_vcpu *v, struct vmexit *e, uint32_t reason)
{
	e->insn_len = 0;
	if (reason == VMX_EXIT_IO)
		exit_io(e);
	else if (reason == VMX_EXIT_EXCEPTION)
		exit_exception(e);
	else if (reason == VMX_EXIT_RDMSR || reason == VMX_EXIT_WRMSR) {
		set_exit(e, VMEXIT_msr);
		e->msr.write = reason == VMX_EXIT_WRMSR;
	} else if (reason == VMX_EXIT_EPT_VIOLATION)
		exit_ept(e);
	else if (reason == VMX_EXIT_CPUID)
		set_exit(e, VMEXIT_cpuid);
	else if (reason == VMX_EXIT_VMCALL)
		set_exit(e, VMEXIT_hypercall);
	else if (reason == VMX_EXIT_XSETBV)
		set_exit(e, VMEXIT_xsetbv);
	else if (reason == VMX_EXIT_INVD || reason == VMX_EXIT_WBINVD)
		set_exit(e, VMEXIT_cache);
	else if (reason == VMX_EXIT_RDPMC)
		e->kind = VMEXIT_privileged;
	else if (reason == VMX_EXIT_TRIPLE_FAULT)
		e->kind = VMEXIT_shutdown;
	else if (reason == VMX_EXIT_INTERRUPT_WINDOW || reason == VMX_EXIT_NMI_WINDOW)
		exit_nmi_window(e);
	else if (reason == VMX_EXIT_CR)
		exit_cr(v, e);
	else if (reason == VMX_EXIT_BUS_LOCK)
		e->kind = VMEXIT_bus_lock; /* after the instruction (SDM 3, 27.2.1) */
	else if (reason == (VMX_EXIT_ENTRY_CHECKED | VMX_EXIT_ENTRY_FAILED))
		e->kind = VMEXIT_machine_check;
	else if (reason & VMX_EXIT_ENTRY_FAILED)
		e->kind = VMEXIT_invalid;
	else if (reason == VMX_EXIT_GETSEC || reason == VMX_EXIT_MONITOR ||
	         reason == VMX_EXIT_MWAIT ||
	         (reason >= VMX_EXIT_VMCLEAR && reason <= VMX_EXIT_VMXON) ||
	         reason == VMX_EXIT_INVEPT || reason == VMX_EXIT_INVVPID ||
	         reason == VMX_EXIT_ENCLS)
		e->kind = VMEXIT_forbidden;
	else
		exit_raw(e);
}

/* An IRET that exited on a fault has unblocked NMIs already, but will be executed again: blocks
 * them again (SDM 3, 27.2.3).  The bit has the same position in both fields. */
static void reblock_nmi(uint32_t reason)
{
	uint64_t info = 0;

	if (reason == VMX_EXIT_EXCEPTION)
		info = vmread(VMCS_EXIT_EVENT);
	else if (reason == VMX_EXIT_EPT_VIOLATION)
		info = vmread(VMCS_EXIT_QUALIFICATION);
	if (info & EVENT_IRET_UNBLOCKED)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		        vmread(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKED_BY_NMI);
}

/*
 * Injects again an event whose delivery the exit interrupted (SDM 3, 27.2.4).  Software interrupts
 * (INT n, INT1, INT3, INTO) are not: RIP still points at the instruction, which is executed again.
 * Delivery of an NMI has set blocking by NMI, with which the entry that injects it would fail.
 */
static void reinject(struct vmx_vcpu *x, uint32_t reason)
{
	uint32_t event = (uint32_t)vmread(VMCS_VECTORING_EVENT), type = event & EVENT_TYPE_MASK;

	x->event_queued = false;
	if (!(event & EVENT_VALID)) {
		reblock_nmi(reason);
		return;
	}
	if (type == EVENT_NMI)
		clear_blocking(BLOCKED_BY_NMI);
	if (type < EVENT_SOFT_INT)
		queue_event(x, event & (EVENT_VALID | EVENT_HAS_ERROR | EVENT_TYPE_MASK | 0xff),
		            vmread(VMCS_VECTORING_ERROR));
}

static void vmx_run(struct hvm_vcpu *v, struct vmexit *e)
{
	struct vmx_vcpu *x = vmx_of(v);
	enum vmx_entered entered;
	uint32_t reason;

	vmwrite(VMCS_GUEST_RSP, v->regs[REG_RSP]);
	spec_ctrl_enter(&v->spec_ctrl, write_spec_ctrl);
	entered = vmx_enter(v->regs, x->launched);
	spec_ctrl_leave(&v->spec_ctrl, read_spec_ctrl, write_spec_ctrl);
	x->refused = entered == VMX_REFUSED;
	e->insn_len = 0;
	e->kind = entered == VMX_KICKED ? VMEXIT_kick : VMEXIT_invalid;
	if (entered != VMX_EXITED)
		return;
	reason = (uint32_t)vmread(VMCS_EXIT_REASON) & ~VMX_EXIT_WITH_BUS_LOCK;
	x->launched = true;
	v->regs[REG_RSP] = vmread(VMCS_GUEST_RSP);
	reinject(x, reason);
	translate(v, e, reason);
}

static bool gib_pages(void)
{
	return rdmsr(MSR_VMX_EPT_VPID) & 1u << 17;
}

static bool small_fetch(void)
{
	return vmx_setup.small_fetch;
}

/* Bits 0 to 2: read, write, execute; 6 << 3: write-back, combined with the guest's PAT (SDM
 * 3, 28.2.2 and 28.2.7.2). */
static const struct npt_format ept_format = {
    .present = 7,
    .large = 0x80,
    .table = 7,
    .ram = 7 | 6 << 3,
    .device = 3,
    .shown = 1 | 6 << 3,
    .shared = 3 | 6 << 3,
    .gib_pages = gib_pages,
    .fetch = 4,
    .small_fetch = small_fetch,
};

const struct hvm_ops vmx_ops = {
    .name = "Intel VT-x",
    .npt = &ept_format,
    .vcpu_size = sizeof(struct vmx_vcpu),
    .probe = vmx_probe,
    .lacks = vmx_lacks,
    .core_enable = vmx_core_enable,
    .core_disable = vmx_core_disable,
    .reset = vmx_reset,
    .leave = vmx_leave,
    .run = vmx_run,
    .get = vmx_get,
    .set = vmx_set,
    .skip = vmx_skip,
    .get_seg = vmx_get_seg,
    .flush = vmx_flush,
    .own_msrs = vmx_own_msrs,
    .inject_exception = vmx_inject_exception,
    .inject_nmi = vmx_inject_nmi,
};
