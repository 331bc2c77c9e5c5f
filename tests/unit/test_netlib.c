/* SPDX-License-Identifier: BSD-2-Clause */
/* test_netlib.c: the network functions, over the device of a group's members. */
#include "tests/unit/rig/shm_nodes.h"
#include "guest-images/netlib/functions.h"
#include "lib/bytes.h"
#include "vnet/frame/sum.h"

#define ANN member[0]
#define BEN member[1]
#define CAT member[2]

static const uint8_t hop_mac[6] = {2, 0, 0, 0, 0, 9};

static struct netlib_generator load(uint8_t to)
{
	struct netlib_generator g = {.onward = {SHM_TO, to},
	                             .src_ip = 0x0a000001,
	                             .dst_ip = 0x0a010203,
	                             .src_port = 1000,
	                             .dst_port = 53,
	                             .length = 100};

	mac_write(g.src, member_mac_of(0));
	mac_write(g.dst, member_mac_of(1));
	return g;
}

static void sum_of_ip(const uint8_t *ip, uint8_t left[2])
{
	struct sum sum = {0, false};

	sum_bytes(&sum, ip, 4u * (ip[0] & 15));
	sum_store(&sum, left);
}

/* Sends one frame of the generator's, changed by the caller before a function sees it. */
static struct netlib_frame one_frame(void)
{
	struct netlib_generator g = load(1);
	struct netlib_frame f;

	assert_int_equal(netlib_generate(&ANN.lib, &g, 1), 1);
	assert_int_equal(netlib_receive(&BEN.lib, &f, 1), 1);
	return f;
}

static void opening_checks_what_it_finds(void **state)
{
	struct netlib n;

	(void)state;
	assert_null(netlib_open(&n, ANN.shared, region, region_bytes, NULL, NULL));
	assert_non_null(netlib_open(&n, ANN.shared, region, group->bytes - 1, NULL, NULL));
	ANN.shared->entries = 3;
	assert_non_null(netlib_open(&n, ANN.shared, region, region_bytes, NULL, NULL));
	ANN.shared->entries = 2 * SHM_ENTRIES_MAX;
	assert_non_null(netlib_open(&n, ANN.shared, region, region_bytes, NULL, NULL));
	ANN.shared->version++;
	assert_non_null(netlib_open(&n, ANN.shared, region, region_bytes, NULL, NULL));
	ANN.shared->magic++;
	assert_non_null(netlib_open(&n, ANN.shared, region, region_bytes, NULL, NULL));
}

/* A program that starts anew while its device runs goes on where the last one was. */
static void opening_goes_on(void **state)
{
	struct netlib_frame f;

	(void)state;
	f = one_frame();
	f = one_frame();
	assert_null(
	    netlib_open(&BEN.lib, BEN.shared, region, region_bytes, BEN.lib.doorbell, BEN.lib.ctx));
	f = one_frame();
	f.action = SHM_DROP;
	assert_int_equal(netlib_send(&BEN.lib, &f, 1), 1);
	assert_true(netlib_running(&BEN.lib));
}

/* generator -> counter, until the generator's buffers have come round many times. */
static void a_load_is_counted(void **state)
{
	struct netlib_generator g = load(1);
	struct netlib_counter c = {.onward = {SHM_DROP, 0}};
	unsigned sent = 0, served;

	(void)state;
	while (sent < 5 * group->share) {
		sent += netlib_generate(&ANN.lib, &g, 48);
		vpci_work(&ANN.g->pci);
		do {
			served = netlib_serve(&BEN.lib, netlib_count, &c);
			vpci_work(&BEN.g->pci);
		} while (served);
	}
	assert_int_equal(g.sent, sent);
	assert_int_equal(c.frames, sent);
	assert_int_equal(c.bytes, 100ull * sent);
	assert_int_equal(c.ipv4, sent);
	assert_int_equal(member_counter(&BEN, "dropped"), sent);
	check_shares();
}

