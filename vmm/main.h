/* SPDX-License-Identifier: BSD-2-Clause */
/* main.h: where a core's life begins in the VMM, and the loop it stays in. */
#ifndef VMM_MAIN_H
#define VMM_MAIN_H
#include <stdint.h>

struct core;

/* main.c: the boot core's entry, from boot.asm. */
void boot_main(uint32_t magic, uint32_t info) __attribute__((noreturn));

/* self_test.c: each core comes here once; does nothing unless the command line asks for it. */
void self_test(const struct core *c);
#endif
