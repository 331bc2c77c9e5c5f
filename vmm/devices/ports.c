/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's devices at fixed I/O ports, as a PC has them. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"
#include "lib/rate.h"
#include "vmm/devices/guest_acpi.h"
#include "vmm/devices/ports.h"
#include "vmm/life.h"

#define COM1            0x3f8
#define DEBUG_EXIT_PORT 0xf4
static void com1_access(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	struct vm *vm = ctx;

	if (in)
		*val = size == 1 ? vuart_read(&vm->uart, offset) : 0xffffffff;
	else
		vuart_write(&vm->uart, offset, (uint8_t)*val);
}

static void debug_exit(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	(void)offset;
	(void)size;
	if (in)
		*val = 0;
	else
		vm_end(ctx, (uint8_t)*val, "debug exit");
}

static void sleep_port_access(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	(void)size;
	if (in)
		*val = 0;
	else if (offset == 0 && (uint8_t)*val == GUEST_ACPI_S5_VALUE)
		vm_end(ctx, 0, "powered off");
}

/* control/lifecycle.c restarts the guest once it has stopped. */
static void end_for_reset(struct vm *vm)
{
	vm->reset_asked = true;
	vm_end(vm, 0, "asked for a reset");
}

static void reset_port_access(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	(void)offset;
	(void)size;
	if (in)
		*val = 0;
	else if ((uint8_t)*val == GUEST_ACPI_RESET_VALUE)
		end_for_reset(ctx);
}

/* A wider access is split into a byte for each port, as on an 8-bit bus. */
static void pit_access(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	struct vm *vm = ctx;
	uint32_t bytes = 0;

	for (unsigned i = 0; i < size; i++) {
		unsigned reg = offset + i;

		if (in && reg < VPIT_PORTS)
			bytes |= (uint32_t)vpit_read(&vm->pit, reg, rdtsc()) << 8 * i;
		else if (in)
			bytes |= 0xffu << 8 * i;
		else if (reg < VPIT_PORTS)
			vpit_write(&vm->pit, reg, (uint8_t)(*val >> 8 * i), rdtsc());
	}
	if (in)
		*val = bytes;
}

static void pit_gate_access(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	struct vm *vm = ctx;

	(void)offset;
	(void)size;
	if (in)
		*val = 0xffffff00 | vpit_read_gate(&vm->pit, rdtsc());
	else
		vpit_write_gate(&vm->pit, (uint8_t)*val, rdtsc());
}

/* A 32-bit count; its high half can be read alone. */
static void pm_timer_access(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val)
{
	(void)ctx;
	(void)size;
	if (in)
		*val = (uint32_t)rate_ticks(rdtsc(), tsc_khz * 1000, PM_HZ) >> 8 * offset;
}

void ports_claim(struct vm *vm)
{
	io_claim(&vm->io, COM1, VUART_PORTS, com1_access, vm);
	io_claim(&vm->io, SLEEP_CONTROL, SLEEP_STATUS - SLEEP_CONTROL + 1, sleep_port_access, vm);
	io_claim(&vm->io, RESET_PORT, 1, reset_port_access, vm);
	io_claim(&vm->io, PM_TIMER, 4, pm_timer_access, vm);
	io_claim(&vm->io, VPIT_PORT, VPIT_PORTS, pit_access, vm);
	io_claim(&vm->io, VPIT_GATE, 1, pit_gate_access, vm);
	if (vm->config->debug_exit)
		io_claim(&vm->io, DEBUG_EXIT_PORT, 1, debug_exit, vm);
}
