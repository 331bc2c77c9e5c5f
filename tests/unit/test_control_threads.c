/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_control_threads.c: a guest at its control console from two vCPUs, whose cores serve it in
 * turn, while another core reads its counters.  Each request is answered once and whole, in order.
 * Under the thread sanitizer.
 */
#include "tests/unit/rig/virtio_guest.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vmm/control/guest_console.c"

#define NUM      VIRTIO_CONSOLE_QUEUE
#define REQUESTS 400
#define CORES    2

struct core cores[CORES_MAX];
static struct spinlock control_one; /* control does one line at a time, whoever it is from */
static const struct control_client *requester;
static unsigned lines_done;

static struct vm *vm;
static struct guest *g; /* its bus and memory; the VM has the console alone */
static struct probe p;
static struct queue rx, tx;
static uint16_t rx_notify, tx_notify;
static uint64_t buf;
static atomic_bool stop;
static atomic_uint calls[CORES];

/* ---- what the console needs of the VMM ---- */

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	assert_true(requests);
	atomic_fetch_add(&calls[v->id], 1);
}

void *mem_zalloc(size_t size)
{
	return calloc(1, size);
}

void mem_zfree(void *mem, size_t size)
{
	(void)size;
	free(mem);
}

/* Every third time somebody else makes a request. */
bool control_try(const struct control_client *who)
{
	static atomic_uint tries;

	if (atomic_fetch_add(&tries, 1) % 3 == 0 || !spin_try(&control_one))
		return false;
	requester = who;
	return true;
}

void control_done(void)
{
	requester = NULL;
	spin_unlock(&control_one);
}

bool control_line(const char *line, size_t len, const char *source)
{
	char answer[64];
	int n = snprintf(answer, sizeof answer, "%.*s\n", (int)len, line);

	(void)source;
	lines_done++;
	for (int i = 0; i < 3; i++)
		requester->put(requester->ctx, answer, (size_t)n);
	return true;
}

bool control_text(const char *text, size_t len, const char *source)
{
	(void)text, (void)len, (void)source;
	return true;
}

/* ---- the guest ---- */

/* This thread is that core: the VMM finds its core by GS, which a Linux process does not use. */
static void become(unsigned core)
{
	cores[core].self = &cores[core];
	cores[core].index = core;
	atomic_store(&cores[core].vcpu, &vm->vcpu[core]);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, &cores[core]))
		abort();
}

/* What the core does before each entry to the guest, when somebody asked for it. */
static void serve(unsigned core)
{
	if (atomic_exchange(&calls[core], 0))
		vm->service->serve(vm->service->ctx);
}

static void up(void)
{
	assert_true(negotiate(g, &p, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX));
	msix_on(g, &p, 3, 0);
	queue_setup(g, &p, 0, &rx, 1);
	queue_setup(g, &p, 1, &tx, 2);
	for (unsigned i = 0; i < NUM; i++) {
		rx.desc[i] = (struct vring_desc){buf + 64 * i, 64, VRING_DESC_WRITE, 0};
		queue_offer(&rx, (uint16_t)i);
	}
	status_add(g, &p, VIRTIO_DRIVER_OK);
	rx_notify = rx.notify;
	tx_notify = tx.notify;
}

/* The driver: takes answers and appends them to `got`. */
static size_t read_answers(char *got, size_t have, size_t size)
{
	while (queue_used_idx(&rx) != rx.last_used) {
		struct vring_used_elem e = queue_used(&rx);

		if (have + e.len > size)
			abort();
		memcpy(got + have, guest_at(g, rx.desc[e.id].addr), e.len);
		have += e.len;
		queue_offer(&rx, (uint16_t)e.id);
	}
	guest_out(g, rx_notify, 2, 0);
	return have;
}

static void send_request(unsigned i)
{
	uint16_t slot = tx.avail_idx % NUM;
	char *text = guest_at(g, buf + 8192 + 64 * slot);
	int n = snprintf(text, 64, "line %u\n", i);

	tx.desc[slot] = (struct vring_desc){buf + 8192 + 64 * slot, (uint32_t)n, 0, 0};
	queue_offer(&tx, slot);
	guest_out(g, tx_notify, 2, 1);
}

/* The first vCPU asks, and takes what is answered. */
static void *asker(void *arg)
{
	static char got[1 << 20], want[1 << 20];
	size_t have = 0, len = 0;

	(void)arg;
	become(0);
	for (unsigned i = 0; i < REQUESTS; i++) {
		len += (size_t)sprintf(want + len, ":line %u\n:line %u\n:line %u\n+ok\n", i, i, i);
		send_request(i);
		while (have < len) {
			serve(0);
			have = read_answers(got, have, sizeof got);
			sched_yield();
		}
	}
	atomic_store(&stop, true);
	if (have != len || memcmp(got, want, len))
		abort();
	return NULL;
}

/* The second kicks and serves. */
static void *helper(void *arg)
{
	(void)arg;
	become(1);
	while (!atomic_load(&stop)) {
		guest_out(g, tx_notify, 2, 1);
		guest_out(g, rx_notify, 2, 0);
		serve(1);
		sched_yield();
	}
	return NULL;
}

static void a_control_console_has_no_race(void **state)
{
	pthread_t t[CORES];
	uint64_t value, seen = 0;
	char name[64];
	struct vpci_dev *hvc;

	(void)state;
	g = guest_new();
	vm = calloc(1, sizeof *vm);
	vm->mem = g->mem;
	vpci_init(&vm->pci, guest_msi, g);
	assert_true(control_console_create(vm));
	for (unsigned i = 0; i < CORES; i++)
		vm->vcpu[i].id = i;
	hvc = &console_of_vm(vm)->hvc.v.pci;
	vpci_remove(hvc);
	assert_true(vpci_add(&g->pci, hvc, 1));
	p = guest_probe(g, 1);
	queue_alloc(g, &rx, NUM);
	queue_alloc(g, &tx, NUM);
	buf = guest_alloc(g, 65536);
	become(0); /* the driver begins on the first vCPU */
	up();
	pthread_create(&t[0], NULL, asker, NULL);
	pthread_create(&t[1], NULL, helper, NULL);
	do { /* once more at the end, however fast the others were */
		for (unsigned i = 0; control_console_counter(vm, i, name, sizeof name, &value); i++)
			seen += value;
		sched_yield();
	} while (!atomic_load(&stop));
	for (unsigned i = 0; i < CORES; i++)
		pthread_join(t[i], NULL);
	assert_true(seen > 0);
	assert_int_equal(lines_done, REQUESTS);
	vm->service->reset(vm->service->ctx);
	control_console_destroy(vm);
	assert_null(vm->service);
	free(vm);
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_control_console_has_no_race)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
