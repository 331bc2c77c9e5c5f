/* SPDX-License-Identifier: BSD-2-Clause */
/* Dom0's physical NIC on the PCI bus: registers, DMA and interrupts for drivers/e1000. */
#ifndef DOM0_NIC_H
#define DOM0_NIC_H
#include <stdbool.h>
#include "drivers/e1000/e1000.h"

/*
 * Finds the first 82540EM or 82574L and starts it.  Returns NULL, or what is wrong.  Its interrupts
 * come by MSI if the NIC has it, else by the I/O APIC; nic_irqs() counts them.
 */
const char *nic_start(struct e1000 *nic, bool promiscuous, uint16_t itr);

/* True once after each interrupt for a link change. */
bool nic_link_changed(void);
uint64_t nic_irqs(void);
#endif
