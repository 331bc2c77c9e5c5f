/* SPDX-License-Identifier: BSD-2-Clause */
/* test_shm_chain.c: members of a trust group that are functions of a chain, and end it. */
#include "tests/unit/rig/shm_nodes.h"
#include "vnet/chain/chain.h"

#define ANN member[0]
#define BEN member[1]
#define CAT member[2]

/* What ann and ben send to UDP port 7 is in a chain: ben, who may leave it or not, cat, and to the
 * port `to`; the rest goes where addresses say. */
static void use_chain(struct vnet_port *to, bool may_leave)
{
	struct vnet_service s[2] = {
	    {.name = "ben", .replicas = 1, .port = {BEN.port->number}, .may_leave = may_leave},
	    {.name = "cat", .replicas = 1, .port = {CAT.port->number}}};
	struct vnet_flow f = {.name = "f",
	                      .protocol = 17,
	                      .ranges = 1,
	                      .range = {{7, 7}},
	                      .from = -1,
	                      .services = 2,
	                      .service = {0, 1},
	                      .to = to->number};
	struct vnet_chain_rules r = {.service = s, .services = 2, .flow = &f, .flows = 1};
	struct vnet_chains *c;
	char err[128];

	c = vnet_chains_make(net, &r, err, sizeof err);
	assert_non_null(c);
	vnet_chains_use(net, c);
}

/* Frames of different actions are several visits. */
static void visit(struct member *m)
{
	while (m->lib.out_head != atomic_load(&m->shared->out.tail) && netlib_running(&m->lib))
		vpci_work(&m->g->pci);
}

/* Sends n frames to UDP port 7 with these actions at once, numbered in their last byte. */
static void send_with_actions(struct member *m, const uint8_t *action, unsigned n)
{
	struct netlib_frame f[8];

	for (unsigned i = 0; i < n; i++) {
		f[i] = member_compose(m, mac_of(0), 60, 3);
		memcpy(f[i].data + 12,
		       "\x08\0\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2\0\7\0\7\0\0\0",
		       30);
		f[i].data[59] = (uint8_t)i;
		f[i].action = action[i];
	}
	assert_int_equal(netlib_send(&m->lib, f, n), n);
	visit(m);
}

/* The next frame that came to cat has this number; it is dropped. */
static void cat_gets(unsigned number)
{
	struct netlib_frame f;

	assert_int_equal(netlib_receive(&CAT.lib, &f, 1), 1);
	assert_int_equal(f.data[59], number);
	member_drop(&CAT, f);
}

/* The numbers of frames that come to a host outside of the group. */
static uint8_t arrived[8];
static unsigned narrived;

static unsigned note(struct vnet_port *port, struct vnet_core *core,
                     struct vnet_frame *const *frames, unsigned n)
{
	(void)port, (void)core;
	for (unsigned i = 0; i < n; i++) {
		const struct vnet_seg *last = &frames[i]->seg[frames[i]->nseg - 1];

		assert_true(narrived < 8);
		arrived[narrived++] = last->base[last->len - 1];
	}
	return n;
}

static struct vnet_port *add_host(void)
{
	static const struct vnet_port_ops ops = {.egress = note};
	struct vnet_port *port = vnet_port_add(net, "host", 0, &ops, NULL, 0);

	assert_non_null(port);
	vnet_port_set_up(port, vnet_this_core(), true);
	narrived = 0;
	return port;
}

/* ben is in the chain, and sends frames on to cat or past it, mixed; their order is kept, also of
 * those of SHM_TO and SHM_DROP between them.  ann sends frames into the chain: these cannot leave
 * it. */
static void a_function_ends_the_chain(void **state)
{
	static const uint8_t mixed[] = {SHM_NEXT, SHM_OUT, SHM_OUT,  SHM_NEXT,
	                                SHM_OUT,  SHM_TO,  SHM_DROP, SHM_OUT};
	static const uint8_t out[] = {SHM_OUT};
	struct netlib_frame f;

	(void)state;
	members_introduce();
	use_chain(add_host(), true);
	send_with_actions(&BEN, mixed, 8); /* of SHM_TO: to ann */
	cat_gets(0);
	cat_gets(3);
	assert_true(member_idle(&CAT));
	assert_int_equal(narrived, 4);
	assert_memory_equal(arrived, ((uint8_t[]){1, 2, 4, 7}), 4);
	assert_int_equal(member_counter(&BEN, "out"), 4);
	assert_int_equal(member_counter(&BEN, "dropped"), 1);
	assert_int_equal(netlib_receive(&ANN.lib, &f, 1), 1);
	assert_int_equal(f.data[59], 5);
	member_drop(&ANN, f);
	send_with_actions(&ANN, out, 1);
	assert_int_equal(netlib_receive(&BEN.lib, &f, 1), 1);
	member_drop(&BEN, f);
	assert_true(netlib_running(&ANN.lib) && netlib_running(&BEN.lib));
	check_shares();
}

/* A service that was not given that right: such frames are dropped, and nothing else. */
static void not_without_the_right(void **state)
{
	static const uint8_t mixed[] = {SHM_NEXT, SHM_OUT, SHM_OUT, SHM_NEXT};

	(void)state;
	members_introduce();
	use_chain(add_host(), false);
	send_with_actions(&BEN, mixed, 4);
	cat_gets(0);
	cat_gets(3);
	assert_true(member_idle(&CAT));
	assert_int_equal(narrived, 0);
	assert_int_equal(member_drops(&BEN, VNET_DROP_may_not_leave), 2);
	assert_true(netlib_running(&BEN.lib));
	check_shares();
}

/* In a network without flows it is as SHM_NEXT, and what breaks a rule behind it does so. */
static void out_of_no_chain(void **state)
{
	struct netlib_frame f;

	(void)state;
	members_introduce();
	f = member_compose(&ANN, member_mac_of(2), 90, 6);
	f.action = SHM_OUT;
	assert_int_equal(netlib_send(&ANN.lib, &f, 1), 1);
	member_drop(&CAT, member_receive(&CAT, 90, 6));
	f = member_compose(&ANN, member_mac_of(2), 90, 7);
	f.action = SHM_OUT;
	assert_int_equal(netlib_send(&ANN.lib, (struct netlib_frame[]){f, f}, 2), 2);
	visit(&ANN);
	member_drop(&CAT, member_receive(&CAT, 90, 7));
	assert_int_equal(member_counter(&ANN, "violation.wrong_owner"), 1);
	assert_false(netlib_running(&ANN.lib));
	check_shares();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, members_setup, members_teardown)
	    T(a_function_ends_the_chain),
	    T(not_without_the_right),
	    T(out_of_no_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
