/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group_port.h: a guest's port whose frames lie in the memory of a group (drivers/shm/shm.h): the
 * device, with its private region mapped where the guest has its BAR.
 */
#ifndef VMM_DEVICES_GROUP_PORT_H
#define VMM_DEVICES_GROUP_PORT_H
#include "drivers/shm/shm.h"
#include "vmm/devices/shown.h"
#include "vmm/group.h"

struct group_port {
	struct shm_member dev; /* first */
	struct shown_memory map;
};

/*
 * Makes the device of a member, which has none in this group.  Then: shm_member_attach() and
 * vpci_add(&dev.pci).  NULL: no memory, or the group has no buffers.
 */
struct group_port *group_port_create(const struct group_member *m, const char *name, mac_t mac,
                                     uint16_t mtu);

/* Frees it; its port has been removed, and its guest does not run. */
void group_port_destroy(struct group_port *p);

#endif
