/* SPDX-License-Identifier: BSD-2-Clause */
/* generator.c: a member that sends UDP frames with serial numbers; see functions.h. */
#include <string.h>
#include "guest-images/netlib/functions.h"
#include "lib/bytes.h"
#include "lib/net_formats.h"
#include "vnet/frame/sum.h"

#define IP_AT   14
#define UDP_AT  34
#define DATA_AT 42 /* a marker and the serial number, 16 bytes */

static const uint8_t marker[8] = "netload";

static void write_ip(const struct netlib_generator *g, uint8_t *ip)
{
	struct sum sum = {0, false};

	memset(ip, 0, 20);
	ip[0] = 0x45;
	put_be16(ip + 2, (uint16_t)(g->length - IP_AT));
	ip[8] = 64;
	ip[9] = IP_UDP;
	put_be32(ip + 12, g->src_ip);
	put_be32(ip + 16, g->dst_ip);
	sum_bytes(&sum, ip, 20);
	sum_store(&sum, ip + 10);
}

/* Without a UDP checksum, which IPv4 allows (RFC 768). */
static void write_frame(struct netlib_generator *g, struct netlib_frame *f)
{
	uint8_t *at = f->data;

	memcpy(at, g->dst, 6);
	memcpy(at + 6, g->src, 6);
	put_be16(at + 12, ETHER_IPV4);
	write_ip(g, at + IP_AT);
	put_be16(at + UDP_AT, g->src_port);
	put_be16(at + UDP_AT + 2, g->dst_port);
	put_be16(at + UDP_AT + 4, (uint16_t)(g->length - UDP_AT));
	put_be16(at + UDP_AT + 6, 0);
	memcpy(at + DATA_AT, marker, 8);
	put_le64(at + DATA_AT + 8, g->serial++);
	f->length = g->length;
	f->action = g->onward.action;
	f->to = g->onward.to;
}

unsigned netlib_generate(struct netlib *n, struct netlib_generator *g, unsigned count)
{
	struct netlib_frame frame[NETLIB_BURST];
	unsigned room = netlib_room(n), have;

	if (count > NETLIB_BURST)
		count = NETLIB_BURST;
	if (count > room)
		count = room;
	have = netlib_take(n, frame, count);
	g->no_buffer += count - have;
	for (unsigned i = 0; i < have; i++)
		write_frame(g, &frame[i]);
	g->sent += have;
	return netlib_send(n, frame, have);
}

bool netlib_serial(const struct netlib_frame *frame, uint64_t *serial)
{
	if (frame->length < NETLIB_LOAD_MIN || memcmp(frame->data + DATA_AT, marker, 8) != 0)
		return false;
	*serial = le64(frame->data + DATA_AT + 8);
	return true;
}
