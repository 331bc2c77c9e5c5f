/* SPDX-License-Identifier: BSD-2-Clause */
/* The e1000 driver's start, interrupts and rings, on a simulated NIC. */
#include "tests/unit/rig/e1000_rig.h"

static const uint16_t devices[] = {E1000_82540EM, E1000_82574L};

static const char *start_as(struct sim *s, struct e1000 *n, bool promiscuous)
{
	static uint8_t rings[E1000_RING_BYTES] __attribute__((aligned(4096)));
	struct e1000_config config = {.device = s->device, .promiscuous = promiscuous, .itr = 100};

	return e1000_start(n, &sim_ops, s, &config, rings);
}

static const char *start(struct sim *s, struct e1000 *n)
{
	return start_as(s, n, false);
}

static void test_start(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct sim *s = sim_new(devices[i]);
		struct e1000 n;

		assert_null(start(s, &n));
		assert_memory_equal(n.mac, "\x52\x54\x00\x01\x02\x03", 6);
		assert_int_equal(*sim_reg(s, RAL), 0x01005452);
		assert_int_equal(*sim_reg(s, RAH), RAH_AV | 0x0302);
		assert_int_equal(s->resets, 1);
		assert_int_equal(s->resets_unquiet, 0);
		assert_int_equal(*sim_reg(s, IMS), 0);
		assert_int_equal(*sim_reg(s, ITR), 100);
		assert_true(*sim_reg(s, CTRL) & CTRL_SLU);
		assert_false(*sim_reg(s, RCTL) & RCTL_UPE);
		assert_true(*sim_reg(s, RCTL) & RCTL_MPE);
		assert_true(e1000_link(&n));
		assert_int_equal(n.count[E1000_COUNT_link_changes], 1);
		assert_null(start_as(s, &n, true));
		assert_int_equal(s->resets, 2);
		assert_true(*sim_reg(s, RCTL) & RCTL_UPE);
		assert_int_equal(e1000_set_mtu(&n, 9000), 9000);
		assert_true(*sim_reg(s, RCTL) & RCTL_UPE);
		free(s);
	}
}

static void test_start_fails(void **state)
{
	struct e1000 n;
	struct sim *s = sim_new(0x1234);

	(void)state;
	assert_string_equal(start(s, &n), "not an 82540EM or 82574L");
	assert_int_equal(s->reads, 0);
	s->device = E1000_82540EM;
	s->reset_stuck = true;
	assert_string_equal(start(s, &n), "reset does not end");
	assert_in_range(s->delayed_us, 1, 1000000);
	s->reset_stuck = false;
	s->eeprom_dead = true;
	assert_string_equal(start(s, &n), "no MAC address in the EEPROM");
	s->eeprom_dead = false;
	s->eeprom[5] ^= 1;
	assert_string_equal(start(s, &n), "no MAC address in the EEPROM");
	s->eeprom[5] ^= 1;
	s->eeprom[0]++; /* a group address, the sum kept right */
	s->eeprom[63]--;
	assert_string_equal(start(s, &n), "no MAC address in the EEPROM");
	free(s);
}

static void test_mac_from_registers(void **state)
{
	struct e1000 n;
	struct sim *s = sim_new(E1000_82574L);

	(void)state;
	s->eeprom_dead = true;
	*sim_reg(s, RAL) = 0x33221102;
	*sim_reg(s, RAH) = RAH_AV | 0x5544;
	assert_null(start(s, &n));
	assert_memory_equal(n.mac, "\x02\x11\x22\x33\x44\x55", 6);
	free(s);
}

static void test_irq(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, E1000_82540EM);
	e1000_irq_on(&r.nic, false);
	assert_false(*sim_reg(r.sim, IMS) & INT_TXDW);
	assert_true(*sim_reg(r.sim, IMS) & INT_RXT0);
	e1000_irq_on(&r.nic, true);
	assert_true(*sim_reg(r.sim, IMS) & INT_TXDW);
	e1000_irq_on(&r.nic, false);
	assert_false(*sim_reg(r.sim, IMS) & INT_TXDW);
	*sim_reg(r.sim, ICR) = INT_LSC | INT_RXT0;
	assert_true(e1000_irq_cause(&r.nic));
	assert_false(e1000_irq_cause(&r.nic));
	e1000_irq_off(&r.nic);
	assert_int_equal(*sim_reg(r.sim, IMS), 0);
	rig_close(&r);
}

static void test_rx_wraps(void **state)
{
	struct rig r;
	uint8_t f[1514], *got;
	uint32_t len;

	(void)state;
	rig_open(&r, E1000_82574L);
	for (unsigned i = 0; i < 3000; i++) {
		memset(f, (int)i, sizeof f);
		assert_true(sim_receive(r.sim, f, 60 + i % 1455, 0));
		assert_true(e1000_rx_ready(&r.nic));
		got = e1000_rx_next(&r.nic, &len);
		assert_non_null(got);
		assert_int_equal(len, 60 + i % 1455);
		assert_memory_equal(got, f, len);
		assert_null(e1000_rx_next(&r.nic, &len));
		assert_true(e1000_rx_give(&r.nic, got));
		assert_false(e1000_rx_give(&r.nic, got));
		e1000_rx_flush(&r.nic);
	}
	assert_int_equal(r.nic.count[E1000_COUNT_rx_frames], 3000);
	rig_close(&r);
}

