/* test_virtio_console.c: what a guest prints and what is typed at it. */
#include "tests/unit/virtio_guest.h"
#include "drivers/virtio/virtio_console.h"

#define NUM VIRTIO_CONSOLE_QUEUE

static struct guest *g;
static struct virtio_console *c;
static struct probe p;
static struct queue rx, tx;
static uint64_t buf;
static char printed[8192];
static size_t nprinted;

static void output(void *ctx, const char *text, size_t len)
{
	assert_ptr_equal(ctx, printed);
	assert_true(nprinted + len < sizeof printed);
	memcpy(printed + nprinted, text, len);
	nprinted += len;
	printed[nprinted] = 0;
}

static int setup(void **state)
{
	(void)state;
	g = guest_new();
	c = calloc(1, sizeof *c);
	nprinted = 0;
	virtio_console_init(c, "hvc0", &g->mem, output, printed);
	assert_true(vpci_add(&g->pci, &c->v.pci, 0));
	p = probe(g, 1);
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

	strcpy(at(g, gpa), text);
	tx.desc[d] = (struct vring_desc){gpa, (uint32_t)strlen(text), flags, next};
}

static void kick(struct queue *q, unsigned index)
{
	out(g, q->notify, 2, index);
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
	assert_memory_equal(at(g, rx.desc[e.id].addr), text, e.len);
}

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(cfg_get(g, 1, 0, 4), 0x10431af4);
	assert_int_equal(p.device, 0); /* no device configuration without its features */
}

static void test_prints(void **state)
{
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
	uint16_t old = tx.avail_idx;
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

	(void)state;
	assert_int_equal(virtio_console_input(c, "early", 5), 5); /* before there is a driver */
	offer_room(0, 100);
	up();
	expect_input("early");
	memset(many, 'x', sizeof many);
	assert_int_equal(virtio_console_input(c, many, sizeof many), VIRTIO_CONSOLE_WAITING);
	assert_int_equal(virtio_console_input(c, "y", 1), 0);
	uint16_t old = rx.avail_idx;
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
	assert_int_equal(counter(&c->v, "violation.next_range"), 1);
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
	assert_int_equal(counter(&c->v, "violation.not_writable"), 1);
}

static unsigned rooms;

static void room(void *ctx)
{
	assert_ptr_equal(ctx, printed);
	rooms++;
}

/* For one who is busy with the guest: portions, and a word when there is room for input. */
static void test_portions(void **state)
{
	(void)state;
	c->room = room;
	rooms = 0;
	up();
	unsigned at_start = rooms;
	for (uint16_t i = 0; i < NUM; i++) {
		print_piece(i, "x", 0, 0);
		queue_offer(&tx, i);
	}
	kick(&tx, 1);
	assert_int_equal(nprinted, NUM);
	queue_offer(&tx, 0); /* nobody was asked to kick for it */
	virtio_console_output(c);
	assert_int_equal(nprinted, NUM + 1);
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_identity),    T(test_prints), T(test_types),
	    T(test_input_waits), T(test_broken), T(test_portions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
