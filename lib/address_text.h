/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * address_text.h: MAC, IPv4 and IPv6 addresses as text.  A MAC is a number whose lowest byte is the
 * first on the wire (mac_t in vnet/frame/mac.h); an IPv4 address is in host order.  What is read
 * ends with a NUL, is checked whole, and is stored only if it is right; nothing is read behind the
 * first wrong byte.
 */
#ifndef LIB_ADDRESS_TEXT_H
#define LIB_ADDRESS_TEXT_H
#include <stdbool.h>
#include <stdint.h>

#define MAC_TEXT 18 /* bytes of "52:54:00:00:00:01" and its NUL */
#define IP_TEXT  16 /* bytes of "255.255.255.255" and its NUL */
#define IP6_TEXT 40 /* bytes of the longest IPv6 address and its NUL */

/* Reads XX:XX:XX:XX:XX:XX (hexadecimal, either case), nothing after it; false if malformed. */
bool mac_from_text(const char *text, uint64_t *mac);

/* Writes it in lower case, with its NUL. */
void mac_to_text(uint64_t mac, char text[MAC_TEXT]);

/* Reads A.B.C.D, decimal without leading zeros, and the character `stop` behind it (of a whole text
 * that is '\0', of a prefix '/'); false if malformed. */
bool ip_from_text(const char *text, char stop, uint32_t *ip);

/* Writes A.B.C.D, with its NUL. */
void ip_to_text(uint32_t ip, char text[IP_TEXT]);

/* Reads an IPv6 address (RFC 4291, 2.2, but for the form that ends like IPv4's) and the character
 * `stop` behind it; false if malformed.  Its bytes are in the order of the wire. */
bool ip6_from_text(const char *text, char stop, uint8_t ip[16]);

/* Writes it as RFC 5952 has it, with its NUL. */
void ip6_to_text(const uint8_t ip[16], char text[IP6_TEXT]);

#endif
