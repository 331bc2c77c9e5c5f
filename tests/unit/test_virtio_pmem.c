/* SPDX-License-Identifier: BSD-2-Clause */
/* test_virtio_pmem.c: where the memory is, and requests, kept and broken. */
#include "tests/unit/rig/virtio_guest.h"
#include "drivers/virtio/virtio_pmem.h"

#define NUM      VIRTIO_PMEM_QUEUE
#define START    0x4012345000ull
#define SIZE     0x800000ull
#define FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static struct guest *g;
static struct virtio_pmem *m;
static struct probe p;
static struct queue q;
static uint64_t buf;

static int setup(void **state)
{
	(void)state;
	g = guest_new();
	m = calloc(1, sizeof *m);
	virtio_pmem_init(m, "pmem", &g->mem, START, SIZE);
	assert_true(vpci_add(&g->pci, &m->v.pci, 0));
	p = guest_probe(g, 1);
	queue_alloc(g, &q, NUM);
	buf = guest_alloc(g, 65536);
	assert_true(negotiate(g, &p, FEATURES));
	msix_on(g, &p, 2, 0);
	queue_setup(g, &p, 0, &q, 1);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_free(g);
	free(m);
	return 0;
}

static uint32_t *word(unsigned i)
{
	return guest_at(g, buf + 64 * i);
}

/* Request i, in the descriptors 2 * i and 2 * i + 1; its answer is to be written over. */
static void request(uint16_t i, uint32_t type)
{
	uint16_t d = (uint16_t)(2 * i % NUM);

	*word(2u * i) = type;
	*word(2u * i + 1) = 0x5a5a5a5a;
	q.desc[d] = (struct vring_desc){buf + 128u * i, 4, VRING_DESC_NEXT, (uint16_t)(d + 1)};
	q.desc[d + 1] = (struct vring_desc){buf + 128u * i + 64, 4, VRING_DESC_WRITE, 0};
	queue_offer(&q, d);
}

static void kick(void)
{
	guest_out(g, q.notify, 2, 0);
}

static void broken(const char *why)
{
	char name[64] = "violation.";

	assert_int_equal(status_get(g, &p) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	strcat(name, why);
	assert_int_equal(device_counter(&m->v, name), 1);
}

/* As Debian's driver reads it: two accesses of four bytes for each field. */
static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(guest_cfg(g, 1, 0, 4), 0x105b1af4);
	assert_int_equal(guest_in(g, p.device, 4), (uint32_t)START);
	assert_int_equal(guest_in(g, (uint16_t)(p.device + 4), 4), START >> 32);
	assert_int_equal(guest_in(g, (uint16_t)(p.device + 8), 4), SIZE);
	assert_int_equal(guest_in(g, (uint16_t)(p.device + 12), 4), 0);
	assert_int_equal(guest_in(g, (uint16_t)(p.device + 16), 4), 0xffffffff);
	guest_out(g, p.device, 4, 0); /* read-only */
	assert_int_equal(guest_in(g, p.device, 4), (uint32_t)START);
}

static void test_flush(void **state)
{
	struct vring_used_elem e;

	(void)state;
	request(0, VIRTIO_PMEM_FLUSH);
	kick();
	e = queue_used(&q);
	assert_int_equal(e.id, 0);
	assert_int_equal(e.len, 4);
	assert_int_equal(*word(1), VIRTIO_PMEM_OK);
	assert_int_equal(g->msi_of[1], 1);
	assert_int_equal(atomic_load(&m->flushes), 1);
	request(1, 7); /* there is no such request */
	kick();
	assert_int_equal(queue_used(&q).id, 2);
	assert_int_equal(*word(3), VIRTIO_PMEM_FAILED);
	assert_true(virtio_pci_running(&m->v));
}