static void test_rx_full_and_back(void **state)
{
	struct rig r;
	uint8_t f[100] = {1}, *got;
	uint32_t len;
	unsigned n = 0;

	(void)state;
	rig_open(&r, E1000_82540EM);
	while (sim_receive(r.sim, f, sizeof f, 0))
		n++;
	assert_int_equal(n, E1000_RX_RING - 1);
	for (unsigned i = 0; i < n; i++) {
		got = e1000_rx_next(&r.nic, &len);
		assert_ptr_equal(got, r.buffer[i]);
	}
	assert_null(e1000_rx_next(&r.nic, &len)); /* old DD bits lie in the ring */
	assert_int_equal(e1000_rx_room(&r.nic), E1000_RX_RING - 1);
	rig_close(&r);
}

static void test_rx_bad_frames(void **state)
{
	struct rig r;
	static uint8_t f[5000];
	uint32_t len;

	(void)state;
	rig_open_mtu(&r, E1000_82540EM, 1501); /* long frames, and the smallest buffers */
	sim_receive(r.sim, f, 100, RXE_CE);
	sim_receive(r.sim, f, 13, 0);     /* no Ethernet header */
	sim_receive(r.sim, f, 5000, 0);   /* three buffers */
	sim_receive(r.sim, f, 101, 0x20); /* a wrong TCP checksum is the receiver's affair */
	assert_non_null(e1000_rx_next(&r.nic, &len));
	assert_int_equal(len, 101);
	assert_null(e1000_rx_next(&r.nic, &len));
	assert_int_equal(r.nic.count[E1000_COUNT_rx_errors], 2);
	assert_int_equal(r.nic.count[E1000_COUNT_rx_fragments], 1);
	assert_int_equal(e1000_rx_room(&r.nic), 1); /* only the good one's buffer is away */
	rig_close(&r);
}

/* Frames of all lengths are in one buffer each; what is longer is dropped and counted. */
static void frames_of_mtu(uint16_t device, uint32_t mtu, uint32_t can, uint32_t bytes)
{
	struct rig r;
	static uint8_t f[16384];
	uint32_t longest = can + 18, len;

	rig_open_mtu(&r, device, mtu);
	assert_int_equal(r.nic.rx_bytes, bytes);
	assert_int_equal(sim_buffer(r.sim), bytes);
	for (uint32_t i = 14; i <= longest; i += i < longest - 40 ? 13 : 1) {
		uint8_t *got;

		memset(f, (int)i, i);
		assert_true(sim_receive(r.sim, f, i, 0));
		got = e1000_rx_next(&r.nic, &len);
		assert_non_null(got);
		assert_int_equal(len, i);
		assert_memory_equal(got, f, i);
		assert_true(e1000_rx_give(&r.nic, got));
		e1000_rx_flush(&r.nic);
	}
	assert_int_equal(sim_receive(r.sim, f, longest + 1, 0), can > E1000_MTU);
	assert_null(e1000_rx_next(&r.nic, &len));
	assert_int_equal(*sim_reg(r.sim, SIM_ROC), can <= E1000_MTU);
	assert_int_equal(r.nic.count[E1000_COUNT_rx_long], can > E1000_MTU);
	assert_int_equal(e1000_rx_room(&r.nic), 0);
	rig_close(&r);
}

static void test_mtu(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		frames_of_mtu(devices[i], 0, 1500, 2048);
		frames_of_mtu(devices[i], 576, 1500, 2048);
		frames_of_mtu(devices[i], 1500, 1500, 2048);
		frames_of_mtu(devices[i], 1501, 1501, 2048);
		frames_of_mtu(devices[i], 2026, 2026, 2048);
		frames_of_mtu(devices[i], 2027, 2027, 4096);
		frames_of_mtu(devices[i], 4074, 4074, 4096);
		frames_of_mtu(devices[i], 4075, 4075, 8192);
		frames_of_mtu(devices[i], 8171, 8171, 16384);
		frames_of_mtu(devices[i], 9000, 9000, 16384);
	}
	frames_of_mtu(E1000_82540EM, 65535, 16110, 16384);
	frames_of_mtu(E1000_82574L, 65535, 9000, 16384);
}

/* The largest frames that a NIC with a large MTU takes at all do not leave their buffers. */
static void test_mtu_contained(void **state)
{
	struct rig r;
	static uint8_t f[16384];
	uint32_t len;

	(void)state;
	rig_open_mtu(&r, E1000_82574L, 9000);
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(sim_receive(r.sim, f, 16380, 0));
		assert_null(e1000_rx_next(&r.nic, &len));
		e1000_rx_flush(&r.nic);
	}
	assert_false(sim_receive(r.sim, f, 16381, 0));
	assert_int_equal(r.nic.count[E1000_COUNT_rx_long], 1000);
	assert_int_equal(e1000_rx_room(&r.nic), 0);
	rig_close(&r);
}

