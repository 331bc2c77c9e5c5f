/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet.h: the switch, and the index of this folder.
 *
 * The walk of a frame, as docs/architecture.md tells it.  tests/check-layers compares this list
 * with the code: each function must be defined in the file named beside it.
 *
 *   1  the guest's driver fills its TX ring, and kicks unless it is polled
 *   2  the kick is an OUT to an I/O port of the device's BAR
 *          exit_io()               vmm/exit.c
 *          vpci_io()               drivers/bus/vpci.c
 *          virtio_pci_bar()        drivers/virtio/virtio_pci_regs.c
 *          virtio_net_kick()       drivers/virtio/virtio_net_tx.c
 *      of an emulated NIC, whose kick is a write to memory
 *          vpci_mmio()             drivers/bus/vpci.c
 *          e1000_model_bar()       drivers/e1000/model_regs.c
 *          e1000_model_tx_kick()   drivers/e1000/model_tx.c
 *      of a port in a group's memory (drivers/shm/shm.h), whose frames are descriptors already
 *          shm_member_kick()       drivers/shm/shm_out.c
 *      frames that this visit leaves are taken before the guest runs again
 *          vcpu_serve()            vmm/vcpu.c
 *          vpci_work()             drivers/bus/vpci_work.c
 *      without a kick, on a core that polls
 *          vnet_poll()             vnet/poll.c
 *          virtio_net_poll()       drivers/virtio/virtio_net_tx.c
 *   3  descriptors are checked and become frames
 *          vring_single()          drivers/virtio/vring.h
 *          vring_chain()           drivers/virtio/vring.c
 *      of an emulated NIC
 *          gather_frame()          drivers/e1000/model_tx.c
 *          e1000_model_offload()   drivers/e1000/model_frame.c
 *   4  counters and checks; first the port's ingress stage (vnet/state.h), if it has one:
 *      vnet/link/guard.c drops frames that could be taken for the node's own outer packets
 *          vnet_input()            vnet/forward.c
 *          admit()                 vnet/walk.h
 *   6  look-up of the destination: by routes, by learned or by declared addresses
 *          look_up_routes()        vnet/forward.c
 *          cache_find()            vnet/lookup/cache.h
 *          table_match()           vnet/lookup/table.c
 *          look_up_learned()       vnet/lookup/by_address.c
 *          learn_find()            vnet/lookup/by_address.c
 *          look_up_exact()         vnet/lookup/by_address.c
 *      in a network with flows (vnet/chain/): to the next service, or what is left as above
 *          look_up_flows()         vnet/chain/policy.c
 *   7  each destination is visited once, with all of its frames
 *          visit()                 vnet/forward.c
 *   9  the one copy, into the receiver's ring, and its interrupt
 *          virtio_net_egress()     drivers/virtio/virtio_net_rx.c
 *          vpci_msix_send()        drivers/bus/vpci_msix.c
 *          vapic_msi()             vmm/devices/vapic.c
 *          irqchip_direct_raise()  vmm/devices/irqchip_direct.c
 *      to an emulated NIC
 *          e1000_model_egress()    drivers/e1000/model_rx.c
 *      to a port in a group's memory: the sender's buffer itself, if it is the group's, else a copy
 *          shm_egress()            drivers/shm/shm_in.c
 *  9a  to a link: an outer header in front, then 9 into the ring of Dom0
 *          outbound_egress()       vnet/link/outbound.c
 *      while the next hop's MAC is not known, the last frame waits in its sender's memory
 *          waiting_hold()          vnet/link/waiting.c
 *          vnet_hold()             vnet/held.c
 *          virtio_net_hold()       drivers/virtio/virtio_net_held.c
 *  10  Dom0 sends it
 *          outward_poll()          guest-images/dom0/outward.c
 *      or, if its port is in a group's memory
 *          send_burst()            guest-images/dom0/group.c
 *          e1000_tx_send()         drivers/e1000/e1000_tx.c
 *
 * Frames from the wire enter at Dom0's ring, steps 2 to 4.  If that port has an underlay, its stage
 * is vnet/link/inbound.c: it answers ARP and decapsulates what a link's peer sent, with the outer
 * congestion mark; the inner frame goes on at step 4 as coming from the link's port.
 *
 * (Steps 5 and 8, a queue and a scheduler for a contended output, are not built.)
 *
 * Pure C: no arch/ header, no allocation on the data path; the same objects are linked into the
 * VMM and into host programs.  Tables are immutable snapshots that cores read without locks; a
 * change builds a new one, publishes it, and frees the old one after every core has left the walk.
 */
#ifndef VNET_VNET_H
#define VNET_VNET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vnet/frame/frame.h"

