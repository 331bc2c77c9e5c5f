/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vpci.c: the guest's PCI as a kernel sees it, by port and memory accesses. */
#include "tests/unit/rig/virtio_guest.h"

#define CFG_EXPRESS 4096u /* configuration space of a function (PCI Express 4.0, 7.2) */

/* A device that remembers what was asked of it. */
struct toy {
	struct vpci_dev d;
	unsigned accesses, bar, size;
	uint32_t off;
	uint64_t written;
	uint16_t command;
	unsigned moves, moved_bar;
	bool raw; /* answers configuration accesses itself */
	unsigned resets;
	unsigned visits, left;
};

static void toy_bar(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
                    uint64_t *val)
{
	struct toy *t = (struct toy *)d;

	t->accesses++;
	t->bar = bar;
	t->off = off;
	t->size = size;
	if (write)
		t->written = *val;
	else
		*val = 0x1122334455667788ull;
}

static bool toy_cfg_read(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t *val)
{
	*val = 0xabc00000 | off << 4 | size;
	return ((struct toy *)d)->raw;
}

static bool toy_cfg_write(struct vpci_dev *d, uint16_t off, unsigned size, uint32_t val)
{
	struct toy *t = (struct toy *)d;

	if (t->raw) {
		t->off = off;
		t->size = size;
		t->written = val;
	}
	return t->raw;
}

static void toy_command(struct vpci_dev *d, uint16_t command)
{
	((struct toy *)d)->command = command;
}

static void toy_moved(struct vpci_dev *d, unsigned bar)
{
	struct toy *t = (struct toy *)d;

	t->moves++;
	t->moved_bar = bar;
}

static void toy_reset(struct vpci_dev *d)
{
	((struct toy *)d)->resets++;
}

/* A visit; `left` more are to come. */
static void toy_work(struct vpci_dev *d)
{
	struct toy *t = (struct toy *)d;

	t->visits++;
	if (t->left && t->left--)
		vpci_schedule_work(d);
}

static const struct vpci_ops toy_ops = {
    toy_bar, toy_cfg_read, toy_cfg_write, toy_command, toy_moved, toy_reset, toy_work,
};

static struct guest *g;
static struct toy toy, other;

static void toy_init(struct toy *t)
{
	memset(t, 0, sizeof *t);
	vpci_dev_init(&t->d, "toy", &toy_ops, 0x1234, 0x5678, 0x020000, 3);
	vpci_bar_init(&t->d, 0, VPCI_BAR_IO, 256);
	vpci_bar_init(&t->d, 2, VPCI_BAR_MEM, 0x10000);
	vpci_msix_init(&t->d, 1, 3);
}

static int setup(void **state)
{
	(void)state;
	g = guest_new();
	toy_init(&toy);
	toy_init(&other);
	assert_true(vpci_add(&g->pci, &toy.d, 3));
	assert_true(vpci_add(&g->pci, &other.d, 0));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_free(g);
	return 0;
}

