/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_link_threads.c: frames go out and come in over links on two cores while control changes
 * routes and links; none is lost, doubled or out of order.
 */
#include "tests/unit/rig/link_nodes.h"
#include <pthread.h>
#include "vnet/link/arp.h"
#include "lib/bytes.h"
#include "vnet/link/encap.h"
#include "vnet/state.h"

#define CHANGES 1000
#define BATCH   16

static const struct vnet_link_config far1 = {VNET_LINK_VXLAN, NODE_IP(1), 1, 0, 0};
static const struct vnet_link_config far2 = {VNET_LINK_UDP, NODE_IP(1), 0, 0, 0};
static const struct vnet_link_config other = {VNET_LINK_VXLAN, NODE_IP(1), 9, 0, 0};

static atomic_bool stop;
static atomic_uint wrong, wired, received;
static uint32_t wire_next, guest_next; /* each is written by one core alone */

/* Core 0 sends; its frames leave by one link or the other, each with its number. */
static unsigned to_wire(struct vnet_port *port, struct vnet_core *core,
                        struct vnet_frame *const *frames, unsigned n)
{
	(void)port;
	for (unsigned i = 0; i < n; i++) {
		const struct vnet_frame *f = frames[i];

		if (be16(f->seg[0].base + 12) == ETHER_ARP)
			continue;
		if (core->id != 0 || f->nseg != 2 || be32(f->seg[1].base + 14) != wire_next++)
			atomic_fetch_add(&wrong, 1);
		atomic_fetch_add(&wired, 1);
	}
	return n;
}

/* Core 1 has what the peers sent. */
static unsigned to_guest(struct vnet_port *port, struct vnet_core *core,
                         struct vnet_frame *const *frames, unsigned n)
{
	(void)port;
	for (unsigned i = 0; i < n; i++)
		if (core->id != 1 || be32(frames[i]->seg[0].base + 14) != guest_next++)
			atomic_fetch_add(&wrong, 1);
	atomic_fetch_add(&received, n);
	return n;
}

static const struct vnet_port_ops wire_ops = {.egress = to_wire}, guest_ops = {.egress = to_guest};

struct side {
	struct vnet *v;
	struct vnet_port *from;
	unsigned core;
	uint32_t sent;
	pthread_t thread;
	uint8_t bytes[BATCH][128];
};

/* A frame of the guest, or the same as its peer would have sent it. */
static uint32_t fill(struct side *s, uint8_t *p)
{
	const struct encap_path path = {VNET_LINK_VXLAN, NODE_MAC(1), NODE_IP(1),
	                                NODE_IP(0),      1,           4789};
	uint8_t template[ENCAP_MAX];
	unsigned head = s->core ? encap_bytes(path.kind) : 0;

	ether_frame(p + head, s->core ? A : B, s->core ? B : A, 0x88b5, 60, 0);
	put_be32(p + head + 14, s->sent++);
	if (s->core) {
		encap_template(template, &path);
		encap_build(p, template, head, &(struct encap_outer){NODE_MAC(0), 60, 50000, 0, 0});
	}
	return head + 60;
}

static void *walk(void *arg)
{
	struct side *s = arg;
	struct vnet_core *core = vnet_core(s->v, s->core);
	struct vnet_batch *b = vnet_core_batch(core);

	while (!atomic_load(&stop)) {
		b->n = b->nseg = BATCH;
		for (unsigned i = 0; i < BATCH; i++) {
			b->seg[i] = (struct vnet_seg){s->bytes[i], fill(s, s->bytes[i])};
			b->frame[i] = (struct vnet_frame){.seg = &b->seg[i],
			                                  .len = b->seg[i].len,
			                                  .nseg = 1,
			                                  .contiguous_head = true};
		}
		if (vnet_input(core, s->from, b) != BATCH)
			atomic_fetch_add(&wrong, 1);
	}
	return NULL;
}

