/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_console.c: see control/guest_console.h. */
#include <stdio.h>
#include "arch/x86_64/core.h"
#include "drivers/virtio/virtio_console.h"
#include "vmm/control/dispatch.h"
#include "vmm/control/guest_console.h"
#include "vmm/control/session.h"
#include "lib/spinlock.h"
#include "lib/mem.h"
#include "vmm/vm.h"
#include "vmm/vcpu.h"

#define SOURCE       "control" /* prefix of errors */
#define ANSWER_VISIT 16384     /* bytes of answers sent in one visit */

struct control_console {
	struct spinlock lock; /* taken by whichever of the guest's cores serves the session */
	struct virtio_console hvc;
	struct session session;
	struct control_client client;
	struct vm_service service;
	char text[SESSION_TEXT];
	char answer[SESSION_ANSWER];
};

/* ---- between the session and control ---- */

static bool do_line(struct session *d, const char *line, size_t len)
{
	(void)d;
	return control_line(line, len, SOURCE);
}

static bool do_text(struct session *d, const char *text, size_t len)
{
	(void)d;
	return control_text(text, len, SOURCE);
}

static const struct session_ops ops = {do_line, do_text};

static void add_to_answer(void *ctx, const char *text, size_t len)
{
	session_put(ctx, text, len);
}

static void put_failure(void *ctx, const char *why)
{
	session_fail(ctx, why);
}

static void gather_text(void *ctx)
{
	session_gather(ctx);
}

/* ---- between the guest and the session ---- */

/* The guest's driver is running on this core, so this core's vCPU serves the session. */
static void request_service(void)
{
	vcpu_request(atomic_load(&this_core()->vcpu), VCPU_REQ_SERVICE);
}

static void guest_wrote(void *ctx, const struct vnet_seg *seg, unsigned nseg)
{
	struct control_console *c = ctx;

	for (unsigned i = 0; i < nseg; i++)
		session_input(&c->session, (const char *)seg[i].base, seg[i].len);
	request_service();
}

static void guest_has_room(void *ctx)
{
	(void)ctx;
	request_service();
}

/* Sends up to ANSWER_VISIT bytes of answers; true: the guest had room for all of them, and there
 * may be more. */
static bool send_answers(struct control_console *c)
{
	const char *buf;
	size_t n, total = 0;

	do {
		n = session_answer(&c->session, &buf);
		n = n ? virtio_console_input(&c->hvc, buf, n) : 0;
		session_sent(&c->session, n);
		total += n;
	} while (n && total < ANSWER_VISIT);
	return n;
}

/* Carries out one request; true: there may be more.  While another client's request is carried out,
 * this core's vCPU comes again: it may have been asked to stop meanwhile. */
static bool take_request(struct control_console *c)
{
	bool more;

	if (!control_try(&c->client))
		return true;
	more = session_turn(&c->session);
	control_done();
	return more;
}

/* Carries out one request and sends answers. */
static void serve_console(void *ctx)
{
	struct control_console *c = ctx;
	bool more;

	spin_lock(&c->lock);
	more = take_request(c);
	more |= send_answers(c);
	if (more)
		request_service();
	spin_unlock(&c->lock);
}

/* ---- set-up and reset ---- */

/* Drops all input and answers from before the guest's restart. */
static void reset_console(void *ctx)
{
	struct control_console *c = ctx;

	session_reset(&c->session);
	virtio_console_forget(&c->hvc);
}

static struct control_console *console_of_vm(const struct vm *vm)
{
	return vm->service ? vm->service->ctx : NULL;
}

bool control_console_create(struct vm *vm)
{
	struct control_console *c = mem_zalloc(sizeof *c);

	if (!c)
		return false;
	c->client = (struct control_client){.name = "a control console",
	                                    .put = add_to_answer,
	                                    .failed = put_failure,
	                                    .gather = gather_text,
	                                    .ctx = &c->session};
	session_init(&c->session, &ops, c->text, c->answer);
	virtio_console_init(&c->hvc, "control", &vm->mem, guest_wrote, c);
	c->hvc.room = guest_has_room;
	if (!vpci_add(&vm->pci, &c->hvc.v.pci, 0)) {
		mem_zfree(c, sizeof *c);
		return false;
	}
	c->service = (struct vm_service){serve_console, reset_console, c};
	vm->service = &c->service;
	return true;
}

void control_console_destroy(struct vm *vm)
{
	struct control_console *c = console_of_vm(vm);

	if (!c)
		return;
	vm->service = NULL;
	mem_zfree(c, sizeof *c);
}

bool control_console_counter(const struct vm *vm, unsigned i, char *name, size_t size,
                             uint64_t *value)
{
	const struct control_console *c = console_of_vm(vm);
	char of_device[32];
	const char *own = of_device;

	if (!c)
		return false;
	if (!session_counter(&c->session, i, &own, value) &&
	    !virtio_pci_counter(&c->hvc.v, i - SESSION_COUNTER_COUNT, of_device, sizeof of_device,
	                        value))
		return false;
	snprintf(name, size, "control.%s", own);
	return true;
}
