/* SPDX-License-Identifier: BSD-2-Clause */
/* A port's default MAC, made from its name, and the network of an IPv4 address. */
#include "vmm/config/parse.h"

mac_t config_derive_mac(const char *name)
{
	uint32_t h = 2166136261u;
	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	h = (h >> 24) ^ (h & 0xffffff);
	return 0x005452 | (mac_t)(h & 0xffffff) << 24;
}

bool config_same_net(uint32_t a, uint32_t b, unsigned prefix)
{
	return (a ^ b) >> (32 - prefix) == 0;
}
