/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ecn.h: congestion marks at the far end of a tunnel (RFC 6040; private to vnet/).
 *
 * The near end copies the inner packet's ECN field to the outer header ("normal mode", 4.1), so
 * that routers on the way can mark instead of drop.  Here the two are made one again.
 */
#ifndef VNET_LINK_ECN_H
#define VNET_LINK_ECN_H
#include "vnet/vnet.h"

#define ECN_MASK 3 /* of TOS or traffic class (RFC 3168, 5) */

enum ecn { ECN_NONE = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_DROP = 4 };

/* RFC 6040, figure 4: the field that the inner packet goes on with. */
enum ecn ecn_combine(enum ecn inner, enum ecn outer);

/*
 * Carries the outer header's mark into the frame that was in it, whether IP lies in it behind tags
 * or not; a frame without IP goes on as it is.  What is written is a copy of the frame's head, in
 * front of the rest.  False: the frame is to be dropped, since its sender knows no other sign of
 * congestion.
 */
bool ecn_carry(struct vnet_core *core, struct vnet_frame *frame, enum ecn outer);

#endif
