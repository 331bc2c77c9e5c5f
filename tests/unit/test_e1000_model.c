/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated NIC under the driver for real ones: what goes in at one end comes out at the other.
 */
#include "tests/unit/rig/e1000_nodes.h"
#include "lib/bytes.h"
#include "vnet/frame/mac.h"
/* Shared with the test guest that asks the same of real NICs; not part of the host library. */
#include "guest-images/lib/packet.c"
#include "guest-images/tests/tso_frame.c"

#define ONE (&station[0])
#define TWO (&station[1])
#define OLD (&station[2]) /* an 82540EM */

static const struct vnet_hdr none;

static uint8_t *address(uint8_t *f, unsigned from, unsigned to)
{
	mac_write(f, station_mac(to));
	mac_write(f + 6, station_mac(from));
	return f;
}

static uint8_t *plain_frame(uint8_t *f, unsigned from, unsigned to, uint32_t len, uint8_t seed)
{
	for (uint32_t i = 14; i < len; i++)
		f[i] = (uint8_t)(i + seed);
	put_be16(f + 12, 0x88b5); /* local experimental: IEEE 802 */
	return address(f, from, to);
}

/* Sends what is in s->big, in pieces as Linux cuts it. */
static void send_big(struct station *s, uint32_t len, const struct vnet_hdr *hdr)
{
	struct vnet_seg piece[E1000_PIECES];
	unsigned n = tso_pieces(s->big, len, piece);

	assert_int_equal(e1000_tx_send(&s->driver, piece, n, hdr, s->big), E1000_SENT);
	e1000_tx_flush(&s->driver);
	assert_ptr_equal(e1000_tx_done(&s->driver), s->big);
	assert_null(e1000_tx_done(&s->driver));
}

/* The next frame that its driver has; the buffer is given back. */
static const uint8_t *receive(struct station *s, uint32_t *len)
{
	uint8_t *got = e1000_rx_next(&s->driver, len);

	assert_non_null(got);
	assert_true(e1000_rx_give(&s->driver, got));
	e1000_rx_flush(&s->driver);
	return got;
}

static void the_driver_starts(void **state)
{
	uint8_t mac[6];

	(void)state;
	station_up(ONE, 0);
	mac_write(mac, station_mac(0));
	assert_memory_equal(ONE->driver.mac, mac, 6);
	assert_true(e1000_link(&ONE->driver));
	assert_true(atomic_load(&ONE->port->up));
	assert_int_equal(nic_counter(ONE, "resets"), 1);
	assert_int_equal(nic_counter(ONE, "starts"), 1);
	assert_int_equal(nic_counter(ONE, "bad_access"), 0);
	assert_int_equal(ONE->m->pci.cfg[0x3d], 0); /* no pin: MSI-X alone */
	assert_int_equal(guest_cfg(ONE->g, 1, 0, 4), 0x10d38086);
}

static void frames_of_each_length(void **state)
{
	uint8_t copy[1514];

	(void)state;
	station_up(ONE, 0);
	station_up(TWO, 0);
	for (uint32_t len = 14; len <= 1514; len++) {
		uint32_t got_len, want = len < 60 ? 60 : len;
		const uint8_t *got;

		memcpy(copy, plain_frame(ONE->big, 0, 1, len, (uint8_t)len), len);
		send_big(ONE, len, &none);
		got = receive(TWO, &got_len);
		assert_int_equal(got_len, want);
		assert_memory_equal(got, copy, len);
		for (uint32_t i = len; i < want; i++)
			assert_int_equal(got[i], 0);
	}
	assert_null(e1000_rx_next(&TWO->driver, &(uint32_t){0}));
	assert_int_equal(nic_counter(ONE, "kicks"), 1 + 1501); /* and the start */
	assert_int_equal(TWO->m->copied, 1501 * (14 + 1514) / 2);
}

