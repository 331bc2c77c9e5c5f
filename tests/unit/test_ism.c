/* SPDX-License-Identifier: BSD-2-Clause */
/* The ISM device: its registers and commands, who reaches whom, and events. */
#include "tests/unit/rig/ism_three.h"

/* ---- registers ---- */

static void registers(void **state)
{
	uint32_t byte = 0;

	(void)state;
	assert_int_equal(ism_guest_in(a, ISM_REG_MAGIC), ISM_MAGIC);
	assert_int_equal(ism_guest_in(a, ISM_REG_VERSION), ISM_VERSION);
	assert_int_equal(ism_guest_in(a, ISM_REG_DOMAIN), 1);
	assert_int_equal(ism_guest_in(a, ISM_REG_ENABLE), 1);
	assert_int_equal(ism_guest_in(a, ISM_REG_AREA), AREA_GPA);
	assert_int_equal(ism_guest_in(a, ISM_REG_AREA + 4), 0);
	assert_int_equal(ism_guest_counter(a, "bad_access"), 0);
	assert_int_equal(ism_guest_in(a, 0x40), ~0u);
	ism_guest_out(a, ISM_REG_MAGIC, 1);
	ism_guest_out(a, ISM_REG_AREA, 4096); /* while it is on */
	assert_int_equal(ism_guest_in(a, ISM_REG_AREA), AREA_GPA);
	vpci_io(&a->bus, a->io, 1, false, &byte);
	assert_int_equal(byte & 0xff, 0xff);
	assert_int_equal(ism_guest_counter(a, "bad_access"), 4);
}

static bool palindrome(uint64_t name)
{
	return __builtin_bswap64(name) == name;
}

static void names_are_the_same_in_both_byte_orders(void **state)
{
	(void)state;
	assert_true(palindrome(gid_a) && palindrome(gid_b) && palindrome(token));
	assert_int_not_equal(gid_a, gid_b);
}

/* Nothing may be used before the area is there, and none is taken that is not the guest's. */
static void an_area_that_is_not_memory(void **state)
{
	static const uint64_t bad[] = {0, RAM_GPA + RAM_SIZE, RAM_GPA + RAM_SIZE - 4096,
	                               RAM_GPA + 8};

	(void)state;
	ism_guest_out(a, ISM_REG_ENABLE, 0);
	for (unsigned i = 0; i < 4; i++) {
		ism_guest_out(a, ISM_REG_AREA, (uint32_t)bad[i]);
		ism_guest_out(a, ISM_REG_ENABLE, 1);
		assert_int_equal(ism_guest_in(a, ISM_REG_ENABLE), 0);
		assert_int_equal(ism_guest_gid(a), 0);
		ism_guest_out(a, ISM_REG_COMMAND, 1);
		ism_guest_out(a, ISM_REG_SUBMIT, 0);
	}
	assert_int_equal(ism_guest_counter(a, "bad_area"), 4);
	assert_int_equal(ism_guest_counter(a, "bad_submit"), 8);
}

/* ---- domains ---- */

static uint32_t query(struct ism_guest *g, uint64_t gid)
{
	struct ism_command q = {.code = ISM_QUERY, .gid = gid};

	return ism_guest_command(g, &q);
}

static void only_the_own_domain_is_reached(void **state)
{
	(void)state;
	assert_int_equal(query(a, gid_b), ISM_OK);
	assert_int_equal(query(a, gid_a), ISM_OK);
	assert_int_equal(query(a, gid_c), ISM_no_peer);
	assert_int_equal(query(a, 0), ISM_no_peer);
	assert_int_equal(query(a, gid_b ^ 1ull << 40), ISM_no_peer);
	assert_int_equal(ism_guest_register(a, 0, gid_c, DMB_GPA, LEN, 0), 0);
	only_refusal(a, "no_peer", 4);
}

/* ---- registering ---- */

static uint32_t registered(uint64_t gpa, uint32_t length, uint16_t index, uint16_t vector)
{
	struct ism_command r = {.code = ISM_REGISTER,
	                        .gid = gid_b,
	                        .gpa = gpa,
	                        .length = length,
	                        .index = index,
	                        .vector = vector};

	return ism_guest_command(a, &r);
}