#ifndef VNET_PORTS
#define VNET_PORTS 1024 /* ports of a node, at most; fewer in the fuzzers */
#endif
#define VNET_NETS 64 /* isolated networks, at most */
#ifndef VNET_CORES
#define VNET_CORES 64 /* cores of a switch, at most; fewer in the fuzzers */
#endif
#ifndef VNET_ROUTES
#define VNET_ROUTES 16384 /* routes of all networks, at most; fewer in the fuzzers */
#endif
#define VNET_BATCH 64  /* frames of one batch, at most */
#define VNET_SEGS  512 /* pieces of guest memory in one batch, at most */

struct vnet_batch {
	unsigned n, nseg;
	uint32_t position; /* of the first frame's chain in the sender's TX ring, for traces */
	struct vnet_frame frame[VNET_BATCH];
	struct vnet_seg seg[VNET_SEGS];
};

/* Why a frame was dropped: one counter each, per port, with this name. */
#define VNET_DROPS(X)                                                                              \
	X(runt)          /* shorter than an Ethernet header */                                     \
	X(oversize)      /* longer than VNET_FRAME_MAX or the destination's buffers */             \
	X(bad_offload)   /* an offload header that contradicts the frame */                        \
	X(many_segments) /* a large frame that makes more than OFFLOAD_SEGMENTS */                 \
	X(no_route)      /* nothing matched */                                                     \
	X(flow_drop)     /* a flow says so */                                                      \
	X(service_down)  /* no replica of the next service is up */                                \
	X(may_not_leave) /* a function ends its chain, and its service may not */                  \
	X(chain_loop)    /* from a service's port, and it leads to such ports only */              \
	X(same_port)     /* the only destination was the port it came from */                      \
	X(bad_source)    /* a group address as source */                                           \
	X(port_down)     /* the destination has no driver at its ring */                           \
	X(bridge_down)   /* the destination is the edge, and Dom0 is not there */                  \
	X(rx_full)       /* the destination offers no buffer */                                    \
	X(rx_broken)     /* the destination's ring broke a rule */                                 \
	X(rx_scattered)  /* the destination's buffers are in too many pieces for such a frame */   \
	X(no_offload)    /* segmentation or checksum cannot be done in software */                 \
	X(authenticated) /* a large frame whose authentication header forbids segmentation */      \
	X(learn_full)  /* (no drop: the source was not learned, its bucket or the quota of a port  \
	                * to the outside being full) */                                            \
	X(learn_quota) /* the source would exceed the port's quota of learned addresses */         \
	X(spoofed)     /* the source is another port's, or in mode exact not the port's own */     \
	X(link_local)  /* to a group that no bridge forwards, as spanning tree's or LLDP's */      \
	X(looped)      /* from outside, with a local port's MAC as source */                       \
	X(split_horizon)     /* from outside, and all its destinations are outside */              \
	X(outer_forged)      /* claims an address of the node, its gateway or a peer */            \
	X(too_big)           /* larger than the link's MTU allows */                               \
	X(icmp_rate_limited) /* (of too_big: no ICMP answer, by the rate limit) */                 \
	X(no_neighbour)      /* the link's next hop did not answer ARP in time: waiting.h */       \
	X(outer_length)      /* from here on, of an edge with an underlay: lengths contradict */   \
	X(outer_header)      /* no IPv4 header, or VXLAN without a valid VNI */                    \
	X(outer_checksum)                                                                          \
	X(outer_fragment)                                                                          \
	X(outer_other)      /* to the underlay's MAC, of a protocol it does not serve */           \
	X(path_mtu)         /* ICMP "fragmentation needed" (RFC 1191), accepted */                 \
	X(path_mtu_low)     /* ... that names less than the least accepted (pathmtu.h) */          \
	X(path_mtu_unsent)  /* ... that quotes no packet sent lately: no effect */                 \
	X(path_mtu_excess)  /* ... not examined: too many unsent ones in this second */            \
	X(path_mtu_ignored) /* ... for a link with `path-mtu ignore` */                            \
	X(unknown_vni)      /* no link has this VNI */                                             \
	X(unknown_peer)     /* a link's VNI or UDP port, but not from its peer */                  \
	X(ce_not_ect)       /* marked CE on the way, and the inner packet's sender knows no ECN */ \
	X(nested)           /* the inner frame is addressed to the underlay */                     \
	X(arp_malformed)                                                                           \
	X(arp_unsolicited) /* a reply without a request */                                         \
	X(arp_conflict)    /* another host claims our address */

enum vnet_drop {
#define X(name) VNET_DROP_##name,
	VNET_DROPS(X)
#undef X
	    VNET_DROP_CAUSES
};
extern const char *const vnet_drop_name[VNET_DROP_CAUSES];

