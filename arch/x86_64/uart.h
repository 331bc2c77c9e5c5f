/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.h: the physical serial port, a 16550A; and an emulator's debug port.
 *
 * Before uart_init(), and when nothing answers at the port, nothing is written or read.  A port
 * that stays busy for seconds is given up.  Callers take care that one core at a time is here.
 */
#ifndef ARCH_UART_H
#define ARCH_UART_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/serial.h"

/* Takes the port; s->port 0: there is none. */
void uart_init(const struct serial_port *s);

bool uart_present(void);

/* The GSI of its interrupt; false: it has none. */
bool uart_gsi(uint32_t *gsi);

/* Writes n bytes; waits where there is no room. */
void uart_put(const char *s, size_t n);

/* Returns when the last byte has left. */
void uart_drain(void);

/* A byte that came in; -1: nothing there. */
int uart_get(void);

/* It takes 16 bytes without waiting. */
bool uart_empty(void);

/* Its interrupt comes when a byte came; and, if `when_empty`, when it takes 16 bytes. */
void uart_interrupts(bool when_empty);

/* What is typed is going to be read as it comes: from here on 16 bytes may wait, before one. */
void uart_listen(void);

/* False: the other end is to wait (RTS), and the interrupt comes only when it does not. */
void uart_receive(bool on);

/* Bytes were lost since the last call. */
bool uart_overran(void);

/* Writes n bytes to an emulator's debug port, 0xE9; nothing happens where there is none. */
void debugcon_put(const char *s, size_t n);
#endif