/* A batch of as many frames as the ring takes wraps around it; the driver gets all back. */
static void rings_wrap(void **state)
{
	(void)state;
	station_up(ONE, 0);
	plain_frame(ONE->big, 0, 9, 100, 1);
	for (unsigned round = 0; round < 5; round++) {
		unsigned sent = 0, done = 0;
		struct vnet_seg piece = {ONE->big, 100};

		while (sent < 250 &&
		       e1000_tx_send(&ONE->driver, &piece, 1, &none, ONE->big) == E1000_SENT)
			sent++;
		e1000_tx_flush(&ONE->driver);
		while (vpci_work(&ONE->g->pci))
			;
		while (e1000_tx_done(&ONE->driver))
			done++;
		assert_int_equal(sent, 250);
		assert_int_equal(done, sent);
		assert_int_equal(far_port.n, sent);
		far_forget();
	}
	assert_int_equal(nic_counter(ONE, "visits"), 5 * 3);
}

/* What a large frame's receiver gets is what virtio would have given it: the headers that the
 * driver took apart for the NIC are whole again. */
static void large_frames_stay_whole(void **state)
{
	static uint8_t copy[VNET_FRAME_MAX];

	(void)state;
	station_up(ONE, 0);
	for (uint32_t i = 0; i < 80; i++) {
		struct vnet_hdr hdr;
		bool v6 = i & 1;
		uint32_t payload = 1500 + i * 797, len;

		len = tso_build(ONE->big, &hdr, v6, payload, 1448);
		address(ONE->big, 0, 9);
		memcpy(copy, ONE->big, len);
		hdr.num_buffers = 0;
		send_big(ONE, len, &hdr);
		assert_int_equal(far_port.n, 1);
		assert_int_equal(far_port.got[0].len, len);
		assert_memory_equal(far_port.got[0].data, copy, len);
		assert_memory_equal(&far_port.got[0].hdr, &hdr, sizeof hdr);
		far_forget();
	}
	assert_int_equal(nic_rd(ONE, 0x40f8), 80); /* TSCTC */
	assert_int_equal(nic_rd(ONE, 0x40f8), 0);
}

static void sums_are_left(void **state)
{
	static uint8_t copy[4096];

	(void)state;
	station_up(ONE, 0);
	for (uint32_t i = 0; i < 20; i++) {
		struct vnet_hdr hdr;
		uint32_t len = tso_build(ONE->big, &hdr, i & 1, 60 * i + 1, 1448);

		address(ONE->big, 0, 9);
		memcpy(copy, ONE->big, len);
		hdr.gso_type = VNET_GSO_NONE;
		send_big(ONE, len, &hdr);
		assert_memory_equal(far_port.got[0].data, copy, len);
		assert_int_equal(far_port.got[0].hdr.flags, VNET_HDR_F_NEEDS_CSUM);
		assert_int_equal(far_port.got[0].hdr.csum_start, hdr.csum_start);
		assert_int_equal(far_port.got[0].hdr.csum_offset, 16);
		far_forget();
	}
}

/* What a sender has left to its receiver is completed: the NIC has no way to pass it on. */
static void sums_are_completed(void **state)
{
	(void)state;
	station_up(ONE, 0);
	for (uint32_t i = 0; i < 40; i++) {
		struct vnet_hdr hdr;
		struct tso_check c;
		uint32_t payload = 30 * i + 1, got;
		uint32_t len = tso_build(ONE->big, &hdr, i & 1, payload, 1448);
		const uint8_t *f;

		address(ONE->big, 9, 0);
		hdr.gso_type = VNET_GSO_NONE;
		far_send(ONE->big, len, &hdr);
		f = receive(ONE, &got);
		tso_check_begin(&c, i & 1, payload, 1448);
		assert_null(tso_check_segment(&c, f, len));
		assert_true(tso_check_complete(&c));
	}
}

/* The receiver has no such offload: segments of its MTU, each with its checksum, in each direction.
 */