/* Whether the counter means a lost frame; the others only note something about one. */
static inline bool vnet_drop_lost(enum vnet_drop why)
{
	return why != VNET_DROP_learn_full && why != VNET_DROP_icmp_rate_limited;
}

struct vnet;
struct vnet_port;
struct vnet_held;
struct vnet_core; /* one core's state: cache, batch; see vnet/switch.h */

/*
 * The operations of what is behind a port, a device or a link.  `dev` is as vnet_port_add() got it.
 * poll:    take up to `budget` frames from the device's TX ring through the whole walk; returns how
 *          many were taken (0: nothing to do).  Not called in mode VNET_KICK; by one core at a
 * time. NULL: no ring, as for a link, whose frames come in at its edge port. arm:     in mode
 * VNET_ADAPTIVE, for the same core.  `on`: asks the driver to kick for its next frame, then looks
 * once more; true: there is a frame, or another core is at the ring, and kicks are not asked for.
 * Else: asks for none; false.  NULL: the ring cannot be left. egress:  n frames leave the switch,
 * in order: a device copies them to its RX ring and notifies its guest at most once; a link puts a
 * header in front and hands them on to its edge. Called by any core (the device locks its RX ring).
 * Returns how many were delivered; each other one is counted with vnet_refuse() on the port.
 * egress_traced: called instead of egress() while frames of the walk are traced; a device also
 *          calls vnet_copied().  NULL: the same as egress().
 * room:    how many buffers the driver offers at this moment, so that no large frame is segmented
 *          for a full ring; any core.  NULL: not known.
 * hold:    keep the descriptors of frame number `frame` of the batch in the walk, which came from
 *          this device; it may be asked several times for one frame.  *h is as it will be
 *          held: a device whose memory does not last puts copies there.  Returns a slot below
 *          VNET_HOLDS, -1: no.  On the core that called vnet_input().  NULL: its frames do not
 * wait. release: what is in that slot was delivered or dropped.  Any core. blocked: the enum
 * vnet_drop that egress() would count now for each frame, though the port is up; -1: none.  Any
 * core.  NULL: never blocked.
 */
struct vnet_port_ops {
	unsigned (*poll)(void *dev, struct vnet_core *core, unsigned budget);
	bool (*arm)(void *dev, bool on);
	unsigned (*egress)(struct vnet_port *port, struct vnet_core *core,
	                   struct vnet_frame *const *frames, unsigned n);
	unsigned (*egress_traced)(struct vnet_port *port, struct vnet_core *core,
	                          struct vnet_frame *const *frames, unsigned n);
	unsigned (*room)(const struct vnet_port *port);
	int (*hold)(void *dev, unsigned frame, struct vnet_held *h);
	void (*release)(void *dev, unsigned slot);
	int (*blocked)(const struct vnet_port *port);
};

/*
 * What moves a port's frames: the driver's kick; a core that polls the ring; or either: a core that
 * polls while frames come, and otherwise sleeps until a kick, which moves the first frames itself.
 */
enum vnet_mode { VNET_KICK, VNET_POLL, VNET_ADAPTIVE };

/* How a network finds destinations: by routes; by learned addresses, as a bridge does; or by the
 * addresses that ports declare (vnet_port_set_mac()), as macvtap's bridge mode does. */
enum vnet_policy { VNET_ROUTE, VNET_LEARN, VNET_EXACT };

/* What is done with frames to link-local groups: see vnet_net_set_link_local(). */
enum vnet_link_local { VNET_LINK_LOCAL_BY_MODE, VNET_LINK_LOCAL_FORWARD, VNET_LINK_LOCAL_DROP };

/* Where memory for tables comes from (control path only). */
struct vnet_mem {
	void *(*alloc)(size_t size); /* zeroed, 64-byte aligned; NULL when there is none */
	void (*free)(void *p, size_t size);
};

/* One side of a route: which MACs it matches. */
enum vnet_match { VNET_MAC_IS, VNET_MAC_NOT, VNET_MAC_ANY, VNET_MAC_NONE };
struct vnet_qual {
	enum vnet_match match;
	mac_t mac;
};

struct vnet_route {
	uint16_t net;
	struct vnet_qual src, dst;
	int32_t from; /* port number, or -1 for any */
	uint16_t to;  /* port number */
	bool reflect; /* may go back to the port it came from */
};

#include "vnet/port.h"
#include "vnet/switch.h"
#include "vnet/held.h"
#include "vnet/trace.h"
#include "vnet/mirror.h"
#include "vnet/measure.h"
#include "vnet/lookup/route.h"
#include "vnet/link/underlay.h"
#include "vnet/link/link.h"

#endif
