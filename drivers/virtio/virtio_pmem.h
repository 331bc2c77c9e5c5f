/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_pmem.h: a range of memory that the driver maps (virtio 1.2, 5.19).
 *
 * The device says where the memory is in the guest's physical address space; using it costs no
 * exit.  The one queue takes requests to make what was written durable: the memory is RAM, so they
 * are answered at once.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_PMEM_H
#define DRIVERS_VIRTIO_VIRTIO_PMEM_H
#include <stdint.h>
#include "drivers/virtio/lock.h"
#include "drivers/virtio/virtio_pci.h"

#define VIRTIO_PMEM_QUEUE  64 /* ring entries, and requests of a visit */
#define VIRTIO_PMEM_PIECES 8  /* of a request with its answer, at most */

#define VIRTIO_PMEM_FLUSH  0 /* 5.19.6: the only type of request */
#define VIRTIO_PMEM_OK     0
#define VIRTIO_PMEM_FAILED 1

/* Where the driver finds the memory (5.19.4); little-endian. */
struct virtio_pmem_config {
	uint64_t start, size; /* guest-physical address, bytes */
};

struct virtio_pmem {
	struct virtio_pci v; /* first */
	struct virtio_pmem_config config;
	struct vgate gate; /* of the request ring */
	struct vnet_seg seg[VIRTIO_PMEM_PIECES];
	_Atomic uint64_t flushes; /* requests answered */
};

/* Prepares the device in memory that the caller owns (zeroed), for the guest's memory from `start`
 * on, which the caller has mapped there.  Then vpci_add(&p->v.pci). */
void virtio_pmem_init(struct virtio_pmem *p, const char *name, const struct gmem *mem,
                      uint64_t start, uint64_t size);
#endif
