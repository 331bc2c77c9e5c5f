/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vring.c: the device side of a split virtqueue against a driver that keeps and breaks rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/virtio/vring.h"

#define NUM   8
#define RAM   0x10000u
#define BASE  0x40000000ull /* the GPA of the memory's first byte */
#define DESC  0x1000u       /* places in the memory */
#define AVAIL 0x2000u
#define USED  0x3000u
#define TABLE 0x4000u /* an indirect table */
#define DATA  0x8000u

static uint8_t *ram;
static struct gmem mem;
static struct vring ring;
static struct vring_desc *desc;
static uint16_t *avail, *used;
static struct vnet_seg seg[16];
static uint32_t bytes;

static int start(bool event_idx, bool indirect)
{
	memset(ram, 0, RAM);
	desc = (void *)(ram + DESC);
	avail = (void *)(ram + AVAIL);
	used = (void *)(ram + USED);
	return vring_enable(&ring, &mem, NUM, BASE + DESC, BASE + AVAIL, BASE + USED, event_idx,
	                    indirect);
}

static int setup(void **state)
{
	(void)state;
	ram = aligned_alloc(4096, RAM);
	memset(&mem, 0, sizeof mem);
	assert_true(gmem_add(&mem, BASE, RAM, ram));
	return start(true, true);
}

static int teardown(void **state)
{
	(void)state;
	free(ram);
	return 0;
}

static void offer(uint16_t head)
{
	avail[2 + avail[1] % NUM] = head;
	avail[1]++;
}

static int chain(enum vring_dir dir)
{
	return vring_chain(&ring, vring_head(&ring, 0), dir, seg, 16, &bytes);
}

/* One descriptor at head 0 must be refused with this error. */
static void refused(struct vring_desc d, enum vring_dir dir, enum vring_error why)
{
	desc[0] = d;
	assert_int_equal(vring_chain(&ring, 0, dir, seg, 16, &bytes), -(int)why);
}

static void test_single(void **state)
{
	(void)state;
	desc[3] = (struct vring_desc){BASE + DATA, 100, 0, 0};
	assert_int_equal(vring_refresh(&ring), 0);
	offer(3);
	assert_int_equal(vring_refresh(&ring), 1);
	assert_int_equal(chain(VRING_READ), 1);
	assert_int_equal(bytes, 100);
	assert_ptr_equal(seg[0].base, ram + DATA);
	vring_used(&ring, 0, 3, 7);
	vring_done(&ring, 1);
	assert_int_equal(used[1], 0);
	vring_publish(&ring);
	assert_int_equal(used[1], 1);
	assert_int_equal(*(uint32_t *)(void *)&used[2], 3);
	assert_int_equal(*(uint32_t *)(void *)&used[4], 7);
	assert_int_equal(vring_refresh(&ring), 0);
}

static void test_chain(void **state)
{
	(void)state;
	desc[7] = (struct vring_desc){BASE + DATA, 10, VRING_DESC_NEXT, 2};
	desc[2] = (struct vring_desc){BASE + DATA + 64, 20, VRING_DESC_NEXT, 5};
	desc[5] = (struct vring_desc){BASE + DATA + 128, 30, 0, 0};
	assert_int_equal(vring_chain(&ring, 7, VRING_READ, seg, 16, &bytes), 3);
	assert_int_equal(bytes, 60);
	assert_ptr_equal(seg[2].base, ram + DATA + 128);
	assert_int_equal(vring_chain(&ring, 7, VRING_READ, seg, 2, &bytes), -VRING_E_chain_pieces);
	assert_int_equal(vring_chain(&ring, 7, VRING_READ, seg, 0, &bytes), -VRING_E_chain_pieces);
}

