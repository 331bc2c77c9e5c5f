/* SPDX-License-Identifier: BSD-2-Clause */
/* test_virtio_console.c: output of a guest, and input typed for it. */
#include "tests/unit/rig/virtio_guest.h"
#include "drivers/virtio/virtio_console.h"

#define NUM VIRTIO_CONSOLE_QUEUE

static struct guest *g;
static struct virtio_console *c;
static struct probe p;
static struct queue rx, tx;
static uint64_t buf;
static char printed[8192];
static size_t nprinted;

static uint64_t chains, bytes;

static void output(void *ctx, const struct vnet_seg *seg, unsigned nseg)
{
	assert_ptr_equal(ctx, printed);
	chains++;
	for (unsigned i = 0; i < nseg; i++) {
		bytes += seg[i].len;
		if (nprinted + seg[i].len >= sizeof printed)
			continue;
		memcpy(printed + nprinted, seg[i].base, seg[i].len);
		nprinted += seg[i].len;
		printed[nprinted] = 0;
	}
}

static int setup(void **state)
{
	(void)state;
	g = guest_new();
	c = calloc(1, sizeof *c);
	nprinted = 0;
	chains = bytes = 0;
	virtio_console_init(c, "hvc0", &g->mem, output, printed);
	assert_true(vpci_add(&g->pci, &c->v.pci, 0));
	p = guest_probe(g, 1);
	queue_alloc(g, &rx, NUM);
	queue_alloc(g, &tx, NUM);
	buf = guest_alloc(g, 65536);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_free(g);
	free(c);
	return 0;
}

static void up(void)
{
	assert_true(
	    negotiate(g, &p, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC));
	msix_on(g, &p, 3, 0);
	queue_setup(g, &p, 0, &rx, 1);
	queue_setup(g, &p, 1, &tx, 2);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	assert_true(c->v.running);
}

static void print_piece(uint16_t d, const char *text, uint16_t flags, uint16_t next)
{
	uint64_t gpa = buf + 1024u * d;

	strcpy(guest_at(g, gpa), text);
	tx.desc[d] = (struct vring_desc){gpa, (uint32_t)strlen(text), flags, next};
}

static void kick(struct queue *q, unsigned index)
{
	guest_out(g, q->notify, 2, index);
}

static void offer_room(uint16_t d, uint32_t len)
{
	rx.desc[d] = (struct vring_desc){buf + 32768 + 256u * d, len, VRING_DESC_WRITE, 0};
	queue_offer(&rx, d);
}

static void expect_input(const char *text)
{
	struct vring_used_elem e = queue_used(&rx);

	assert_int_equal(e.len, strlen(text));
	assert_memory_equal(guest_at(g, rx.desc[e.id].addr), text, e.len);
}

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(guest_cfg(g, 1, 0, 4), 0x10431af4);
	assert_int_equal(p.device, 0); /* no device configuration without its features */
}

static void test_prints(void **state)
{
	uint16_t old;

	(void)state;
	up();
	print_piece(0, "hello ", VRING_DESC_NEXT, 1);
	print_piece(1, "world\n", 0, 0);
	print_piece(2, "again", 0, 0);
	queue_offer(&tx, 0);
	queue_offer(&tx, 2);
	queue_interrupt_at(&tx, 1);
	kick(&tx, 1);
	assert_string_equal(printed, "hello world\nagain");
	assert_int_equal(queue_used_idx(&tx), 2);
	assert_int_equal(g->msi_of[2], 1);
	old = tx.avail_idx;
	queue_offer(&tx, 2);
	assert_true(queue_kick_wanted(&tx, old));
}

static void test_types(void **state)
{
	(void)state;
	up();
	offer_room(0, 100);
	offer_room(1, 3);
	offer_room(2, 100);
	assert_int_equal(virtio_console_input(c, "ls", 2), 2);
	expect_input("ls");
	assert_int_equal(g->msi_of[1], 1);
	assert_int_equal(virtio_console_input(c, "12345", 5), 5);
	expect_input("123");
	expect_input("45");
}

static void test_input_waits(void **state)
{
	char many[VIRTIO_CONSOLE_WAITING + 10];
	uint16_t old;

	(void)state;
	assert_int_equal(virtio_console_input(c, "early", 5), 5); /* before there is a driver */
	offer_room(0, 100);
	up();
	expect_input("early");
	memset(many, 'x', sizeof many);
	assert_int_equal(virtio_console_input(c, many, sizeof many), VIRTIO_CONSOLE_WAITING);
	assert_int_equal(virtio_console_input(c, "y", 1), 0);
	old = rx.avail_idx;
	offer_room(1, 200);
	assert_true(queue_kick_wanted(&rx, old)); /* it asked for buffers */
	kick(&rx, 0);
	assert_int_equal(queue_used(&rx).len, 200);
	assert_int_equal(virtio_console_input(c, "y", 1), 1);
}

