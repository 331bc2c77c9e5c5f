/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_replay.c: random traffic through a switch whose networks are all mirrored; what the reader
 * makes of the capture is played through another switch of the same description, which must do the
 * same, frame by frame and counter by counter.
 */
#include "tests/unit/rig/config_text.h"
#include "tools/capture/reader.h"
#include "tools/replay/replay.h"

#define CORES 2
#define RING  (1u << 24)
#define STEPS 3000
#define PORTS 16

static const char text[] = "network lab mode route\n"
                           "network flat mode exact\n"
                           "network wire\n"
                           "guest g kernel k\n"
                           "port a guest g mac 52:54:00:00:00:01 addresses 3\n"
                           "port b guest g mac 52:54:00:00:00:02\n"
                           "port u guest g edge\n"
                           "port d guest g network lab mac 52:54:00:00:00:03\n"
                           "port e guest g network lab mac 52:54:00:00:00:04\n"
                           "port f guest g network flat mac 52:54:00:00:00:05\n"
                           "port h guest g network flat mac 52:54:00:00:00:06\n"
                           "port w guest g network wire edge\n"
                           "underlay w address 192.0.2.1/24\n"
                           "link far vxlan vni 7 remote 192.0.2.2 edge w network flat\n"
                           "route network lab src any dst 52:54:00:00:00:04 to port e\n"
                           "route network lab src any dst ff:ff:ff:ff:ff:ff to port d\n"
                           "route network lab src any dst ff:ff:ff:ff:ff:ff to port e\n"
                           "port i guest g network flat mac 52:54:00:00:00:07\n"
                           "service fn ports h may-leave\nservice fm ports i\n"
                           "flow all from f chain fn fm out\n"
                           "flow some network lab from d to e\n"
                           "mirror m network default\nmirror n network lab\nmirror o network flat\n"
                           "mirror p network wire\n";

static struct config *config;
#define STEP (sizeof(struct capture_ring) + RING)

static struct {
	struct capture head;
	uint8_t pad[CAPTURE_PAGE - sizeof(struct capture)];
	uint8_t rings[CORES][STEP] __attribute__((aligned(64)));
} memory;
static struct capture_ring *rings[CORES];
static struct window_port names[PORTS];
static uint64_t state;

static unsigned draw(unsigned n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % n;
}

/* A device that refuses now and then. */
static unsigned take(struct vnet_port *port, struct vnet_core *core,
                     struct vnet_frame *const *frames, unsigned n)
{
	static const enum vnet_drop why[] = {VNET_DROP_rx_full, VNET_DROP_rx_scattered,
	                                     VNET_DROP_oversize};
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		if (draw(8))
			done++;
		else
			vnet_refuse(core, port, frames[i], why[draw(3)]);
	}
	return done;
}

static mac_t some_mac(void)
{
	static const mac_t mac[] = {MAC_BROADCAST,     0x010000000001ull, 0xc28001,
	                            0x990000005452ull, 0x980000005452ull, 0};
	unsigned i = draw(14);

	return i < 6 ? mac[i] : 0x5452ull | (mac_t)(1 + draw(i < 12 ? 6 : 40)) << 40;
}

static void some_frame(struct vnet_batch *b, uint8_t bytes[2048])
{
	struct vnet_frame *f = &b->frame[b->n++];
	unsigned len = draw(20) ? 60 + draw(1500) : draw(20);

	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i + state);
	mac_write(bytes, some_mac());
	mac_write(bytes + 6, draw(4) ? some_mac() & ~MAC_MULTICAST : some_mac());
	memset(f, 0, sizeof *f);
	if (!draw(6))
		f->hdr = (struct vnet_hdr){.flags = VNET_HDR_F_NEEDS_CSUM,
		                           .gso_type = (uint8_t)(draw(2) ? VNET_GSO_TCPV4 : 0),
		                           .gso_size = (uint16_t)draw(1500),
		                           .csum_start = (uint16_t)draw(100),
		                           .csum_offset = 16};
	b->seg[b->nseg] = (struct vnet_seg){bytes, len};
	f->seg = &b->seg[b->nseg++];
	f->nseg = 1;
	f->len = len;
	f->contiguous_head = len >= VNET_FRAME_MIN;
}

static void send_some(struct vnet *v, struct vnet_port *from)
{
	static uint8_t bytes[VNET_BATCH][2048];
	struct vnet_core *core = vnet_core(v, draw(CORES));
	struct vnet_batch *b = vnet_core_batch(core);
	unsigned n = 1 + draw(draw(10) ? 6 : VNET_BATCH);

	b->n = b->nseg = 0;
	for (unsigned i = 0; i < n; i++)
		some_frame(b, bytes[i]);
	(draw(3) ? vnet_input : vnet_input_leaving)(core, from, b);
	vnet_port_drop_late(core, from);
}

