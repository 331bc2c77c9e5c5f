/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated NIC at its registers: descriptors, filters and interrupts as Linux's e1000e uses
 * them, and drivers that break rules.
 */
#include "tests/unit/rig/e1000_nodes.h"
#include "lib/bytes.h"
#include "vnet/frame/mac.h"

#define ONE     (&station[0])
#define DESCS   64
#define BUF     2048u
#define NOWHERE 0x7000000000ull

static const struct vnet_hdr none;
static uint64_t *rx, *tx; /* ONE's rings: words of descriptors */
static uint64_t rx_gpa, tx_gpa, data;
static uint8_t *bytes; /* what is at `data`: buffer i at i * BUF */
static uint8_t frame[9100];

static uint8_t *frame_to(mac_t dst, uint32_t len)
{
	for (uint32_t i = 14; i < len; i++)
		frame[i] = (uint8_t)i;
	mac_write(frame, dst);
	mac_write(frame + 6, station_mac(9));
	put_be16(frame + 12, 0x88b5);
	return frame;
}

static void far_plain(mac_t dst, uint32_t len)
{
	far_send(frame_to(dst, len), len, &none);
}

/* Rings of its own, all receive buffers offered but one, receiver and transmitter on. */
static void raw_up(uint32_t rctl, uint32_t rfctl)
{
	struct station *s = ONE;

	guest_cfg_set(s->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER);
	nic_wr(s, CTRL, CTRL_RST);
	rx_gpa = guest_alloc(s->g, DESCS * 32);
	tx_gpa = guest_alloc(s->g, DESCS * 16);
	data = guest_alloc(s->g, DESCS * BUF);
	rx = guest_at(s->g, rx_gpa);
	tx = guest_at(s->g, tx_gpa);
	bytes = guest_at(s->g, data);
	for (unsigned i = 0; i < DESCS; i++)
		rx[2 * i] = data + i * BUF;
	nic_wr(s, RFCTL, rfctl);
	nic_wr(s, RDBAL, (uint32_t)rx_gpa);
	nic_wr(s, RDBAH, 0);
	nic_wr(s, RDLEN, DESCS * 16);
	nic_wr(s, RCTL, rctl);
	nic_wr(s, RDT, DESCS - 1);
	nic_wr(s, TDBAL, (uint32_t)tx_gpa);
	nic_wr(s, TDLEN, DESCS * 16);
	nic_wr(s, TCTL, TCTL_EN);
}

#define RCTL_USUAL (RCTL_EN | RCTL_BAM | RCTL_SECRC)

/* The vectors as Linux has them: receive 0, transmit 1, other 2. */
static void vectors_on(void)
{
	msix_on(ONE->g, &ONE->p, 5, 0);
	nic_wr(ONE, IVAR, 0x8u | 0x9u << 8 | 0xau << 16 | IVAR_EVERY);
	nic_wr(ONE, CTRL_EXT, CTRL_EXT_EIAME);
	nic_wr(ONE, IAM, ~0u);
	nic_wr(ONE, EIAC, INT_RXQ0 | INT_TXQ0);
	nic_wr(ONE, IMS, INT_RXQ0 | INT_TXQ0 | INT_OTHER | INT_OTHERS);
}

static unsigned sent(unsigned vector)
{
	return atomic_load(&ONE->g->msi_of[vector]);
}

/* ---- receive ---- */

static void extended_descriptors(void **state)
{
	struct vnet_hdr sum = {.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};

	(void)state;
	raw_up(RCTL_USUAL, RFCTL_EXSTEN);
	nic_wr(ONE, RXCSUM, RXCSUM_TUOFL);
	far_plain(station_mac(0), 100);
	assert_int_equal(rx[0], 0);
	assert_int_equal(rx[1], 100ull << 32 | RXD_DD | RXD_EOP | RXD_IXSM);
	assert_memory_equal(bytes, frame, 100);
	frame_to(station_mac(0), 80);
	put_be16(frame + 50, 0);
	far_send(frame, 80, &sum);
	assert_int_equal(rx[3], 80ull << 32 | RXD_DD | RXD_EOP | RXD_TCPCS);
	sum.csum_offset = 6;
	far_send(frame, 80, &sum);
	assert_int_equal(rx[5], 80ull << 32 | RXD_DD | RXD_EOP | RXD_TCPCS | RXD_UDPCS);
	assert_int_equal(nic_rd(ONE, RDH), 3);
}

