/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_e1000_model_order.c: drivers that set the device up in another order than usual, acknowledge
 * in parts, or use one direction alone.
 */
#include "tests/unit/rig/e1000_nodes.h"
#include "tests/unit/rig/virtio_nodes.h"
#include "lib/bytes.h"
#include "vnet/frame/mac.h"

#define ONE   (&station[0])
#define DESCS 256u
#define BUF   2048u

static const struct vnet_hdr none;
static uint64_t *rx, *tx;
static uint64_t rx_gpa, tx_gpa, data;
static uint8_t *bytes;
static uint8_t frame[65600];

static void far_plain(mac_t dst, uint32_t len)
{
	for (uint32_t i = 14; i < len; i++)
		frame[i] = (uint8_t)i;
	mac_write(frame, dst);
	mac_write(frame + 6, station_mac(9));
	put_be16(frame + 12, 0x88b5);
	far_send(frame, len, &none);
}

static void raw_up(struct station *s, uint32_t rctl, uint32_t tctl)
{
	guest_cfg_set(s->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER);
	nic_wr(s, CTRL, CTRL_RST);
	rx_gpa = guest_alloc(s->g, DESCS * 32);
	tx_gpa = guest_alloc(s->g, DESCS * 16);
	data = guest_alloc(s->g, DESCS * BUF);
	rx = guest_at(s->g, rx_gpa);
	tx = guest_at(s->g, tx_gpa);
	bytes = guest_at(s->g, data);
	for (unsigned i = 0; i < DESCS; i++) {
		rx[2 * i] = data + i * BUF;
		tx[2 * i] = data;
		tx[2 * i + 1] = 60 | TXD_EOP | TXD_RS;
	}
	mac_write(bytes, station_mac(9));
	mac_write(bytes + 6, station_mac((unsigned)(s - station)));
	nic_wr(s, RDBAL, (uint32_t)rx_gpa);
	nic_wr(s, RDLEN, DESCS * 16);
	nic_wr(s, RCTL, rctl);
	nic_wr(s, RDT, DESCS - 1);
	nic_wr(s, TDBAL, (uint32_t)tx_gpa);
	nic_wr(s, TDLEN, DESCS * 16);
	nic_wr(s, TCTL, tctl);
}

static void drain(struct station *s)
{
	while (vpci_work(&s->g->pci))
		;
}

/* The tail first, then TCTL.EN: the transmitter starts with what is in the ring. */
static void the_tail_before_the_enable(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN, 0);
	nic_wr(ONE, TDT, 1);
	nic_wr(ONE, TCTL, TCTL_EN);
	drain(ONE);
	assert_int_equal(nic_rd(ONE, TDH), 1);
}

/* TCTL.EN off and on again with frames in the ring. */
static void the_transmitter_off_and_on(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN, TCTL_EN);
	nic_wr(ONE, TCTL, 0);
	nic_wr(ONE, TDT, 3);
	nic_wr(ONE, TCTL, TCTL_EN);
	drain(ONE);
	assert_int_equal(nic_rd(ONE, TDH), 3);
}

/* A polled port whose receiver is off sends, too. */
static void polled_without_a_receiver(void **state)
{
	(void)state;
	raw_up(ONE, 0, TCTL_EN);
	vnet_port_set_mode(ONE->port, VNET_POLL);
	nic_wr(ONE, TDT, 1);
	for (unsigned i = 0; i < 10; i++)
		vnet_poll(vnet_this_core(), 64), drain(ONE);
	assert_int_equal(nic_rd(ONE, TDH), 1);
}

/* The receiver broke a rule: "that direction" stops. */
static void adaptive_with_a_broken_receiver(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN, TCTL_EN);
	rx[0] = 0x7000000000ull;
	far_plain(station_mac(0), 100);
	vnet_port_set_mode(ONE->port, VNET_ADAPTIVE);
	nic_wr(ONE, TDT, 200);
	for (unsigned i = 0; i < 10; i++)
		vnet_poll(vnet_this_core(), 64), drain(ONE);
	assert_int_equal(nic_rd(ONE, TDH), 200);
}

/* No NIC of the family delivers a frame of more than 16 384 bytes. */
static void no_giant_frames(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN | RCTL_LPE | RCTL_SECRC, 0);
	far_plain(station_mac(0), 65000);
	assert_int_equal(nic_rd(ONE, RDH), 0);
}

/* The order: bus mastering off while a ring had been stopped by something else. */
static void bus_mastering_off_while_rings_are(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN | RCTL_SECRC, TCTL_EN);
	nic_wr(ONE, CTRL, CTRL_SLU | CTRL_GIO_MASTER_DISABLE);
	guest_cfg_set(ONE->g, 1, 4, 2, VPCI_CMD_MEM);
	guest_cfg_set(ONE->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER);
	nic_wr(ONE, CTRL, CTRL_SLU);
	far_plain(station_mac(0), 100);
	assert_int_equal(nic_rd(ONE, RDH), 0);
}

/* ---- 82574: a driver that acknowledges "other" by a write ---- */

static void other_is_cleared_by_a_write(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN, TCTL_EN);
	msix_on(ONE->g, &ONE->p, 5, 0);
	nic_wr(ONE, IVAR, 0xau << 16);
	nic_wr(ONE, IMS, INT_OTHER | INT_LSC);
	nic_wr(ONE, ICS, INT_LSC);
	for (unsigned i = 0; i < 10; i++)
		nic_wr(ONE, ICR, INT_OTHER);
	assert_int_equal(atomic_load(&ONE->g->msi_of[2]), 1);
}

/* MSI-X switched on with an unmasked cause set. */
static void msix_is_switched_on_late(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN, TCTL_EN);
	nic_wr(ONE, IVAR, 0x8u);
	nic_wr(ONE, IMS, INT_RXQ0);
	nic_wr(ONE, ICS, INT_RXQ0);
	msix_on(ONE->g, &ONE->p, 5, 0);
	nic_wr(ONE, ICS, INT_RXQ0);
	assert_int_equal(atomic_load(&ONE->g->msi_of[0]), 1);
}

/* The same, cleared by EIAC. */
static void other_is_cleared_by_eiac(void **state)
{
	(void)state;
	raw_up(ONE, RCTL_EN, TCTL_EN);
	msix_on(ONE->g, &ONE->p, 5, 0);
	nic_wr(ONE, IVAR, 0xau << 16);
	nic_wr(ONE, EIAC, INT_OTHER);
	nic_wr(ONE, IMS, INT_OTHER | INT_LSC);
	nic_wr(ONE, ICS, INT_LSC);
	for (unsigned i = 0; i < 10; i++)
		nic_wr(ONE, IMS, INT_OTHER);
	assert_int_equal(atomic_load(&ONE->g->msi_of[2]), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stations_setup, stations_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_tail_before_the_enable),
	    T(the_transmitter_off_and_on),
	    T(polled_without_a_receiver),
	    T(adaptive_with_a_broken_receiver),
	    T(no_giant_frames),
	    T(bus_mastering_off_while_rings_are),
	    T(other_is_cleared_by_a_write),
	    T(msix_is_switched_on_late),
	    T(other_is_cleared_by_eiac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
