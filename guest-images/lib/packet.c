/* SPDX-License-Identifier: BSD-2-Clause */
/* Building, recognising and answering small packets. Every length is checked before a read. */
#include <string.h>
#include "lib/net_formats.h"
#include "guest-images/lib/packet.h"

#define ARP     14
#define ARP_LEN 42
#define IP      14
#define L4      34 /* IP options are not supported */
#define PING_ID 0x5041

uint16_t packet_sum(const uint8_t *p, unsigned len, uint32_t start)
{
	uint32_t sum = start;

	for (; len > 1; p += 2, len -= 2)
		sum += be16(p);
	if (len)
		sum += (uint32_t)*p << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void swap_bytes(uint8_t *a, uint8_t *b, unsigned n)
{
	uint8_t t[6];

	memcpy(t, a, n);
	memcpy(a, b, n);
	memcpy(b, t, n);
}

static unsigned write_ether_header(uint8_t *f, const uint8_t to[6], const uint8_t from[6],
                                   uint16_t type)
{
	memcpy(f, to, 6);
	memcpy(f + 6, from, 6);
	put_be16(f + 12, type);
	return 14;
}

static unsigned answer_arp(uint8_t *f, const struct packet_host *me)
{
	if (be16(f + ARP + 6) != 1 || memcmp(f + ARP + 24, me->ip, 4))
		return 0;
	put_be16(f + ARP + 6, 2);
	memcpy(f + ARP + 18, f + ARP + 8, 10); /* target: the requester */
	memcpy(f + ARP + 8, me->mac, 6);
	memcpy(f + ARP + 14, me->ip, 4);
	memcpy(f, f + 6, 6);
	memcpy(f + 6, me->mac, 6);
	return ARP_LEN;
}

static unsigned answer_ip(uint8_t *f, unsigned len, const struct packet_host *me)
{
	unsigned total = be16(f + IP + 2);

	if (f[IP] != 0x45 || memcmp(f + IP + 16, me->ip, 4) || total < 28 || total + IP > len)
		return 0;
	if (f[IP + 9] == IP_ICMP && f[L4] == 8) {
		f[L4] = 0;
		put_be16(f + L4 + 2, 0);
		put_be16(f + L4 + 2, packet_sum(f + L4, total - 20, 0));
	} else if (f[IP + 9] == IP_UDP) {
		swap_bytes(f + L4, f + L4 + 2, 2);
		put_be16(f + L4 + 6, 0); /* no checksum: RFC 768 */
	} else {
		return 0;
	}
	swap_bytes(f + IP + 12, f + IP + 16, 4);
	memcpy(f, f + 6, 6);
	memcpy(f + 6, me->mac, 6);
	return total + IP;
}

static unsigned answer_test(uint8_t *f, unsigned len, const struct packet_host *me)
{
	if (f[TEST_OP] != TEST_REQUEST || memcmp(f, me->mac, 6))
		return 0;
	f[TEST_OP] = TEST_REPLY;
	swap_bytes(f, f + 6, 6);
	return len;
}

unsigned packet_answer(uint8_t *f, unsigned len, const struct packet_host *me)
{
	if (len < ARP_LEN)
		return 0;
	switch (be16(f + 12)) {
	case ETHER_ARP:
		return answer_arp(f, me);
	case ETHER_IPV4:
		return answer_ip(f, len, me);
	case TYPE_TEST:
		return answer_test(f, len, me);
	default:
		return 0;
	}
}

unsigned packet_test(uint8_t *f, const uint8_t to[6], const uint8_t from[6], uint32_t number,
                     unsigned len)
{
	if (len < TEST_BYTES)
		len = TEST_BYTES;
	if (len > PACKET_MAX)
		len = PACKET_MAX;
	memset(f, 0, len);
	write_ether_header(f, to, from, TYPE_TEST);
	f[TEST_OP] = TEST_REQUEST;
	put_be32(f + TEST_NUMBER, number);
	return len;
}

unsigned packet_arp_request(uint8_t *f, const struct packet_host *me, const uint8_t ip[4])
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	static const uint8_t fixed[8] = {0, 1, 8, 0, 6, 4, 0, 1};

	write_ether_header(f, all, me->mac, ETHER_ARP);
	memcpy(f + ARP, fixed, 8);
	memcpy(f + ARP + 8, me->mac, 6);
	memcpy(f + ARP + 14, me->ip, 4);
	memset(f + ARP + 18, 0, 6);
	memcpy(f + ARP + 24, ip, 4);
	return ARP_LEN;
}

unsigned packet_ping(uint8_t *f, const struct packet_host *me, const struct packet_host *to,
                     uint32_t number, unsigned payload)
{
	static const uint8_t fixed[12] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, IP_ICMP, 0, 0};
	unsigned total;

	if (payload > PACKET_MAX - L4 - 12)
		payload = PACKET_MAX - L4 - 12;
	total = 20 + 12 + payload;
	memset(f, 0, IP + total);
	write_ether_header(f, to->mac, me->mac, ETHER_IPV4);
	memcpy(f + IP, fixed, sizeof fixed);
	put_be16(f + IP + 2, total);
	memcpy(f + IP + 12, me->ip, 4);
	memcpy(f + IP + 16, to->ip, 4);
	put_be16(f + IP + 10, packet_sum(f + IP, 20, 0));
	f[L4] = 8;
	put_be16(f + L4 + 4, PING_ID);
	put_be16(f + L4 + 6, number);
	put_be32(f + L4 + 8, number);
	put_be16(f + L4 + 2, packet_sum(f + L4, total - 20, 0));
	return IP + total;
}

bool packet_is_arp_reply(const uint8_t *f, unsigned len, const uint8_t ip[4], uint8_t mac[6])
{
	if (len < ARP_LEN || be16(f + 12) != ETHER_ARP || be16(f + ARP + 6) != 2 ||
	    memcmp(f + ARP + 14, ip, 4))
		return false;
	memcpy(mac, f + ARP + 8, 6);
	return true;
}

bool packet_is_reply(const uint8_t *f, unsigned len, uint32_t *number)
{
	if (len < 46)
		return false;
	if (be16(f + 12) == TYPE_TEST && f[TEST_OP] == TEST_REPLY) {
		*number = be32(f + TEST_NUMBER);
		return true;
	}
	if (be16(f + 12) == ETHER_IPV4 && f[IP] == 0x45 && f[IP + 9] == IP_ICMP && f[L4] == 0 &&
	    be16(f + L4 + 4) == PING_ID) {
		*number = be32(f + L4 + 8);
		return true;
	}
	return false;
}
