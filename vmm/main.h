/* SPDX-License-Identifier: BSD-2-Clause */
/* main.h: the entry of the boot core, and the self-test. */
#ifndef VMM_MAIN_H
#define VMM_MAIN_H
#include <stdint.h>

struct core;

/* main.c: the boot core's entry, from boot.asm. */
void boot_main(uint32_t magic, uint32_t info) __attribute__((noreturn));

/* self_test.c: called once on each core; does nothing unless the command line asks for a test. */
void self_test(const struct core *c);
#endif