/* A frame over several descriptors, of which only the last one has EOP; with a CRC. */
static void several_descriptors(void **state)
{
	(void)state;
	raw_up(RCTL_EN | RCTL_LPE | 2u << 16, RFCTL_EXSTEN); /* 512 bytes */
	far_plain(station_mac(0), 1500);
	assert_int_equal(rx[1], 512ull << 32 | RXD_DD);
	assert_int_equal(rx[3], 512ull << 32 | RXD_DD);
	assert_int_equal(rx[5], (1504ull - 1024) << 32 | RXD_DD | RXD_EOP | RXD_IXSM);
	assert_memory_equal(bytes + 2 * BUF, frame + 1024, 1500 - 1024);
	assert_int_equal(le32(bytes + 2 * BUF + 1500 - 1024), 0);
}

/* Descriptors of four buffers, as Linux uses them for jumbo frames: 256 bytes, then 4 KiB each. */
static void split_descriptors(void **state)
{
	(void)state;
	raw_up(0, RFCTL_EXSTEN);
	for (unsigned k = 0; k < 4; k++)
		rx[k] = data + k * 8192;
	nic_wr(ONE, PSRCTL, 2 | 4 << 8 | 4 << 16 | 0 << 24);
	nic_wr(ONE, RCTL, RCTL_USUAL | RCTL_LPE | RCTL_DTYP_SPLIT);
	nic_wr(ONE, RDT, 31); /* descriptors are twice as long */
	far_plain(station_mac(0), 5000);
	assert_int_equal(rx[0], 0);
	assert_int_equal(rx[1], 256ull << 32 | RXD_DD | RXD_EOP | RXD_IXSM);
	assert_int_equal(rx[2], 4096ull << 16 | (5000ull - 256 - 4096) << 32);
	assert_memory_equal(bytes, frame, 256);
	assert_memory_equal(bytes + 8192, frame + 256, 4096);
	assert_memory_equal(bytes + 16384, frame + 256 + 4096, 5000 - 256 - 4096);
}

static void filters(void **state)
{
	mac_t group = 0xfb00005e0001ull; /* 01:00:5e:00:00:fb */
	unsigned hash = (unsigned)(group >> 36) & 0xfff;
	uint32_t got;

	(void)state;
	raw_up(RCTL_USUAL, 0);
	far_plain(MAC_BROADCAST, 64);
	assert_int_equal(nic_rd(ONE, RDH), 1);
	far_plain(group, 64);
	assert_int_equal(nic_rd(ONE, RDH), 1);
	nic_wr(ONE, MTA + 4 * (hash >> 5), 1u << (hash & 31));
	far_plain(group, 64);
	assert_int_equal(nic_rd(ONE, RDH), 2);
	nic_wr(ONE, MTA + 4 * (hash >> 5), 0);
	nic_wr(ONE, RAL + 8 * 15, (uint32_t)group);
	nic_wr(ONE, RAH + 8 * 15, (uint32_t)(group >> 32) | RAH_AV);
	far_plain(group, 64);
	nic_wr(ONE, RAH + 8 * 15, 0);
	nic_wr(ONE, RCTL, RCTL_USUAL | RCTL_MPE);
	far_plain(group, 64);
	assert_int_equal(nic_rd(ONE, RDH), 4);
	nic_wr(ONE, RAH, 0); /* its own address */
	far_plain(station_mac(0), 64);
	got = nic_rd(ONE, RDH);
	nic_wr(ONE, RCTL, RCTL_USUAL | RCTL_UPE);
	far_plain(station_mac(0), 64);
	assert_int_equal(got, 4);
	assert_int_equal(nic_rd(ONE, RDH), 5);
	assert_int_equal(nic_counter(ONE, "filtered"), 2);
	assert_int_equal(nic_rd(ONE, 0x4078), 1); /* BPRC */
	assert_int_equal(nic_rd(ONE, 0x407c), 3); /* MPRC */
}

