/* SPDX-License-Identifier: BSD-2-Clause */
/* ism_guest.h: the driver side of the ISM device, for tests: guests with memory, a PCI bus and that
 * device, of which each call is what a driver does. */
#ifndef TESTS_UNIT_RIG_ISM_GUEST_H
#define TESTS_UNIT_RIG_ISM_GUEST_H
#include "drivers/ism/ism.h"

#define RAM_GPA  0x100000ull
#define RAM_SIZE 0x400000ull
#define AREA_GPA RAM_GPA
#define DMB_GPA  0x200000ull /* room for two of the largest */
#define DATA_GPA 0x400000ull /* what is sent, 1 MiB */

struct ism_guest {
	struct vpci bus;
	struct gmem mem;
	struct ism d;
	uint8_t *ram;
	struct ism_area *area;
	atomic_uint msis[ISM_VECTORS];
	atomic_uint resumed; /* how often a device asked for work */
	uint16_t io;         /* where its registers are */
};

/* A guest that is a member of the domain; its driver has set up MSI-X and bus mastering, and the
 * device is off.  To be freed. */
struct ism_guest *ism_guest_new(struct ism_fabric *f, unsigned member, unsigned domain);
void ism_guest_free(struct ism_guest *g);

void ism_guest_out(struct ism_guest *g, uint32_t reg, uint32_t value);
uint32_t ism_guest_in(struct ism_guest *g, uint32_t reg);
void *ism_guest_at(struct ism_guest *g, uint64_t gpa);

/* Switches the device on, with the area at its place; returns its GID. */
uint64_t ism_guest_on(struct ism_guest *g);
uint64_t ism_guest_gid(struct ism_guest *g);

/* Carries out the command; *c then has what the device answered. */
uint32_t ism_guest_command(struct ism_guest *g, struct ism_command *c);

/* Registers a DMB for the peer; returns its token, 0 when it was refused. */
uint64_t ism_guest_register(struct ism_guest *g, unsigned index, uint64_t peer, uint64_t gpa,
                            uint32_t length, uint32_t flags);

/* A cursor with its flags. */
uint64_t ism_cursor(unsigned wrap, uint32_t count, unsigned flags);

/* Fills in slot 0 with one piece of `length` bytes from DATA_GPA (0: none) and a header. */
struct ism_slot *ism_guest_message(struct ism_guest *g, uint64_t token, uint32_t length,
                                   uint32_t offset, uint64_t produced);

/* Submits the slot, lets the guest's cores finish it, and returns its status. */
uint32_t ism_guest_submit(struct ism_guest *g, unsigned slot);

/* The counter with this name. */
uint64_t ism_guest_counter(struct ism_guest *g, const char *name);

#endif
