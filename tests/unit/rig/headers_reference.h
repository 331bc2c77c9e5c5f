/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * headers_reference.h: a second reader of a frame's headers, slow and plain: one function for each
 * kind of header, which calls the next.  vnet/frame/headers.c must agree with it on any bytes.
 */
#ifndef TESTS_UNIT_RIG_HEADERS_REFERENCE_H
#define TESTS_UNIT_RIG_HEADERS_REFERENCE_H
#include <string.h>
#include "vnet/frame/headers.h"

struct reference {
	struct headers found;
	bool known; /* the addresses of both ends are */
	uint8_t source[16], destination[16];
	const uint8_t *bytes;
	unsigned n;
};

/* Reads the headers in n bytes of a frame, which stay the caller's. */
void ref_read(struct reference *r, const uint8_t *bytes, unsigned n);

/* Bytes of each of the two addresses. */
static inline unsigned ref_address(const struct reference *r)
{
	return r->found.ipv6 ? 16 : 4;
}

/* Whether vnet/frame/headers.c says the same of these bytes. */
bool ref_agrees(const uint8_t *bytes, unsigned n);

#endif