static void begin_capture(struct vnet *v)
{
	memset(&memory, 0, sizeof memory);
	memory.head = (struct capture){
	    .magic = CAPTURE_MAGIC, .rings = CORES, .ring_bytes = STEP, .tsc_khz = 1000000};
	for (unsigned i = 0; i < CORES; i++) {
		rings[i] = (struct capture_ring *)memory.rings[i];
		capture_ring_init(rings[i], RING);
	}
	for (unsigned i = 0; i < 4; i++) {
		static const char *const what[] = {"default", "lab", "flat", "wire"};
		struct capture_mirror *m = &memory.head.mirror[i];

		m->cut = CAPTURE_WHOLE;
		snprintf(m->name, sizeof m->name, "m%u", i);
		snprintf(m->text, sizeof m->text, "network %s", what[i]);
	}
	vnet_capture_start(v, vnet_core(v, 0), rings, CAPTURE_WHOLE);
	for (unsigned i = 0; vnet_port_get(v, i); i++) {
		vnet_port_set_mirrors(vnet_port_get(v, i), vnet_core(v, 0), 0xf);
		strcpy(names[i].name, vnet_port_get(v, i)->name);
	}
}

/* As a device does when its driver starts or resets it. */
static void set_up(struct vnet_port *port, struct vnet_core *core, bool up)
{
	vnet_port_set_up(port, core, up);
	if (!up)
		vnet_port_recall(core, port);
}

static const struct vnet_port_ops take_ops = {
    .egress = take, .hold = device_hold, .release = device_release};

static struct vnet *run(unsigned seed)
{
	struct vnet *v;
	char why[200];
	unsigned ports = 0;
	uint64_t now = 5;

	state = seed;
	v = network_make(config_live(config), CORES, &take_ops, why, sizeof why);
	assert_non_null(v);
	begin_capture(v);
	while (vnet_port_get(v, ports))
		ports++;
	assert_int_equal(ports, 10);
	for (unsigned i = 0; i < STEPS; i++) {
		struct vnet_port *port = vnet_port_get(v, draw(9)); /* the last one is a link */
		struct vnet_core *core = vnet_core(v, draw(CORES));

		if (!draw(40))
			vnet_clock_set(core, now += draw(100));
		else if (!draw(40))
			vnet_port_ready(core, port);
		else if (!draw(12) || i < 20)
			set_up(port, core, i < 20 || draw(2));
		else if (!draw(50))
			vnet_drop(core, port, VNET_DROP_bad_offload);
		else
			send_some(v, port);
	}
	return v;
}

/* What the reader writes; the caller frees it. */
static char *read_capture(size_t *size)
{
	static struct groups g;
	static struct stream s;
	struct group *group;
	char *bytes;

	memset(&s, 0, sizeof s);
	assert_true(groups_begin(&g, &memory.head, sizeof memory));
	s.out = open_memstream(&bytes, size);
	s.capture = &memory.head;
	s.port = names;
	s.ports = PORTS;
	s.mirrors = 0xf;
	assert_true(stream_begin(&s));
	for (unsigned i = 0; i < 2; i++)
		assert_true(groups_read(&g));
	while ((group = groups_next(&g, false))) {
		assert_true(stream_group(&s, group));
		group_free(group);
	}
	assert_null(groups_next(&g, true));
	assert_true(stream_lost(&s, 0, groups_lost(&g)));
	fclose(s.out);
	return bytes;
}

static void assert_same_counters(struct vnet *a, struct vnet *b)
{
	for (unsigned i = 0; vnet_port_get(a, i); i++) {
		struct vnet_port_stats x, y;

		assert_string_equal(vnet_port_get(a, i)->name, vnet_port_get(b, i)->name);
		vnet_port_stats(vnet_port_get(a, i), &x);
		vnet_port_stats(vnet_port_get(b, i), &y);
		assert_memory_equal(&x, &y, sizeof x);
	}
}

static struct vnet *replay(const char *bytes, size_t size, struct outcome *o)
{
	char why[200] = "";
	struct vnet *v =
	    play(config_live(config), (const uint8_t *)bytes, size, o, why, sizeof why);

	if (!v)
		fail_msg("%s", why);
	return v;
}