/* Pieces to read, then pieces to write; never the other way round. */
static void test_request(void **state)
{
	struct vring_desc *table = (void *)(ram + TABLE);
	unsigned readable = 0;

	(void)state;
	desc[0] = (struct vring_desc){BASE + DATA, 4, VRING_DESC_NEXT, 1};
	desc[1] = (struct vring_desc){BASE + DATA + 8, 2, VRING_DESC_NEXT, 2};
	desc[2] = (struct vring_desc){BASE + DATA + 16, 3, VRING_DESC_NEXT | VRING_DESC_WRITE, 3};
	desc[3] = (struct vring_desc){BASE + DATA + 32, 5, VRING_DESC_WRITE, 0};
	assert_int_equal(vring_request(&ring, 0, seg, 16, &readable), 4);
	assert_int_equal(readable, 2);
	assert_ptr_equal(seg[2].base, ram + DATA + 16);
	assert_int_equal(seg[3].len, 5);
	assert_int_equal(vring_request(&ring, 1, seg, 16, &readable), 3);
	assert_int_equal(readable, 1);
	assert_int_equal(vring_request(&ring, 2, seg, 16, &readable), 2);
	assert_int_equal(readable, 0);
	assert_int_equal(vring_request(&ring, 0, seg, 3, &readable), -VRING_E_chain_pieces);
	desc[1].flags = 0;
	assert_int_equal(vring_request(&ring, 0, seg, 16, &readable), 2);
	assert_int_equal(readable, 2);
	desc[3].flags = 0;
	assert_int_equal(vring_request(&ring, 2, seg, 16, &readable), -VRING_E_not_writable);
	assert_int_equal(vring_chain(&ring, 2, VRING_READ, seg, 16, &bytes), -VRING_E_not_readable);
	desc[0] = (struct vring_desc){BASE + TABLE, 32, VRING_DESC_INDIRECT, 0};
	table[0] = (struct vring_desc){BASE + DATA, 4, VRING_DESC_NEXT, 1};
	table[1] = (struct vring_desc){BASE + DATA + 8, 4, VRING_DESC_WRITE, 0};
	assert_int_equal(vring_request(&ring, 0, seg, 16, &readable), 2);
	assert_int_equal(readable, 1);
	assert_int_equal(vring_request(&ring, NUM, seg, 16, &readable), -VRING_E_head_range);
}

static void test_indirect(void **state)
{
	struct vring_desc *table = (void *)(ram + TABLE);

	(void)state;
	desc[0] = (struct vring_desc){BASE + DATA, 12, VRING_DESC_NEXT, 1};
	desc[1] = (struct vring_desc){BASE + TABLE, 16 * NUM, VRING_DESC_INDIRECT, 0};
	for (uint16_t i = 0; i < NUM - 1; i++)
		table[i] =
		    (struct vring_desc){BASE + DATA + i, 1, VRING_DESC_NEXT, (uint16_t)(i + 1)};
	table[NUM - 2].flags = 0;
	assert_int_equal(vring_chain(&ring, 0, VRING_READ, seg, 16, &bytes), NUM);
	assert_int_equal(bytes, 12 + NUM - 1);
	/* One more makes the chain longer than the queue. */
	table[NUM - 2].flags = VRING_DESC_NEXT;
	table[NUM - 1] = (struct vring_desc){BASE + DATA, 1, 0, 0};
	assert_int_equal(vring_chain(&ring, 0, VRING_READ, seg, 16, &bytes), -VRING_E_chain_loop);
	table[0].next = NUM;
	assert_int_equal(vring_chain(&ring, 0, VRING_READ, seg, 16, &bytes), -VRING_E_next_range);
	/* An odd address is allowed for a table. */
	memmove(ram + TABLE + 1, &(struct vring_desc){BASE + DATA, 5, 0, 0}, 16);
	desc[2] = (struct vring_desc){BASE + TABLE + 1, 16, VRING_DESC_INDIRECT, 0};
	assert_int_equal(vring_chain(&ring, 2, VRING_READ, seg, 16, &bytes), 1);
	assert_int_equal(bytes, 5);
}

static void test_indirect_refused(void **state)
{
	struct vring_desc *table = (void *)(ram + TABLE);
	struct vring_desc d = {BASE + TABLE, 16, VRING_DESC_INDIRECT, 0};

	(void)state;
	table[0] = (struct vring_desc){BASE + TABLE, 16, VRING_DESC_INDIRECT, 0};
	refused(d, VRING_READ, VRING_E_indirect_nested);
	d.flags |= VRING_DESC_NEXT;
	refused(d, VRING_READ, VRING_E_indirect_next);
	d.flags = VRING_DESC_INDIRECT;
	d.len = 0;
	refused(d, VRING_READ, VRING_E_indirect_length);
	d.len = 17;
	refused(d, VRING_READ, VRING_E_indirect_length);
	d.len = 16 * (NUM + 1);
	refused(d, VRING_READ, VRING_E_indirect_length);
	d.len = 32;
	d.addr = BASE + RAM - 16;
	refused(d, VRING_READ, VRING_E_indirect_address);
	assert_int_equal(start(true, false), VRING_OK);
	d.addr = BASE + TABLE;
	refused(d, VRING_READ, VRING_E_indirect_refused);
}

