/*
 * pathmtu.h: what routers tell of the path to a link's peer (private to vnet/): "fragmentation
 * needed" for a packet of ours (RFC 1191), so that the link's senders are told in turn (toobig.h).
 */
#ifndef VNET_PATHMTU_H
#define VNET_PATHMTU_H
#include "vnet/wire.h"

#define PATHMTU_SECONDS 600 /* for which a path's MTU is believed (RFC 1191, 6.3) */

/*
 * Takes an ICMP message whose IP header was checked.  False: it is no "fragmentation needed".
 * One that quotes a packet which a link may have sent, up to the VNI, lowers that link's limit, to
 * the MTU that it names but to no less than VNET_UNDERLAY_MTU_MIN; any other changes nothing.
 */
bool pathmtu_told(struct vnet_core *core, struct underlay *u, const struct vnet_frame *frame,
                  const struct encap_packet *p);

/* Gives a link its full limit back, when that is due.  Control lock held. */
void pathmtu_tick(struct link *l, uint64_t now);

#endif