static void the_same_switch_does_the_same(void **unused)
{
	(void)unused;
	for (unsigned seed = 1; seed <= 5; seed++) {
		struct vnet *v = run(seed), *again;
		struct outcome o;
		size_t size;
		char *bytes = read_capture(&size);

		again = replay(bytes, size, &o);
		if (o.differences || o.incomplete[0])
			fail_msg("seed %u: %s%s", seed, o.first, o.incomplete);
		assert_true(o.batches > 1000 && o.delivered > 1000 && o.refused > 100);
		assert_same_counters(v, again);
		vnet_destroy(again);
		vnet_destroy(v);
		free(bytes);
	}
}

/* A byte of a frame, anywhere, makes a difference. */
static void what_differs_is_found(void **unused)
{
	struct vnet *v = run(9), *again;
	struct outcome o;
	struct blocks b;
	struct block block;
	size_t size;
	char *bytes = read_capture(&size);
	unsigned changed = 0;

	(void)unused;

	blocks_begin(&b, (const uint8_t *)bytes, size);
	for (blocks_next(&b, &block); block.kind != BLOCK_END; blocks_next(&b, &block)) {
		uint8_t *byte = (uint8_t *)block.bytes + 20;

		if (block.kind != BLOCK_PACKET || (block.flags & 3) != PCAPNG_OUT ||
		    block.captured < 60 || (block.id & 0xff) == 0xff || changed == 3 ||
		    strstr(block.comment, "drop="))
			continue;
		*byte ^= 1;
		changed++;
	}
	again = replay(bytes, size, &o);
	assert_int_equal(o.differences, 3);
	assert_non_null(strstr(o.first, "other bytes"));
	vnet_destroy(again);
	vnet_destroy(v);
	free(bytes);
}

static void what_is_not_whole_is_said(void **unused)
{
	struct vnet *v = run(10), *again;
	struct outcome o;
	size_t size;
	char *bytes;

	(void)unused;

	memory.head.mirror[1].cut = 64; /* of network lab, by its text alone */
	bytes = read_capture(&size);
	again = replay(bytes, size, &o);
	assert_string_equal(o.incomplete, "no mirror copies all of network lab");
	vnet_destroy(again);
	free(bytes);
	memory.head.mirror[1].cut = CAPTURE_WHOLE;
	vnet_capture_changed(vnet_core(v, 0));
	bytes = read_capture(&size);
	again = replay(bytes, size, &o);
	assert_non_null(strstr(o.incomplete, "the description was changed"));
	vnet_destroy(again);
	free(bytes);
	vnet_destroy(v);
}

/* The bytes that a cut frame lacks are zero: what follows in the file is not taken for them. */
static void a_cut_capture_is_read_no_further(void **unused)
{
	struct vnet *v = run(11), *again;
	struct outcome o;
	size_t size;
	char *text, *bytes;

	(void)unused;

	for (unsigned i = 0; i < 4; i++)
		memory.head.mirror[i].cut = 20;
	text = read_capture(&size);
	bytes = malloc(size); /* the sanitizer sees who leaves it */
	assert_non_null(bytes);
	memcpy(bytes, text, size);
	again = replay(bytes, size, &o);
	assert_non_null(strstr(o.incomplete, "no mirror copies all of network"));
	assert_true(o.batches > 500);
	vnet_destroy(again);
	vnet_destroy(v);
	free(bytes);
	free(text);
}

/* An empty file is no capture, and two captures one behind the other are not one: each has its own
 * numbers of interfaces. */
static void files_of_none_and_of_two(void **unused)
{
	struct vnet *v = run(12), *again;
	struct outcome o;
	size_t size;
	char *bytes, *two, why[200] = "";

	(void)unused;

	assert_null(play(config_live(config), (const uint8_t *)"", 0, &o, why, sizeof why));
	assert_string_equal(why, "this is no pcapng file");
	bytes = read_capture(&size);
	two = malloc(2 * size);
	assert_non_null(two);
	memcpy(two, bytes, size);
	memcpy(two + size, bytes, size);
	again = replay(two, 2 * size, &o);
	assert_non_null(strstr(o.incomplete, "another capture begins before packet"));
	vnet_destroy(again);
	vnet_destroy(v);
	free(bytes);
	free(two);
}

static int setup(void **unused)
{
	(void)unused;
	config = new_config();
	accept_text(config, text);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	free(config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_switch_does_the_same),
	    cmocka_unit_test(what_differs_is_found),
	    cmocka_unit_test(what_is_not_whole_is_said),
	    cmocka_unit_test(a_cut_capture_is_read_no_further),
	    cmocka_unit_test(files_of_none_and_of_two),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
