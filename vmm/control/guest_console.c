/* guest_console.c: see control/guest_console.h. */
#include <stdio.h>
#include "arch/x86_64/platform.h"
#include "drivers/virtio/virtio_console.h"
#include "vmm/control/control.h"
#include "vmm/control/guest_console.h"
#include "vmm/control/session.h"
#include "lib/spinlock.h"
#include "lib/mem.h"
#include "vmm/vm.h"

#define SOURCE       "control" /* what errors begin with */
#define ANSWER_VISIT 16384     /* bytes of answers handed to the guest before its core looks up */

struct control_console {
	struct spinlock lock; /* of the dialogue's reader: one of the guest's cores */
	struct virtio_console hvc;
	struct dialogue dialogue;
	struct control_client client;
	char text[DIALOGUE_TEXT];
	char answer[DIALOGUE_ANSWER];
};

static struct control_console *console_of(struct dialogue *d)
{
	return (struct control_console *)((char *)d - offsetof(struct control_console, dialogue));
}

/* ---- between the dialogue and control ---- */

static bool do_line(struct dialogue *d, const char *line, size_t len)
{
	return control_line(&console_of(d)->client, line, len, SOURCE);
}

static bool do_text(struct dialogue *d, const char *text, size_t len)
{
	return control_text(&console_of(d)->client, text, len, SOURCE);
}

static const struct dialogue_ops ops = {do_line, do_text};

static void put(void *ctx, const char *text, size_t len)
{
	dialogue_put(ctx, text, len);
}

static void failed(void *ctx, const char *why)
{
	dialogue_fail(ctx, why);
}

static void gather(void *ctx)
{
	dialogue_gather(ctx);
}

/* ---- between the guest and the dialogue ---- */

/* What the guest's driver does is an exit of the vCPU that owns this core: that one serves it. */
static void call(void)
{
	vcpu_request(atomic_load(&this_core()->vcpu), VCPU_REQ_CONTROL);
}

static void said(void *ctx, const struct vnet_seg *seg, unsigned nseg)
{
	struct control_console *c = ctx;
	for (unsigned i = 0; i < nseg; i++)
		dialogue_hear(&c->dialogue, (const char *)seg[i].base, seg[i].len);
	call();
}

static void room(void *ctx)
{
	(void)ctx;
	call();
}

/* Up to ANSWER_VISIT bytes; true: the guest had room for all of these, and may have more. */
static bool hand_on_answers(struct control_console *c)
{
	const char *buf;
	size_t n, total = 0;
	do {
		n = dialogue_answer(&c->dialogue, &buf);
		n = n ? virtio_console_input(&c->hvc, buf, n) : 0;
		dialogue_sent(&c->dialogue, n);
		total += n;
	} while (n && total < ANSWER_VISIT);
	return n;
}

void control_console_serve(struct control_console *c)
{
	spin_lock(&c->lock);
	bool more = dialogue_turn(&c->dialogue);
	more |= hand_on_answers(c);
	if (more)
		call();
	spin_unlock(&c->lock);
}

/* ---- life ---- */

bool control_console_create(struct vm *vm)
{
	struct control_console *c = mem_zalloc(sizeof *c);
	if (!c)
		return false;
	c->client = (struct control_client){
	    .put = put, .failed = failed, .gather = gather, .ctx = &c->dialogue};
	dialogue_init(&c->dialogue, &ops, c->text, c->answer);
	virtio_console_init(&c->hvc, "control", &vm->mem, said, c);
	c->hvc.room = room;
	vpci_add(&vm->pci, &c->hvc.v.pci, 0);
	vm->control = c;
	return true;
}

void control_console_destroy(struct vm *vm)
{
	mem_zfree(vm->control, sizeof *vm->control);
	vm->control = NULL;
}

void control_console_reset(struct control_console *c)
{
	dialogue_reset(&c->dialogue);
	virtio_console_forget(&c->hvc);
}

bool control_console_counter(const struct control_console *c, unsigned i, char *name, size_t size,
                             uint64_t *value)
{
	char of_device[32];
	const char *own = of_device;
	if (!dialogue_counter(&c->dialogue, i, &own, value) &&
	    !virtio_pci_counter(&c->hvc.v, i - DIALOGUE_COUNTER_COUNT, of_device, sizeof of_device,
	                        value))
		return false;
	snprintf(name, size, "control.%s", own);
	return true;
}