static void test_tx_pieces(void **state)
{
	struct rig r;
	static uint8_t f[60000];
	struct vnet_hdr none = {0};

	(void)state;
	rig_open(&r, E1000_82540EM);
	for (uint32_t i = 0; i < sizeof f; i++)
		f[i] = (uint8_t)(i ^ i >> 8);
	for (unsigned i = 1; i < 2000; i++) {
		struct vnet_seg p[3] = {{f, 14 + i}, {f + 14 + i, i * 7}, {f + 14 + i * 8, 1}};
		unsigned n = 1 + i % 3;
		uint32_t len = p[0].len + (n > 1 ? p[1].len : 0) + (n > 2 ? 1 : 0);

		assert_int_equal(e1000_tx_send(&r.nic, p, n, &none, &f[i]), E1000_SENT);
		assert_null(e1000_tx_done(&r.nic)); /* not shown to the NIC yet */
		e1000_tx_flush(&r.nic);
		assert_int_equal(r.sim->out[0].len, len);
		assert_memory_equal(r.sim->out[0].data, f, len);
		assert_ptr_equal(e1000_tx_done(&r.nic), &f[i]);
		assert_null(e1000_tx_done(&r.nic));
		assert_int_equal(e1000_tx_pending(&r.nic), 0);
		sim_forget(r.sim);
	}
	assert_int_equal(r.sim->contexts, 0);
	rig_close(&r);
}

static void test_tx_full(void **state)
{
	struct rig r;
	static uint8_t f[E1000_TX_RING][64];
	struct vnet_hdr none = {0};
	unsigned n = 0;

	(void)state;
	rig_open(&r, E1000_82574L);
	r.sim->tx_stopped = true;
	while (e1000_tx_send(&r.nic, &(struct vnet_seg){f[n], 64}, 1, &none, f[n]) == E1000_SENT)
		n++;
	assert_in_range(n, E1000_TX_RING - 3, E1000_TX_RING - 1);
	assert_int_equal(r.nic.count[E1000_COUNT_tx_full], 1);
	e1000_tx_flush(&r.nic);
	assert_null(e1000_tx_done(&r.nic));
	r.sim->tx_stopped = false;
	sim_transmit(r.sim);
	for (unsigned i = 0; i < n; i++)
		assert_ptr_equal(e1000_tx_done(&r.nic), f[i]);
	assert_null(e1000_tx_done(&r.nic));
	assert_int_equal(r.sim->n_out, n);
	rig_close(&r);
}

static void test_tx_refuses_nonsense(void **state)
{
	struct rig r;
	uint8_t f[64];
	struct vnet_hdr none = {0};
	struct vnet_seg many[E1000_PIECES + 1];
	struct vnet_seg empty[2] = {{f, 60}, {f, 0}}, huge[2] = {{f, 60}, {f, 0xffffffff}};

	(void)state;
	for (unsigned i = 0; i <= E1000_PIECES; i++)
		many[i] = (struct vnet_seg){f, 2};
	rig_open(&r, E1000_82540EM);
	assert_int_equal(e1000_tx_send(&r.nic, many, 0, &none, f), E1000_BAD);
	assert_int_equal(e1000_tx_send(&r.nic, many, 6, &none, f), E1000_BAD);
	assert_int_equal(e1000_tx_send(&r.nic, many, E1000_PIECES + 1, &none, f), E1000_BAD);
	assert_int_equal(e1000_tx_send(&r.nic, empty, 2, &none, f), E1000_BAD);
	assert_int_equal(e1000_tx_send(&r.nic, huge, 2, &none, f), E1000_BAD);
	assert_int_equal(r.nic.count[E1000_COUNT_tx_bad], 5);
	assert_int_equal(e1000_tx_pending(&r.nic), 0);
	rig_close(&r);
}

static void test_stats(void **state)
{
	struct rig r;
	uint32_t v = 0;
	unsigned n = 0;

	(void)state;
	rig_open(&r, E1000_82540EM);
	*sim_reg(r.sim, 0x4010) = 7;
	for (const char *name; (name = e1000_stat(&r.nic, n, &v)); n++)
		assert_int_equal(v, strcmp(name, "missed_frames") ? 0 : 7);
	assert_in_range(n, 20, 64);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_start_fails),
	    cmocka_unit_test(test_mac_from_registers),
	    cmocka_unit_test(test_irq),
	    cmocka_unit_test(test_rx_wraps),
	    cmocka_unit_test(test_rx_full_and_back),
	    cmocka_unit_test(test_rx_bad_frames),
	    cmocka_unit_test(test_mtu),
	    cmocka_unit_test(test_mtu_contained),
	    cmocka_unit_test(test_tx_pieces),
	    cmocka_unit_test(test_tx_full),
	    cmocka_unit_test(test_tx_refuses_nonsense),
	    cmocka_unit_test(test_stats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