static void the_counter_knows_protocols(void **state)
{
	static const uint16_t type[] = {0x0800, 0x86dd, 0x0806, 0x88b5};
	struct netlib_counter c = {.onward = {SHM_NEXT, 0}};
	uint8_t bytes[60] = {0};
	struct netlib_frame f = {.data = bytes, .length = 60, .action = SHM_DROP};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		put_be16(bytes + 12, type[i]);
		netlib_count(&c, &f, 1);
	}
	f.length = 13;
	netlib_count(&c, &f, 1);
	assert_int_equal(f.action, SHM_NEXT);
	assert_int_equal(c.ipv4, 1);
	assert_int_equal(c.ipv6, 1);
	assert_int_equal(c.arp, 1);
	assert_int_equal(c.other, 2);
	assert_int_equal(c.bytes, 4 * 60 + 13);
}

static void the_load_is_as_asked(void **state)
{
	struct netlib_frame f;
	uint64_t serial = 1;
	uint8_t left[2];

	(void)state;
	f = one_frame();
	assert_true(netlib_serial(&f, &serial));
	assert_int_equal(serial, 0);
	assert_int_equal(f.length, 100);
	assert_int_equal(be32(f.data + 26), 0x0a000001);
	assert_int_equal(be16(f.data + 36), 53);
	sum_of_ip(f.data + 14, left);
	assert_int_equal(left[0] | left[1], 0);
	f.data[42]++;
	assert_false(netlib_serial(&f, &serial));
	f.data[42]--;
	f.length = NETLIB_LOAD_MIN - 1;
	assert_false(netlib_serial(&f, &serial));
}

static struct netlib_forwarder router(void)
{
	struct netlib_forwarder r = {.onward = {SHM_TO, 2}, .hops = 3};

	mac_write(r.mac, member_mac_of(1));
	r.hop[0] = (struct netlib_next_hop){.prefix = 0x0a000000, .bits = 8, .mac = {2, 1}};
	r.hop[1] = (struct netlib_next_hop){.prefix = 0x0a010200, .bits = 24};
	memcpy(r.hop[1].mac, hop_mac, 6);
	r.hop[2] = (struct netlib_next_hop){.prefix = 0x0a010203, .bits = 33};
	return r;
}

/* ... -> forwarder -> counter. */
static void the_forwarder_routes(void **state)
{
	struct netlib_forwarder r = router();
	struct netlib_generator g = load(1);
	struct netlib_frame f;
	uint8_t left[2];

	(void)state;
	netlib_generate(&ANN.lib, &g, 1);
	assert_int_equal(netlib_serve(&BEN.lib, netlib_forward, &r), 1);
	assert_int_equal(netlib_receive(&CAT.lib, &f, 1), 1);
	assert_memory_equal(f.data, hop_mac, 6);
	assert_int_equal(mac_read(f.data + 6), member_mac_of(1));
	assert_int_equal(f.data[22], 63);
	sum_of_ip(f.data + 14, left);
	assert_int_equal(left[0] | left[1], 0);
	assert_int_equal(r.forwarded, 1);
	check_shares();
}

/* The sum stays right for any TTL and any sum (RFC 1624). */
static void ttl_and_sum(void **state)
{
	struct netlib_forwarder r = router();

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		struct netlib_frame f;
		struct sum sum = {0, false};
		uint8_t left[2];

		f = one_frame();
		f.data[22] = (uint8_t)(2 + i % 254);
		put_be16(f.data + 18, i * 67);
		put_be16(f.data + 24, 0);
		sum_bytes(&sum, f.data + 14, 20);
		sum_store(&sum, f.data + 24);
		netlib_forward(&r, &f, 1);
		assert_int_equal(f.action, SHM_TO);
		assert_int_equal(f.data[22], 1 + i % 254);
		sum_of_ip(f.data + 14, left);
		assert_int_equal(left[0] | left[1], 0);
		member_drop(&BEN, f);
	}
}

