/* SPDX-License-Identifier: BSD-2-Clause */
/* power.h: power-off, reset and halt of the node. */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H
#include <stdint.h>

/* Stops all cores and devices.  An emulator with an exit port gets the status; else the machine is
 * switched off by ACPI, or halts when it cannot be. */
void node_exit(uint8_t status) __attribute__((noreturn));

/* The same without power-off: without an exit port the machine halts, the reason still on its
 * console. */
void node_refuse(uint8_t status) __attribute__((noreturn));

/* Stops all cores and devices and resets the machine. */
void node_reboot(void) __attribute__((noreturn));

/* What a panic ends with: an emulator's exit port if there is one, else a reset (the default); a
 * reset after `seconds`; or a halt. */
enum node_panic { NODE_PANIC_EMULATOR, NODE_PANIC_RESET, NODE_PANIC_HALT };
void node_panic_act(enum node_panic act, unsigned seconds);

/* Ends the node after a panic; the calling core is the only one still running. */
void node_panicked(void) __attribute__((noreturn));
#endif