static void tags(void **state)
{
	(void)state;
	raw_up(RCTL_USUAL | RCTL_VFE, RFCTL_EXSTEN);
	frame_to(station_mac(0), 100);
	put_be16(frame + 12, 0x8100);
	put_be16(frame + 14, 0x6029);
	far_send(frame, 100, &none);
	assert_int_equal(nic_rd(ONE, RDH), 0);
	nic_wr(ONE, VFTA + 4, 1u << 9); /* ID 29h */
	far_send(frame, 100, &none);
	assert_memory_equal(bytes, frame, 100);
	nic_wr(ONE, CTRL, CTRL_SLU | CTRL_VME);
	far_send(frame, 100, &none);
	assert_int_equal(rx[3],
	                 0x6029ull << 48 | 96ull << 32 | RXD_DD | RXD_EOP | RXD_IXSM | RXD_VP);
	assert_memory_equal(bytes + BUF, frame, 12);
	assert_memory_equal(bytes + BUF + 12, frame + 16, 84);
}

/* A tag and a checksum: where that begins moves with the tag, in both directions. */
static void tags_before_sums(void **state)
{
	struct vnet_hdr sum = {.flags = VNET_HDR_F_NEEDS_CSUM, .csum_start = 38, .csum_offset = 6};

	(void)state;
	raw_up(RCTL_USUAL, RFCTL_EXSTEN);
	nic_wr(ONE, CTRL, CTRL_SLU | CTRL_VME);
	frame_to(station_mac(0), 100);
	memset(frame + 38, 0, 62);
	put_be16(frame + 12, 0x8100);
	put_be16(frame + 98, 0x1234);
	far_send(frame, 100, &sum);
	assert_int_equal(be16(bytes + 40), 0xffff ^ 0x1234);
	assert_int_equal(be16(bytes + 94), 0x1234);

	mac_write(bytes, station_mac(9));
	mac_write(bytes + 6, station_mac(0));
	tx[0] = 34ull << 32 | 40ull << 40;
	tx[1] = TXD_DEXT;
	tx[2] = data;
	tx[3] = 100 | TXD_DEXT | TXD_DTYP_DAT | TXD_EOP | TXD_VLE | TXD_TXSM | 7ull << 48;
	nic_wr(ONE, TDT, 2);
	assert_int_equal(be32(far_port.got[0].data + 12), 0x81000007);
	assert_int_equal(far_port.got[0].hdr.csum_start, 38);
	assert_int_equal(far_port.got[0].hdr.csum_offset, 6);
}

/* ---- transmit ---- */

static unsigned put(unsigned i, uint64_t low, uint64_t high)
{
	tx[2 * i] = low;
	tx[2 * i + 1] = high;
	return i + 1;
}

