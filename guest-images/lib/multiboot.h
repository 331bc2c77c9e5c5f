/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's information for a multiboot-1 guest (Multiboot 0.6.96, 3.3). */
#ifndef GUEST_MULTIBOOT_H
#define GUEST_MULTIBOOT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/multiboot_format.h"

struct mb_range {
	uint64_t base, len;
	uint32_t type; /* 1: RAM */
};

/* The state that the loader left at the first instruction; see start.asm. */
struct entry_state {
	uint32_t eax, ebx, eflags, cr0, cr4, by_cs, by_es, by_fs, by_gs, by_ss;
};
#define ENTRY_PROBE 0x50415449u /* the value of each by_ field if its segment's base is 0 */
extern const struct entry_state entry_state;

/* The information, copied before guest_main(); NULL unless the loader's magic was right. */
const struct mb1_info *mb_info(void);

/* The command line, "" when there is none; at most 1023 characters of it. */
const char *mb_cmdline(void);

/* The i-th range of the memory map (64 at most are kept); false past the end. */
bool mb_range(unsigned i, struct mb_range *range);

/* The i-th module (16 at most are kept), NULL past the end. */
const struct mb1_module *mb_module(unsigned i);

/*
 * The word `key=value` (or `key`, value "") of the command line. False when it is not there;
 * a value that does not fit is truncated.
 */
bool mb_option(const char *key, char *value, size_t size);

/* The same as a number, decimal or 0x; `otherwise` when it is absent or not a number. */
uint64_t mb_number(const char *key, uint64_t otherwise);

/* A MAC address's bytes, written as in lib/address_text.h; false when absent or malformed, and then
 * they are as they were. */
bool mb_mac(const char *key, uint8_t mac[6]);

/* The same of an IPv4 address, in the order on the wire. */
bool mb_ip(const char *key, uint8_t ip[4]);

/* Called by the library once console, traps and the above are ready. */
void guest_main(void);
#endif
