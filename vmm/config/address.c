/* SPDX-License-Identifier: BSD-2-Clause */
/* The default MAC of a port, a route's MAC as text, the network of an IPv4 address. */
#include <stdio.h>
#include "lib/address_text.h"
#include "vmm/config/parse.h"

mac_t config_derive_mac(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	h = (h >> 24) ^ (h & 0xffffff);
	return 0x005452 | (mac_t)(h & 0xffffff) << 24;
}

void config_format_qual(const struct vnet_qual *q, char text[24])
{
	char mac[MAC_TEXT];

	mac_to_text(q->mac, mac);
	switch (q->match) {
	case VNET_MAC_IS:
		snprintf(text, 24, "%s", mac);
		break;
	case VNET_MAC_NOT:
		snprintf(text, 24, "not %s", mac);
		break;
	case VNET_MAC_ANY:
		snprintf(text, 24, "any");
		break;
	case VNET_MAC_NONE:
		snprintf(text, 24, "none");
		break;
	}
}

bool config_same_net(uint32_t a, uint32_t b, unsigned prefix)
{
	return (a ^ b) >> (32 - prefix) == 0;
}