static void legacy_descriptors(void **state)
{
	unsigned i = 0;

	(void)state;
	raw_up(RCTL_USUAL, 0);
	mac_write(bytes, station_mac(9));
	mac_write(bytes + 6, station_mac(0));
	i = put(i, data, 60 | TXD_IFCS);
	i = put(i, 0, 0); /* none of an error */
	i = put(i, data + 200, 40 | TXD_EOP | TXD_RS | TXD_IC | 30ull << 16 | 20ull << 40);
	nic_wr(ONE, TDT, i);
	assert_int_equal(far_port.n, 1);
	assert_int_equal(far_port.got[0].len, 100);
	assert_memory_equal(far_port.got[0].data + 60, bytes + 200, 40);
	assert_int_equal(far_port.got[0].hdr.csum_start, 20);
	assert_int_equal(far_port.got[0].hdr.csum_offset, 10);
	assert_int_equal(nic_rd(ONE, TDH), 3);
	assert_false(tx[1] & TXD_DD); /* reported only where asked for */
	assert_true(tx[5] & TXD_DD);
	/* The IP header's checksum at once, in a copy; a tag in front of it. */
	nic_wr(ONE, CTRL, CTRL_SLU | CTRL_VME);
	put_be16(bytes + 12, 0x0800);
	memset(bytes + 14, 0, 20);
	bytes[14] = 0x45;
	i = put(i, 14 | 24ull << 8 | 33ull << 16, TXD_DEXT);
	i = put(i, data,
	        100 | TXD_DEXT | TXD_DTYP_DAT | TXD_EOP | TXD_VLE | TXD_IXSM | 0x5abcull << 48);
	nic_wr(ONE, TDT, i);
	assert_int_equal(far_port.got[1].len, 104);
	assert_int_equal(be32(far_port.got[1].data + 12), 0x81005abc);
	assert_memory_equal(far_port.got[1].data + 16, "\x08\0\x45", 3);
	assert_int_equal(be16(far_port.got[1].data + 28), 0xffff ^ 0x4500);
	assert_int_equal(be16(bytes + 24), 0); /* the guest's own is as it was */
	assert_int_equal(far_port.got[1].hdr.flags, 0);
}

/* A frame whose end is not there yet waits; a context alone, too. */
static void incomplete_frames(void **state)
{
	(void)state;
	raw_up(RCTL_USUAL, 0);
	mac_write(bytes, station_mac(9));
	mac_write(bytes + 6, station_mac(0));
	put(0, 0, TXD_DEXT);
	put(1, data, 30);
	put(2, data + 30, 30 | TXD_EOP | TXD_RS);
	nic_wr(ONE, TDT, 1);
	nic_wr(ONE, TDT, 2);
	assert_int_equal(far_port.n, 0);
	assert_int_equal(nic_rd(ONE, TDH), 0);
	assert_false(vpci_work(&ONE->g->pci)); /* and costs nothing meanwhile */
	vnet_port_set_mode(ONE->port, VNET_ADAPTIVE);
	assert_false(e1000_model_nic.port->arm(ONE->m, true));
	assert_false(e1000_model_nic.port->arm(ONE->m, false));
	vnet_port_set_mode(ONE->port, VNET_KICK);
	nic_wr(ONE, TDT, 3);
	assert_int_equal(far_port.n, 1);
	assert_int_equal(nic_rd(ONE, TDH), 3);
}

/* Contexts that contradict the frame: it is dropped, and given back. */
static void bad_contexts(void **state)
{
	static const struct {
		uint64_t low, high, data;
	} bad[] = {
	    /* segmentation: no MSS; headers longer than the frame; no TCP; no room for TCP; for IP
	     */
	    {14ull | 34ull << 32 | 50ull << 40, TXD_TSE | TXD_CTX_TCP | TXD_CTX_IPV4 | 54ull << 40,
	     TXD_TSE},
	    {14ull | 34ull << 32 | 50ull << 40,
	     TXD_TSE | TXD_CTX_TCP | TXD_CTX_IPV4 | 100ull << 40 | 9ull << 48, TXD_TSE},
	    {14ull | 34ull << 32 | 50ull << 40, TXD_TSE | TXD_CTX_IPV4 | 54ull << 40 | 9ull << 48,
	     TXD_TSE},
	    {14ull | 34ull << 32 | 50ull << 40,
	     TXD_TSE | TXD_CTX_TCP | TXD_CTX_IPV4 | 50ull << 40 | 9ull << 48, TXD_TSE},
	    {20ull | 34ull << 32 | 50ull << 40,
	     TXD_TSE | TXD_CTX_TCP | TXD_CTX_IPV4 | 54ull << 40 | 9ull << 48, TXD_TSE},
	    /* a checksum field before its start; a sum that ends early; an IP header beyond the
	       frame */
	    {34ull << 32 | 30ull << 40, 0, TXD_TXSM},
	    {34ull << 32 | 50ull << 40 | 80ull << 48, 0, TXD_TXSM},
	    {14 | 24ull << 8 | 200ull << 16, 0, TXD_IXSM},
	    {90 | 24ull << 8 | 95ull << 16, 0, TXD_IXSM},
	    /* a checksum field outside of the frame */
	    {34ull << 32 | 99ull << 40, 0, TXD_TXSM},
	};
	unsigned at = 0;

	(void)state;
	raw_up(RCTL_USUAL, 0);
	mac_write(bytes, station_mac(9));
	mac_write(bytes + 6, station_mac(0));
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		at = put(at, bad[i].low, bad[i].high | TXD_DEXT);
		at = put(at, data, 100 | TXD_DEXT | TXD_DTYP_DAT | TXD_EOP | TXD_RS | bad[i].data);
		nic_wr(ONE, TDT, at);
		assert_int_equal(nic_rd(ONE, TDH), at);
		assert_true(tx[2 * at - 1] & TXD_DD);
	}
	assert_int_equal(far_port.n, 0);
}

