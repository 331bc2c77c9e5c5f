/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_threads.c: cores forward frames while control replaces the tables that they read. */
#include "tests/unit/rig/vnet_rig.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include "vnet/state.h"

#define CHANGES 1000
#define BATCH   16

/* A sender on a core of its own, with its own frames and batch. */
struct sender {
	struct vnet *v;
	unsigned core, port;
	mac_t dst;
	uint64_t sent;
	pthread_t thread;
};

static atomic_bool stop;
static atomic_uint lost, received[2];
static uint32_t last[2][2]; /* per receiver and sender, one more than the last serial seen */

/* The sender's number is in the frame; only its own core delivers its frames. */
static unsigned receive(struct vnet_port *port, struct vnet_core *core,
                        struct vnet_frame *const *frames, unsigned n)
{
	unsigned which = *(unsigned *)port->dev;

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = frames[i]->seg[0].base;
		uint32_t serial;
		unsigned sender = p[18];

		memcpy(&serial, p + 14, 4);
		if (sender != core->id || serial < last[which][sender])
			atomic_fetch_add(&lost, 1);
		last[which][sender] = serial + 1;
	}
	atomic_fetch_add(&received[which], n);
	return n;
}

static const struct vnet_port_ops thread_ops = {.egress = receive};

static void send_batch(struct sender *s, uint8_t (*bytes)[64])
{
	struct vnet_core *core = vnet_core(s->v, s->core);
	struct vnet_batch *b = vnet_core_batch(core);

	b->n = BATCH;
	for (unsigned i = 0; i < BATCH; i++) {
		uint32_t serial = (uint32_t)s->sent++;

		mac_write(bytes[i], s->dst);
		mac_write(bytes[i] + 6, A);
		memcpy(bytes[i] + 14, &serial, 4);
		bytes[i][18] = (uint8_t)s->core;
		b->seg[i] = (struct vnet_seg){bytes[i], 64};
		b->frame[i] = (struct vnet_frame){
		    .seg = &b->seg[i], .len = 64, .nseg = 1, .contiguous_head = true};
	}
	if (vnet_input(core, vnet_port_get(s->v, s->port), b) != BATCH)
		atomic_fetch_add(&lost, 1);
}

static void *walk(void *arg)
{
	static uint8_t bytes[2][BATCH][64];
	struct sender *s = arg;

	while (!atomic_load(&stop))
		send_batch(s, bytes[s->core]);
	return NULL;
}

static unsigned receiver[2] = {0, 1};

static struct vnet *node_of(unsigned cores)
{
	struct vnet *v = vnet_create(&rig_mem, cores);

	vnet_net_set(v, 0, VNET_ROUTE);
	for (unsigned i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof name, "p%u", i);
		vnet_port_add(v, name, 0, &thread_ops, &receiver[i & 1], 0)->up = true;
	}
	memset(last, 0, sizeof last);
	received[0] = received[1] = lost = 0;
	stop = false;
	return v;
}

static struct vnet *node(void)
{
	return node_of(2);
}

static void start(struct sender *s, struct vnet *v)
{
	for (unsigned i = 0; i < 2; i++) {
		s[i] = (struct sender){.v = v, .core = i, .port = 2 + i, .dst = B};
		pthread_create(&s[i].thread, NULL, walk, &s[i]);
	}
}

/* Ends the senders and checks that each frame came once, in order. */
static void stop_sender(struct sender *s)
{
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(s[i].thread, NULL);
	assert_int_equal(lost, 0);
	assert_int_equal(received[0] + received[1], (unsigned)(s[0].sent + s[1].sent));
	assert_true(s[0].sent > 0 && s[1].sent > 0);
}

static void routes(struct vnet *v, unsigned to, unsigned others)
{
	struct vnet_route t[64];
	char err[64];

	t[0] = rig_route(ANY, others & 1 ? IS(B) : ANY, to);
	for (unsigned i = 1; i < 1 + others; i++)
		t[i] = rig_route(i & 1 ? ANY : IS(A), IS(C + ((mac_t)i << 24)), 1);
	assert_true(vnet_routes_set(v, t, 1 + others, err, sizeof err));
}

static void frames_survive_a_thousand_tables(void **state)
{
	struct vnet *v = node();
	struct sender s[2];

	(void)state;
	routes(v, 0, 0);
	start(s, v);
	for (unsigned i = 0; i < CHANGES; i++)
		routes(v, i & 1, i % 60);
	stop_sender(s);
	vnet_destroy(v);
}

