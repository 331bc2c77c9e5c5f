/* SPDX-License-Identifier: BSD-2-Clause */
/* random.h: numbers that nobody can guess. */
#ifndef ARCH_RANDOM_H
#define ARCH_RANDOM_H
#include <stdint.h>

/* A number that no guest can know: by RDRAND where the CPU has it, else by the TSC's noise alone.
 */
uint64_t random_word(void);
#endif
