/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_pci_regs.h: shared by virtio_pci.c and virtio_pci_regs.c. */
#ifndef DRIVERS_VIRTIO_VIRTIO_PCI_REGS_H
#define DRIVERS_VIRTIO_VIRTIO_PCI_REGS_H
#include "drivers/virtio/virtio_pci.h"

/* virtio_pci_regs.c: vpci_ops of every virtio device. */
void virtio_pci_bar(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
                    uint64_t *val);
bool virtio_pci_window_read(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t *val);
bool virtio_pci_window_write(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val);

/* virtio_pci.c; v->lock held.  Starts the device if the driver, the bus and the rings are ready. */
void virtio_pci_resume(struct virtio_pci *v);
/* v->lock held.  Device reset (2.4). */
void virtio_pci_reset(struct virtio_pci *v);
/* No lock held.  Serves all rings once: the driver may have filled them before DRIVER_OK. */
void virtio_pci_first_look(struct virtio_pci *v);
#endif