static void test_mechanism(void **state)
{
	uint32_t v;

	(void)state;
	guest_out(g, 0xcfb, 1, 1); /* Linux's probe writes a byte here first: no effect */
	guest_out(g, 0xcf8, 4, 0x80000000);
	assert_int_equal(guest_in(g, 0xcf8, 4), 0x80000000);
	assert_int_equal(guest_in(g, 0xcfc, 2), 0x1b36);
	assert_int_equal(guest_cfg(g, 0, 10, 2), 0x0600);
	assert_int_equal(guest_cfg(g, 3, 0, 4), 0x56781234);
	assert_int_equal(guest_cfg(g, 3, 0, 2), 0x1234);
	assert_int_equal(guest_cfg(g, 3, 2, 2), 0x5678);
	assert_int_equal(guest_cfg(g, 3, 1, 1), 0x12);
	assert_int_equal(guest_cfg(g, 3, 8, 4), 0x02000003);
	assert_int_equal(guest_cfg(g, 3, 14, 1), 0);         /* one function */
	assert_int_equal(guest_cfg(g, 1, 0, 4), 0x56781234); /* the first free slot */
	assert_int_equal(guest_cfg(g, 2, 0, 4), 0xffffffff);
	guest_out(g, 0xcf8, 4, 0x80000000 | 3 << 11 | 1 << 8); /* function 1 */
	assert_int_equal(guest_in(g, 0xcfc, 4), 0xffffffff);
	guest_out(g, 0xcf8, 4, 0x80010000 | 3 << 11); /* bus 1 */
	assert_int_equal(guest_in(g, 0xcfc, 4), 0xffffffff);
	guest_out(g, 0xcf8, 4, 3 << 11); /* not enabled */
	assert_int_equal(guest_in(g, 0xcfc, 4), 0xffffffff);
	v = 5;
	assert_false(vpci_io(&g->pci, 0xcfe, 4, false, &v)); /* over the end */
	assert_false(vpci_io(&g->pci, 0xd00, 1, false, &v));
	assert_int_equal(v, 5);
}

/* Whatever finds the device: nothing is reached beyond its space, nor over a dword's end. */
static void test_config_bounds(void **state)
{
	static const struct {
		uint16_t off;
		unsigned size;
	} beyond[] = {{256, 1},  {256, 4}, {0x1000, 4}, {0xfffc, 4}, {0xffff, 1},
	              {0xfe, 4}, {2, 4},   {3, 2},      {0, 8}};

	(void)state;
	toy.d.mask[255] = toy.d.mask[2] = 0xff;
	for (unsigned i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
		assert_int_equal(vpci_cfg_read(&toy.d, beyond[i].off, beyond[i].size), ~0u);
		vpci_cfg_write(&toy.d, beyond[i].off, beyond[i].size, ~0u);
	}
	assert_int_equal(vpci_cfg_read(&toy.d, 0, 4), 0x56781234);
	assert_int_equal(vpci_cfg_read(&toy.d, 255, 1), 0);
	vpci_cfg_write(&toy.d, 255, 1, 0x5a);
	assert_int_equal(vpci_cfg_read(&toy.d, 252, 4), 0x5a000000);
	vpci_cfg_store(&toy.d, 254, 4, 0x11223344); /* its second half lies beyond the registers */
	assert_int_equal(vpci_cfg_read(&toy.d, 252, 4), 0x33000000);
	assert_int_equal(toy.d.home[0], 0x34);
}

/* A PCI Express function has 4 KiB, of which it answers the upper part itself. */
static void test_extended_config(void **state)
{
	(void)state;
	toy.d.cfg_size = CFG_EXPRESS;
	assert_int_equal(vpci_cfg_read(&toy.d, 0x100, 4), 0); /* no extended capability */
	vpci_cfg_write(&toy.d, 0x100, 4, ~0u);
	assert_int_equal(vpci_cfg_read(&toy.d, 0x100, 4), 0);
	toy.raw = true;
	assert_int_equal(vpci_cfg_read(&toy.d, 0xffc, 4), 0xabc00000 | 0xffc << 4 | 4);
	assert_int_equal(vpci_cfg_read(&toy.d, 0x100, 2), 0xabc00000 | 0x100 << 4 | 2);
	vpci_cfg_write(&toy.d, 0xffe, 2, 0x1234);
	assert_int_equal(toy.off, 0xffe);
	assert_int_equal(toy.written, 0x1234);
	assert_int_equal(vpci_cfg_read(&toy.d, 0x1000, 4), ~0u); /* not even it is asked */
	assert_int_equal(vpci_cfg_read(&toy.d, 0xffd, 4), ~0u);
}

