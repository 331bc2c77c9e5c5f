/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio_net.c: identity, configuration, start and stop of the network device; see virtio_net.h. */
#include <string.h>
#include "drivers/virtio/virtio_net.h"
#include "drivers/virtio/virtio_net_parts.h"
#include "lib/count.h"

#define F_GUEST_GSO (VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN)
#define F_HOST_GSO  (VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN)
#define F_OFFERED                                                                                  \
	(VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_MTU | VIRTIO_NET_F_MRG_RXBUF |      \
	 VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | F_GUEST_GSO | F_HOST_GSO)

static struct virtio_net *net_of(struct virtio_pci *v)
{
	return (struct virtio_net *)v;
}

void virtio_net_break(struct virtio_net *n, enum vring_error why)
{
	vnet_port_set_up(n->port, vnet_this_core(), false);
	atomic_store(&n->tx_ready, false);
	atomic_store(&n->rx_ready, false);
	virtio_pci_break(&n->v, why);
}

/* 5.1.3.1: segmentation needs the checksum feature of its direction, ECN needs segmentation. */
static bool features_fit(uint64_t f)
{
	if ((f & F_GUEST_GSO) && !(f & VIRTIO_NET_F_GUEST_CSUM))
		return false;
	if ((f & F_HOST_GSO) && !(f & VIRTIO_NET_F_CSUM))
		return false;
	if ((f & F_GUEST_GSO) == VIRTIO_NET_F_GUEST_ECN)
		return false;
	return (f & F_HOST_GSO) != VIRTIO_NET_F_HOST_ECN;
}

static uint32_t gso_types(uint64_t f)
{
	uint32_t types = 0;

	if (f & VIRTIO_NET_F_GUEST_TSO4)
		types |= virtio_net_gso_bit(VNET_GSO_TCPV4);
	if (f & VIRTIO_NET_F_GUEST_TSO6)
		types |= virtio_net_gso_bit(VNET_GSO_TCPV6);
	if (f & VIRTIO_NET_F_GUEST_ECN)
		types |= types << 16;
	return types;
}

static void net_start(struct virtio_pci *v)
{
	struct virtio_net *n = net_of(v);
	bool rx = v->queue[VIRTIO_NET_RX].enabled;

	/* With both locks, so that this does not overwrite a violation that a core finds at once.
	 */
	vgate_lock(&n->tx_gate);
	spin_lock(&n->rx_lock);
	n->features = v->features;
	n->mergeable = v->features & VIRTIO_NET_F_MRG_RXBUF;
	n->csum_accepted = v->features & VIRTIO_NET_F_GUEST_CSUM;
	n->gso_accepted = gso_types(v->features);
	atomic_store(&n->tx_ready, v->queue[VIRTIO_NET_TX].enabled);
	if (rx)
		vring_disarm_now(&v->queue[VIRTIO_NET_RX].ring);
	atomic_store(&n->rx_ready, rx);
	if (n->port)
		vnet_port_set_up(n->port, vnet_this_core(), rx);
	spin_unlock(&n->rx_lock);
	vgate_unlock(&n->tx_gate);
}

/* The driver has its memory back: no frame of it waits any more. */
static void forget_holds(struct virtio_net *n)
{
	if (!n->holds.used)
		return;
	vnet_port_recall(vnet_this_core(), n->port);
	n->holds.used = 0;
	atomic_store(&n->holds.released, 0);
}

static void net_stop(struct virtio_pci *v)
{
	struct virtio_net *n = net_of(v);

	if (n->port)
		vnet_port_set_up(n->port, vnet_this_core(), false);
	vgate_lock(&n->tx_gate);
	spin_lock(&n->rx_lock);
	atomic_store(&n->tx_ready, false);
	atomic_store(&n->rx_ready, false);
	n->registers.mtu = atomic_load(&n->mtu_next);
	spin_unlock(&n->rx_lock);
	vgate_unlock(&n->tx_gate);
	forget_holds(n);
}

static const struct virtio_ops net_ops = {
    .id = VIRTIO_ID_NET,
    .class_code = 0x020000, /* Ethernet controller */
    .features_fit = features_fit,
    .kick = virtio_net_kick,
    .start = net_start,
    .stop = net_stop,
};

static const struct vnet_port_ops virtio_net_port_ops = {
    .poll = virtio_net_poll,
    .arm = virtio_net_arm,
    .egress = virtio_net_egress,
    .egress_traced = virtio_net_egress_traced,
    .room = virtio_net_room,
    .hold = virtio_net_hold,
    .release = virtio_net_release,
};

void virtio_net_init(struct virtio_net *n, const struct virtio_net_config *c)
{
	uint16_t size[2] = {c->rx_size ? c->rx_size : VIRTIO_NET_RX_SIZE,
	                    c->tx_size ? c->tx_size : VIRTIO_NET_TX_SIZE};

	n->port = NULL;
	mac_write(n->registers.mac, c->mac);
	n->registers.status = VIRTIO_NET_S_LINK_UP;
	n->registers.max_virtqueue_pairs = 1;
	atomic_store(&n->mtu_next, c->mtu);
	virtio_pci_init(&n->v, c->name, &net_ops, c->mem, size, 2, F_OFFERED,
	                (const uint8_t *)&n->registers, sizeof n->registers);
}

/* ---- for the control plane: drivers/nic.h ---- */

static struct virtio_net *net_on_bus(struct vpci_dev *d)
{
	return (struct virtio_net *)d;
}

static void nic_attach(struct vpci_dev *d, struct vnet_port *port)
{
	net_on_bus(d)->port = port;
}

/* The MTU register changes at the driver's next reset; a running driver keeps its MTU. */
static void nic_set_mtu(struct vpci_dev *d, uint16_t mtu)
{
	atomic_store(&net_on_bus(d)->mtu_next, mtu);
}

static void nic_kick(struct vpci_dev *d)
{
	virtio_net_kick(&net_on_bus(d)->v, VIRTIO_NET_TX);
}

static uint64_t nic_copied(const struct vpci_dev *d)
{
	return count_read(&((const struct virtio_net *)d)->copied);
}

static bool nic_counter(const struct vpci_dev *d, unsigned i, char *name, size_t size,
                        uint64_t *value)
{
	return virtio_pci_counter(&((const struct virtio_net *)d)->v, i, name, size, value);
}

const struct nic_ops virtio_net_nic = {
    .port = &virtio_net_port_ops,
    .attach = nic_attach,
    .set_mtu = nic_set_mtu,
    .kick = nic_kick,
    .copied = nic_copied,
    .counter = nic_counter,
};
