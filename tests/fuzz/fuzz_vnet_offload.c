/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_vnet_offload.c: any offload header on any frame in any pieces.  Segments must hold the
 * payload once, fit the MTU, and have right checksums over the addresses that a slow parser finds.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rig/headers_reference.h"
#include "lib/bytes.h"
#include "vnet/frame/offload.h"

#define PIECES 200

/* A plain TCP/IPv4 or TCP/IPv6 frame to start from, so that inputs get behind the first checks; or
 * one with a routing header of 24 bytes. */
static void template(uint8_t *b, struct vnet_hdr *hdr, bool ipv6, bool routed)
{
	unsigned l4 = ipv6 ? 54 : 34;

	b[12] = ipv6 ? 0x86 : 0x08;
	b[13] = ipv6 ? 0xdd : 0;
	b[14] = ipv6 ? 0x60 : 0x45;
	b[ipv6 ? 20 : 23] = 6;
	if (ipv6 && routed) {
		b[20] = 43;
		b[54] = 6;
		b[55] = b[56] = 2;
		b[57] = 1;
		b[70] = 0xfd;
		l4 += 24;
	}
	b[l4 + 12] = 0x50;
	*hdr = (struct vnet_hdr){1, ipv6 ? 4 : 1, 0, 100, (uint16_t)l4, 16, 0};
}

static unsigned pieces(struct vnet_seg *seg, const uint8_t *from, uint32_t len, uint32_t step)
{
	unsigned n = 0;

	for (uint32_t at = 0; at < len && n < PIECES; n++) {
		uint32_t part = len - at < step ? len - at : step;

		seg[n] = (struct vnet_seg){malloc(part), part};
		memcpy(seg[n].base, from + at, part);
		at += part;
	}
	return n;
}

static uint32_t plain_sum(uint32_t sum, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* A segment's checksum, as its receiver looks at it. */
static void check_sum(const struct vnet_frame *s)
{
	static uint8_t flat[4096];
	struct reference r;
	uint32_t len = 0, sum;

	for (unsigned i = 0; i < s->nseg; i++) {
		memcpy(flat + len, s->seg[i].base, s->seg[i].len);
		len += s->seg[i].len;
	}
	ref_read(&r, flat, len);
	if (!r.found.l4 || !r.known || r.found.covered)
		abort();
	sum = r.found.protocol + len - r.found.l4;
	sum = plain_sum(sum, r.source, ref_address(&r));
	sum = plain_sum(sum, r.destination, ref_address(&r));
	if (plain_sum(sum, flat + r.found.l4, len - r.found.l4) != 0xffff)
		abort();
}

static void cut(const struct vnet_frame *f, unsigned mtu)
{
	struct offload_cut c;
	struct vnet_frame s;
	uint32_t payload = 0;

	if (!offload_cut_begin(&c, f, mtu))
		return;
	if (!offload_check(f))
		abort();
	while (offload_cut_next(&c, &s)) {
		uint32_t len = 0;

		for (unsigned i = 0; i < s.nseg; i++)
			len += s.seg[i].len;
		if (len != s.len || len - c.head.l3 > mtu)
			abort();
		payload += len - c.head.len;
		check_sum(&s);
	}
	if (!c.broken && payload != f->len - c.head.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[2000];
	struct vnet_seg seg[PIECES];
	struct vnet_frame f = {.seg = seg};
	uint32_t len;

	if (size < 16 || size > 1500)
		return 0;
	memset(bytes, 0, sizeof bytes);
	f.len = 64 + le16(data) % 1900;
	template(bytes, &f.hdr, data[2] & 1, data[3] & 0x80);
	if (data[2] & 2)
		memcpy(&f.hdr, data + 4, sizeof f.hdr);
	/* Changes to the template: pairs of a place and a value. */
	for (size_t i = 16; i + 1 < size; i += 2)
		bytes[data[i]] = data[i + 1];
	f.nseg = (uint16_t)pieces(seg, bytes, f.len, 1 + data[3]);
	len = f.len;
	if (data[2] & 4)
		f.len += data[2] >> 3; /* a view that promises more than it has */
	offload_check(&f);
	cut(&f, 576 + data[2]);
	offload_csum(&f.hdr, seg, f.nseg, len);
	for (unsigned i = 0; i < f.nseg; i++)
		free(seg[i].base);
	return 0;
}
