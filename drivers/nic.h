/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nic.h: what the control plane knows of a guest's network device, whatever its model: virtio_net,
 * a member's port (drivers/shm/) or an emulated NIC (drivers/e1000/).  The switch knows its port
 * operations alone.
 *
 * Each device begins with its struct vpci_dev, so that one pointer names it on the bus, in the
 * switch and here.
 */
#ifndef DRIVERS_NIC_H
#define DRIVERS_NIC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/bus/vpci.h"

struct vnet_port;
struct vnet_port_ops;

struct nic_ops {
	const struct vnet_port_ops *port; /* for vnet_port_add(), with the device as `dev` */
	/* Connects the device to its port of the switch; before the guest starts. */
	void (*attach)(struct vpci_dev *d, struct vnet_port *port);
	/* The MTU changed; a running driver may keep its own.  NULL: the device has no use for it.
	 */
	void (*set_mtu)(struct vpci_dev *d, uint16_t mtu);
	/* Takes a look at what the guest sends, as after its kick: after vnet_port_set_mode(). */
	void (*kick)(struct vpci_dev *d);
	/* Bytes of frames that it has copied into the guest's buffers. */
	uint64_t (*copied)(const struct vpci_dev *d);
	/* The i-th counter by name, from 0 on; false when there are no more. */
	bool (*counter)(const struct vpci_dev *d, unsigned i, char *name, size_t size,
	                uint64_t *value);
};

/* A device and its model. */
struct nic {
	const struct nic_ops *ops;
	struct vpci_dev *dev;
};

#endif