static void test_broken(void **state)
{
	(void)state;
	up();
	print_piece(0, "lost", VRING_DESC_NEXT, NUM);
	queue_offer(&tx, 0);
	kick(&tx, 1);
	assert_int_equal(nprinted, 0);
	assert_int_equal(device_counter(&c->v, "violation.next_range"), 1);
	assert_int_equal(status_get(g, &p) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	assert_int_equal(virtio_console_input(c, "kept", 4), 4);
	queue_alloc(g, &rx, NUM);
	queue_alloc(g, &tx, NUM);
	up();
	offer_room(0, 10);
	kick(&rx, 0);
	expect_input("kept");
	rx.desc[1] = (struct vring_desc){buf, 4, 0, 0};
	queue_offer(&rx, 1);
	virtio_console_input(c, "z", 1);
	assert_int_equal(device_counter(&c->v, "violation.not_writable"), 1);
}

static unsigned rooms;

static void room(void *ctx)
{
	assert_ptr_equal(ctx, printed);
	rooms++;
}

/* For one who is busy with the guest: a word when there is room for input. */
static void test_room(void **state)
{
	unsigned at_start;

	(void)state;
	c->room = room;
	rooms = 0;
	up();
	at_start = rooms;
	kick(&tx, 1);
	assert_int_equal(rooms, at_start);
	kick(&rx, 0);
	assert_int_equal(rooms, at_start + 1);
	virtio_console_input(c, "old", 3);
	virtio_console_forget(c);
	offer_room(0, 10);
	kick(&rx, 0);
	virtio_console_input(c, "new", 3);
	expect_input("new");
}

static unsigned resumed;

static void resume(void *ctx)
{
	assert_ptr_equal(ctx, g);
	resumed++;
}

/* A chain as long as the ring: pieces of `len` bytes, all of them the same memory. */
static void offer_long_chains(unsigned n, uint32_t len)
{
	for (uint16_t d = 0; d < NUM; d++)
		tx.desc[d] = (struct vring_desc){buf, len, d < NUM - 1 ? VRING_DESC_NEXT : 0,
		                                 (uint16_t)(d + 1)};
	for (unsigned i = 0; i < n; i++)
		queue_offer(&tx, 0);
}

/* A kick with 64 chains of 64 pieces of 64 KiB each prints one of them; each visit one more. */
static void test_visit_is_bounded_by_bytes(void **state)
{
	uint16_t old;

	(void)state;
	g->pci.resume = resume;
	resumed = 0;
	up();
	offer_long_chains(NUM, 65536);
	kick(&tx, 1);
	assert_int_equal(chains, 1);
	assert_int_equal(resumed, 1);
	assert_int_equal(queue_used_idx(&tx), 1);
	for (unsigned i = 2; i <= NUM; i++) {
		assert_true(vpci_work(&g->pci) || i == NUM);
		assert_int_equal(chains, i);
	}
	vpci_work(&g->pci);
	assert_false(vpci_work(&g->pci));
	assert_int_equal(bytes, 64ull * 64 * 65536);
	assert_int_equal(device_counter(&c->v, "visits"), NUM);
	old = tx.avail_idx; /* all is printed: a kick is wanted again */
	queue_offer(&tx, 0);
	assert_true(queue_kick_wanted(&tx, old));
}

/* Each chain shows another one, as a second vCPU could: a visit ends all the same. */
static bool refill;

static void output_and_refill(void *ctx, const struct vnet_seg *seg, unsigned nseg)
{
	output(ctx, seg, nseg);
	if (refill)
		queue_offer(&tx, 0);
}

static void test_visit_is_bounded_by_chains(void **state)
{
	(void)state;
	c->output = output_and_refill;
	up();
	print_piece(0, "x", 0, 0);
	queue_offer(&tx, 0);
	refill = true;
	kick(&tx, 1);
	assert_int_equal(chains, NUM);
	assert_true(vpci_work(&g->pci));
	assert_int_equal(chains, 2 * NUM);
	refill = false;
	assert_false(vpci_work(&g->pci));
	assert_int_equal(chains, 2 * NUM + 1);
}

/* A reset forgets what was left. */
static void test_reset_forgets_visits(void **state)
{
	(void)state;
	up();
	offer_long_chains(NUM, 65536);
	kick(&tx, 1);
	assert_int_equal(chains, 1);
	guest_out(g, p.common + 0x14, 1, 0);
	vpci_work(&g->pci);
	assert_int_equal(chains, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_identity),
	    T(test_prints),
	    T(test_types),
	    T(test_input_waits),
	    T(test_broken),
	    T(test_room),
	    T(test_visit_is_bounded_by_bytes),
	    T(test_visit_is_bounded_by_chains),
	    T(test_reset_forgets_visits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
