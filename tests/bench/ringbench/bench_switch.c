/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_switch.c: see bench_switch.h. */
#include <stdio.h>
#include "drivers/bus/vpci.h"
#include "tests/bench/ringbench/bench_switch.h"
#include "tests/unit/rig/host_memory.h"

#define REGION (8ull << 20) /* bytes of a group */

struct vnet_core *bench_core;

struct vnet_core *vnet_this_core(void)
{
	return bench_core;
}

void bench_fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

struct vnet *bench_switch(enum vnet_policy policy)
{
	static const struct vnet_mem mem = {host_alloc, host_release};
	struct vnet *net = vnet_create(&mem, 1);

	if (!net || !vnet_net_set(net, 0, policy))
		bench_fail("switch", "cannot be made");
	bench_core = vnet_core(net, 0);
	return net;
}

mac_t bench_mac(unsigned i)
{
	return 0x5452ull | (mac_t)(i + 1) << 40;
}

void bench_routes(struct vnet *net, unsigned n)
{
	struct vnet_route r[BENCH_MEMBERS];
	char err[128];

	for (unsigned i = 0; i < n; i++)
		r[i] = (struct vnet_route){.src = {VNET_MAC_ANY, 0},
		                           .dst = {VNET_MAC_IS, bench_mac(i)},
		                           .from = -1,
		                           .to = (uint16_t)i};
	if (!vnet_routes_set(net, r, n, err, sizeof err))
		bench_fail("routes", err);
}

static void no_interrupt(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

/* A bus with one device, a bus master, whose first BAR is the first one of I/O ports. */
static struct vpci *bus_of(struct vpci_dev *device)
{
	struct vpci *bus = host_alloc(sizeof *bus);

	vpci_init(bus, no_interrupt, NULL);
	if (!vpci_add(bus, device, 1))
		bench_fail(device->name, "is not added");
	vpci_cfg_write(device, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	return bus;
}

static void out(struct vpci *bus, unsigned off, unsigned size, uint32_t val)
{
	vpci_io(bus, (uint16_t)(VPCI_IO_FIRST + off), size, true, &val);
}

static struct vnet_port *add_port(struct vnet *net, const struct vnet_port_ops *ops, void *device)
{
	static unsigned ports;
	struct vnet_port *port;
	char name[16];

	snprintf(name, sizeof name, "p%u", ports++);
	port = vnet_port_add(net, name, 0, ops, device, 0);
	if (!port)
		bench_fail(name, "is not added");
	return port;
}

/* ---- virtio: what the guest's driver does (virtio 1.2, 3.1.1) ---- */

static void give_queue(struct vpci *bus, unsigned index, uint16_t size, const struct bench_queue *q)
{
	const uint64_t area[3] = {q->desc, q->avail, q->used};

	out(bus, VIRTIO_IO_COMMON + 0x16, 2, index);
	out(bus, VIRTIO_IO_COMMON + 0x18, 2, size);
	for (unsigned i = 0; i < 3; i++) {
		out(bus, VIRTIO_IO_COMMON + 0x20 + 8 * i, 4, (uint32_t)area[i]);
		out(bus, VIRTIO_IO_COMMON + 0x24 + 8 * i, 4, (uint32_t)(area[i] >> 32));
	}
	out(bus, VIRTIO_IO_COMMON + 0x1c, 2, 1);
}

struct virtio_net *bench_nic(struct vnet *net, mac_t mac, const struct gmem *mem, uint16_t size,
                             const struct bench_queue *rx, const struct bench_queue *tx)
{
	const struct virtio_net_config c = {"net", mac, 1500, size, size, mem};
	struct virtio_net *nic = host_alloc(sizeof *nic);
	struct vpci *bus;

	virtio_net_init(nic, &c);
	virtio_net_nic.attach(&nic->v.pci, add_port(net, virtio_net_nic.port, nic));
	bus = bus_of(&nic->v.pci);
	out(bus, VIRTIO_IO_COMMON + 8, 4, 0);
	out(bus, VIRTIO_IO_COMMON + 12, 4, VIRTIO_NET_F_MRG_RXBUF);
	out(bus, VIRTIO_IO_COMMON + 8, 4, 1);
	out(bus, VIRTIO_IO_COMMON + 12, 4, 1); /* VERSION_1 */
	out(bus, VIRTIO_IO_COMMON + 0x14, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	out(bus, VIRTIO_IO_COMMON + 0x14, 1,
	    VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	give_queue(bus, VIRTIO_NET_RX, size, rx);
	give_queue(bus, VIRTIO_NET_TX, size, tx);
	out(bus, VIRTIO_IO_COMMON + 0x14, 1,
	    VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
	if (!nic->v.running)
		bench_fail("net", "does not start");
	vnet_port_set_mode(nic->port, VNET_POLL);
	return nic;
}

/* ---- members of a group ---- */

static void no_doorbell(void *ctx)
{
	(void)ctx;
}

static void join(struct vnet *net, struct shm_group *group, uint8_t *region, unsigned i,
                 struct bench_member *m)
{
	struct shm_member_config c = {.name = "member", .mac = bench_mac(i), .mtu = 1500};
	const char *wrong;

	c.shared = host_alloc_at(4096, SHM_PRIVATE_BYTES);
	m->device = host_alloc(sizeof *m->device);
	if (!shm_member_init(m->device, group, i, &c))
		bench_fail("member", "cannot be made");
	shm_member_attach(m->device, add_port(net, shm_nic.port, m->device));
	out(bus_of(&m->device->pci), SHM_IO_STATUS, 4, SHM_START);
	vnet_port_set_mode(m->device->port, VNET_POLL);
	wrong = netlib_open(&m->lib, c.shared, region, REGION, no_doorbell, NULL);
	if (wrong)
		bench_fail("member", wrong);
}

void bench_group(struct vnet *net, struct bench_member *member, unsigned n)
{
	struct shm_group *group = host_alloc(sizeof *group);
	uint8_t *region = host_alloc_at(4096, REGION);

	if (!shm_group_init(group, region, REGION, n))
		bench_fail("group", "cannot be made");
	for (unsigned i = 0; i < n; i++)
		join(net, group, region, i, &member[i]);
}
