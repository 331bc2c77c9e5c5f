/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_quiet.h: no device writes into memory that the VMM did not give it. */
#ifndef ARCH_PCI_QUIET_H
#define ARCH_PCI_QUIET_H

struct pci_masters {
	unsigned functions, turned_off, refused;
};

/* Takes bus mastering from every function but bridges and IOMMUs; says how many there were. */
struct pci_masters pci_masters_off(void);
#endif