static void the_forwarder_drops(void **state)
{
	struct netlib_forwarder r = router();
	struct netlib_frame f;

	(void)state;
	f = one_frame();
	f.data[22] = 1; /* and the sum is not right any more */
	netlib_forward(&r, &f, 1);
	assert_int_equal(f.action, SHM_DROP);
	assert_int_equal(r.malformed, 1);
	put_be16(f.data + 24, be16(f.data + 24) + 63 * 0x100);
	netlib_forward(&r, &f, 1);
	assert_int_equal(r.expired, 1);
	f = one_frame();
	r.hops = 0;
	netlib_forward(&r, &f, 1);
	assert_int_equal(r.no_hop, 1);
	r.hops = 3;
	f.data[14] = 0x44;
	netlib_forward(&r, &f, 1);
	f.data[14] = 0x4f;
	f.length = 40;
	netlib_forward(&r, &f, 1);
	f.length = 5;
	netlib_forward(&r, &f, 1);
	assert_int_equal(r.malformed, 4);
	/* What is not IPv4. */
	f = one_frame();
	put_be16(f.data + 12, 0x0806);
	netlib_forward(&r, &f, 1);
	assert_int_equal(r.malformed, 5);
	r.bridge = true;
	netlib_forward(&r, &f, 1);
	assert_int_equal(f.action, SHM_TO);
	assert_int_equal(f.data[1], 1);
	assert_int_equal(r.forwarded, 1);
}

static bool passes(struct netlib_firewall *w, struct netlib_frame *f)
{
	netlib_filter(w, f, 1);
	assert_true(f->action == SHM_DROP || f->action == w->onward.action);
	return f->action != SHM_DROP;
}

static void the_firewall_filters(void **state)
{
	struct netlib_firewall w = {.onward = {SHM_TO, 2}, .rules = 3};
	struct netlib_frame f;

	(void)state;
	w.rule[0] = (struct netlib_rule){.version = 4,
	                                 .dst = {{10, 1, 2, 0}, 25},
	                                 .protocol = 17,
	                                 .port_low = 50,
	                                 .port_high = 53,
	                                 .pass = true};
	w.rule[1] = (struct netlib_rule){
	    .src = {{10}, 8}, .protocol = 6, .port_high = 0xffff, .pass = true};
	w.rule[2] = (struct netlib_rule){
	    .version = 6, .protocol = -1, .port_high = 0xffff, .src = {{0xfd}, 8}, .pass = true};
	f = one_frame();
	assert_true(passes(&w, &f));
	assert_int_equal(w.rule[0].hits, 1);
	f.data[33] = 0x80; /* 10.1.2.128 */
	assert_false(passes(&w, &f));
	f.data[33] = 0x7f;
	assert_true(passes(&w, &f));
	put_be16(f.data + 36, 54);
	assert_false(passes(&w, &f));
	f.data[23] = 6;
	assert_true(passes(&w, &f));
	assert_int_equal(w.rule[1].hits, 1);
	f.data[26] = 11;
	assert_false(passes(&w, &f));
	w.otherwise = true;
	assert_true(passes(&w, &f));
	w.otherwise = false;
	/* Ports of a later fragment are none. */
	f.data[26] = 10;
	f.data[23] = 17;
	put_be16(f.data + 36, 53);
	assert_true(passes(&w, &f));
	put_be16(f.data + 20, 100);
	assert_false(passes(&w, &f));
	assert_int_equal(w.passed, 5);
	assert_int_equal(w.blocked, 4);
}

