/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of the ISM device: what arrives, and what is refused. */
#include "tests/unit/rig/ism_three.h"

/* ---- messages ---- */

static void a_message_arrives(void **state)
{
	uint8_t *data = ism_guest_at(b, DMB_GPA + AT);

	(void)state;
	header_of_b()[3] = 0x1234;
	ism_guest_message(a, token, 100, AT, ism_cursor(0, 100, 0))->header[2] =
	    ism_cursor(2, 77, 0x8010);
	assert_int_equal(ism_guest_submit(a, 0), ISM_OK);
	assert_memory_equal(data, ism_guest_at(a, DATA_GPA), 100);
	assert_int_equal(data[100], 0x77);
	assert_int_equal(header_of_b()[0], ISM_TYPE_CDC);
	assert_int_equal(header_of_b()[1], ism_cursor(0, 100, 0));
	assert_int_equal(header_of_b()[2], ism_cursor(2, 77, 0x8010));
	assert_int_equal(header_of_b()[3], 0x1234); /* the receiver's own */
	assert_int_equal(b->area->dmb_bits[1], 1ull << 6);
	assert_int_equal(atomic_load(&b->msis[3]), 1);
	assert_int_equal(ism_guest_counter(a, "messages"), 1);
	assert_int_equal(ism_guest_counter(a, "data"), 100);
	only_refusal(a, NULL, 0);
}

/* Four pieces, of which two are behind the ring's end, as smc sends what wraps in both rings. */
static void four_pieces(void **state)
{
	struct ism_slot *s;

	(void)state;
	assert_int_equal(sent(RING - 10, AT, ism_cursor(0, RING - 10, 0)), ISM_OK);
	s = ism_guest_message(a, token, 4, LEN - 10, ism_cursor(1, 20, 0));
	s->pieces = 4;
	s->piece[1] = (struct ism_piece){DATA_GPA + 100, 6, LEN - 6};
	s->piece[2] = (struct ism_piece){DATA_GPA + 200, 12, AT};
	s->piece[3] = (struct ism_piece){DATA_GPA + 300, 8, AT + 12};
	assert_int_equal(ism_guest_submit(a, 0), ISM_OK);
	assert_memory_equal(ism_guest_at(b, DMB_GPA + LEN - 10), ism_guest_at(a, DATA_GPA), 4);
	assert_memory_equal(ism_guest_at(b, DMB_GPA + LEN - 6), ism_guest_at(a, DATA_GPA + 100), 6);
	assert_memory_equal(ism_guest_at(b, DMB_GPA + AT), ism_guest_at(a, DATA_GPA + 200), 12);
	assert_memory_equal(ism_guest_at(b, DMB_GPA + AT + 12), ism_guest_at(a, DATA_GPA + 300), 8);
}

/* A second interrupt only after the receiver has cleared the bit. */
static void interrupts_are_coalesced(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 10; i++)
		assert_int_equal(sent(1, AT, ism_cursor(0, i, 0)), ISM_OK);
	assert_int_equal(atomic_load(&b->msis[3]), 1);
	assert_int_equal(ism_guest_counter(a, "coalesced"), 9);
	b->area->dmb_bits[1] = 0;
	assert_int_equal(sent(1, AT, ism_cursor(0, 11, 0)), ISM_OK);
	assert_int_equal(atomic_load(&b->msis[3]), 2);
}

