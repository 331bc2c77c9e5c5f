/* Guests' consoles on the one serial terminal. */
#include <stdatomic.h>
#include "vmm/console.h"
#include "vmm/log.h"
#include "vmm/vm.h"

static _Atomic(struct console *) shown;

void console_init(struct console *c, struct vm *vm)
{
	c->vm = vm;
}

void console_output(struct console *c, const char *buf, size_t len)
{
	spin_lock(&c->lock);
	for (size_t i = 0; i < len; i++)
		c->history[c->head++ % CONSOLE_HISTORY] = buf[i];
	if (atomic_load(&shown) == c)
		log_raw(buf, len);
	spin_unlock(&c->lock);
}

void console_output_hvc(void *console, const char *buf, size_t len)
{
	console_output(console, buf, len);
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

void console_show(struct console *c)
{
	atomic_store(&shown, NULL);
	if (!c)
		return;
	spin_lock(&c->lock);
	uint64_t from = c->head > CONSOLE_HISTORY ? c->head - CONSOLE_HISTORY : 0;
	while (from < c->head) {
		uint64_t at = from % CONSOLE_HISTORY, n = CONSOLE_HISTORY - at;
		if (n > c->head - from)
			n = c->head - from;
		log_raw(c->history + at, n);
		from += n;
	}
	atomic_store(&shown, c);
	spin_unlock(&c->lock);
}

struct console *console_shown(void)
{
	return atomic_load(&shown);
}
