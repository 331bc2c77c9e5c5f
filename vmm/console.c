/* Guests' consoles on the one serial terminal. */
#include <stdatomic.h>
#include <string.h>
#include "vmm/console.h"
#include "vmm/log.h"
#include "vmm/vm.h"

static _Atomic(struct console *) shown;

void console_init(struct console *c, struct vm *vm)
{
	c->vm = vm;
}

static void keep(struct console *c, const char *buf, size_t len)
{
	size_t at = c->head % CONSOLE_HISTORY;
	size_t first = len < CONSOLE_HISTORY - at ? len : CONSOLE_HISTORY - at;
	memcpy(c->history + at, buf, first);
	memcpy(c->history, buf + first, len - first);
	c->head += len;
}

/* At most CONSOLE_HISTORY bytes; lock held. */
static void print(struct console *c, const char *buf, size_t len)
{
	keep(c, buf, len);
	if (atomic_load(&shown) == c)
		atomic_fetch_add(&c->dropped, len - log_guest(buf, len));
}

/* So many bytes more than are kept: nobody sees them. */
static uint64_t skip(struct console *c, uint64_t len)
{
	uint64_t more = len > CONSOLE_HISTORY ? len - CONSOLE_HISTORY : 0;
	if (atomic_load(&shown) == c)
		atomic_fetch_add(&c->dropped, more);
	return more;
}

void console_output(struct console *c, const char *buf, size_t len)
{
	spin_lock(&c->lock);
	uint64_t skipped = skip(c, len);
	print(c, buf + skipped, len - skipped);
	spin_unlock(&c->lock);
}

void console_output_hvc(void *console, const struct vnet_seg *seg, unsigned nseg)
{
	struct console *c = console;
	uint64_t total = 0;
	for (unsigned i = 0; i < nseg; i++)
		total += seg[i].len;
	spin_lock(&c->lock);
	uint64_t skipped = skip(c, total);
	for (unsigned i = 0; i < nseg; i++) {
		uint32_t from = skipped < seg[i].len ? (uint32_t)skipped : seg[i].len;
		print(c, (const char *)seg[i].base + from, seg[i].len - from);
		skipped -= from;
	}
	spin_unlock(&c->lock);
}

void console_input(struct console *c, const char *buf, size_t len)
{
	if (!vm_active(c->vm))
		return;
	if (virtio_pci_running(&c->vm->hvc.v)) {
		virtio_console_input(&c->vm->hvc, buf, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		vuart_input(&c->vm->uart, (uint8_t)buf[i]);
}

/* What the console kept, in order, to a buffer of CONSOLE_HISTORY bytes; from now on it is shown.
 */
static size_t begin_show(struct console *c, char *to)
{
	spin_lock(&c->lock);
	size_t n = c->head < CONSOLE_HISTORY ? c->head : CONSOLE_HISTORY;
	size_t at = (c->head - n) % CONSOLE_HISTORY;
	size_t first = n < CONSOLE_HISTORY - at ? n : CONSOLE_HISTORY - at;
	memcpy(to, c->history + at, first);
	memcpy(to + first, c->history, n - first);
	atomic_store(&shown, c);
	spin_unlock(&c->lock);
	return n;
}

/* What the guest prints meanwhile is queued, and follows. */
void console_show(struct console *c)
{
	static char copy[CONSOLE_HISTORY];
	atomic_store(&shown, NULL);
	if (!c)
		return;
	log_hold();
	log_raw(copy, begin_show(c, copy));
	log_release();
}

struct console *console_shown(void)
{
	return atomic_load(&shown);
}