/* The largest message takes 16 visits; the receiver sees its header only with the last byte. */
static void a_large_message_is_copied_in_visits(void **state)
{
	uint32_t bytes = ISM_DMB_MAX - ISM_HEADER;
	uint8_t *data = ism_guest_at(b, DMB_GPA + AT);
	uint64_t *header = header_of_b();
	struct ism_command u = {.code = ISM_UNREGISTER, .index = 70};

	(void)state;
	ism_guest_command(b, &u);
	token = ism_guest_register(b, 1, gid_a, DMB_GPA, ISM_DMB_MAX, 0);
	ism_guest_message(a, token, bytes, AT, ism_cursor(1, 0, 0));
	ism_guest_out(a, ISM_REG_SUBMIT, 0);
	for (unsigned visits = 1; visits < 16; visits++) {
		assert_int_equal(a->area->slot[0].status, ISM_PENDING);
		assert_int_equal(header[1], 0);
		assert_memory_equal(data, ism_guest_at(a, DATA_GPA), visits * ISM_VISIT);
		assert_int_equal(data[visits * ISM_VISIT], 0x77);
		assert_int_equal(ism_guest_counter(a, "visits"), visits - 1);
		assert_int_equal(atomic_load(&a->resumed), visits);
		vpci_work(&a->bus);
	}
	assert_int_equal(a->area->slot[0].status, ISM_OK);
	assert_int_equal(header[1], ism_cursor(1, 0, 0));
	assert_memory_equal(data, ism_guest_at(a, DATA_GPA), bytes);
	assert_false(vpci_work(&a->bus));
}

/* Several at once, each of which takes more than one visit: all are done. */
static void messages_side_by_side(void **state)
{
	uint64_t other;

	(void)state;
	token = ism_guest_register(b, 1, gid_a, DMB_GPA, ISM_DMB_MAX / 4, 0);
	other = ism_guest_register(b, 2, gid_a, DMB_GPA + ISM_DMB_MAX, ISM_DMB_MAX / 4, 0);
	ism_guest_message(a, other, 200000, AT, ism_cursor(0, 200000, 0));
	a->area->slot[63] = a->area->slot[0];
	ism_guest_message(a, token, 200000, AT, ism_cursor(0, 200000, 0));
	ism_guest_out(a, ISM_REG_SUBMIT, 63);
	ism_guest_out(a, ISM_REG_SUBMIT, 63); /* it is under way */
	assert_int_equal(ism_guest_counter(a, "bad_submit"), 1);
	assert_int_equal(ism_guest_submit(a, 0), ISM_OK);
	assert_int_equal(a->area->slot[63].status, ISM_OK);
	assert_int_equal(ism_guest_counter(a, "messages"), 2);
}

/* ---- what is refused ---- */

static void forged_tokens(void **state)
{
	uint64_t own = token;

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		token = own ^ 1ull << bit;
		assert_int_equal(sent(8, AT, ism_cursor(0, 8, 0)), ISM_bad_token);
	}
	for (uint32_t half = 0; half < 100000; half += 7) {
		token = (uint64_t)__builtin_bswap32(half) << 32 | half;
		assert_int_equal(sent(8, AT, ism_cursor(0, 8, 0)), ISM_bad_token);
	}
	assert_int_equal(header_of_b()[0], 0);
}

static void tokens_of_others(void **state)
{
	(void)state;
	token = ism_guest_register(b, 3, gid_b, DMB_GPA + ISM_DMB_MAX, LEN, 0);
	REFUSED(sent(8, AT, ism_cursor(0, 8, 0)), not_peer);
	ism_guest_message(c, token, 8, AT, ism_cursor(0, 8, 0));
	assert_int_equal(ism_guest_submit(c, 0), ISM_bad_token); /* another domain */
}

static void data_out_of_bounds(void **state)
{
	static const struct ism_piece bad[] = {
	    {DATA_GPA, 8, AT - 1}, {DATA_GPA, 8, LEN - 7},     {DATA_GPA, 8, LEN + 1},
	    {DATA_GPA, 8, ~0u},    {DATA_GPA, RING + 1, AT},   {DATA_GPA, ISM_DMB_MAX + 1, AT},
	    {DATA_GPA, 8, 0},      {DATA_GPA, ISM_DMB_MAX, AT}};

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ism_guest_message(a, token, 8, AT, ism_cursor(0, 8, 0))->piece[0] = bad[i];
		assert_int_equal(ism_guest_submit(a, 0), ISM_out_of_bounds);
	}
	/* Each within bounds, but together more than the ring. */
	ism_guest_message(a, token, RING, AT, ism_cursor(0, 8, 0))->pieces = 2;
	a->area->slot[0].piece[1] = (struct ism_piece){DATA_GPA, 8, AT};
	assert_int_equal(ism_guest_submit(a, 0), ISM_out_of_bounds);
	only_refusal(a, "out_of_bounds", 9);
	assert_int_equal(*(uint8_t *)ism_guest_at(b, DMB_GPA + AT), 0x77);
	assert_int_equal(*(uint8_t *)ism_guest_at(b, DMB_GPA + LEN), 0x77);
}

