/* SPDX-License-Identifier: BSD-2-Clause */
/* serial.h: which serial port is the node's console. */
#ifndef ARCH_SERIAL_H
#define ARCH_SERIAL_H
#include <stdbool.h>
#include <stdint.h>

#define SERIAL_BAUD 115200u /* of a 16550A with divisor 1 on a PC */

struct serial_port {
	uint16_t port;    /* the first of its I/O ports */
	uint16_t divisor; /* 0: keep the firmware's speed */
	bool has_gsi;     /* else `irq` is an ISA interrupt, or 16 for none */
	uint8_t irq;
	uint32_t gsi;
};

enum serial_choice {
	SERIAL_BAD,  /* not understood */
	SERIAL_NONE, /* `none` */
	SERIAL_SPCR, /* `spcr`: the port in the firmware's SPCR table */
	SERIAL_COM,  /* `com1` to `com4`, with `,SPEED` a divisor of 115200 */
};

/* What the value of `console=` means; fills *out with SERIAL_COM only. */
enum serial_choice serial_option(const char *text, struct serial_port *out);

/* COM1 with 115200 baud. */
struct serial_port serial_default(void);
#endif