/* Pieces of any size: the type and the answer across several. */
static void test_pieces(void **state)
{
	uint8_t *at = guest_at(g, buf);

	(void)state;
	memset(at, 0, 256);
	at[0] = 1; /* type 100h, no flush: in little-endian order 0, 1, 0, 0 */
	for (uint16_t i = 0; i < 7; i++)
		q.desc[i] = (struct vring_desc){
		    buf + 16u * i, i == 2 ? 2 : 1,
		    (uint16_t)(VRING_DESC_NEXT | (i > 2 ? VRING_DESC_WRITE : 0)),
		    (uint16_t)(i + 1)};
	q.desc[0].addr = buf + 1;
	q.desc[1].addr = buf;
	q.desc[6].flags = VRING_DESC_WRITE;
	memset(at + 48, 0x5a, 80);
	queue_offer(&q, 0);
	kick();
	assert_int_equal(queue_used(&q).len, 4);
	assert_int_equal(at[48], VIRTIO_PMEM_FAILED);
	assert_int_equal(at[49], 0x5a);
	assert_int_equal(at[64] | at[80] | at[96], 0);
	assert_int_equal(at[97], 0x5a);
}

/* A ring full of requests costs one visit; what comes meanwhile is another's. */
static void test_budget(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < NUM; i++) {
		q.desc[i].addr = 0;
		queue_offer(&q, 0);
	}
	request(0, VIRTIO_PMEM_FLUSH); /* descriptors 0 and 1, for all of them; one too many */
	q.avail[1]--;
	q.avail_idx--;
	kick();
	assert_int_equal(queue_used_idx(&q), NUM);
	assert_int_equal(device_counter(&m->v, "visits"), 0);
	assert_true(vpci_work(&g->pci) == false);
	assert_int_equal(device_counter(&m->v, "visits"), 1);
	assert_int_equal(atomic_load(&m->flushes), NUM);
	assert_true(virtio_pci_running(&m->v));
}

static void one_piece(uint32_t len, uint16_t flags)
{
	q.desc[0] = (struct vring_desc){buf, len, flags, 1};
	queue_offer(&q, 0);
	kick();
}

static void test_no_header(void **state)
{
	(void)state;
	q.desc[1] = (struct vring_desc){buf + 64, 4, VRING_DESC_WRITE, 0};
	one_piece(3, VRING_DESC_NEXT);
	broken("no_header");
}

static void test_no_answer(void **state)
{
	(void)state;
	one_piece(4, 0);
	broken("no_answer");
}

static void test_short_answer(void **state)
{
	(void)state;
	memset(guest_at(g, buf + 64), 0x5a, 4);
	q.desc[1] = (struct vring_desc){buf + 64, 3, VRING_DESC_WRITE, 0};
	one_piece(4, VRING_DESC_NEXT);
	broken("no_answer");
	assert_int_equal(*word(1), 0x5a5a5a5a); /* nothing was written */
}

static void test_answer_first(void **state)
{
	(void)state;
	q.desc[1] = (struct vring_desc){buf + 64, 4, 0, 0};
	one_piece(4, VRING_DESC_NEXT | VRING_DESC_WRITE);
	broken("not_writable");
}

/* The memory itself is no place for rings and buffers unless it is among the guest's regions. */
static void test_answer_outside(void **state)
{
	(void)state;
	q.desc[1] = (struct vring_desc){START, 4, VRING_DESC_WRITE, 0};
	one_piece(4, VRING_DESC_NEXT);
	broken("bad_address");
	assert_int_equal(queue_used_idx(&q), 0);
}

static void test_overrun(void **state)
{
	(void)state;
	q.avail[1] = NUM + 1;
	kick();
	broken("avail_overrun");
}

/* After a violation good requests are answered, which came before it; after a reset all are. */
static void test_recovers(void **state)
{
	(void)state;
	request(0, VIRTIO_PMEM_FLUSH);
	queue_offer(&q, NUM);
	kick();
	broken("head_range");
	assert_int_equal(queue_used_idx(&q), 1);
	assert_int_equal(g->msi_of[1], 1);
	guest_out(g, (uint16_t)(p.common + 0x14), 1, 0);
	queue_alloc(g, &q, NUM);
	assert_true(negotiate(g, &p, FEATURES));
	queue_setup(g, &p, 0, &q, 1);
	status_add(g, &p, VIRTIO_DRIVER_OK);
	request(0, VIRTIO_PMEM_FLUSH);
	kick();
	assert_int_equal(queue_used_idx(&q), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_identity),       T(test_flush),     T(test_pieces),       T(test_budget),
	    T(test_no_header),      T(test_no_answer), T(test_short_answer), T(test_answer_first),
	    T(test_answer_outside), T(test_overrun),   T(test_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
