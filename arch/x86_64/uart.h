/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.h: the physical serial port, a 16550A; and an emulator's debug port.
 *
 * Before uart_init(), and if there is no port, nothing is written or read.  A port that stays busy
 * for seconds is treated as absent.  The caller makes sure that only one core uses these at a time.
 */
#ifndef ARCH_UART_H
#define ARCH_UART_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/serial.h"

/* Initialises the port; s->port 0: there is none. */
void uart_init(const struct serial_port *s);

bool uart_present(void);

/* The GSI of the port's interrupt; false: it has none. */
bool uart_gsi(uint32_t *gsi);

/* Writes n bytes; waits while the FIFO is full. */
void uart_put(const char *s, size_t n);

/* Waits until the last byte is on the line. */
void uart_drain(void);

/* The next received byte; -1: none. */
int uart_get(void);

/* True when 16 bytes can be written without waiting. */
bool uart_empty(void);

/* Interrupts when bytes were received and, if `when_empty`, when 16 bytes can be written. */
void uart_interrupts(bool when_empty);

/* Enables the FIFO: from here on 16 received bytes can wait instead of one. */
void uart_listen(void);

/* False: asks the other end to pause (RTS off), and interrupts only on an overrun. */
void uart_receive(bool on);

/* True if received bytes were lost since the last call. */
bool uart_overran(void);

/* Writes n bytes to an emulator's debug port, 0xe9; harmless where there is none. */
void debugcon_put(const char *s, size_t n);
#endif