static void what_may_be_registered(void **state)
{
	(void)state;
	assert_int_equal(registered(DMB_GPA, LEN, 0, 1), ISM_OK);
	assert_int_equal(registered(DMB_GPA, LEN, 0, 1), ISM_bad_index);
	assert_int_equal(registered(DMB_GPA, LEN, ISM_DMBS, 1), ISM_bad_index);
	assert_int_equal(registered(DMB_GPA, LEN, 1, ISM_VECTORS), ISM_bad_index);
	assert_int_equal(registered(DMB_GPA, LEN - 1, 1, 1), ISM_bad_length);
	assert_int_equal(registered(DMB_GPA, LEN / 2, 1, 1), ISM_bad_length);
	assert_int_equal(registered(DMB_GPA, LEN + 4096, 1, 1), ISM_bad_length);
	assert_int_equal(registered(DMB_GPA, 2 * ISM_DMB_MAX, 1, 1), ISM_bad_length);
	assert_int_equal(registered(DMB_GPA + 8, LEN, 1, 1), ISM_bad_address);
	assert_int_equal(registered(RAM_GPA + RAM_SIZE - LEN + 4096, LEN, 1, 1), ISM_bad_address);
	assert_int_equal(registered(~0ull << 12, LEN, 1, 1), ISM_bad_address);
	assert_int_equal(ism_dmbs(&a->d), 1);
	for (uint16_t i = 1; i < ISM_DMBS; i++)
		assert_int_equal(registered(DMB_GPA, LEN, i, 1), ISM_OK);
	assert_int_equal(ism_dmbs(&a->d), ISM_DMBS);
}

static void a_new_dmb_has_an_empty_header_and_a_new_token(void **state)
{
	struct ism_command u = {.code = ISM_UNREGISTER, .index = 70};
	uint64_t again;

	(void)state;
	memset(header_of_b(), 0xee, ISM_HEADER);
	assert_int_equal(ism_guest_command(b, &u), ISM_OK);
	assert_int_equal(ism_guest_command(b, &u), ISM_bad_index);
	REFUSED(sent(0, 0, 0), bad_token);
	again = ism_guest_register(b, 70, gid_a, DMB_GPA, LEN, 0);
	assert_int_not_equal(again, token);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(header_of_b()[i], 0);
	assert_int_equal(sent(0, 0, 0), ISM_bad_token);
	token = again;
	assert_int_equal(sent(0, 0, 0), ISM_OK);
}

/* ---- on, off, and events ---- */

static const struct ism_event *event(struct ism_guest *g, unsigned n)
{
	assert_true(n < g->area->events);
	return &g->area->event[n % ISM_EVENTS];
}

static uint32_t signal_to(struct ism_guest *from, uint64_t gid, uint32_t code)
{
	struct ism_command s = {
	    .code = ISM_SIGNAL, .gid = gid, .event = code, .info = 0x1122334455};

	return ism_guest_command(from, &s);
}

static void signals(void **state)
{
	(void)state;
	assert_int_equal(signal_to(a, gid_b, 0x83), ISM_OK);
	assert_int_equal(event(b, 0)->type, ISM_EVENT_SIGNAL);
	assert_int_equal(event(b, 0)->code, 0x83);
	assert_int_equal(event(b, 0)->gid, gid_a);
	assert_int_equal(event(b, 0)->info, 0x1122334455);
	assert_int_equal(atomic_load(&b->msis[0]), 1);
	assert_int_equal(signal_to(a, gid_c, 1), ISM_no_peer);
	assert_int_equal(signal_to(a, gid_a, 1), ISM_OK);
	assert_int_equal(event(a, 0)->gid, gid_a);
}

/* A storm is one interrupt, and as many events as fit; the rest is counted where the driver sees
 * it. */
static void a_storm_of_signals(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(signal_to(a, gid_b, i), ISM_OK);
	assert_int_equal(atomic_load(&b->msis[0]), 1);
	assert_int_equal(b->area->events, ISM_EVENTS);
	assert_int_equal(b->area->events_lost, 1000 - ISM_EVENTS);
	assert_int_equal(ism_guest_counter(b, "events_lost"), 1000 - ISM_EVENTS);
	b->area->event_flag = 0;
	b->area->events_read = b->area->events;
	assert_int_equal(signal_to(a, gid_b, 7), ISM_OK);
	assert_int_equal(event(b, ISM_EVENTS)->code, 7);
	assert_int_equal(atomic_load(&b->msis[0]), 2);
}