static void large_frames_are_cut_for_it(void **state)
{
	(void)state;
	station_up(ONE, 0);
	station_up(TWO, 0);
	for (uint32_t i = 0; i < 40; i++) {
		struct vnet_hdr hdr;
		struct tso_check c;
		bool v6 = i & 1;
		uint32_t payload = 1 + i * 1307, len;

		len = tso_build(ONE->big, &hdr, v6, payload, 1000);
		address(ONE->big, 0, 1);
		if (i & 2)
			send_big(ONE, len, &hdr);
		else
			mac_write(ONE->big + 6, station_mac(9)), far_send(ONE->big, len, &hdr);
		tso_check_begin(&c, v6, payload, 1000);
		while (!tso_check_complete(&c)) {
			uint32_t got_len;
			const uint8_t *got = receive(TWO, &got_len);
			uint32_t real = 14 + (v6 ? 40u + be16(got + 18) : be16(got + 16));
			const char *error = tso_check_segment(&c, got, real);

			if (error)
				fail_msg("%u: %s", i, error);
		}
		assert_null(e1000_rx_next(&TWO->driver, &(uint32_t){0}));
	}
}

static void jumbo_frames(void **state)
{
	uint32_t len;

	(void)state;
	station_up(ONE, 0);
	station_up(TWO, 9000);
	far_send(plain_frame(ONE->big, 9, 1, 9014, 3), 9014, &none);
	assert_memory_equal(receive(TWO, &len), ONE->big, 9014);
	assert_int_equal(len, 9014);
	far_send(plain_frame(ONE->big, 9, 0, 1519, 3), 1519, &none); /* without LPE */
	assert_null(e1000_rx_next(&ONE->driver, &len));
	far_send(plain_frame(ONE->big, 9, 0, 1518, 3), 1518, &none); /* with room for a tag */
	assert_memory_equal(receive(ONE, &len), ONE->big, 1518);
}

/* Without a buffer a frame is lost, counted by the switch and by the NIC; then it goes on. */
static void no_buffers(void **state)
{
	struct vnet_port_stats stats;
	uint8_t f[100];
	uint32_t len;

	(void)state;
	station_up(ONE, 0);
	plain_frame(f, 9, 0, sizeof f, 0);
	for (unsigned i = 0; i < E1000_RX_RING + 9; i++)
		far_send(f, sizeof f, &none);
	vnet_port_stats(ONE->port, &stats);
	assert_int_equal(stats.out_frames, E1000_RX_RING - 1);
	assert_int_equal(stats.drop[VNET_DROP_rx_full], 10);
	assert_int_equal(nic_rd(ONE, 0x4010), 10); /* MPC */
	assert_int_equal(nic_rd(ONE, 0x4074), E1000_RX_RING - 1);
	assert_int_equal(nic_rd(ONE, 0x4088), (E1000_RX_RING - 1) * 104u); /* GORC: with the CRC */
	assert_int_equal(nic_rd(ONE, 0x408c), 0);
	assert_int_equal(nic_rd(ONE, 0x4088), 0);
	receive(ONE, &len);
	far_send(f, sizeof f, &none);
	vnet_port_stats(ONE->port, &stats);
	assert_int_equal(stats.out_frames, E1000_RX_RING);
	nic_wr(ONE, CTRL, CTRL_RST);
	assert_int_equal(nic_rd(ONE, 0x4074), 0);
	assert_int_equal(nic_rd(ONE, 0x4088), 0);
}

/* Without bus mastering the NIC neither reads nor writes memory, nor when it comes back, until the
 * driver resets it: the memory may be another's by then. */
static void bus_mastering(void **state)
{
	uint8_t f[100];
	uint32_t len;

	(void)state;
	station_up(ONE, 0);
	plain_frame(f, 9, 0, sizeof f, 0);
	guest_cfg_set(ONE->g, 1, 4, 2, VPCI_CMD_MEM);
	assert_false(atomic_load(&ONE->port->up));
	guest_cfg_set(ONE->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER);
	nic_wr(ONE, RCTL, nic_rd(ONE, RCTL));
	far_send(f, sizeof f, &none);
	nic_wr(ONE, TDT, 1);
	assert_null(e1000_rx_next(&ONE->driver, &len));
	assert_int_equal(nic_counter(ONE, "master_off"), 1);
	assert_int_equal(far_port.n, 0);
	station_up(ONE, 0);
	far_send(f, sizeof f, &none);
	assert_memory_equal(receive(ONE, &len), f, sizeof f);
}