static void data_that_is_not_the_senders_memory(void **state)
{
	(void)state;
	ism_guest_message(a, token, 8, AT, ism_cursor(0, 8, 0))->piece[0].gpa = RAM_GPA - 4;
	REFUSED(ism_guest_submit(a, 0), bad_address);
	ism_guest_message(a, token, 8, AT, ism_cursor(0, 8, 0))->pieces = 5;
	assert_int_equal(ism_guest_submit(a, 0), ISM_bad_request);
	ism_guest_out(a, ISM_REG_SUBMIT, ISM_SLOTS);
	assert_int_equal(ism_guest_counter(a, "bad_submit"), 1);
}

static void no_header(void **state)
{
	(void)state;
	ism_guest_message(a, token, 8, AT, ism_cursor(0, 8, 0))->header[0] = 0;
	REFUSED(ism_guest_submit(a, 0), bad_header);
}

/* A page fault in the receiver's kernel, if it came so far: urgent data far behind the ring. */
static void an_urgent_cursor_far_away(void **state)
{
	(void)state;
	REFUSED(sent(8, AT, ism_cursor(0, 0x7fff0000, 0x20)), bad_cursor);
	only_refusal(a, "bad_cursor", 1);
	assert_int_equal(sent(0, AT, ism_cursor(0, RING, 0x20)), ISM_bad_cursor);
	ism_guest_message(a, token, 8, AT, ism_cursor(0, 8, 0))->header[2] =
	    ism_cursor(0, ISM_DMB_MAX - ISM_HEADER, 0);
	assert_int_equal(ism_guest_submit(a, 0), ISM_bad_cursor);
}

/* More or less than the data, by count or by wrap. */
static void cursors_that_claim_other_data(void **state)
{
	static const uint64_t bad[] = {8, 9, 7, 0};

	(void)state;
	assert_int_equal(sent(100, AT, ism_cursor(0, 100, 0)), ISM_OK);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(sent(8, AT, ism_cursor(0, (uint32_t)(100 + bad[i]), 0)),
		                 ISM_bad_cursor);
	assert_int_equal(sent(8, AT, ism_cursor(1, 108, 0)), ISM_bad_cursor);
	assert_int_equal(sent(8, AT, ism_cursor(0, 8, 0)), ISM_bad_cursor); /* begins anew */
	assert_int_equal(sent(8, AT, ism_cursor(0, 108, 0)), ISM_OK);
	/* Once around: the wrap counts up, after 65535 to 0. */
	assert_int_equal(sent(RING - 108, AT, ism_cursor(0, 0, 0)), ISM_bad_cursor);
	assert_int_equal(sent(RING - 108, AT, ism_cursor(1, 0, 0)), ISM_OK);
	header_of_b()[1] = ism_cursor(0xffff, RING - 1, 0);
	assert_int_equal(sent(3, AT, ism_cursor(0, 2, 0)), ISM_OK);
	only_refusal(a, "bad_cursor", 6);
}

/* What the receiver itself has broken is no more than its own loss. */
static void a_receivers_own_header_out_of_its_ring(void **state)
{
	(void)state;
	header_of_b()[0] = ISM_TYPE_CDC;
	header_of_b()[1] = ism_cursor(0, ~0u, 0);
	REFUSED(sent(8, AT, ism_cursor(0, 8, 0)), bad_cursor);
}

