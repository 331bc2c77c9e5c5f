/* SPDX-License-Identifier: BSD-2-Clause */
/* echo.h: ICMP echo at the underlay's address (RFC 792, RFC 1122, 3.2.2.6) (private to vnet/). */
#ifndef VNET_LINK_ECHO_H
#define VNET_LINK_ECHO_H
#include "vnet/link/wire.h"

/*
 * Answers an echo request to the underlay, accepted by encap_read_ip().  False: it is no request,
 * or has IP options.
 */
bool echo_answer(struct vnet_core *core, struct underlay *u, const struct vnet_frame *frame,
                 const struct encap_packet *p);

#endif
