/* SPDX-License-Identifier: BSD-2-Clause */
/* The run loop of a core, and the requests that reach a vCPU from elsewhere. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "lib/log.h"
#include "vmm/life.h"
#include "vmm/vm_load.h"
#include "vmm/poll.h"
#include "vmm/tick.h"
#include "vmm/vcpu.h"
#include "vmm/exit.h"
#include "vmm/exit_times.h"

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	atomic_fetch_or(&v->requests, requests);
	core_call(v->cpu.core, CORE_VCPU);
}

void vm_flush(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nvcpus; i++)
		if (vm->vcpu[i].cpu.core)
			vcpu_request(&vm->vcpu[i], VCPU_REQ_FLUSH);
}

/* The guest pays for its device's remaining work on a core of its own: on this core, if it is one.
 * The request goes through core_serve(), so that a stop or other work of the core is not
 * delayed. */
void vm_resume(void *ctx)
{
	struct vm *vm = ctx;
	struct vcpu *v = atomic_load(&this_core()->vcpu);

	if (!v || v->vm != vm)
		v = &vm->vcpu[0];
	if (v->cpu.core)
		vcpu_request(v, VCPU_REQ_WORK);
}

/* Removes what the last owner left on the core: pending interrupts and microarchitectural state.
 * No more of its interrupts can arrive: its vCPUs and devices stopped before vm_reap() released the
 * core. */
static void core_scrub(struct core *c)
{
	if (!lapic_scrub())
		log_warn("core %u: interrupts for its last guest keep arriving", c->index);
	cpu_scrub();
}

/* The core stays taken until vm_reap(): until then another vCPU or a device of this VM may send it
 * interrupts.  They stay pending in the APIC, and vcpu_begin() removes them. */
static void vcpu_leave(struct vcpu *v)
{
	struct vm *vm = v->vm;
	enum vcpu_state was = atomic_exchange(&v->state, VCPU_LEFT);

	if (was == VCPU_LEFT)
		return;
	if (was == VCPU_WAIT_SIPI || was == VCPU_RUN) {
		vnet_exit_began(v->cpu.core->net, 0);
		hvm->leave(&v->cpu);
		lapic_silence();
		/* The core may poll other guests' frames before it has a next owner. */
		cpu_scrub();
	}
	if (atomic_fetch_sub(&vm->running_vcpus, 1) == 1) {
		atomic_store(&vm->state, VM_STOPPED);
		core_call(&cores[0], CORE_CONSOLE);
	}
}

static void vcpu_begin(struct core *c, struct vcpu *v)
{
	core_scrub(c);
	if (exit_times_on(v))
		exit_times_forget(v);
	hvm->reset(&v->cpu, &v->vm->entry, vcpu_own_msrs(v));
	atomic_store(&v->state, v->id ? VCPU_WAIT_SIPI : VCPU_RUN);
}

/* INIT: pending interrupts are kept, they are from the guest's own devices. */
static void vcpu_init_signal(struct vcpu *v)
{
	atomic_store(&v->state, VCPU_WAIT_SIPI);
	v->nmi_pending = false;
	vapic_init_signal(v);
}

struct cpu_entry vcpu_startup_state(uint8_t page)
{
	const struct seg data = {.attr = 0x93, .limit = 0xffff};

	return (struct cpu_entry){.rflags = 2,
	                          .cr0 = 0x60000010,
	                          .cs = {.selector = (uint16_t)(page << 8),
	                                 .attr = 0x9b,
	                                 .limit = 0xffff,
	                                 .base = (uint64_t)page << 12},
	                          .ds = data,
	                          .es = data,
	                          .ss = data,
	                          .fs = data,
	                          .gs = data,
	                          .idt = {.limit = 0x3ff}};
}