/* ---- rules, each of which stops one ring ---- */

static void violations(void **state)
{
	(void)state;
	raw_up(RCTL_USUAL, 0);
	put(0, NOWHERE, 60 | TXD_EOP);
	nic_wr(ONE, TDT, 1);
	assert_int_equal(nic_counter(ONE, "violation.tx_address"), 1);
	put(0, data, 60 | TXD_EOP);
	nic_wr(ONE, TDT, 1);
	assert_int_equal(nic_rd(ONE, TDH), 0); /* it stands */
	raw_up(RCTL_USUAL, 0);
	put(0, HIGH_GPA + HIGH_SIZE - 10, 60 | TXD_EOP);
	nic_wr(ONE, TDT, 1);
	assert_int_equal(nic_counter(ONE, "violation.tx_address"), 2);

	raw_up(RCTL_USUAL, 0);
	rx[0] = NOWHERE;
	far_plain(station_mac(0), 100);
	far_plain(station_mac(0), 100);
	assert_int_equal(nic_counter(ONE, "violation.rx_address"), 1);
	assert_false(atomic_load(&ONE->port->up));
	assert_int_equal(rx[1], 0);

	nic_wr(ONE, CTRL, CTRL_RST);
	nic_wr(ONE, RCTL, RCTL_USUAL); /* no ring yet: none of a violation */
	assert_int_equal(nic_counter(ONE, "violation.rx_ring"), 0);
	nic_wr(ONE, RDBAH, 0x70);
	nic_wr(ONE, RDLEN, 128);
	assert_int_equal(nic_counter(ONE, "violation.rx_ring"), 1);
	nic_wr(ONE, TCTL, TCTL_EN);
	nic_wr(ONE, TDBAL, HIGH_GPA + HIGH_SIZE - 64);
	nic_wr(ONE, TDLEN, 128);
	assert_int_equal(nic_counter(ONE, "violation.tx_ring"), 1);
	nic_wr(ONE, TDT, 5);
	assert_int_equal(far_port.n, 0);
}

/* A frame that never ends, in a ring that is large enough: of contexts, of empty descriptors, of
 * data.  It ends the ring, with bounded work. */
static void endless_frames(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		uint64_t high = kind == 0 ? TXD_DEXT : kind == 1 ? 0 : 100, gpa;
		uint64_t *ring;

		raw_up(RCTL_USUAL, 0);
		gpa = guest_alloc(ONE->g, 4096 * 16);
		ring = guest_at(ONE->g, gpa);
		for (unsigned i = 0; i < 4096; i++) {
			ring[2 * i] = data;
			ring[2 * i + 1] = high;
		}
		nic_wr(ONE, TDBAL, (uint32_t)gpa);
		nic_wr(ONE, TDLEN, 4096 * 16);
		nic_wr(ONE, TDT, 4095);
		assert_int_equal(nic_counter(ONE, "violation.tx_descriptors"), kind + 1);
		assert_int_equal(nic_rd(ONE, TDH), 0);
	}
	assert_false(vpci_work(&ONE->g->pci));
}

