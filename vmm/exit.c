/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles a guest's exits, by a table of vendor-free exit kinds. */
#include <stdio.h>
#include "arch/x86_64/insn/insn.h"
#include "arch/x86_64/mce.h"
#include "arch/x86_64/hvm/npt.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/tsc.h"
#include "vmm/emulate.h"
#include "lib/log.h"
#include "vmm/cpuid.h"
#include "vmm/msr.h"
#include "vmm/policy.h"
#include "vmm/vm.h"
#include "vmm/exit.h"
#include "vmm/fail.h"

#define KVM_ENOSYS ((uint64_t)-1000) /* Linux, Documentation/virt/kvm/x86/hypercalls.rst */

static const char *const kind_name[VMEXIT_COUNT] = {
#define X(name, help) #name,
    VMEXIT_KINDS(X)
#undef X
};

const char *vmexit_name(enum vmexit_kind kind)
{
	return kind_name[kind];
}

static void inject_gp(struct vcpu *v)
{
	hvm->inject_exception(&v->cpu, VECTOR_GP, true, 0);
}

static void inject_ud(struct vcpu *v)
{
	hvm->inject_exception(&v->cpu, VECTOR_UD, false, 0);
}

/* The guest single-steps: its debug trap, as the CPU would raise it after the instruction. */
static __attribute__((noinline)) void raise_step_trap(struct vcpu *v)
{
	hvm->set(&v->cpu, HVM_DR6, hvm->get(&v->cpu, HVM_DR6) | DR6_BS);
	hvm->inject_exception(&v->cpu, VECTOR_DB, false, 0);
}

static void step_over(struct vcpu *v, uint8_t insn_len)
{
	if (hvm->skip(&v->cpu, insn_len) & RFLAGS_TF)
		raise_step_trap(v);
}

static void exit_io(struct vcpu *v, const struct vmexit *e)
{
	uint64_t *rax = &v->cpu.regs[REG_RAX];
	uint32_t val = (uint32_t)*rax;

	if (e->io.string) {
		emulate_string_io(v, e);
		return;
	}
	/* PCI first: virtio kicks come this way. */
	if (!vpci_io(&v->vm->pci, e->io.port, e->io.size, !e->io.in, &val))
		io_fixed(v->vm, e->io.port, e->io.size, e->io.in, &val);
	if (e->io.in) {
		if (e->io.size == 4)
			*rax = val;
		else
			*rax = e->io.size == 2 ? (*rax & ~0xfffful) | (val & 0xffff)
			                       : (*rax & ~0xfful) | (val & 0xff);
	}
	step_over(v, e->insn_len);
}

static void exit_msr(struct vcpu *v, const struct vmexit *e)
{
	uint32_t index = (uint32_t)v->cpu.regs[REG_RCX];
	uint64_t value = v->cpu.regs[REG_RDX] << 32 | (uint32_t)v->cpu.regs[REG_RAX];
	bool ok = e->msr.write ? msr_write(v, index, value) : msr_read(v, index, &value);

	if (!ok) {
		log_debug("guest %s: vCPU %u: %s of MSR %08x at rip %lx: #GP", v->vm->name, v->id,
		          e->msr.write ? "write" : "read", index, hvm->get(&v->cpu, HVM_RIP));
		inject_gp(v);
		return;
	}
	if (!e->msr.write) {
		v->cpu.regs[REG_RAX] = (uint32_t)value;
		v->cpu.regs[REG_RDX] = value >> 32;
	}
	step_over(v, e->insn_len);
}

static void exit_cpuid(struct vcpu *v, const struct vmexit *e)
{
	cpuid_exit(v);
	step_over(v, e->insn_len);
}

static void exit_memory(struct vcpu *v, const struct vmexit *e)
{
	emulate_memory(v, e);
}

/* An instruction fetch that the nested tables forbid: from a large page that must first be split,
 * or from a device's page. */
static void exit_fetch(struct vcpu *v, const struct vmexit *e)
{
	if (!npt_allow_fetch(hvm->npt, v->vm->npt_root, e->memory.gpa))
		emulate_memory(v, e);
}

static void exit_hypercall(struct vcpu *v, const struct vmexit *e)
{
	v->cpu.regs[REG_RAX] = KVM_ENOSYS;
	step_over(v, e->insn_len);
}

static void exit_xsetbv(struct vcpu *v, const struct vmexit *e)
{
	uint64_t value = v->cpu.regs[REG_RDX] << 32 | (uint32_t)v->cpu.regs[REG_RAX];

	if (!(hvm->get(&v->cpu, HVM_CR4) & CR4_OSXSAVE)) {
		inject_ud(v);
		return;
	}
	if (xcr_write(v, (uint32_t)v->cpu.regs[REG_RCX], value))
		step_over(v, e->insn_len);
	else
		inject_gp(v);
}