static void test_violations(void **state)
{
	(void)state;
	assert_int_equal(vring_chain(&ring, NUM, VRING_READ, seg, 16, &bytes), -VRING_E_head_range);
	assert_int_equal(vring_chain(&ring, 0xffff, VRING_READ, seg, 16, &bytes),
	                 -VRING_E_head_range);
	refused((struct vring_desc){BASE + DATA, 4, VRING_DESC_NEXT, NUM}, VRING_READ,
	        VRING_E_next_range);
	refused((struct vring_desc){BASE + DATA, 4, VRING_DESC_NEXT, 0}, VRING_READ,
	        VRING_E_chain_loop);
	refused((struct vring_desc){BASE + DATA, 0, 0, 0}, VRING_READ, VRING_E_zero_length);
	refused((struct vring_desc){BASE - 1, 4, 0, 0}, VRING_READ, VRING_E_bad_address);
	refused((struct vring_desc){BASE + RAM - 3, 4, 0, 0}, VRING_READ, VRING_E_bad_address);
	refused((struct vring_desc){BASE + RAM, 4, 0, 0}, VRING_READ, VRING_E_bad_address);
	refused((struct vring_desc){~0ull - 1, 4, 0, 0}, VRING_READ, VRING_E_bad_address);
	refused((struct vring_desc){BASE + DATA, ~0u, 0, 0}, VRING_READ, VRING_E_bad_address);
	refused((struct vring_desc){BASE + DATA, 4, VRING_DESC_WRITE, 0}, VRING_READ,
	        VRING_E_not_readable);
	refused((struct vring_desc){BASE + DATA, 4, 0, 0}, VRING_WRITE, VRING_E_not_writable);
	/* In the second piece as well. */
	desc[1] = (struct vring_desc){BASE + DATA, 4, VRING_DESC_WRITE, 0};
	refused((struct vring_desc){BASE + DATA, 4, VRING_DESC_NEXT, 1}, VRING_READ,
	        VRING_E_not_readable);
}

/* A chain of 2^32 bytes needs memory of that size; only its description exists here. */
static void test_chain_bytes(void **state)
{
	(void)state;
	assert_int_equal(start(true, true), VRING_OK);
	mem.region[0].size = 1ull << 40; /* never touched beyond RAM */
	desc[0] = (struct vring_desc){BASE + DATA, 0xffffffff, VRING_DESC_NEXT, 1};
	desc[1] = (struct vring_desc){BASE + DATA, 1, 0, 0};
	assert_int_equal(vring_chain(&ring, 0, VRING_READ, seg, 16, &bytes), -VRING_E_chain_bytes);
}

static void test_enable(void **state)
{
	struct vring r = {0};
	const uint64_t d = BASE + DESC, a = BASE + AVAIL, u = BASE + USED, end = BASE + RAM;

	(void)state;
	assert_int_equal(vring_enable(&r, &mem, 0, d, a, u, 1, 1), VRING_E_queue_size);
	assert_int_equal(vring_enable(&r, &mem, 7, d, a, u, 1, 1), VRING_E_queue_size);
	assert_int_equal(vring_enable(&r, &mem, 2048, d, a, u, 1, 1), VRING_E_queue_size);
	assert_int_equal(vring_enable(&r, &mem, 8, d + 8, a, u, 1, 1), VRING_E_ring_misaligned);
	assert_int_equal(vring_enable(&r, &mem, 8, d, a + 1, u, 1, 1), VRING_E_ring_misaligned);
	assert_int_equal(vring_enable(&r, &mem, 8, d, a, u + 2, 1, 1), VRING_E_ring_misaligned);
	assert_int_equal(vring_enable(&r, &mem, 8, 0, a, u, 1, 1), VRING_E_ring_unmapped);
	assert_int_equal(vring_enable(&r, &mem, 8, end - 112, a, u, 1, 1), VRING_E_ring_unmapped);
	assert_int_equal(vring_enable(&r, &mem, 8, d, end - 20, u, 1, 1), VRING_E_ring_unmapped);
	assert_int_equal(vring_enable(&r, &mem, 8, d, end - 20, u, 0, 1), VRING_OK);
	assert_int_equal(vring_enable(&r, &mem, 8, d, a, end - 68, 1, 1), VRING_E_ring_unmapped);
	assert_int_equal(vring_enable(&r, &mem, 8, d, a, end - 68, 0, 1), VRING_OK);
	assert_int_equal(vring_enable(&r, &mem, 8, ~15ull, a, u, 1, 1), VRING_E_ring_unmapped);
	assert_int_equal(vring_enable(&r, &mem, 1, d, a, u, 1, 1), VRING_OK);
	assert_int_equal(vring_enable(&r, &mem, 1024, d, a, BASE + 0x5000, 1, 1), VRING_OK);
}

static void test_avail_overrun(void **state)
{
	(void)state;
	avail[1] = NUM;
	assert_int_equal(vring_refresh(&ring), NUM);
	avail[1] = NUM + 1;
	assert_int_equal(vring_refresh(&ring), -VRING_E_avail_overrun);
	avail[1] = 0xffff; /* backwards is ahead by nearly all */
	assert_int_equal(vring_refresh(&ring), -VRING_E_avail_overrun);
}