/* A tail beyond the ring means an empty ring; a ring shrinks under its tail. */
static void tails(void **state)
{
	(void)state;
	raw_up(RCTL_USUAL, 0);
	put(0, data, 60 | TXD_EOP | TXD_RS);
	nic_wr(ONE, TDT, 0xffff);
	nic_wr(ONE, TDT, DESCS);
	nic_wr(ONE, RDT, ~0u);
	far_plain(station_mac(0), 100);
	assert_int_equal(nic_rd(ONE, TDH), 0);
	assert_int_equal(nic_rd(ONE, RDH), 0);
	nic_wr(ONE, RDT, 40);
	nic_wr(ONE, RDLEN, 8 * 16);
	far_plain(station_mac(0), 100);
	assert_int_equal(nic_rd(ONE, RDH), 0);
	nic_wr(ONE, TDH, 40); /* while it is on: no */
	assert_int_equal(nic_rd(ONE, TDH), 0);
}

static void registers(void **state)
{
	static const struct {
		uint32_t off;
		unsigned size;
	} bad[] = {{CTRL, 1},   {CTRL, 2},   {CTRL, 8},    {CTRL + 2, 4},
	           {0x5ffc, 4}, {0x8800, 4}, {0x1fffc, 4}, {0xb654, 4}};
	uint64_t v;

	(void)state;
	raw_up(RCTL_USUAL, 0);
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		for (unsigned write = 0; write < 2; write++) {
			v = ~0ull;
			assert_true(vpci_mmio(&ONE->g->pci, ONE->regs + bad[i].off, bad[i].size,
			                      write, &v));
			assert_true(write || v == 0);
			assert_int_equal(nic_counter(ONE, "bad_access"), 2 * i + write + 1);
		}
	nic_wr(ONE, STATUS, 0); /* read-only */
	assert_int_equal(nic_rd(ONE, IMC), 0);
	nic_wr(ONE, 0xb608, 0x12345678); /* TIMINCA: Linux divides by what it reads back */
	assert_int_equal(nic_rd(ONE, 0xb608), 0x12345678);
	assert_false(nic_rd(ONE, SWSM) & SWSM_SMBI); /* taken by this read */
	assert_true(nic_rd(ONE, SWSM) & SWSM_SMBI);
	nic_wr(ONE, MDIC, MDIC_READ | 1 << 21 | 2 << 16);
	assert_int_equal(nic_rd(ONE, MDIC), MDIC_READ | MDIC_READY | 1 << 21 | 2 << 16 | 0x0141);
	nic_wr(ONE, MDIC, MDIC_READ | 2 << 21 | 2 << 16); /* no such PHY */
	assert_true(nic_rd(ONE, MDIC) & MDIC_ERROR);
	assert_true(nic_rd(ONE, STATUS) & STATUS_LU);
	nic_wr(ONE, MDIC, MDIC_WRITE | 1 << 21 | 0 << 16 | 0x0800);
	assert_false(nic_rd(ONE, STATUS) & STATUS_LU);
	nic_wr(ONE, EERD, 1 | 63 << 2);
	assert_true(nic_rd(ONE, EERD) & 2);
	nic_wr(ONE, EERD, 1 | 64 << 2);
	assert_int_equal(nic_rd(ONE, EERD) >> 16, 0xffff);
}

/* ---- interrupts ---- */