/*
 * INVD, WBINVD, WBNOINVD: skipped.  Executed, they would drop or write back the cache lines of all
 * guests and the host.  No guest needs them: its memory is write-back, and a physical device's DMA
 * snoops the caches.  For a device that is told not to snoop (PCI Express, "Enable No Snoop") the
 * driver flushes lines with CLFLUSH, which affects the guest's own memory only.
 */
static void exit_cache(struct vcpu *v, const struct vmexit *e)
{
	struct insn_sys in;
	uint8_t len = e->insn_len ? e->insn_len : emulate_sys_decode(v, &in);

	if (len) /* else another vCPU has changed the code: executed again */
		step_over(v, len);
}

/* Without a length, a fault was injected or the guest executes the instruction again. */
static void exit_control(struct vcpu *v, const struct vmexit *e)
{
	uint8_t len = e->control.decode ? emulate_control(v) : 0;

	if (len)
		step_over(v, len);
}

static void exit_forbidden(struct vcpu *v, const struct vmexit *e)
{
	(void)e;
	inject_ud(v);
}

static void exit_privileged(struct vcpu *v, const struct vmexit *e)
{
	(void)e;
	inject_gp(v);
}

static void exit_exception(struct vcpu *v, const struct vmexit *e)
{
	hvm->inject_exception(&v->cpu, e->exception.vector, e->exception.has_error,
	                      e->exception.error);
}

/* Nothing to do: vcpu_run() tries to inject a pending NMI before the next entry. */
static void exit_done(struct vcpu *v, const struct vmexit *e)
{
	(void)v;
	(void)e;
}

/* A machine check in guest mode, not delivered to the host: stops the guest whose instruction or
 * memory it was, if that is enough. */
static void exit_machine_check(struct vcpu *v, const struct vmexit *e)
{
	char text[120];
	enum mce_verdict verdict = mce_handle(true, text, sizeof text);

	(void)e;
	if (verdict == MCE_PANIC)
		panic("%s, while guest %s ran", text, v->vm->name);
	if (verdict == MCE_STOP_GUEST)
		vcpu_fail(v, "%s", text);
	else
		log_warn("guest %s continues after a %s", v->vm->name, text);
}

/* Delays the guest for at most 0.1 ms, and ends early when the core is called. */
static void exit_bus_lock(struct vcpu *v, const struct vmexit *e)
{
	uint64_t until = bus_lock_rest(rdtsc(), v->bus_lock_tsc, tsc_khz / 10);

	(void)e;
	while (rdtsc() < until &&
	       !atomic_load_explicit(&v->cpu.core->attention, memory_order_relaxed))
		core_pause();
	v->bus_lock_tsc = rdtsc();
}

static void exit_shutdown(struct vcpu *v, const struct vmexit *e)
{
	(void)e;
	vcpu_fail(v, "triple fault");
}

static void exit_invalid(struct vcpu *v, const struct vmexit *e)
{
	(void)e;
	vcpu_fail(v, "the CPU refused the guest's state");
}

static void exit_raw(struct vcpu *v, const struct vmexit *e)
{
	vcpu_fail(v, "exit without a handler: code %lx, info %lx %lx", e->raw.code, e->raw.info1,
	          e->raw.info2);
}

static void (*const handler[VMEXIT_COUNT])(struct vcpu *, const struct vmexit *) = {
    [VMEXIT_io] = exit_io,
    [VMEXIT_msr] = exit_msr,
    [VMEXIT_cpuid] = exit_cpuid,
    [VMEXIT_memory] = exit_memory,
    [VMEXIT_fetch] = exit_fetch,
    [VMEXIT_hypercall] = exit_hypercall,
    [VMEXIT_xsetbv] = exit_xsetbv,
    [VMEXIT_cache] = exit_cache,
    [VMEXIT_forbidden] = exit_forbidden,
    [VMEXIT_privileged] = exit_privileged,
    [VMEXIT_exception] = exit_exception,
    [VMEXIT_nmi_window] = exit_done,
    [VMEXIT_control] = exit_control,
    [VMEXIT_machine_check] = exit_machine_check,
    [VMEXIT_bus_lock] = exit_bus_lock,
    [VMEXIT_shutdown] = exit_shutdown,
    [VMEXIT_invalid] = exit_invalid,
    [VMEXIT_raw] = exit_raw,
};

void vcpu_handle_exit(struct vcpu *v, const struct vmexit *e)
{
	/* First, because kicks of virtio devices are I/O exits. */
	if (e->kind == VMEXIT_io)
		exit_io(v, e);
	else
		handler[e->kind](v, e);
}
