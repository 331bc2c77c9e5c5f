/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's I/O ports: PCI first, because virtio notifications use it, then the few fixed
 * devices. */
#include "arch/x86_64/cpu.h"
#include "vmm/devices/io.h"
#include "vmm/vm.h"

void io_claim(struct io_space *s, uint16_t base, uint16_t count, io_handler *handler, void *ctx)
{
	if (s->n == IO_RANGES)
		return;
	s->range[s->n].base = base;
	s->range[s->n].count = count;
	s->range[s->n].handler = handler;
	s->range[s->n++].ctx = ctx;
}

/*
 * What a read of an unclaimed port gives: all ones, as on a bus where no device answers; but 0 for
 * the CMOS clock (70h, 71h): Linux polls it for a bit to clear even if the firmware reports no
 * clock, and gives up at once when it reads 0.
 */
static uint32_t read_unclaimed(uint16_t port)
{
	return port == 0x70 || port == 0x71 ? 0 : 0xffffffff;
}

void io_access(struct vm *vm, uint16_t port, unsigned size, bool in, uint32_t *val)
{
	if (!vpci_io(&vm->pci, port, size, !in, val))
		io_fixed(vm, port, size, in, val);
}

void io_fixed(struct vm *vm, uint16_t port, unsigned size, bool in, uint32_t *val)
{
	for (unsigned i = 0; i < vm->io.n; i++) {
		uint16_t offset = (uint16_t)(port - vm->io.range[i].base);

		if (offset < vm->io.range[i].count) {
			vm->io.range[i].handler(vm->io.range[i].ctx, offset, size, in, val);
			return;
		}
	}
	if (in)
		*val = read_unclaimed(port);
}