/* 200 000 single entries: the indices go round at 65536 three times. */
static void test_wrap(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < NUM; i++)
		desc[i] = (struct vring_desc){BASE + DATA + i, 1, 0, 0};
	for (uint32_t i = 0; i < 200000; i++) {
		uint16_t slot = (uint16_t)(i % NUM);

		offer((uint16_t)((i * 3) % NUM));
		assert_int_equal(vring_refresh(&ring), 1);
		assert_int_equal(chain(VRING_READ), 1);
		vring_used(&ring, 0, vring_head(&ring, 0), i);
		vring_done(&ring, 1);
		vring_publish(&ring);
		assert_int_equal(used[1], (uint16_t)(i + 1));
		assert_int_equal(*(uint32_t *)(void *)&used[4 + 4 * slot], i);
	}
}

static bool give_back(unsigned n)
{
	vring_done(&ring, n);
	return vring_publish(&ring);
}

static void test_interrupt_event(void **state)
{
	uint64_t suppressed = ring.suppressed; /* of the tests before */

	(void)state;
	avail[2 + NUM] = 2; /* wants one when the third entry is used */
	assert_false(give_back(0));
	assert_false(give_back(2));
	assert_true(give_back(1));
	assert_false(give_back(1)); /* passed: not again */
	assert_int_equal(ring.suppressed - suppressed, 2);
	avail[2 + NUM] = 7;
	assert_true(give_back(5)); /* 4 to 9 goes over it */
	avail[2 + NUM] = 0xffff;
	ring.next = ring.published = 0xfffe;
	assert_false(give_back(1));
	assert_true(give_back(1)); /* over the wrap */
}

static void test_interrupt_flag(void **state)
{
	(void)state;
	assert_int_equal(start(false, true), VRING_OK);
	assert_true(give_back(1));
	avail[0] = 1;
	assert_false(give_back(1));
	avail[0] = 0;
	assert_true(give_back(1));
}

/* What a driver does after it offered from `old` on. */
static bool kick_wanted(uint16_t old)
{
	return (uint16_t)(avail[1] - used[2 + 4 * NUM] - 1) < (uint16_t)(avail[1] - old);
}

static void test_arm(void **state)
{
	(void)state;
	offer(0);
	assert_true(kick_wanted(0)); /* armed from the start */
	assert_int_equal(vring_refresh(&ring), 1);
	vring_done(&ring, 1);
	vring_disarm(&ring);
	offer(0);
	assert_false(kick_wanted(1));
	assert_int_equal(vring_arm(&ring), 1); /* it came before: the last look finds it */
	vring_done(&ring, 1);
	assert_int_equal(vring_arm(&ring), 0);
	offer(0);
	assert_true(kick_wanted(2));
}

/* The race of 2.7.10: whatever the moment at which the driver offers, either it kicks or the
 * device's last look finds the entry. */
static void test_no_notification_lost(void **state)
{
	(void)state;
	for (int when = 0; when < 3; when++) {
		uint16_t old = avail[1];
		bool kick = false;
		int found;

		vring_disarm_now(&ring);
		if (when == 0) {
			offer(0);
			kick = kick_wanted(old);
		}
		found = vring_arm(&ring);
		if (when == 1) {
			offer(0);
			kick = kick_wanted(old);
		}
		assert_true(when == 2 ? !kick && !found : kick != (found > 0));
		vring_done(&ring, when < 2);
	}
}

/* Poll mode: through all 65536 indices the driver is never asked to kick. */
static void test_disarmed_for_long(void **state)
{
	(void)state;
	vring_disarm_now(&ring);
	for (uint32_t i = 0; i < 200000; i++) {
		uint16_t old = avail[1];

		offer(0);
		assert_false(kick_wanted(old));
		assert_int_equal(vring_refresh(&ring), 1);
		vring_done(&ring, 1);
		vring_disarm(&ring);
	}
}

static void test_flag_mode(void **state)
{
	(void)state;
	assert_int_equal(start(false, true), VRING_OK);
	assert_int_equal(used[0], 0);
	vring_disarm(&ring);
	assert_int_equal(used[0], 1);
	vring_disarm(&ring);
	assert_int_equal(vring_arm(&ring), 0);
	assert_int_equal(used[0], 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(vring_error_name[VRING_OK], "ok");
	assert_string_equal(vring_error_name[VRING_E_indirect_nested], "indirect_nested");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_single),
	    T(test_chain),
	    T(test_request),
	    T(test_indirect),
	    T(test_indirect_refused),
	    T(test_violations),
	    T(test_chain_bytes),
	    T(test_enable),
	    T(test_avail_overrun),
	    T(test_wrap),
	    T(test_interrupt_event),
	    T(test_interrupt_flag),
	    T(test_arm),
	    T(test_no_notification_lost),
	    T(test_disarmed_for_long),
	    T(test_flag_mode),
	    T(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