static void test_masks(void **state)
{
	(void)state;
	guest_cfg_set(g, 3, 0, 4, 0);
	assert_int_equal(guest_cfg(g, 3, 0, 4), 0x56781234);
	guest_cfg_set(g, 3, 4, 2, 0xffff);
	assert_int_equal(guest_cfg(g, 3, 4, 2), 0x0407);
	assert_int_equal(toy.command, 0x0407);
	assert_int_equal(guest_cfg(g, 3, 6, 2), 0x10); /* a list of capabilities */
	guest_cfg_set(g, 3, 0x3c, 1, 9);
	assert_int_equal(guest_cfg(g, 3, 0x3c, 2), 9);
}

static void test_slots(void **state)
{
	static struct toy t;

	(void)state;
	toy_init(&t);
	assert_false(vpci_add(&g->pci, &t.d, 3));
	assert_false(vpci_add(&g->pci, &t.d, 32));
	assert_true(vpci_add(&g->pci, &t.d, 31));
}

/* A device learns of each change of where its BARs are, and of nothing else. */
static void test_moved(void **state)
{
	uint32_t home = guest_cfg(g, 3, 0x18, 4);

	(void)state;
	assert_int_equal(toy.moves, 3); /* its BARs were given their first addresses */
	guest_cfg_set(g, 3, 0x18, 4, home);
	guest_cfg_set(g, 3, 0x3c, 1, 7);
	assert_int_equal(toy.moves, 3);
	guest_cfg_set(g, 3, 0x18, 4, 0xe7000000);
	assert_int_equal(toy.moves, 4);
	assert_int_equal(toy.moved_bar, 2);
	assert_int_equal(atomic_load(&toy.d.bar[2].base), 0xe7000000);
	guest_cfg_set(g, 3, 4, 2, VPCI_CMD_IO); /* both memory BARs */
	assert_int_equal(toy.moves, 6);
	assert_int_equal(atomic_load(&toy.d.bar[2].base), 0);
	vpci_reset(&g->pci);
	assert_int_equal(toy.moves, 8);
	assert_int_equal(atomic_load(&toy.d.bar[2].base), home);
	assert_int_equal(other.moves, 3);
}

static void test_windows_full(void **state)
{
	static struct toy t[4];
	int added = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		vpci_dev_init(&t[i].d, "big", &toy_ops, 1, 2, 3, 4);
		vpci_bar_init(&t[i].d, 0, VPCI_BAR_MEM, 0x4000000);
		added += vpci_add(&g->pci, &t[i].d, 0);
	}
	assert_int_equal(added, 1);
}

/* A device that goes leaves its addresses to the next one, however often. */
static void test_addresses_come_back(void **state)
{
	static struct toy t[3];
	uint32_t home[2];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct toy *one = &t[i % 2];

		memset(one, 0, sizeof *one);
		vpci_dev_init(&one->d, "toy", &toy_ops, 1, 2, 3, 4);
		vpci_bar_init(&one->d, 0, VPCI_BAR_IO, 0);
		vpci_bar_init(&one->d, 1, VPCI_BAR_MEM, 0x1000);
		vpci_bar_init(&one->d, 2, VPCI_BAR_MEM, 0x20000);
		assert_true(vpci_add(&g->pci, &one->d, 0));
		if (i)
			vpci_remove(&t[(i - 1) % 2].d);
	}
	/* Those of a device that stays are nobody else's. */
	home[0] = t[1].d.bar[0].home;
	home[1] = t[1].d.bar[2].home;
	vpci_dev_init(&t[2].d, "toy", &toy_ops, 1, 2, 3, 4);
	vpci_bar_init(&t[2].d, 0, VPCI_BAR_IO, 0);
	vpci_bar_init(&t[2].d, 1, VPCI_BAR_MEM, 0x40000);
	assert_true(vpci_add(&g->pci, &t[2].d, 0));
	assert_int_not_equal(t[2].d.bar[0].home, home[0]);
	assert_true(t[2].d.bar[1].home + 0x40000u <= home[1] ||
	            t[2].d.bar[1].home >= home[1] + 0x20000u);
}

