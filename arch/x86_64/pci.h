/* SPDX-License-Identifier: BSD-2-Clause */
/* pci.h: physical PCI configuration space, mechanism #1.  Any core; `bdf` is bus << 8 | device << 3
 * | function. */
#ifndef ARCH_PCI_H
#define ARCH_PCI_H
#include <stdint.h>

/* A register of 1, 2 or 4 bytes, aligned to its size.  Where no function is, all ones are read. */
uint32_t pci_read(uint16_t bdf, uint8_t reg, unsigned size);
void pci_write(uint16_t bdf, uint8_t reg, unsigned size, uint32_t v);

/* The offset of the function's capability with that ID; 0: it has none. */
uint8_t pci_find_cap(uint16_t bdf, uint8_t id);

/* Size of a BAR by the usual write of ones; memory decoding is off meanwhile. */
uint32_t pci_bar_size(uint16_t bdf, unsigned bar);

/* One core is left that runs: the lock of these functions counts no more. */
void pci_lone_core(void);
#endif
