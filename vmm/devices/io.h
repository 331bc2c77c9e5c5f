/* SPDX-License-Identifier: BSD-2-Clause */
/* io.h: the I/O ports of a guest. */
#ifndef VMM_DEVICES_IO_H
#define VMM_DEVICES_IO_H
#include <stdbool.h>
#include <stdint.h>

#define IO_RANGES 16

struct vm;

/* An access of 1, 2 or 4 bytes at base + offset; a read sets *val. */
typedef void io_handler(void *ctx, uint16_t offset, unsigned size, bool in, uint32_t *val);

struct io_space {
	unsigned n;
	struct {
		uint16_t base, count;
		io_handler *handler;
		void *ctx;
	} range[IO_RANGES];
};

/* Claims `count` ports from `base`.  The table has room for the claims of ports.c, the only
 * caller. */
void io_claim(struct io_space *s, uint16_t base, uint16_t count, io_handler *handler, void *ctx);

/* Carries out one access by the guest; unclaimed ports behave as on a PC without the device. */
void io_access(struct vm *vm, uint16_t port, unsigned size, bool in, uint32_t *val);

/* The same for a port that vpci_io() does not claim. */
void io_fixed(struct vm *vm, uint16_t port, unsigned size, bool in, uint32_t *val);
#endif
