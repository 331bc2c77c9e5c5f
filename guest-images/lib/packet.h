/* SPDX-License-Identifier: BSD-2-Clause */
/* The few protocols that test guests speak: ARP (RFC 826), ICMP echo (RFC 792), UDP (RFC 768). */
#ifndef GUEST_PACKET_H
#define GUEST_PACKET_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/bytes.h"

#define PACKET_MAX 1518

/* Our own test frames: an IEEE 802 local experimental type, then op, 3 bytes of 0, a number. */
#define TYPE_TEST    0x88b5
#define TEST_REQUEST 1
#define TEST_REPLY   2
#define TEST_OP      14
#define TEST_NUMBER  18
#define TEST_BYTES   60

struct packet_host {
	uint8_t mac[6], ip[4];
};

/* The Internet checksum (RFC 1071) of `len` bytes and `start`, ready to be stored by put_be16(). */
uint16_t packet_sum(const uint8_t *p, unsigned len, uint32_t start);

/*
 * Turns a request to `me` (ARP, ICMP echo, any UDP, a test frame) of `len` bytes into its answer,
 * in place.  Returns the length of the answer, 0 for none.
 */
unsigned packet_answer(uint8_t *frame, unsigned len, const struct packet_host *me);

/* Build frames in `frame` (PACKET_MAX bytes) and return their length. */
unsigned packet_test(uint8_t *frame, const uint8_t to[6], const uint8_t from[6], uint32_t number,
                     unsigned len);
unsigned packet_arp_request(uint8_t *frame, const struct packet_host *me, const uint8_t ip[4]);
unsigned packet_ping(uint8_t *frame, const struct packet_host *me, const struct packet_host *to,
                     uint32_t number, unsigned payload);

/* Whether this is an ARP reply by `ip`; then its MAC is stored. */
bool packet_is_arp_reply(const uint8_t *frame, unsigned len, const uint8_t ip[4], uint8_t mac[6]);

/* Whether this answers packet_test() or packet_ping(); then the number is stored. */
bool packet_is_reply(const uint8_t *frame, unsigned len, uint32_t *number);
#endif
