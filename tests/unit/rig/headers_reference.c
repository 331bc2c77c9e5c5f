/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/headers_reference.h"

/* Whether the bytes [at, at + n) are there. */
static bool ref_has(const struct reference *r, unsigned at, unsigned n)
{
	return at + n <= r->n;
}

static unsigned ref_number(const struct reference *r, unsigned at, unsigned n)
{
	unsigned v = 0;

	while (n--)
		v = v * 256 + r->bytes[at++];
	return v;
}

static void ref_next(struct reference *r, unsigned protocol, unsigned at);

/* Every address of a list, the last of which is the packet's destination in the end. */
static void ref_routing(struct reference *r, unsigned at, unsigned size)
{
	unsigned kind = r->bytes[at + 2], left = r->bytes[at + 3], addresses = (size - 8) / 16;
	unsigned common = r->bytes[at + 4] & 15, pad = r->bytes[at + 5] >> 4;

	if (!left)
		return;
	if (kind == 0 || kind == 2) {
		r->known &= addresses > 0 && size % 16 == 8;
		for (unsigned i = 0; r->known && i < addresses; i++)
			memcpy(r->destination, r->bytes + at + 8 + 16 * i, 16);
	} else if (kind == 4) {
		r->known &= addresses > 0;
		for (unsigned i = addresses; r->known && i-- > 0;)
			memcpy(r->destination, r->bytes + at + 8 + 16 * i, 16);
	} else if (kind == 3) {
		r->known &= size >= 8 + 16 - common + pad;
		for (unsigned i = common; r->known && i < 16; i++)
			r->destination[i] = r->bytes[at + size - pad - 16 + i];
	} else {
		r->known = false;
	}
}

static void ref_options(struct reference *r, unsigned at, unsigned size)
{
	unsigned i = at + 2, end = at + size;

	while (i < end) {
		if (r->bytes[i] == 0) {
			i++;
			continue;
		}
		if (i + 1 == end || i + 2 + r->bytes[i + 1] > end) {
			r->known = false;
			return;
		}
		if (r->bytes[i] == 0xc9) {
			r->known &= r->bytes[i + 1] == 16;
			if (!r->known)
				return;
			memcpy(r->source, r->bytes + i + 2, 16);
		}
		i += 2u + r->bytes[i + 1];
	}
}

/* An extension header whose length field counts `unit` bytes, `more` of which it leaves out. */
static void ref_extension(struct reference *r, unsigned kind, unsigned at, unsigned unit,
                          unsigned more)
{
	unsigned size;
	bool whole;

	if (!ref_has(r, at, 8))
		return;
	size = unit * (r->bytes[at + 1] + more);
	whole = ref_has(r, at, size);

	r->found.extended = true;
	if (whole && kind == 43)
		ref_routing(r, at, size);
	if (whole && kind == 60)
		ref_options(r, at, size);
	ref_next(r, r->bytes[at], at + size);
}

static void ref_fragment(struct reference *r, unsigned at)
{
	unsigned offset;

	if (!ref_has(r, at, 8))
		return;
	offset = ref_number(r, at + 2, 2) / 8;

	r->found.extended = true;
	r->found.protocol = r->bytes[at];
	if (offset || r->bytes[at + 3] & 1)
		r->found.fragment = true;
	if (!offset)
		ref_next(r, r->bytes[at], at + 8);
}

static void ref_next(struct reference *r, unsigned protocol, unsigned at)
{
	static const uint8_t options[] = {0, 43, 60, 135, 139, 140};

	r->found.protocol = (uint8_t)protocol;
	if (protocol == 51) {
		r->found.covered |= ref_has(r, at, 8);
		ref_extension(r, 51, at, 4, 2);
		return;
	}
	if (r->found.ipv6 && protocol == 44) {
		ref_fragment(r, at);
		return;
	}
	if (r->found.ipv6 && memchr(options, (int)protocol, sizeof options)) {
		ref_extension(r, protocol, at, 8, 1);
		return;
	}
	if (ref_has(r, at, 0))
		r->found.l4 = (uint16_t)at;
}

