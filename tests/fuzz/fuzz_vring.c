/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_vring.c: rings and memory with any content.
 *
 * The input is the guest's memory, ring areas included, plus a few bytes that say where the areas
 * lie and in which order the device is driven.  Each piece that the ring code hands out must lie
 * wholly inside guest memory: the sanitizer checks it, for every byte of it is touched.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/virtio/vring.h"

#define RAM  0x30000u /* more than VRING_SAFE, so that the short way is taken too */
#define BASE 0x100000000ull

static void touch(const struct vnet_seg *seg, int n, enum vring_dir dir, uint32_t bytes)
{
	uint64_t total = 0;

	for (int i = 0; i < n; i++) {
		total += seg[i].len;
		for (uint32_t k = 0; k < seg[i].len; k++) {
			volatile uint8_t *p = &seg[i].base[k];

			if (dir == VRING_WRITE)
				*p = (uint8_t)(*p + 1);
			else
				(void)*p;
		}
	}
	if (total != bytes)
		abort();
}

/* One turn of a device; false when the guest broke a rule. */
static bool turn(struct vring *r, enum vring_dir dir, unsigned max)
{
	struct vnet_seg seg[64];
	int n = vring_refresh(r);

	for (int i = 0; i < n && i < 4; i++) {
		uint32_t bytes = 0;
		uint16_t head = vring_head(r, 0);
		int pieces = vring_chain(r, head, dir, seg, max, &bytes);

		struct vnet_seg single;

		/* Where the short way says yes, the long way must say the same. */
		if (vring_single(r, head, dir, &single) && single.len &&
		    (pieces != 1 || single.base != seg[0].base || single.len != seg[0].len))
			abort();
		if (pieces < 0 ? pieces <= -VRING_ERROR_COUNT : (unsigned)pieces > max)
			abort();
		if (pieces <= 0)
			return false;
		touch(seg, pieces, dir, bytes);
		vring_used(r, 0, head, bytes);
		vring_done(r, 1);
	}
	vring_publish(r);
	return n >= 0 && vring_arm(r) >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gmem mem = {0};
	struct vring r = {0};
	uint8_t head[8] = {0}, *ram;
	uint16_t num;
	uint64_t desc, avail, used;

	if (size < sizeof head)
		return 0;
	memcpy(head, data, sizeof head);
	ram = aligned_alloc(4096, RAM); /* of its own, so that one byte beyond it is found */
	memset(ram, 0, RAM);
	memcpy(ram, data + sizeof head, size - sizeof head < RAM ? size - sizeof head : RAM);
	gmem_add(&mem, BASE, RAM, ram);
	num = (uint16_t)(1u << (head[0] & 7)) + (head[0] >> 7);
	desc = BASE + 16u * head[1];
	avail = BASE + 16u * head[2];
	used = BASE + 16u * head[3];

	if (vring_enable(&r, &mem, num, desc, avail, used, head[4] & 1, head[4] & 2) == VRING_OK)
		for (unsigned i = 0; i < 8; i++)
			if (!turn(&r, head[5] >> i & 1 ? VRING_WRITE : VRING_READ,
			          1 + head[6] % 64))
				break;
	free(ram);
	return 0;
}