static void test_bar_sizing(void **state)
{
	uint32_t was = guest_cfg(g, 3, 0x10, 4), mem = guest_cfg(g, 3, 0x18, 4);

	(void)state;
	assert_int_equal(was & 0xff, 1);
	assert_true(was >= 0x1000);
	assert_int_equal(mem & 0xffff, 0);
	assert_true(vpci_claims_mmio(mem));
	guest_cfg_set(g, 3, 0x10, 4, ~0u);
	assert_int_equal(guest_cfg(g, 3, 0x10, 4), 0xffffff01);
	guest_cfg_set(g, 3, 0x10, 4, was);
	guest_cfg_set(g, 3, 0x14, 4, ~0u);
	assert_int_equal(guest_cfg(g, 3, 0x14, 4), 0xfffff000);
	guest_cfg_set(g, 3, 0x18, 4, ~0u);
	assert_int_equal(guest_cfg(g, 3, 0x18, 4), 0xffff0000);
	guest_cfg_set(g, 3, 0x1c, 4, ~0u); /* no such BAR */
	assert_int_equal(guest_cfg(g, 3, 0x1c, 4), 0);
}

static void test_io_dispatch(void **state)
{
	uint16_t port = (uint16_t)(guest_cfg(g, 3, 0x10, 4) & ~3u);
	uint32_t v;

	(void)state;
	assert_int_equal(guest_in(g, (uint16_t)(port + 0x84), 2), 0x7788);
	assert_int_equal(toy.off, 0x84);
	assert_int_equal(toy.size, 2);
	guest_out(g, (uint16_t)(port + 0xff), 1, 0x5a);
	assert_int_equal(toy.written, 0x5a);
	assert_false(vpci_io(&g->pci, (uint16_t)(port + 0xfe), 4, false, &v));
	assert_int_equal(other.accesses, 0);
	assert_true(vpci_claims_io(&g->pci, port));
	assert_true(vpci_claims_io(&g->pci, (uint16_t)(port + 0xff)));
	for (uint16_t i = 0; i < 8; i++) /* configuration space leads there too */
		assert_true(vpci_claims_io(&g->pci, (uint16_t)(0xcf8 + i)));
	assert_false(vpci_claims_io(&g->pci, 0xcf7));
	assert_false(vpci_claims_io(&g->pci, 0xd00));
	assert_false(vpci_claims_io(&g->pci, 0x3f8));
	/* Decoding off. */
	guest_cfg_set(g, 3, 4, 2, VPCI_CMD_MEM);
	assert_false(vpci_io(&g->pci, port, 1, false, &v));
	guest_cfg_set(g, 3, 4, 2, VPCI_CMD_IO);
	assert_true(vpci_io(&g->pci, port, 1, false, &v));
}

static void test_bar_moves(void **state)
{
	uint16_t port = (uint16_t)(guest_cfg(g, 3, 0x10, 4) & ~3u);
	uint64_t mem = guest_cfg(g, 3, 0x18, 4), wide;
	uint32_t v;

	(void)state;
	guest_cfg_set(g, 3, 0x10, 4, 0xc200);
	assert_false(vpci_io(&g->pci, port, 1, false, &v));
	assert_int_equal(guest_in(g, 0xc204, 4), 0x55667788);
	assert_int_equal(toy.off, 4);
	guest_cfg_set(g, 3, 0x12, 2, 1); /* above the 64 KiB of ports: gone */
	assert_false(vpci_io(&g->pci, 0xc204, 1, false, &v));
	guest_cfg_set(g, 3, 0x10, 4, 0xc00); /* cannot hide the configuration ports */
	assert_int_equal(guest_cfg(g, 3, 0, 2), 0x1234);
	guest_cfg_set(g, 3, 0x10, 4, 0); /* 0 is "not assigned" */
	assert_false(vpci_io(&g->pci, 4, 1, false, &v));
	guest_cfg_set(g, 3, 0x18, 4, 0xe7ff0000);
	assert_false(vpci_mmio(&g->pci, mem, 4, false, &wide));
	assert_true(vpci_mmio(&g->pci, 0xe7fffff8, 8, false, &wide));
	assert_int_equal(wide, 0x1122334455667788ull);
	assert_false(vpci_mmio(&g->pci, 0xe7fffffc, 8, false, &wide));
	guest_cfg_set(g, 3, 4, 2, 0);
	assert_false(vpci_mmio(&g->pci, 0xe7fffff8, 8, false, &wide));
}

