/* SPDX-License-Identifier: BSD-2-Clause */
/* net_formats.h: Ethertypes (IEEE registry) and IP protocol numbers (IANA). */
#ifndef LIB_NET_FORMATS_H
#define LIB_NET_FORMATS_H

#define ETHER_IPV4    0x0800
#define ETHER_ARP     0x0806
#define ETHER_TAG_C   0x8100 /* IEEE 802.1Q */
#define ETHER_IPV6    0x86dd
#define ETHER_TAG_S   0x88a8 /* formerly 802.1ad */
#define ETHER_TAG_OLD 0x9100 /* S-tags of bridges from before 88A8h was assigned */

#define IP_ICMP   1
#define IP_TCP    6
#define IP_UDP    17
#define IP_ICMPV6 58

#endif
