/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_switch.h: a switch of one core in a host program, and two kinds of ports: virtio devices,
 * negotiated through their registers as a driver does, and members of a group.  All are in network
 * 0 and in poll mode: vnet_poll(bench_core, n) is the loop of a core that is given to the network.
 *
 * What cannot be made ends the program with status 2.
 */
#ifndef TESTS_BENCH_RINGBENCH_BENCH_SWITCH_H
#define TESTS_BENCH_RINGBENCH_BENCH_SWITCH_H
#include "drivers/bus/gpa.h"
#include "drivers/shm/shm.h"
#include "drivers/virtio/virtio_net.h"
#include "guest-images/netlib/netlib.h"
#include "vnet/vnet.h"

/* vnet_this_core(). */
extern struct vnet_core *bench_core;

/* Says why, and ends the program. */
_Noreturn void bench_fail(const char *what, const char *why);

struct vnet *bench_switch(enum vnet_policy policy);

/* The MAC of port i. */
mac_t bench_mac(unsigned i);

/* One route for each of the first n ports: what is to its MAC goes there. */
void bench_routes(struct vnet *net, unsigned n);

/* ---- virtio ---- */

/* Where a queue's parts are in the guest's memory. */
struct bench_queue {
	uint64_t desc, avail, used; /* GPA */
};

/* A device with this MAC and these queues, of `size` entries, whose driver has taken MRG_RXBUF. */
struct virtio_net *bench_nic(struct vnet *net, mac_t mac, const struct gmem *mem, uint16_t size,
                             const struct bench_queue *rx, const struct bench_queue *tx);

/* ---- members of a group ---- */

struct bench_member {
	struct shm_member *device;
	struct netlib lib;
};

#define BENCH_MEMBERS 16

/* A group of n members, each a port with MAC bench_mac(its number). */
void bench_group(struct vnet *net, struct bench_member *member, unsigned n);

#endif