/* With a window, what was not read is not overwritten, however the sender counts. */
static void what_was_not_read_is_not_overwritten(void **state)
{
	(void)state;
	token = ism_guest_register(b, 1, gid_a, DMB_GPA, LEN, ISM_DMB_WINDOW);
	assert_int_equal(sent(RING, AT, ism_cursor(1, 0, 0)), ISM_OK);
	REFUSED(sent(1, AT, ism_cursor(1, 1, 0)), no_window);
	header_of_b()[3] = ism_cursor(0, 1, 0);
	assert_int_equal(sent(1, AT, ism_cursor(1, 1, 0)), ISM_OK);
	assert_int_equal(sent(1, AT, ism_cursor(1, 2, 0)), ISM_no_window);
	header_of_b()[3] = ism_cursor(1, 1, 0);
	assert_int_equal(sent(RING, AT, ism_cursor(2, 1, 0)), ISM_OK);
	header_of_b()[3] = ism_cursor(2, 2, 0); /* more than was written */
	assert_int_equal(sent(0, AT, ism_cursor(2, 1, 0)), ISM_no_window);
	only_refusal(a, "no_window", 3);
}

/* The receiver clears its buffer at a connection's end: its sender's last words go nowhere, and
 * the next connection begins. */
static void a_connection_that_was_closed(void **state)
{
	(void)state;
	assert_int_equal(sent(100, AT, ism_cursor(0, 100, 0)), ISM_OK);
	memset(header_of_b(), 0, LEN);
	REFUSED(sent(0, AT, ism_cursor(0, 100, 0x40)), stale);
	assert_int_equal(sent(5, AT, ism_cursor(0, 5, 0)), ISM_OK);
}

static void a_dmb_that_another_core_writes(void **state)
{
	(void)state;
	atomic_fetch_or(&b->d.dmb[70].state, ISM_DMB_BUSY);
	REFUSED(sent(8, AT, ism_cursor(0, 8, 0)), dmb_busy);
	atomic_fetch_and(&b->d.dmb[70].state, ~ISM_DMB_BUSY);
	assert_int_equal(sent(8, AT, ism_cursor(0, 8, 0)), ISM_OK);
	/* Tokens that are not for him touch nothing. */
	ism_guest_message(c, token, 8, AT, ism_cursor(0, 16, 0));
	ism_guest_submit(c, 0);
	assert_int_equal(atomic_load(&b->d.dmb[70].state), ISM_DMB_LIVE);
}

/* Taken away between two visits: the rest is not copied. */
static void a_dmb_that_goes_while_a_message_is_under_way(void **state)
{
	struct ism_command u = {.code = ISM_UNREGISTER, .index = 1};

	(void)state;
	token = ism_guest_register(b, 1, gid_a, DMB_GPA, ISM_DMB_MAX, 0);
	ism_guest_message(a, token, 200000, AT, ism_cursor(0, 200000, 0));
	ism_guest_out(a, ISM_REG_SUBMIT, 0);
	assert_int_equal(ism_guest_command(b, &u), ISM_OK);
	memset(ism_guest_at(b, DMB_GPA), 0x55, ISM_DMB_MAX);
	vpci_work(&a->bus);
	assert_int_equal(a->area->slot[0].status, ISM_bad_token);
	for (unsigned i = 0; i < ISM_DMB_MAX; i++)
		assert_int_equal(((uint8_t *)ism_guest_at(b, DMB_GPA))[i], 0x55);
	only_refusal(a, "bad_token", 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_message_arrives),
	    TEST(four_pieces),
	    TEST(interrupts_are_coalesced),
	    TEST(a_large_message_is_copied_in_visits),
	    TEST(messages_side_by_side),
	    TEST(forged_tokens),
	    TEST(tokens_of_others),
	    TEST(data_out_of_bounds),
	    TEST(data_that_is_not_the_senders_memory),
	    TEST(no_header),
	    TEST(an_urgent_cursor_far_away),
	    TEST(cursors_that_claim_other_data),
	    TEST(a_receivers_own_header_out_of_its_ring),
	    TEST(what_was_not_read_is_not_overwritten),
	    TEST(a_connection_that_was_closed),
	    TEST(a_dmb_that_another_core_writes),
	    TEST(a_dmb_that_goes_while_a_message_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