/* Start-up IPI: its vector is the number of the start page. */
static void vcpu_startup(struct vcpu *v)
{
	struct cpu_entry e = vcpu_startup_state(v->sipi_vector);

	if (atomic_load(&v->state) != VCPU_WAIT_SIPI)
		return;
	if (exit_times_on(v))
		exit_times_forget(v);
	hvm->reset(&v->cpu, &e, vcpu_own_msrs(v));
	hvm->set(&v->cpu, HVM_TSC_OFFSET, v->tsc_offset);
	atomic_store(&v->state, VCPU_RUN);
}

static void vcpu_serve(struct core *c, struct vcpu *v)
{
	uint32_t r = atomic_exchange(&v->requests, 0);

	if (r & VCPU_REQ_STOP) {
		vcpu_leave(v);
		return;
	}
	/* Other vCPUs of the VM may send INIT and SIPIs until they have left, too.  A vCPU that has
	 * left must not start by them: its memory and core may soon belong to another guest. */
	if (atomic_load(&v->state) == VCPU_LEFT)
		return;
	if (r & VCPU_REQ_LOAD)
		atomic_store(&v->state, VCPU_LOAD);
	if (r & VCPU_REQ_START)
		vcpu_begin(c, v);
	if (r & VCPU_REQ_INIT)
		vcpu_init_signal(v);
	if (r & VCPU_REQ_SIPI)
		vcpu_startup(v);
	/* a vCPU that waits for its SIPI drops NMIs */
	if ((r & VCPU_REQ_NMI) && atomic_load(&v->state) == VCPU_RUN)
		v->nmi_pending = true;
	if (r & VCPU_REQ_FLUSH)
		hvm->flush(&v->cpu);
	if (r & VCPU_REQ_SERVICE)
		v->vm->service->serve(v->vm->service->ctx);
	if (r & VCPU_REQ_WORK) {
		vnet_exit_began(c->net, 0); /* this work was asked for in an earlier exit */
		if (vpci_work(&v->vm->pci))
			vcpu_request(v, VCPU_REQ_WORK);
	}
}

static void core_serve(struct core *c, void (*work)(void))
{
	struct vcpu *v;

	if (!atomic_load_explicit(&c->attention, memory_order_relaxed))
		return;
	if (core_take_requests(c) & CORE_POLL)
		c->polls = false;
	tick(rdtsc());
	v = atomic_load(&c->vcpu);
	if (v)
		vcpu_serve(c, v);
	if (work)
		work();
}

/* Runs the guest up to its next exit, and handles that.  Inlined in both of its callers, so that
 * `measured` is no test. */
static inline __attribute__((always_inline)) void run(struct vcpu *v, bool measured)
{
	struct vmexit e;
	uint64_t start;
	struct exit_stat *stat;

	if (v->nmi_pending && hvm->inject_nmi(&v->cpu))
		v->nmi_pending = false;
	if (measured)
		exit_times_ended(v, rdtsc());
	hvm->run(&v->cpu, &e);
	start = rdtsc();
	tick(start);
	if (measured)
		exit_times_began(v, e.kind, start);
	stat = &v->exits[e.kind];
	vnet_exit_began(v->cpu.core->net, start);
	stat->count++;
	if (e.kind != VMEXIT_kick)
		vcpu_handle_exit(v, &e);
	stat->ticks += rdtsc() - start;
}

static __attribute__((noinline)) void run_measured(struct vcpu *v)
{
	run(v, true);
}

static void vcpu_run(struct vcpu *v)
{
	if (exit_times_on(v))
		run_measured(v);
	else
		run(v, false);
}

void core_loop(struct core *c, void (*work)(void))
{
	for (;;) {
		struct vcpu *v;

		core_serve(c, work);
		v = atomic_load_explicit(&c->vcpu, memory_order_acquire);
		if (v && atomic_load_explicit(&v->state, memory_order_relaxed) == VCPU_RUN) {
			vcpu_run(v);
		} else if (v &&
		           atomic_load_explicit(&v->state, memory_order_relaxed) == VCPU_LOAD) {
			vm_load_step(v->vm);
		} else if (!v && atomic_load_explicit(&c->poll, memory_order_relaxed)) {
			poll_turn(c);
		} else {
			core_idle(c);
		}
	}
}