/* A core that polls moves the frames; a write to TDT only moves the tail. */
static void polled(void **state)
{
	struct vnet_seg piece = {ONE->big, 100};

	(void)state;
	station_up(ONE, 0);
	piece.base = plain_frame(ONE->big, 0, 9, 100, 1);
	vnet_port_set_mode(ONE->port, VNET_POLL);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(e1000_tx_send(&ONE->driver, &piece, 1, &none, ONE->big),
		                 E1000_SENT);
	e1000_tx_flush(&ONE->driver);
	assert_int_equal(far_port.n, 0);
	assert_int_equal(e1000_model_nic.port->poll(ONE->m, vnet_this_core(), 4), 4);
	assert_true(e1000_model_nic.port->arm(ONE->m, true));
	assert_int_equal(e1000_model_nic.port->poll(ONE->m, vnet_this_core(), 64), 6);
	assert_false(e1000_model_nic.port->arm(ONE->m, true));
	assert_int_equal(far_port.n, 10);
	vnet_port_set_mode(ONE->port, VNET_KICK);
	assert_int_equal(e1000_model_nic.port->poll(ONE->m, vnet_this_core(), 64), 0);
}

/* ---- the 82540EM ---- */

static void the_old_one(void **state)
{
	uint8_t f[1000];
	uint32_t len;
	struct vnet_hdr hdr;

	(void)state;
	station_up(OLD, 0);
	assert_int_equal(guest_cfg(OLD->g, 1, 0, 4), 0x100e8086);
	assert_int_equal(guest_cfg(OLD->g, 1, 0x3c, 2), 0x0114); /* INTA, line 20 */
	assert_int_equal(OLD->m->pci.msix_cap, 0);
	assert_true(e1000_link(&OLD->driver));
	far_send(plain_frame(f, 9, 2, sizeof f, 5), sizeof f, &none);
	assert_memory_equal(receive(OLD, &len), f, sizeof f);
	len = tso_build(OLD->big, &hdr, false, 9000, 1448);
	address(OLD->big, 2, 9);
	send_big(OLD, len, &hdr);
	assert_int_equal(far_port.got[0].hdr.gso_type, VNET_GSO_TCPV4);
	nic_wr(OLD, RFCTL, RFCTL_EXSTEN); /* it has no such register */
	nic_wr(OLD, RCTL, nic_rd(OLD, RCTL) | RCTL_DTYP_SPLIT | 1u << 27);
	far_send(f, sizeof f, &none);
	assert_memory_equal(receive(OLD, &len), f, sizeof f);
	assert_int_equal(len, sizeof f);
}

/* The pin is asserted while an enabled cause is set; a read of ICR ends that. */
static void its_pin(void **state)
{
	uint8_t f[100];

	(void)state;
	station_up(OLD, 0);
	plain_frame(f, 9, 2, sizeof f, 5);
	far_send(f, sizeof f, &none);
	assert_false(OLD->pin);
	e1000_irq_on(&OLD->driver, false);
	assert_true(OLD->pin);
	far_send(f, sizeof f, &none);
	assert_int_equal(OLD->pin_rises, 1);
	assert_int_equal(nic_rd(OLD, ICR) & INT_RXT0, INT_RXT0);
	assert_false(OLD->pin);
	assert_int_equal(nic_rd(OLD, ICR), 0);
	far_send(f, sizeof f, &none);
	assert_true(OLD->pin);
	guest_cfg_set(OLD->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER | VPCI_CMD_INTX_OFF);
	assert_false(OLD->pin);
	guest_cfg_set(OLD->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER);
	assert_true(OLD->pin);
	e1000_irq_off(&OLD->driver);
	assert_false(OLD->pin);
	e1000_irq_on(&OLD->driver, false);
	assert_int_equal(OLD->pin_rises, 4);
	nic_wr(OLD, ICS, ~0u); /* no causes of vectors */
	assert_int_equal(nic_rd(OLD, ICR), 0x1ffff);
	nic_wr(OLD, ICS, INT_LSC);
	vpci_reset(&OLD->g->pci);
	assert_false(OLD->pin);
}