/* Whoever had a DMB with it learns that it is gone; c had none. */
static void peers_learn_that_a_guest_is_gone(void **state)
{
	(void)state;
	assert_int_equal(ism_peers(&b->d), 1);
	ism_guest_out(a, ISM_REG_ENABLE, 0);
	assert_int_equal(ism_guest_gid(a), 0);
	assert_int_equal(event(b, 0)->type, ISM_EVENT_GONE);
	assert_int_equal(event(b, 0)->gid, gid_a);
	assert_int_equal(ism_peers(&b->d), 0);
	assert_int_equal(b->area->events, 1);
	assert_int_equal(c->area->events, 0);
	assert_int_equal(query(b, gid_a), ISM_no_peer);
	/* Back with another GID: the old DMB is not for it. */
	assert_int_not_equal(ism_guest_on(a), gid_a);
	assert_int_equal(sent(8, AT, ism_cursor(0, 8, 0)), ISM_not_peer);
	ism_guest_out(a, ISM_REG_ENABLE, 0);
	assert_int_equal(b->area->events, 1); /* there was nothing with the new one */
}

/* The receiver's reset, and its bus mastering that goes off, end its DMBs. */
static void off_in_every_way(void **state)
{
	uint32_t command = VPCI_CMD_IO | VPCI_CMD_MEM, at;

	(void)state;
	vpci_reset(&b->bus);
	assert_int_equal(sent(8, AT, ism_cursor(0, 8, 0)), ISM_bad_token);
	assert_int_equal(event(a, 0)->gid, gid_b);
	assert_int_equal(ism_guest_in(b, ISM_REG_AREA), 0);
	ism_guest_on(b); /* bus mastering is off */
	assert_int_equal(ism_guest_counter(b, "bad_area"), 1);

	at = 0x80000000u | a->d.pci.slot << 11 | 4;
	vpci_io(&a->bus, 0xcf8, 4, true, &at);
	vpci_io(&a->bus, 0xcfc, 2, true, &command);
	assert_int_equal(ism_guest_in(a, ISM_REG_ENABLE), 0);
	sent(8, AT, ism_cursor(0, 8, 0));
	assert_int_equal(ism_guest_counter(a, "bad_submit"), 1);
}

/* Switched off with a message under way: its slot says so, and nothing is copied any more. */
static void off_while_a_message_is_under_way(void **state)
{
	(void)state;
	token = ism_guest_register(b, 1, gid_a, DMB_GPA, ISM_DMB_MAX, 0);
	ism_guest_message(a, token, 200000, AT, ism_cursor(0, 200000, 0));
	ism_guest_out(a, ISM_REG_SUBMIT, 0);
	ism_guest_out(a, ISM_REG_ENABLE, 0);
	assert_int_equal(a->area->slot[0].status, ISM_stopped);
	vpci_work(&a->bus);
	assert_int_equal(*(uint8_t *)ism_guest_at(b, DMB_GPA + AT + ISM_VISIT), 0x77);
	assert_int_equal(ism_guest_counter(a, "stopped"), 1);
	assert_int_equal(ism_guest_counter(a, "messages"), 0);
}

static void commands_that_do_not_exist(void **state)
{
	struct ism_command x = {.code = 0};

	(void)state;
	assert_int_equal(ism_guest_command(a, &x), ISM_bad_command);
	x.code = 99;
	assert_int_equal(ism_guest_command(a, &x), ISM_bad_command);
	only_refusal(a, "bad_command", 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(registers),
	    TEST(names_are_the_same_in_both_byte_orders),
	    TEST(an_area_that_is_not_memory),
	    TEST(only_the_own_domain_is_reached),
	    TEST(what_may_be_registered),
	    TEST(a_new_dmb_has_an_empty_header_and_a_new_token),
	    TEST(signals),
	    TEST(a_storm_of_signals),
	    TEST(peers_learn_that_a_guest_is_gone),
	    TEST(off_in_every_way),
	    TEST(off_while_a_message_is_under_way),
	    TEST(commands_that_do_not_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
