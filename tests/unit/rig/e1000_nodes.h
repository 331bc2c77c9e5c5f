/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * e1000_nodes.h: three guests with an emulated NIC each, on one switch with a port that records
 * what it is given; the guests' driver is the one for real NICs (drivers/e1000/e1000.h).
 */
#ifndef TESTS_UNIT_RIG_E1000_NODES_H
#define TESTS_UNIT_RIG_E1000_NODES_H
#include "tests/unit/rig/virtio_guest.h"
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/model.h"
#include "drivers/e1000/regs.h"

#define STATIONS 3 /* the third has an 82540EM, the others an 82574L */
#define FAR_GOT  256

struct station {
	struct guest *g;
	struct e1000_model *m;
	struct vnet_port *port;
	uint64_t regs; /* GPA of the registers */
	bool pin;      /* its level, and how often it rose */
	unsigned pin_rises;
	struct probe p;
	struct e1000 driver;
	uint64_t buffers; /* GPA of as many receive buffers as the driver's ring has */
	uint8_t *big;     /* room for the largest frame, in the guest's memory */
};

/* The third port: frames as they came, with their offload headers. */
struct far_port {
	struct vnet_port *port;
	unsigned n;
	struct {
		uint8_t *data;
		uint32_t len;
		struct vnet_hdr hdr;
	} got[FAR_GOT];
};

extern struct station station[STATIONS];
extern struct far_port far_port;

/* 52:54:00:00:00:2i; the far port's is of i = 9. */
mac_t station_mac(unsigned i);

/* cmocka's: makes them, the drivers not started; frees them. */
int stations_setup(void **state);
int stations_teardown(void **state);

/* Accesses to registers. */
uint32_t nic_rd(struct station *s, uint32_t reg);
void nic_wr(struct station *s, uint32_t reg, uint32_t v);

/* Starts the driver with all of its receive buffers, for that MTU (0: 1500). */
void station_up(struct station *s, uint32_t mtu);

/* Sends a frame from the third port. */
void far_send(const uint8_t *data, uint32_t len, const struct vnet_hdr *hdr);

/* Forgets what the third port got. */
void far_forget(void);

/* The device's counter of that name; fails the test when there is none. */
uint64_t nic_counter(const struct station *s, const char *name);

#endif
