/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_quiet.h: keeps devices that nobody drives from writing to memory. */
#ifndef ARCH_PCI_QUIET_H
#define ARCH_PCI_QUIET_H

struct pci_masters {
	unsigned functions, turned_off, refused;
};

/* Turns bus mastering off in every function except bridges and IOMMUs; returns the counts. */
struct pci_masters pci_masters_off(void);
#endif