/* One clock to the EEPROM's chip; returns what it says after it. */
static unsigned clock_wire(unsigned in)
{
	uint32_t v = EECD_CS | (in ? EECD_DI : 0);

	nic_wr(OLD, EECD, v);
	nic_wr(OLD, EECD, v | EECD_SK);
	in = nic_rd(OLD, EECD) & EECD_DO;
	nic_wr(OLD, EECD, v);
	return !!in;
}

static uint16_t read_wires(unsigned at)
{
	uint16_t word = 0;

	nic_wr(OLD, EECD, EECD_CS);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(clock_wire((6u << 6 | at) >> (8 - i) & 1), i < 8);
	for (unsigned i = 0; i < 16; i++)
		word = (uint16_t)(word << 1 | clock_wire(0));
	nic_wr(OLD, EECD, 0);
	return word;
}

/* As Linux's e1000 reads it. */
static void its_eeprom_by_wires(void **state)
{
	uint16_t sum = 0, mac[3];

	(void)state;
	station_up(OLD, 0);
	nic_wr(OLD, EECD, EECD_REQ);
	assert_true(nic_rd(OLD, EECD) & EECD_GNT);
	assert_false(nic_rd(OLD, EECD) & EECD_AUTO_RD); /* else: a larger chip */
	for (unsigned i = 0; i < 64; i++) {
		uint16_t word = read_wires(i);

		sum = (uint16_t)(sum + word);
		if (i < 3)
			mac[i] = word;
	}
	assert_int_equal(sum, 0xbaba);
	assert_memory_equal(mac, OLD->driver.mac, 6);
}

/* All registers are behind two of I/O, too. */
static void its_io_bar(void **state)
{
	uint16_t io;

	(void)state;
	station_up(OLD, 0);
	guest_cfg_set(OLD->g, 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	io = (uint16_t)(guest_cfg(OLD->g, 1, 0x18, 4) & ~3u);
	guest_out(OLD->g, io, 4, RAL);
	assert_int_equal(guest_in(OLD->g, io, 4), RAL);
	assert_int_equal(guest_in(OLD->g, (uint16_t)(io + 4), 4), nic_rd(OLD, RAL));
	guest_out(OLD->g, io, 4, CTRL);
	guest_out(OLD->g, (uint16_t)(io + 4), 4, CTRL_RST);
	assert_int_equal(nic_counter(OLD, "resets"), 2);
	assert_int_equal(nic_counter(OLD, "bad_access"), 0);
	guest_out(OLD->g, io, 4, E1000_MODEL_BAR);
	assert_int_equal(guest_in(OLD->g, (uint16_t)(io + 4), 4), 0);
	assert_int_equal(guest_in(OLD->g, (uint16_t)(io + 8), 4), 0);
	guest_out(OLD->g, (uint16_t)(io + 4), 2, 0);
	assert_int_equal(nic_counter(OLD, "bad_access"), 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stations_setup, stations_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_driver_starts),
	    T(frames_of_each_length),
	    T(rings_wrap),
	    T(large_frames_stay_whole),
	    T(sums_are_left),
	    T(sums_are_completed),
	    T(large_frames_are_cut_for_it),
	    T(jumbo_frames),
	    T(no_buffers),
	    T(bus_mastering),
	    T(polled),
	    T(the_old_one),
	    T(its_pin),
	    T(its_eeprom_by_wires),
	    T(its_io_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
