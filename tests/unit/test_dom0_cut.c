/* SPDX-License-Identifier: BSD-2-Clause */
/* test_dom0_cut.c: large frames that the NIC does not segment, on their way out through Dom0. */
#include "tests/unit/rig/e1000_rig.h"
/* Dom0's own files and the judge of segments are not part of the host library. */
#include "guest-images/lib/packet.c"
#include "guest-images/tests/tso_frame.c"
#include "guest-images/dom0/outward.c"
#include "guest-images/dom0/outward_cut.c"

/* Nothing is traced here. */
void stamps_frame(struct stamps *s, enum trace_step step, uint16_t position, uint64_t tsc)
{
	(void)s, (void)step, (void)position, (void)tsc;
}

void stamps_flush(struct stamps *s, enum trace_step step)
{
	(void)s, (void)step;
}

#define FRAMES    200
#define EXTENSION 8 /* bytes of destination options behind the IPv6 header */
#define PAYLOAD   40000
#define MSS       1400

const char *const bridge_counter_name[BRIDGE_COUNTER_COUNT];

static uint8_t big[65536 + 64];
static struct out_frame frame[FRAMES];
static unsigned given; /* buffers that went back to the port */

void port_give(struct port *port, void *buffer)
{
	(void)port;
	assert_true((uint8_t *)buffer >= big && (uint8_t *)buffer < big + sizeof big);
	given++;
}

void *mem_alloc(size_t size, size_t align)
{
	(void)size, (void)align;
	return NULL;
}

static void open_bridge(struct rig *r, struct bridge *b, unsigned frames)
{
	rig_open(r, E1000_82574L);
	memset(b, 0, sizeof *b);
	b->nic = r->nic;
	b->port.mtu = 1500;
	for (unsigned i = 0; i < frames; i++)
		free_frame(b, &frame[i]);
	given = 0;
}

/* Whole in the port's buffers, with an extension header of the kind in front of TCP. */
static struct out_frame *arrives(struct bridge *b, uint8_t kind)
{
	struct out_frame *f = outward_take(b);
	uint32_t len = tso_build(big, &f->hdr, true, PAYLOAD, MSS) + EXTENSION;

	memmove(big + 54 + EXTENSION, big + 54, len - 54 - EXTENSION);
	memset(big + 54, 0, EXTENSION);
	put_be16(big + 18, be16(big + 18) + EXTENSION);
	big[20] = kind;
	big[54] = 6;
	big[56] = 1; /* PadN */
	big[57] = 4;
	f->hdr.csum_start += EXTENSION;
	f->n = f->want = (uint16_t)tso_pieces(big, len, f->piece);
	for (unsigned i = 0; i < f->n; i++)
		f->buffer[i] = f->piece[i].base;
	return f;
}

/* What left, each segment without its extension header. */
static void judge_out(struct rig *r)
{
	struct tso_check c;

	tso_check_begin(&c, true, PAYLOAD, MSS);
	for (unsigned i = 0; i < r->sim->n_out; i++) {
		uint8_t *p = r->sim->out[i].data;
		uint32_t len = r->sim->out[i].len - EXTENSION;
		const char *error;

		assert_int_equal(p[20], 60);
		assert_int_equal(p[54], 6);
		p[20] = 6;
		put_be16(p + 18, be16(p + 18) - EXTENSION);
		memmove(p + 54, p + 54 + EXTENSION, len - 54);
		error = tso_check_segment(&c, p, len);
		if (error)
			fail_msg("segment %u: %s", i, error);
	}
	assert_true(tso_check_complete(&c));
}

static void it_leaves_in_segments(void **state)
{
	struct rig r;
	struct bridge b;
	struct out_frame *f;
	unsigned pieces;

	(void)state;
	open_bridge(&r, &b, FRAMES);
	f = arrives(&b, 60);
	pieces = f->n;
	assert_true(send_frame(&b, f));
	assert_int_equal(given, 0); /* the NIC reads them still */
	e1000_tx_flush(&b.nic);
	assert_int_equal(r.sim->n_out, (PAYLOAD + MSS - 1) / MSS);
	judge_out(&r);
	assert_true(reclaim_sent(&b));
	assert_int_equal(given, pieces);
	assert_int_equal(b.out_nfree, FRAMES);
	assert_int_equal(b.count[BRIDGE_out_software], 1);
	assert_int_equal(b.count[BRIDGE_out_frames], 1);
	rig_close(&r);
}

/* All segments or none: without frames to keep their headers in, it waits. */
static void it_waits_for_room(void **state)
{
	struct rig r;
	struct bridge b;
	struct out_frame *f;

	(void)state;
	open_bridge(&r, &b, (PAYLOAD + MSS - 1) / MSS - 1);
	f = arrives(&b, 60);
	assert_false(send_frame(&b, f));
	assert_int_equal(b.count[BRIDGE_out_waits], 1);
	assert_int_equal(e1000_tx_pending(&b.nic), 0);
	free_frame(&b, &frame[FRAMES - 1]);
	assert_true(send_frame(&b, f));
	e1000_tx_flush(&b.nic);
	judge_out(&r);
	rig_close(&r);
}

/* What an authentication header covers is cut by nobody: its buffers come back at once. */
static void the_authenticated_is_dropped(void **state)
{
	struct rig r;
	struct bridge b;
	struct out_frame *f;
	unsigned pieces;

	(void)state;
	open_bridge(&r, &b, FRAMES);
	f = arrives(&b, 51);
	pieces = f->n;
	assert_true(send_frame(&b, f));
	assert_int_equal(b.count[BRIDGE_out_unable], 1);
	assert_int_equal(given, pieces);
	assert_int_equal(b.out_nfree, FRAMES);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_leaves_in_segments),
	    cmocka_unit_test(it_waits_for_room),
	    cmocka_unit_test(the_authenticated_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
