/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's core handles requests from elsewhere; the hardware is simulated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include "vmm/exit_times.c"
#include "vmm/vcpu.c"

struct core cores[CORES_MAX];
enum log_level log_level = LOG_ERROR;
_Atomic uint64_t tick_next = UINT64_MAX;
const struct hvm_ops *hvm;

static jmp_buf idle;
static struct cpu_entry entered; /* of the last reset */
static unsigned resets, scrubs, visits, core_works, served, turns, begun, handled;
static unsigned clock_set, clock_set_first; /* all; before the last exit was handled */

void core_call(struct core *c, uint32_t requests)
{
	atomic_fetch_or(&c->requests, requests);
	atomic_store(&c->attention, true);
}

void core_idle(struct core *c)
{
	(void)c;
	longjmp(idle, 1);
}

void vapic_init_signal(struct vcpu *v)
{
	(void)v;
	scrubs++;
}

bool lapic_scrub(void)
{
	scrubs++;
	return true;
}

bool vpci_work(struct vpci *p)
{
	(void)p;
	visits++;
	return false;
}

void lapic_silence(void)
{
}

void cpu_scrub(void)
{
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

void tick_move(uint64_t tsc)
{
	(void)tsc;
	clock_set++;
}

void vm_load_step(struct vm *vm)
{
	(void)vm;
}

void vcpu_handle_exit(struct vcpu *v, const struct vmexit *e)
{
	(void)v;
	(void)e;
	handled++;
	clock_set_first = clock_set;
}

/* What a core given to the network does; a call ends a test's run. */
void poll_turn(struct core *c)
{
	turns++;
	begun += !c->polls;
	c->polls = true;
	if (turns == 3)
		core_call(c, CORE_POLL);
	else if (turns == 5)
		longjmp(idle, 1);
}

static void hvm_reset(struct hvm_vcpu *v, const struct cpu_entry *e, unsigned own)
{
	(void)v;
	(void)own;
	entered = *e;
	resets++;
}

static void hvm_leave(struct hvm_vcpu *v)
{
	(void)v;
}

static void hvm_set(struct hvm_vcpu *v, enum hvm_state what, uint64_t value)
{
	(void)v;
	(void)what;
	(void)value;
}

static const enum vmexit_kind *kinds; /* of the exits that come without a call; NULL: none do */

/* The guest runs until its core is called; nothing but a call ends a test's run, after `kinds`. */
static void hvm_run(struct hvm_vcpu *v, struct vmexit *e)
{
	*e = (struct vmexit){.kind = VMEXIT_kick};
	if (kinds && *kinds != VMEXIT_COUNT)
		e->kind = *kinds++;
	else if (!atomic_load(&v->core->attention))
		longjmp(idle, 1);
}

static const struct hvm_ops ops = {
    .reset = hvm_reset, .leave = hvm_leave, .set = hvm_set, .run = hvm_run};

void *mem_zalloc(uint64_t size)
{
	return calloc(1, size);
}

void mem_zfree(void *p, uint64_t size)
{
	(void)size;
	free(p);
}

/* What is open of the cores' state in the switch. */
static struct vnet_core_open nets[3];

/* A VM of three vCPUs, each on its core from 1 on, of which the second waits for its start. */
static struct vm *running(void)
{
	static struct vm vm;

	memset(&vm, 0, sizeof vm);
	memset(cores, 0, sizeof cores);
	hvm = &ops;
	vm.nvcpus = 3;
	atomic_store(&vm.running_vcpus, 3);
	atomic_store(&vm.state, VM_RUNNING);
	for (unsigned i = 0; i < vm.nvcpus; i++) {
		vm.vcpu[i].vm = &vm;
		vm.vcpu[i].id = i;
		vm.vcpu[i].cpu.core = &cores[i + 1];
		cores[i + 1].index = i + 1;
		cores[i + 1].net = (struct vnet_core *)&nets[i];
		atomic_store(&vm.vcpu[i].state, i == 1 ? VCPU_WAIT_SIPI : VCPU_RUN);
		atomic_store(&cores[i + 1].vcpu, &vm.vcpu[i]);
	}
	resets = scrubs = visits = 0;
	return &vm;
}

static void core_work(void)
{
	core_works++;
}

/* The vCPU's core does what was asked, and has nothing left to do. */
static enum vcpu_state serve(struct vcpu *v, uint32_t requests)
{
	vcpu_request(v, requests);
	if (!setjmp(idle))
		core_loop(v->cpu.core, core_work);
	return atomic_load(&v->state);
}

static void test_start_up(void **state)
{
	struct vcpu *v = &running()->vcpu[1];

	(void)state;
	v->sipi_vector = 0x9a;
	assert_int_equal(serve(v, VCPU_REQ_SIPI), VCPU_RUN);
	assert_int_equal(entered.cs.base, 0x9a000);
	assert_int_equal(entered.cs.selector, 0x9a00);
	assert_int_equal(entered.cs.attr, 0x9b);
	assert_int_equal(entered.rip | entered.efer | entered.ds.base, 0);
	assert_int_equal(entered.cr0 & 1, 0);
	assert_int_equal(serve(v, VCPU_REQ_SIPI), VCPU_RUN); /* one that runs ignores it */
	assert_int_equal(resets, 1);
	assert_int_equal(serve(v, VCPU_REQ_INIT), VCPU_WAIT_SIPI);
	assert_int_equal(serve(v, VCPU_REQ_INIT | VCPU_REQ_SIPI), VCPU_RUN);
	assert_int_equal(resets, 2);
}

/* The VM stops while its other vCPUs are in the middle of sending INIT and start-up IPIs. */
static void test_one_that_left_stays_away(void **state)
{
	static const uint32_t late[] = {VCPU_REQ_INIT, VCPU_REQ_SIPI, VCPU_REQ_INIT | VCPU_REQ_SIPI,
	                                VCPU_REQ_START, VCPU_REQ_WORK | VCPU_REQ_NMI};

	(void)state;
	for (unsigned was = 0; was < 3; was++) {
		struct vm *vm = running();
		struct vcpu *v = &vm->vcpu[was];

		assert_int_equal(serve(v, VCPU_REQ_STOP | VCPU_REQ_INIT | VCPU_REQ_SIPI),
		                 VCPU_LEFT);
		for (unsigned i = 0; i < sizeof late / sizeof late[0]; i++)
			assert_int_equal(serve(v, late[i]), VCPU_LEFT);
		assert_int_equal(serve(v, VCPU_REQ_STOP), VCPU_LEFT);
		assert_int_equal(resets + scrubs + visits, 0);
		assert_int_equal(atomic_load(&vm->running_vcpus), 2);
		assert_int_equal(atomic_load(&vm->state), VM_RUNNING);
	}
}

/* Stopped between the VM's launch and its own beginning. */
static void test_stopped_before_it_began(void **state)
{
	struct vm *vm = running();

	(void)state;
	for (unsigned i = 0; i < vm->nvcpus; i++)
		atomic_store(&vm->vcpu[i].state, VCPU_OFF);
	for (unsigned i = 0; i < vm->nvcpus; i++)
		assert_int_equal(serve(&vm->vcpu[i], VCPU_REQ_STOP), VCPU_LEFT);
	assert_int_equal(serve(&vm->vcpu[1], VCPU_REQ_START | VCPU_REQ_INIT | VCPU_REQ_SIPI),
	                 VCPU_LEFT);
	assert_int_equal(resets, 0);
	assert_int_equal(atomic_load(&vm->state), VM_STOPPED);
}

/* What the core does besides comes once for each time that it was called, whoever runs there. */
static void test_a_core_has_work_besides(void **state)
{
	struct vcpu *v = &running()->vcpu[0];

	(void)state;
	core_works = 0;
	serve(v, VCPU_REQ_WORK);
	assert_int_equal(core_works, 1);
	atomic_store(&v->cpu.core->vcpu, NULL);
	core_call(v->cpu.core, CORE_CONSOLE);
	if (!setjmp(idle))
		core_loop(v->cpu.core, core_work);
	assert_int_equal(core_works, 2);
	core_call(v->cpu.core, CORE_CONSOLE);
	if (!setjmp(idle))
		core_loop(v->cpu.core, NULL);
	assert_int_equal(core_works, 2);
}

static void serve_request(void *ctx)
{
	assert_ptr_equal(ctx, &served);
	served++;
}

static void test_a_service_is_called_when_asked(void **state)
{
	static const struct vm_service service = {.serve = serve_request, .ctx = &served};
	struct vm *vm = running();

	(void)state;
	vm->service = &service;
	served = 0;
	serve(&vm->vcpu[0], VCPU_REQ_WORK);
	assert_int_equal(served, 0);
	serve(&vm->vcpu[0], VCPU_REQ_SERVICE);
	assert_int_equal(served, 1);
	serve(&vm->vcpu[0], VCPU_REQ_STOP | VCPU_REQ_SERVICE); /* a guest that goes asks nothing */
	assert_int_equal(served, 1);
}

static struct hist times_of(const struct vcpu *v, enum vmexit_kind kind)
{
	struct hist h = {0};

	assert_true(exit_times_read(v, kind, &h));
	return h;
}

static void exits(struct vcpu *v, const enum vmexit_kind *list)
{
	kinds = list;
	if (!setjmp(idle))
		core_loop(v->cpu.core, core_work);
	kinds = NULL;
}

/* Each exit that led back to the guest is in the histogram of its kind, with its time. */
static void test_exits_are_measured(void **state)
{
	static const enum vmexit_kind list[] = {VMEXIT_io, VMEXIT_io, VMEXIT_cpuid, VMEXIT_COUNT};
	struct vcpu *v = &running()->vcpu[0];
	struct hist h = {0};

	(void)state;
	exits(v, list); /* not measured */
	assert_false(exit_times_read(v, VMEXIT_io, &h));
	assert_true(exit_times_make(v));
	assert_true(exit_times_make(v));
	exits(v, list);
	h = times_of(v, VMEXIT_io);
	assert_int_equal(hist_count(&h), 2);
	assert_true(h.max > 0);
	h = times_of(v, VMEXIT_cpuid);
	assert_int_equal(hist_count(&h), 1);
	h = times_of(v, VMEXIT_COUNT);
	assert_int_equal(hist_count(&h), 3);
	assert_int_equal(v->exits[VMEXIT_io].count, 4);
	exit_times_free(v);
	assert_false(exit_times_read(v, VMEXIT_io, &h));
	exits(v, list);
	exit_times_free(v);
	assert_true(exit_times_make(v));
	h = times_of(v, VMEXIT_COUNT);
	assert_int_equal(hist_count(&h), 0);
	exit_times_free(v);
}

/* What the core does for others before the guest goes on counts, a wait for a start-up IPI does
 * not. */
static void test_what_an_exit_takes(void **state)
{
	static const enum vmexit_kind one[] = {VMEXIT_msr, VMEXIT_COUNT};
	struct vcpu *v = &running()->vcpu[0];
	struct hist h;

	(void)state;
	assert_true(exit_times_make(v));
	exit_times_began(v, VMEXIT_io, rdtsc() - 1000000000);
	exits(v, one);
	h = times_of(v, VMEXIT_io);
	assert_int_equal(hist_count(&h), 1);
	assert_true(h.max >= 1000000000);
	exit_times_began(v, VMEXIT_io, rdtsc() - 1000000000);
	serve(v, VCPU_REQ_INIT | VCPU_REQ_SIPI);
	exits(v, one);
	h = times_of(v, VMEXIT_io);
	assert_int_equal(hist_count(&h), 1);
	exit_times_began(v, VMEXIT_io, rdtsc() - 1000000000);
	serve(v, VCPU_REQ_START);
	exits(v, one);
	h = times_of(v, VMEXIT_io);
	assert_int_equal(hist_count(&h), 1);
	exit_times_free(v);
}

/* A core of the network's looks whether it was called between any two turns; a guest's core never
 * has one. */
static void test_the_networks_core(void **state)
{
	struct core *c = running()->vcpu[0].cpu.core;

	(void)state;
	turns = begun = core_works = 0;
	atomic_store(&c->poll, true);
	serve(&running()->vcpu[0], VCPU_REQ_WORK);
	assert_int_equal(turns, 0);
	c = &cores[0];
	atomic_store(&c->poll, true);
	core_works = 0;
	if (!setjmp(idle))
		core_loop(c, core_work);
	assert_int_equal(turns, 5);
	assert_int_equal(begun, 2); /* at first, and after the call */
	assert_int_equal(core_works, 1);
}

/* The switch's clock is right before an exit's frames are moved, and before a request is served: it
 * may have stood still for long. */
static void test_the_clock_is_set_first(void **state)
{
	static const enum vmexit_kind one[] = {VMEXIT_io, VMEXIT_COUNT};
	struct vcpu *v = &running()->vcpu[0];

	(void)state;
	tick_next = 0;
	handled = clock_set = 0;
	core_call(v->cpu.core, CORE_VCPU);
	exits(v, one);
	assert_int_equal(handled, 1);
	assert_int_equal(clock_set_first, 2); /* at the request, at the exit */
	tick_next = UINT64_MAX;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start_up),
	    cmocka_unit_test(test_one_that_left_stays_away),
	    cmocka_unit_test(test_stopped_before_it_began),
	    cmocka_unit_test(test_a_core_has_work_besides),
	    cmocka_unit_test(test_a_service_is_called_when_asked),
	    cmocka_unit_test(test_exits_are_measured),
	    cmocka_unit_test(test_what_an_exit_takes),
	    cmocka_unit_test(test_the_clock_is_set_first),
	    cmocka_unit_test(test_the_networks_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