static void vectors(void **state)
{
	(void)state;
	raw_up(RCTL_USUAL, 0);
	vectors_on();
	far_plain(station_mac(0), 100);
	far_plain(station_mac(0), 100);
	assert_int_equal(sent(0), 1); /* the message masks its cause */
	assert_int_equal(nic_rd(ONE, IMS) & INT_RXQ0, 0);
	nic_wr(ONE, IMS, INT_RXQ0); /* what came meanwhile */
	assert_int_equal(sent(0), 2);
	nic_wr(ONE, IMS, INT_RXQ0);
	assert_int_equal(sent(0), 2);
	put(0, data, 60 | TXD_EOP);
	mac_write(bytes, station_mac(9));
	nic_wr(ONE, TDT, 1);
	assert_int_equal(sent(1), 1); /* without RS: IVAR asks for each */
	/* "Other": one message until the driver reads ICR. */
	nic_wr(ONE, ICS, INT_LSC);
	nic_wr(ONE, ICS, INT_LSC);
	assert_int_equal(sent(2), 1);
	nic_wr(ONE, ICS, INT_RXQ0); /* it is masked no more, and has its own vector */
	assert_int_equal(sent(0), 3);
	assert_int_equal(nic_rd(ONE, ICR) & (INT_LSC | INT_OTHER | INT_ASSERTED),
	                 INT_LSC | INT_OTHER | INT_ASSERTED);
	assert_int_equal(nic_rd(ONE, ICR), 0);
	nic_wr(ONE, IMS, INT_OTHER);
	assert_int_equal(sent(2), 1);
	nic_wr(ONE, ICS, INT_LSC);
	assert_int_equal(sent(2), 2);
	nic_wr(ONE, IMC, ~0u);
	nic_wr(ONE, ICS, INT_LSC | INT_RXQ0);
	assert_int_equal(sent(0) + sent(1) + sent(2), 3 + 1 + 2);
	nic_wr(ONE, CTRL, CTRL_RST);
	assert_int_equal(nic_rd(ONE, ICR), 0);
}

/* A driver that masks nothing gets one message for a cause until it has read ICR; EIAC masks
 * without CTRL_EXT.EIAME, too. */
static void plain_vectors(void **state)
{
	(void)state;
	raw_up(RCTL_USUAL, 0);
	vectors_on();
	nic_wr(ONE, CTRL_EXT, 0);
	nic_wr(ONE, ICS, INT_LSC);
	nic_wr(ONE, ICS, INT_LSC);
	assert_int_equal(sent(2), 1);
	assert_true(nic_rd(ONE, IMS) & INT_OTHER);
	nic_rd(ONE, ICR);
	nic_wr(ONE, ICS, INT_LSC);
	assert_int_equal(sent(2), 2);
	nic_wr(ONE, ICS, INT_RXQ0);
	nic_wr(ONE, ICS, INT_RXQ0);
	assert_int_equal(sent(0), 1);
	nic_wr(ONE, IMS, INT_RXQ0);
	assert_int_equal(sent(0), 2);
	nic_wr(ONE, EIAC, 0);
	nic_wr(ONE, IMS, INT_RXQ0);
	nic_wr(ONE, ICS, INT_RXQ0);
	nic_wr(ONE, ICS, INT_RXQ0);
	assert_int_equal(sent(0), 3);
	nic_wr(ONE, CTRL_EXT, CTRL_EXT_IAME); /* a read of ICR masks what IAM names */
	nic_wr(ONE, IAM, INT_RXQ0);
	nic_rd(ONE, ICR);
	assert_false(nic_rd(ONE, IMS) & INT_RXQ0);
	assert_true(nic_rd(ONE, IMS) & INT_OTHER);
}

/* A cause that no vector is for, and vectors that there are not. */
static void no_vectors(void **state)
{
	(void)state;
	raw_up(RCTL_USUAL, 0);
	vectors_on();
	nic_wr(ONE, IVAR, 0xf);
	far_plain(station_mac(0), 100);
	nic_wr(ONE, ICS, INT_TXQ0 | INT_LSC);
	assert_int_equal(atomic_load(&ONE->g->msis), 0);
	assert_int_equal(nic_counter(ONE, "no_vector"), 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stations_setup, stations_teardown)
	const struct CMUnitTest tests[] = {
	    T(extended_descriptors),
	    T(several_descriptors),
	    T(split_descriptors),
	    T(filters),
	    T(tags),
	    T(legacy_descriptors),
	    T(incomplete_frames),
	    T(bad_contexts),
	    T(violations),
	    T(endless_frames),
	    T(tails),
	    T(registers),
	    T(vectors),
	    T(no_vectors),
	    T(plain_vectors),
	    T(tags_before_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