static void the_firewall_knows_tags_and_ipv6(void **state)
{
	struct netlib_firewall w = {.onward = {SHM_NEXT, 0}, .rules = 1};
	struct netlib_frame f;

	(void)state;
	w.rule[0] = (struct netlib_rule){
	    .protocol = -1, .port_high = 0xffff, .dst = {{10, 1, 2, 3}, 32}, .pass = true};
	f = one_frame();
	memmove(f.data + 16, f.data + 12, 60);
	put_be16(f.data + 12, 0x8100);
	assert_true(passes(&w, &f));
	w.rule[0].version = 6;
	assert_false(passes(&w, &f));
	w.rule[0].version = 0;
	memset(f.data + 12, 0, 60);
	put_be16(f.data + 12, 0x86dd);
	f.data[14] = 0x60;
	f.data[20] = 59;
	memcpy(f.data + 38, "\x0a\x01\x02\x03", 4);
	assert_true(passes(&w, &f));
	f.data[41]++;
	assert_false(passes(&w, &f));
	put_be16(f.data + 12, 0x0806);
	assert_true(passes(&w, &f));
	assert_int_equal(w.malformed, 0);
	put_be16(f.data + 12, 0x0800);
	f.length = 20;
	assert_false(passes(&w, &f));
	f.length = 3;
	assert_false(passes(&w, &f));
	assert_int_equal(w.malformed, 2);
}

/* ann asks, ben sends back. */
static void the_relay_sends_back(void **state)
{
	struct netlib_relay back = {.onward = {SHM_TO, 0}, .back = true};
	struct netlib_relay onward = {.onward = {SHM_TO, 2}};
	struct netlib_generator g = load(1);
	struct netlib_frame f;

	(void)state;
	netlib_generate(&ANN.lib, &g, 1);
	assert_int_equal(netlib_serve(&BEN.lib, netlib_relay_frames, &back), 1);
	assert_int_equal(netlib_receive(&ANN.lib, &f, 1), 1);
	assert_int_equal(mac_read(f.data), member_mac_of(0));
	assert_int_equal(mac_read(f.data + 6), member_mac_of(1));
	f.action = SHM_TO;
	f.to = 1;
	netlib_send(&ANN.lib, &f, 1);
	assert_int_equal(netlib_serve(&BEN.lib, netlib_relay_frames, &onward), 1);
	assert_int_equal(netlib_receive(&CAT.lib, &f, 1), 1);
	assert_int_equal(mac_read(f.data), member_mac_of(0));
	assert_int_equal(back.relayed + onward.relayed, 2);
	f.length = 11;
	netlib_relay_frames(&back, &f, 1);
	assert_int_equal(f.action, SHM_DROP);
	check_shares();
}

/* generator -> firewall -> counter, as a chain. */
static void a_chain_of_three(void **state)
{
	struct netlib_firewall w = {.onward = {SHM_TO, 2}, .rules = 1};
	struct netlib_counter c = {.onward = {SHM_DROP, 0}};
	struct netlib_generator g = load(1);

	(void)state;
	w.rule[0] =
	    (struct netlib_rule){.protocol = 17, .port_low = 53, .port_high = 53, .pass = true};
	for (unsigned i = 0; i < 400; i++) {
		g.dst_port = (uint16_t)(52 + i % 3);
		netlib_generate(&ANN.lib, &g, 8);
		netlib_serve(&BEN.lib, netlib_filter, &w);
		netlib_serve(&CAT.lib, netlib_count, &c);
	}
	assert_int_equal(w.passed + w.blocked, 3200);
	assert_int_equal(w.passed, 8 * 133);
	assert_int_equal(c.frames, w.passed);
	assert_int_equal(BEN.device->copied + CAT.device->copied, 0);
	check_shares();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, members_setup, members_teardown)
	    T(opening_checks_what_it_finds),
	    T(opening_goes_on),
	    T(a_load_is_counted),
	    T(the_counter_knows_protocols),
	    T(the_load_is_as_asked),
	    T(the_forwarder_routes),
	    T(ttl_and_sum),
	    T(the_forwarder_drops),
	    T(the_firewall_filters),
	    T(the_firewall_knows_tags_and_ipv6),
	    T(the_relay_sends_back),
	    T(a_chain_of_three),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