static void ports_come_and_go_beside_the_walk(void **state)
{
	struct vnet *v = node();
	struct sender s[2];

	(void)state;
	routes(v, 0, 0);
	start(s, v);
	for (unsigned i = 0; i < CHANGES / 4; i++) {
		struct vnet_port *port = vnet_port_add(v, "guest", 0, &thread_ops, &receiver[1], 0);

		port->up = true;
		vnet_port_set_mode(vnet_port_get(v, 0), i & 1 ? VNET_POLL : VNET_KICK);
		routes(v, port->number, i % 60);
		routes(v, i & 1, 0);
		assert_true(vnet_port_remove(port));
	}
	stop_sender(s);
	vnet_destroy(v);
}

static void a_network_changes_its_policy_beside_the_walk(void **state)
{
	struct vnet *v = node();
	struct sender s[2];
	struct vnet_port_stats stats;

	(void)state;
	routes(v, 0, 0);
	start(s, v);
	for (unsigned i = 0; i < CHANGES / 4; i++) {
		struct vnet_port *port = vnet_port_add(v, "guest", 0, &thread_ops, &receiver[1], 0);

		port->up = true; /* flooded to, while the network learns */
		assert_true(vnet_net_set(v, 0, i & 1 ? VNET_ROUTE : VNET_LEARN));
		vnet_clock_set(vnet_core(v, 0), i * 10);
		assert_true(vnet_port_remove(port));
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(s[i].thread, NULL);
		vnet_port_stats(vnet_port_get(v, 2 + i), &stats);
		assert_int_equal(stats.in_frames, s[i].sent);
	}
	vnet_destroy(v);
}

/* What `show` reads: never less than a moment ago, and in the end all of it. */
static void counters_are_read_while_they_move(void **state)
{
	struct vnet *v = node();
	struct sender s[2];
	struct vnet_port_stats stats;
	struct vnet_route route;
	uint64_t frames = 0, hits = 0, now, other = 0;

	(void)state;
	routes(v, 0, 2);
	start(s, v);
	for (unsigned i = 0; i < CHANGES || !frames || !other; i++) {
		vnet_port_stats(vnet_port_get(v, 3), &stats);
		other = stats.in_frames;
		vnet_port_stats(vnet_port_get(v, 2), &stats);
		assert_true(stats.in_frames >= frames);
		frames = stats.in_frames;
		assert_true(vnet_route_get(v, 0, &route, &now));
		assert_true(now >= hits);
		hits = now;
	}
	stop_sender(s);
	assert_true(vnet_route_get(v, 0, &route, &hits));
	assert_int_equal(hits, s[0].sent + s[1].sent);
	vnet_destroy(v);
}

static atomic_uint inside, visits;

static unsigned linger(struct vnet_port *port, struct vnet_core *core,
                       struct vnet_frame *const *frames, unsigned n)
{
	const struct timespec moment = {0, 2000000};

	(void)port, (void)core, (void)frames;
	atomic_fetch_add(&inside, 1);
	nanosleep(&moment, NULL);
	atomic_fetch_sub(&inside, 1);
	atomic_fetch_add(&visits, 1);
	return n;
}

static void nobody_is_in_a_port_that_was_removed(void **state)
{
	static const struct vnet_port_ops slow_ops = {.egress = linger};
	struct vnet *v = node();
	struct sender s = {.v = v, .core = 0, .port = 2, .dst = B};
	struct vnet_port *port;

	(void)state;
	assert_true(vnet_net_set(v, 0, VNET_LEARN));
	port = vnet_port_add(v, "slow", 0, &slow_ops, NULL, 0);
	port->up = true;
	pthread_create(&s.thread, NULL, walk, &s);
	for (unsigned i = 0; i < 20; i++) {
		unsigned before = atomic_load(&visits);

		while (atomic_load(&visits) == before)
			sched_yield();
		assert_true(vnet_port_remove(port));
		assert_int_equal(inside, 0);
		port = vnet_port_add(v, "slow", 0, &slow_ops, NULL, 0);
		port->up = true;
	}
	atomic_store(&stop, true);
	pthread_join(s.thread, NULL);
	vnet_destroy(v);
}

/* Histograms are made and freed, read, and moved to new tables, while two cores fill them. */
static void measuring_comes_and_goes_beside_the_walk(void **state)
{
	struct vnet *v = node();
	struct sender s[2];
	char err[160];
	uint64_t before = 0, now;

	(void)state;
	routes(v, 0, 0);
	start(s, v);
	for (unsigned i = 0; i < CHANGES / 4; i++) {
		struct hist h = {0};

		assert_true(vnet_measure_start(v, err, sizeof err));
		routes(v, i & 1, i % 60);
		assert_true(vnet_port_measured(vnet_port_get(v, i & 1), -1, &h));
		assert_true(vnet_route_measured(v, 0, -1, &h));
		vnet_measure_stop(v);
	}
	assert_true(vnet_measure_start(v, err, sizeof err));
	for (unsigned i = 0; i < CHANGES || !before; i++) {
		struct hist h = {0};

		assert_true(vnet_port_measured(vnet_port_get(v, 1), -1, &h));
		now = hist_count(&h);
		assert_true(now >= before);
		before = now;
	}
	stop_sender(s);
	vnet_destroy(v);
}

