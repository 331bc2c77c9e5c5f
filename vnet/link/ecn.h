/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ecn.h: congestion marks at the far end of a tunnel (RFC 6040; private to vnet/).
 *
 * The sending end copies the inner packet's ECN field to the outer header ("normal mode", 4.1), so
 * that routers on the way can mark instead of drop.  Here the two fields are combined again.
 */
#ifndef VNET_LINK_ECN_H
#define VNET_LINK_ECN_H
#include "vnet/vnet.h"

#define ECN_MASK 3 /* of TOS or traffic class (RFC 3168, 5) */

enum ecn { ECN_NONE = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_DROP = 4 };

/*
 * Combines the outer header's ECN field with that of the inner frame, tagged or not; a frame
 * without IP stays as it is.  A changed header is a copy, which replaces the frame's first bytes.
 * False: the frame is to be dropped, since a drop is the only sign of congestion that its sender
 * knows.
 */
bool ecn_carry(struct vnet_core *core, struct vnet_frame *frame, enum ecn outer);

#endif