static void test_capabilities(void **state)
{
	uint8_t body[96] = {0x09};
	unsigned cap = guest_cfg(g, 3, 0x34, 1), at1, at2;

	(void)state;
	assert_int_equal(cap, 0x40);
	assert_int_equal(guest_cfg(g, 3, cap, 1), 0x11);
	assert_int_equal(guest_cfg(g, 3, cap + 1, 1), 0);
	at1 = vpci_cap_add(&toy.d, body, NULL, 18);
	at2 = vpci_cap_add(&toy.d, body, NULL, 80);
	assert_int_equal(at2 % 4, 0);
	assert_int_equal(guest_cfg(g, 3, cap + 1, 1), at1);
	assert_int_equal(guest_cfg(g, 3, at1 + 1, 1), at2);
	assert_int_equal(guest_cfg(g, 3, at2 + 1, 1), 0);
	assert_int_equal(vpci_cap_add(&toy.d, body, NULL, 96), 0); /* full */
	assert_int_equal(guest_cfg(g, 3, at2 + 1, 1), 0);
}

static struct probe ready(void)
{
	struct probe p = guest_probe(g, 3);

	guest_cfg_set(g, 3, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	msix_on(g, &p, 3, 10);
	return p;
}

static void test_msix(void **state)
{
	struct probe p = ready();

	(void)state;
	assert_int_equal(guest_cfg(g, 3, p.msix_cap + 2, 2), 0x8002);
	vpci_msix_send(&toy.d, 2);
	assert_int_equal(g->msi_of[12], 1);
	assert_int_equal(g->last_addr, 0xfee00000u);
	vpci_msix_send(&toy.d, 3);
	vpci_msix_send(&toy.d, VPCI_NO_VECTOR);
	assert_int_equal(g->msis, 1);
	assert_int_equal(toy.d.msix_count[VPCI_no_vector], 2);
	guest_cfg_set(g, 3, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM); /* no bus master, no message */
	vpci_msix_send(&toy.d, 0);
	guest_cfg_set(g, 3, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	guest_cfg_set(g, 3, p.msix_cap + 2, 2, 0);
	vpci_msix_send(&toy.d, 0);
	assert_int_equal(g->msis, 1);
	assert_int_equal(toy.d.msix_count[VPCI_msix_off], 2);
}

static void test_msix_mask(void **state)
{
	struct probe p = ready();

	(void)state;
	guest_mmio_set(g, p.msix + 16 + 12, ~0u); /* only the mask bit exists */
	assert_int_equal(guest_mmio(g, p.msix + 16 + 12), 1);
	vpci_msix_send(&toy.d, 1);
	vpci_msix_send(&toy.d, 1);
	assert_int_equal(g->msis, 0);
	assert_int_equal(guest_mmio(g, p.msix + 2048), 2);
	guest_mmio_set(g, p.msix + 2048, 0xff); /* read-only */
	assert_int_equal(guest_mmio(g, p.msix + 2048), 2);
	guest_mmio_set(g, p.msix + 16 + 8, 33); /* changed while masked: the new one counts */
	guest_mmio_set(g, p.msix + 16 + 12, 0);
	assert_int_equal(g->msi_of[33], 1);
	assert_int_equal(g->msis, 1);
	assert_int_equal(guest_mmio(g, p.msix + 2048), 0);
	/* The whole function. */
	guest_cfg_set(g, 3, p.msix_cap + 2, 2, 0xc000);
	vpci_msix_send(&toy.d, 0);
	vpci_msix_send(&toy.d, 2);
	assert_int_equal(guest_mmio(g, p.msix + 2048), 5);
	guest_cfg_set(g, 3, p.msix_cap + 3, 1, 0x80);
	assert_int_equal(g->msis, 3);
	assert_int_equal(toy.d.msix_count[VPCI_masked], 4);
}

static void test_msix_access(void **state)
{
	struct probe p = ready();
	uint64_t v = 0;

	(void)state;
	assert_true(vpci_mmio(&g->pci, p.msix + 8, 8, false, &v));
	assert_int_equal(v, 10);
	v = 0x0000000100001234ull;
	assert_true(vpci_mmio(&g->pci, p.msix + 8, 8, true, &v));
	assert_int_equal(guest_mmio(g, p.msix + 8), 0x1234);
	assert_int_equal(guest_mmio(g, p.msix + 12), 1);
	assert_true(vpci_mmio(&g->pci, p.msix + 8, 2, false, &v));
	assert_int_equal(v, ~0ull);
	guest_mmio_set(g, p.msix + 48, 77); /* beyond the last entry */
	assert_int_equal(guest_mmio(g, p.msix + 48), 0);
	assert_int_equal(guest_mmio(g, p.msix + 4092), 0);
}

static void test_passthrough_hooks(void **state)
{
	(void)state;
	toy.raw = true;
	assert_int_equal(guest_cfg(g, 3, 0x12, 2), 0x0122);
	guest_cfg_set(g, 3, 0x41, 1, 0x77);
	assert_int_equal(toy.off, 0x41);
	assert_int_equal(toy.size, 1);
	assert_int_equal(toy.written, 0x77);
	toy.raw = false;
	assert_int_equal(guest_cfg(g, 3, 0, 2), 0x1234);
}

static void test_reset(void **state)
{
	struct probe p = ready();
	uint32_t io = guest_cfg(g, 3, 0x10, 4);

	(void)state;
	guest_cfg_set(g, 3, 0x10, 4, 0xc000);
	vpci_reset(&g->pci);
	assert_int_equal(guest_in(g, 0xcf8, 4), 0);
	assert_int_equal(guest_cfg(g, 3, 0x10, 4), io);
	assert_int_equal(guest_cfg(g, 3, 4, 2), VPCI_CMD_IO | VPCI_CMD_MEM);
	assert_int_equal(guest_cfg(g, 3, p.msix_cap + 2, 2), 2);
	assert_int_equal(guest_mmio(g, p.msix + 12), 1);
	assert_int_equal(toy.resets, 1);
	assert_int_equal(guest_in(g, (uint16_t)(io & ~3u), 1), 0x88);
}

/* Each device in its turn, one visit a call, until nothing is left. */
static void test_work_in_turns(void **state)
{
	(void)state;
	assert_false(vpci_work(&g->pci));
	toy.left = 3;
	other.left = 1;
	vpci_schedule_work(&toy.d);
	vpci_schedule_work(&other.d);
	assert_true(vpci_work(&g->pci));
	assert_true(vpci_work(&g->pci));
	assert_int_equal(toy.visits, 1);
	assert_int_equal(other.visits, 1);
	assert_true(vpci_work(&g->pci));
	assert_true(vpci_work(&g->pci));
	assert_int_equal(other.visits, 2);
	assert_true(vpci_work(&g->pci));
	assert_false(vpci_work(&g->pci));
	assert_int_equal(toy.visits, 4);
	vpci_schedule_work(&toy.d);
	vpci_reset(&g->pci);
	assert_false(vpci_work(&g->pci));
	assert_int_equal(toy.visits, 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_mechanism),
	    T(test_config_bounds),
	    T(test_extended_config),
	    T(test_masks),
	    T(test_slots),
	    T(test_moved),
	    T(test_windows_full),
	    T(test_addresses_come_back),
	    T(test_bar_sizing),
	    T(test_io_dispatch),
	    T(test_bar_moves),
	    T(test_capabilities),
	    T(test_msix),
	    T(test_msix_mask),
	    T(test_msix_access),
	    T(test_passthrough_hooks),
	    T(test_reset),
	    T(test_work_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