/* --- recording ------------------------------------------------------------------------------- */

#define CONTROL_CORE  2 /* beside those of the senders */
#define CAPTURE_BYTES 4096u
#define TRACE_RECORDS 64u

/* What a node's window has: rings for three cores. */
struct window_rings {
	struct capture_ring *capture[CONTROL_CORE + 1];
	struct trace_ring *trace[CONTROL_CORE + 1];
};

static void make_rings(struct window_rings *w)
{
	for (unsigned i = 0; i <= CONTROL_CORE; i++) {
		w->capture[i] = calloc(1, sizeof(struct capture_ring) + CAPTURE_BYTES);
		w->trace[i] = calloc(1, trace_bytes(TRACE_RECORDS));
		assert_true(w->capture[i] && w->trace[i]);
		capture_ring_init(w->capture[i], CAPTURE_BYTES);
		trace_ring_init(w->trace[i], TRACE_RECORDS, (uint16_t)i);
	}
}

/* Nobody may write to them any more: the sanitizer sees who does. */
static void free_rings(struct window_rings *w)
{
	for (unsigned i = 0; i <= CONTROL_CORE; i++) {
		free(w->capture[i]);
		free(w->trace[i]);
	}
}

static void trace_some(struct vnet *v, struct window_rings *w, unsigned i)
{
	const struct vnet_trace_filter filter = {i & 1 ? (int)(i % 4) : -1, i & 2 ? B : 0};

	vnet_trace_start(v, w->trace, &filter);
}

/* Reads what is there while it is written; each record is whole. */
static uint64_t read_some(const struct window_rings *w)
{
	struct capture_cursor c = {0};
	struct capture_record r;
	uint8_t bytes[64];
	uint64_t n = 0;

	while (n < 100 &&
	       capture_read(w->capture[0], CAPTURE_BYTES, &c, &r, bytes, sizeof bytes) == 1) {
		assert_true(r.kind < CAPTURE_KIND_COUNT && r.port <= 4);
		n++;
	}
	return n;
}

static void mirror_all(struct vnet *v, uint8_t mirrors)
{
	for (unsigned i = 0; i < 4; i++)
		vnet_port_set_mirrors(vnet_port_get(v, i), vnet_core(v, CONTROL_CORE), mirrors);
}

/* Mirrors change, with their cut, and ports that they copy come and go, while two cores write the
 * rings and a trace; then the rings are freed. */
static void recording_comes_and_goes_beside_the_walk(void **state)
{
	struct vnet *v = node_of(CONTROL_CORE + 1);
	struct vnet_core *core = vnet_core(v, CONTROL_CORE);
	struct window_rings w;
	struct sender s[2];
	uint64_t seen = 0;

	(void)state;
	routes(v, 0, 0);
	start(s, v);
	for (unsigned i = 0; i < CHANGES / 4 || !seen; i++) {
		struct vnet_port *port = vnet_port_add(v, "guest", 0, &thread_ops, &receiver[1], 0);

		make_rings(&w);
		trace_some(v, &w, i);
		vnet_capture_start(v, core, w.capture, i & 1 ? 20 : CAPTURE_WHOLE);
		mirror_all(v, (uint8_t)(1 + i % 255));
		vnet_port_set_mirrors(port, core, 1);
		vnet_port_set_up(port, core, true);
		routes(v, port->number, 0);
		vnet_capture_start(v, core, w.capture, i & 2 ? 40 : CAPTURE_WHOLE);
		vnet_capture_changed(core);
		trace_some(v, &w, i + 1);
		seen += read_some(&w);
		routes(v, i & 1, 0);
		vnet_port_set_up(port, core, false);
		assert_true(vnet_port_remove(port));
		mirror_all(v, 0);
		vnet_capture_stop(v);
		vnet_trace_stop(v);
		free_rings(&w);
	}
	stop_sender(s);
	vnet_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_survive_a_thousand_tables),
	    cmocka_unit_test(ports_come_and_go_beside_the_walk),
	    cmocka_unit_test(a_network_changes_its_policy_beside_the_walk),
	    cmocka_unit_test(counters_are_read_while_they_move),
	    cmocka_unit_test(nobody_is_in_a_port_that_was_removed),
	    cmocka_unit_test(measuring_comes_and_goes_beside_the_walk),
	    cmocka_unit_test(recording_comes_and_goes_beside_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
