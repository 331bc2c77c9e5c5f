/* SPDX-License-Identifier: BSD-2-Clause */
/* test_chain_threads.c: cores look frames up in flows while control replaces them. */
#include "tests/unit/rig/vnet_rig.h"
#include <pthread.h>
#include <sched.h>
#include "lib/bytes.h"
#include "vnet/chain/chain.h"
#include "vnet/state.h"

#define CHANGES 150
#define BATCH   16

struct sender {
	struct vnet *v;
	unsigned core;
	uint64_t sent;
	pthread_t thread;
};

static atomic_bool stop;
static atomic_uint received, wrong;

static unsigned receive(struct vnet_port *port, struct vnet_core *core,
                        struct vnet_frame *const *frames, unsigned n)
{
	(void)port;
	for (unsigned i = 0; i < n; i++)
		if (be16(frames[i]->seg[0].base + 36) != 80 + core->id)
			atomic_fetch_add(&wrong, 1);
	atomic_fetch_add(&received, n);
	return n;
}

static const struct vnet_port_ops ops = {.egress = receive};

static struct vnet_port *add_port(struct vnet *v, unsigned i)
{
	char name[8];
	struct vnet_port *port;

	snprintf(name, sizeof name, "p%u", i);
	port = vnet_port_add(v, name, 0, &ops, NULL, 0);
	atomic_store(&port->up, true);
	return port;
}

/* UDP of a few flows. */
static void write_frame(uint8_t *p, unsigned core, uint64_t number)
{
	memset(p, 0, 64);
	mac_write(p, B);
	mac_write(p + 6, core ? C : A);
	put_be16(p + 12, 0x800);
	p[14] = 0x45;
	p[23] = 17;
	put_be32(p + 26, 0x0a000000);
	put_be32(p + 30, 0x0a000001);
	put_be16(p + 34, (unsigned)(number % 50));
	put_be16(p + 36, 80 + core);
}

static void *walk(void *arg)
{
	static uint8_t bytes[2][BATCH][64];
	struct sender *s = arg;
	struct vnet_core *core = vnet_core(s->v, s->core);

	while (!atomic_load(&stop)) {
		struct vnet_batch *b = vnet_core_batch(core);

		b->n = b->nseg = BATCH;
		for (unsigned i = 0; i < BATCH; i++) {
			write_frame(bytes[s->core][i], s->core, s->sent++);
			b->seg[i] = (struct vnet_seg){bytes[s->core][i], 64};
			b->frame[i] = (struct vnet_frame){
			    .seg = &b->seg[i], .len = 64, .nseg = 1, .contiguous_head = true};
		}
		if (vnet_input(core, vnet_port_get(s->v, s->core), b) != BATCH)
			atomic_fetch_add(&wrong, 1);
	}
	return NULL;
}

/* A table with one service or another, or none. */
static void use_table(struct vnet *v, unsigned round, unsigned spare)
{
	struct vnet_service service[2] = {
	    {.name = "a", .replicas = 2, .port = {2, (uint16_t)spare}},
	    {.name = "b", .replicas = 1, .port = {3}}};
	struct vnet_flow flow[2] = {
	    {.name = "one", .protocol = 17, .from = -1, .services = 1, .service = {round % 2}},
	    {.name = "two", .protocol = -1, .from = -1, .to = 4}};
	const struct vnet_chain_rules rules = {service, 2, flow, round % 3 ? 2 : 1};
	const struct vnet_chain_rules none = {service, 0, flow, 0};
	struct vnet_chains *c;
	char err[200];

	c = vnet_chains_make(v, round % 7 ? &rules : &none, err, sizeof err);
	if (!c)
		fail_msg("%s", err);
	vnet_chains_use(v, c);
}

/* Each frame comes to one port, whichever table it saw, and the switch takes it as it is. */
static void tables_are_replaced_under_frames(void **state)
{
	struct vnet *v = vnet_create(&rig_mem, 2);
	struct vnet_route out = {.from = -1, .to = 4};
	struct sender s[2];
	char err[100];

	(void)state;
	received = wrong = 0;
	stop = false;
	vnet_net_set(v, 0, VNET_ROUTE);
	for (unsigned i = 0; i < 5; i++)
		add_port(v, i);
	out.src.match = out.dst.match = VNET_MAC_ANY;
	assert_true(vnet_routes_set(v, &out, 1, err, sizeof err));
	for (unsigned i = 0; i < 2; i++) {
		s[i] = (struct sender){.v = v, .core = i};
		pthread_create(&s[i].thread, NULL, walk, &s[i]);
	}
	for (unsigned round = 0; round < CHANGES; round++) {
		struct vnet_port *spare = add_port(v, 5);
		struct vnet_flow_count count;
		struct vnet_flow f;

		use_table(v, round, spare->number);
		vnet_flow_get(v, 0, &f, &count);
		vnet_net_set(v, 0, VNET_ROUTE);
		sched_yield();
		assert_true(vnet_port_remove(spare));
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(s[i].thread, NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(received, s[0].sent + s[1].sent);
	assert_true(s[0].sent && s[1].sent);
	vnet_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tables_are_replaced_under_frames)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