static struct vnet_port *link(struct vnet *v, const char *name, struct vnet_port *edge,
                              const struct vnet_link_config *c)
{
	char err[100];
	struct vnet_port *port = vnet_link_add(v, name, 1, edge, c, err, sizeof err);

	assert_non_null(port);
	return port;
}

static void routes(struct vnet *v, unsigned guest, unsigned to, unsigned others)
{
	const struct vnet_qual any = {VNET_MAC_ANY, 0};
	struct vnet_route r[64] = {{1, any, {VNET_MAC_IS, A}, -1, (uint16_t)guest, false},
	                           {1, any, any, (int)guest, (uint16_t)to, false}};
	char err[100];

	for (unsigned i = 0; i < others; i++)
		r[2 + i] = (struct vnet_route){
		    1, any, {VNET_MAC_IS, C + ((mac_t)i << 24)}, -1, (uint16_t)to, false};
	assert_true(vnet_routes_set(v, r, 2 + others, err, sizeof err));
}

/* Lets the peer answer, so that the links' next hop is known. */
static void answer(struct vnet *v, struct vnet_port *edge)
{
	const struct arp a = {ARP_REPLY, NODE_MAC(1), NODE_MAC(0), NODE_IP(1), NODE_IP(0)};
	uint8_t out[ARP_FRAME];
	struct vnet_seg seg = {out, sizeof out};
	static struct vnet_batch b;

	vnet_port_ready(vnet_core(v, 0), edge);
	arp_write(out, NODE_MAC(0), &a);
	b.n = b.nseg = 1;
	b.frame[0] =
	    (struct vnet_frame){.seg = &seg, .len = sizeof out, .nseg = 1, .contiguous_head = true};
	vnet_input(vnet_core(v, 0), edge, &b);
}

static void frames_survive_a_thousand_changes(void **state)
{
	const struct vnet_underlay_config under = {NODE_IP(0), 24, GATEWAY, NODE_MAC(0), 1500};
	struct vnet *v = vnet_create(&node_mem, 2);
	struct vnet_port *edge, *guest, *one, *two, *extra;
	static struct side side[2];
	char err[100];

	(void)state;
	vnet_net_set(v, 0, VNET_LEARN);
	vnet_net_set(v, 1, VNET_ROUTE);
	edge = vnet_port_add(v, "edge", 0, &wire_ops, NULL, VNET_EDGE);
	guest = vnet_port_add(v, "guest", 1, &guest_ops, NULL, 0);
	edge->up = guest->up = true;
	assert_true(vnet_underlay_set(edge, &under, err, sizeof err));
	one = link(v, "one", edge, &far1);
	two = link(v, "two", edge, &far2);
	answer(v, edge);
	routes(v, guest->number, one->number, 0);
	for (unsigned i = 0; i < 2; i++) {
		side[i] = (struct side){.v = v, .from = i ? edge : guest, .core = i};
		pthread_create(&side[i].thread, NULL, walk, &side[i]);
	}
	for (unsigned i = 0; i < CHANGES; i++) {
		routes(v, guest->number, i & 1 ? one->number : two->number, i % 50);
		if (i % 4)
			continue;
		extra = link(v, "extra", edge, &other);
		routes(v, guest->number, extra->number, i % 50);
		routes(v, guest->number, one->number, 0);
		/* The route to `two` is gone: it may be made anew. */
		assert_true(vnet_link_remove(two));
		assert_true(vnet_link_remove(extra));
		two = link(v, "two", edge, &far2);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(side[i].thread, NULL);
	assert_int_equal(wrong, 0);
	assert_true(side[0].sent && side[1].sent);
	assert_int_equal(wired, side[0].sent);
	assert_int_equal(received, side[1].sent);
	assert_int_equal(port_drops_all(edge), 0);
	assert_int_equal(port_drops_all(guest), 0);
	vnet_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_survive_a_thousand_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