static void ref_ipv4_options(struct reference *r, unsigned at, unsigned end)
{
	while (at < end && r->bytes[at] != 0) {
		unsigned size = r->bytes[at] == 1 ? 1 : 0;

		if (!size && at + 1 < end && r->bytes[at + 1] >= 2)
			size = r->bytes[at + 1];
		if (!size || at + size > end) {
			r->known = false;
			return;
		}
		if (r->bytes[at] == 131 || r->bytes[at] == 137) {
			unsigned addresses = (size - 3) / 4;

			if (size < 3 || size % 4 != 3) {
				r->known = false;
				return;
			}
			if (r->bytes[at + 2] <= size) {
				r->known &= addresses > 0;
				if (addresses)
					memcpy(r->destination,
					       r->bytes + at + 3 + 4 * (addresses - 1), 4);
			}
		}
		at += size;
	}
}

static void ref_ipv4(struct reference *r, unsigned at)
{
	unsigned size, flags;

	if (!ref_has(r, at, 20) || r->bytes[at] < 0x45 || r->bytes[at] > 0x4f)
		return;
	size = 4 * (r->bytes[at] - 0x40u);
	flags = ref_number(r, at + 6, 2);

	r->found.ipv4 = true;
	r->found.extended = size != 20;
	r->found.protocol = r->bytes[at + 9];
	r->found.fragment = flags / 0x2000 % 2 || flags % 0x2000;
	memcpy(r->source, r->bytes + at + 12, 4);
	memcpy(r->destination, r->bytes + at + 16, 4);
	if (ref_has(r, at, size))
		ref_ipv4_options(r, at + 20, at + size);
	if (flags % 0x2000 == 0)
		ref_next(r, r->bytes[at + 9], at + size);
}

static void ref_ipv6(struct reference *r, unsigned at)
{
	if (!ref_has(r, at, 40) || r->bytes[at] / 16 != 6)
		return;
	r->found.ipv6 = true;
	memcpy(r->source, r->bytes + at + 8, 16);
	memcpy(r->destination, r->bytes + at + 24, 16);
	ref_next(r, r->bytes[at + 6], at + 40);
}

/* The Ethernet type at `at`, `tags` tags being read. */
static void ref_type(struct reference *r, unsigned at, unsigned tags)
{
	unsigned type;

	if (!ref_has(r, at, 2))
		return;
	type = ref_number(r, at, 2);

	r->found.type = (uint16_t)type;
	r->found.tags = (uint8_t)tags;
	if (tags < 2 && (type == 0x8100 || type == 0x88a8 || type == 0x9100)) {
		ref_type(r, at + 4, tags + 1);
		return;
	}
	r->found.l3 = (uint16_t)(at + 2);
	if (type == 0x0800)
		ref_ipv4(r, at + 2);
	if (type == 0x86dd)
		ref_ipv6(r, at + 2);
}

void ref_read(struct reference *r, const uint8_t *bytes, unsigned n)
{
	memset(r, 0, sizeof *r);
	r->known = true;
	r->bytes = bytes;
	r->n = n;
	ref_type(r, 12, 0);
}

bool ref_agrees(const uint8_t *bytes, unsigned n)
{
	uint8_t source[16] = {0}, destination[16] = {0};
	struct reference r;
	struct headers h;

	ref_read(&r, bytes, n);
	headers_read(&h, bytes, n);
	if (memcmp(&h, &r.found, sizeof h))
		return false;
	if (!h.l4)
		return true;
	if (headers_pseudo_addresses(&h, bytes, source, destination) != r.known)
		return false;
	return !r.known || (!memcmp(source, r.source, ref_address(&r)) &&
	                    !memcmp(destination, r.destination, ref_address(&r)));
}
