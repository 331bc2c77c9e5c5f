/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm_nodes.h: a trust group on the switch of virtio_nodes.h: members with a PCI bus and the
 * netlib each, beside the three guests with virtio devices.
 */
#ifndef TESTS_UNIT_RIG_SHM_NODES_H
#define TESTS_UNIT_RIG_SHM_NODES_H
#include "tests/unit/rig/virtio_nodes.h"
#include "drivers/shm/shm.h"
#include "guest-images/netlib/netlib.h"

#define MEMBERS 3

struct member {
	struct guest *g;
	struct shm_member *device;
	struct vnet_port *port;
	struct shm_private *shared;
	struct netlib lib;
	struct probe p;
	uint16_t io; /* port of its registers */
	uint32_t private_at;
};

extern struct shm_group *group;
extern uint8_t *region;
extern uint64_t region_bytes; /* before the setup; 0: 2 MiB */
extern struct member member[MEMBERS];

/* cmocka's: nics_setup(), and the group, its members started in mode VNET_KICK. */
int members_setup(void **state);
int members_teardown(void **state);

/* Takes away what waits for any member or guest that runs. */
void members_drain(void);

/* Brings the guests' drivers up, lets the switch learn everybody's address, takes the frames of
 * that away, and clears the members' counters. */
void members_introduce(void);

/* Makes, and ends, the device in that seat. */
void member_join(unsigned seat);
void member_leave(unsigned seat);

/* The MAC address of member i. */
mac_t member_mac_of(unsigned i);

/* Starts a member, and opens it anew. */
void member_start(struct member *m);

/* A frame as nic_compose() makes it, in an empty buffer of the member's, from its address. */
struct netlib_frame member_compose(struct member *m, mac_t dst, uint32_t length, uint8_t seed);

/* Composes one and sends it. */
void member_send(struct member *m, mac_t dst, uint32_t length, uint8_t seed);

/* Receives one frame, which must be there, checks length and payload, and returns it. */
struct netlib_frame member_receive(struct member *m, uint32_t length, uint8_t seed);

/* Drops a frame. */
void member_drop(struct member *m, struct netlib_frame f);

/* Whether no frame waits for the member. */
bool member_idle(struct member *m);

/* A counter of its device, by name; fails the test when there is no such one. */
uint64_t member_counter(const struct member *m, const char *name);

/* The drops of one kind on its port. */
uint64_t member_drops(const struct member *m, enum vnet_drop why);

/* Writes an entry of `out` as it is, and rings. */
void member_write_out(struct member *m, struct shm_desc d);

/* Every buffer has one owner, and every member its share: fails the test else.  Nothing moves. */
void check_shares(void);

#endif
