/* SPDX-License-Identifier: BSD-2-Clause */
/* power.h: the end of the node. */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H
#include <stdint.h>

/* Stops all cores and devices.  An emulator with an exit port gets the status; else the machine is
 * switched off by ACPI, or halts when it cannot be. */
void node_exit(uint8_t status) __attribute__((noreturn));

/* The same, but what an emulator does not end halts, with the reason on its console. */
void node_refuse(uint8_t status) __attribute__((noreturn));

/* Stops all cores and devices and resets the machine. */
void node_reboot(void) __attribute__((noreturn));

/* What a panic ends in: the exit port of an emulator, if there is one, else a reset (unless said);
 * a reset after so many seconds; or a halt. */
enum node_panic { NODE_PANIC_EMULATOR, NODE_PANIC_RESET, NODE_PANIC_HALT };
void node_panic_act(enum node_panic act, unsigned seconds);

/* The end of a panic, whose core is the only one that runs. */
void node_panicked(void) __attribute__((noreturn));
#endif
