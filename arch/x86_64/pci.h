/* SPDX-License-Identifier: BSD-2-Clause */
/* pci.h: physical PCI configuration space, mechanism #1.  Any core; `bdf` is bus << 8 | device << 3
 * | function. */
#ifndef ARCH_PCI_H
#define ARCH_PCI_H
#include <stdint.h>

/* A register of 1, 2 or 4 bytes, aligned to its size.  All ones are read where there is no
 * function. */
uint32_t pci_read(uint16_t bdf, uint8_t reg, unsigned size);
void pci_write(uint16_t bdf, uint8_t reg, unsigned size, uint32_t v);

/* The offset of the function's capability with that ID; 0: there is none. */
uint8_t pci_find_cap(uint16_t bdf, uint8_t id);

/* The size of a BAR, found by writing ones to it; decoding is off meanwhile. */
uint32_t pci_bar_size(uint16_t bdf, unsigned bar);

/* Only this core still runs: these functions no longer take their lock. */
void pci_lone_core(void);
#endif
