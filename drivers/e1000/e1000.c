/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity, reset, MAC address, link and interrupts. */
#include <string.h>
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/regs.h"

#define RESET_WAIT     100  /* times 100 us */
#define QUIET_US       2000 /* for DMA to end */
#define LOAD_US        5000 /* for the EEPROM's automatic load */
#define EEPROM_WAIT    1000
#define EEPROM_WORDS   64
#define EEPROM_SUM     0xbaba /* of all words, 8254x 5.6.35 */
#define MULTICAST_REGS 128
#define ETHERNET       18 /* Ethernet header and CRC, bytes */
#define CRC            4
#define TAG            4                  /* VLAN tag */
#define LARGE_82540EM  (16128 - ETHERNET) /* a transmit FIFO of 16 KiB holds such a frame */
#define LARGE_82574L   (9018 - ETHERNET)

const char *const e1000_counter_name[E1000_COUNTER_COUNT] = {
#define X(name) #name,
    E1000_COUNTERS(X)
#undef X
};

static uint32_t rd(struct e1000 *n, uint32_t reg)
{
	return n->ops->read(n->ctx, reg);
}

static void wr(struct e1000 *n, uint32_t reg, uint32_t v)
{
	n->ops->write(n->ctx, reg, v);
}

static bool is_82574(const struct e1000 *n)
{
	return n->config.device == E1000_82574L;
}

const char *e1000_name(uint16_t device)
{
	return device == E1000_82540EM ? "82540EM" : device == E1000_82574L ? "82574L" : NULL;
}

/* Waits at most RESET_WAIT * 100 us until the masked bits of reg are `want`. */
static bool wait_bits(struct e1000 *n, uint32_t reg, uint32_t mask, uint32_t want)
{
	for (unsigned i = 0; i < RESET_WAIT; i++) {
		if ((rd(n, reg) & mask) == want)
			return true;
		n->ops->delay_us(n->ctx, 100);
	}
	return false;
}

/* Quiesces first, so that no DMA is under way at the reset: 8254x 14.2, 82574 5.4 and 4.6.1. */
static bool reset_nic(struct e1000 *n)
{
	wr(n, IMC, INT_ALL);
	wr(n, RCTL, 0);
	wr(n, TCTL, TCTL_PSP);
	if (is_82574(n)) {
		wr(n, CTRL, rd(n, CTRL) | CTRL_GIO_MASTER_DISABLE);
		wait_bits(n, STATUS, STATUS_GIO_MASTER, 0); /* the reset follows in any case */
	}
	n->ops->delay_us(n->ctx, QUIET_US);
	wr(n, CTRL, rd(n, CTRL) | CTRL_RST);
	n->ops->delay_us(n->ctx, LOAD_US); /* no access for a while; the EEPROM is read again */
	if (!wait_bits(n, CTRL, CTRL_RST, 0))
		return false;
	if (is_82574(n))
		wait_bits(n, EECD, EECD_AUTO_RD, EECD_AUTO_RD);
	wr(n, IMC, INT_ALL);
	rd(n, ICR);
	return true;
}

/* 8254x 13.4.4; the 82574 has the fields elsewhere: 82574 10.2.2.5. */
static bool eeprom_read(struct e1000 *n, unsigned word, uint16_t *v)
{
	uint32_t done = is_82574(n) ? 1u << 1 : 1u << 4;

	wr(n, EERD, 1 | word << (is_82574(n) ? 2 : 8));
	for (unsigned i = 0; i < EEPROM_WAIT; i++) {
		uint32_t r = rd(n, EERD);

		if (r & done) {
			*v = (uint16_t)(r >> 16);
			return true;
		}
		n->ops->delay_us(n->ctx, 5);
	}
	return false;
}

static bool mac_from_eeprom(struct e1000 *n)
{
	uint16_t v, sum = 0;

	for (unsigned i = 0; i < EEPROM_WORDS; i++) {
		if (!eeprom_read(n, i, &v))
			return false;
		sum = (uint16_t)(sum + v);
		if (i < 3) {
			n->mac[2 * i] = (uint8_t)v;
			n->mac[2 * i + 1] = (uint8_t)(v >> 8);
		}
	}
	return sum == EEPROM_SUM;
}

static bool mac_from_registers(struct e1000 *n)
{
	uint32_t lo = rd(n, RAL), hi = rd(n, RAH);

	for (unsigned i = 0; i < 6; i++)
		n->mac[i] = (uint8_t)(i < 4 ? lo >> 8 * i : hi >> 8 * (i - 4));
	return hi & RAH_AV;
}

/* The EEPROM first: an emulator leaves the receive-address registers 0 after a reset. */
static bool read_mac(struct e1000 *n)
{
	static const uint8_t none[6];

	if (!mac_from_eeprom(n) && !mac_from_registers(n))
		return false;
	return memcmp(n->mac, none, 6) && !(n->mac[0] & 1);
}

static void write_filters(struct e1000 *n)
{
	const uint8_t *m = n->mac;

	wr(n, RAL, m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24);
	wr(n, RAH, m[4] | (uint32_t)m[5] << 8 | RAH_AV);
	for (unsigned i = 0; i < MULTICAST_REGS; i++) {
		wr(n, MTA + 4 * i, 0);
		wr(n, VFTA + 4 * i, 0);
	}
}

static void start_link(struct e1000 *n)
{
	uint32_t ctrl = rd(n, CTRL);

	ctrl &= ~(CTRL_LRST | CTRL_ILOS | CTRL_FRCSPD | CTRL_FRCDPLX | CTRL_VME | CTRL_PHY_RST |
	          CTRL_GIO_MASTER_DISABLE);
	wr(n, CTRL, ctrl | CTRL_SLU | CTRL_ASDE);
	wr(n, FCAL, 0); /* no flow control: a bridge drops rather than stalls the wire */
	wr(n, FCAH, 0);
	wr(n, FCT, 0);
	wr(n, FCTTV, 0);
	if (is_82574(n))
		wr(n, CTRL_EXT, rd(n, CTRL_EXT) | CTRL_EXT_DRV_LOAD);
}

/* The smallest buffer that holds a frame with its CRC, which the NIC may write before stripping it.
 */
static void choose_buffer(struct e1000 *n, uint32_t mtu)
{
	static const struct {
		uint32_t bytes, rctl;
	} sizes[] = {
	    {E1000_BUFFER, RCTL_BSIZE_2048},
	    {4096, RCTL_BSIZE_4K},
	    {8192, RCTL_BSIZE_8K},
	    {16384, RCTL_BSIZE_16K}, /* larger than either NIC's largest frame */
	};
	unsigned i = 0;

	while (sizes[i].bytes < mtu + ETHERNET + TAG)
		i++;
	n->rx_longest = mtu + ETHERNET - CRC + TAG;
	n->rx_bytes = sizes[i].bytes;
	n->rx_size = sizes[i].rctl | (mtu > E1000_MTU ? RCTL_LPE : 0);
}

static void receiver_on(struct e1000 *n)
{
	uint32_t all = n->config.promiscuous ? RCTL_UPE : 0;

	wr(n, RCTL, RCTL_EN | RCTL_BAM | RCTL_MPE | n->rx_size | RCTL_SECRC | all);
}

static void start_rx(struct e1000 *n)
{
	uint64_t at = n->ops->dma(n->ctx, (const void *)(uintptr_t)n->rx);

	wr(n, RDBAL, (uint32_t)at);
	wr(n, RDBAH, (uint32_t)(at >> 32));
	wr(n, RDLEN, E1000_RX_RING * sizeof(struct e1000_rx_desc));
	wr(n, RDH, 0);
	wr(n, RDT, 0);
	wr(n, RDTR, 0);
	wr(n, RADV, 0);
	wr(n, RXCSUM, 0);
	choose_buffer(n, E1000_MTU);
	receiver_on(n);
}

static void start_tx(struct e1000 *n)
{
	uint64_t at = n->ops->dma(n->ctx, (const void *)(uintptr_t)n->tx);

	wr(n, TDBAL, (uint32_t)at);
	wr(n, TDBAH, (uint32_t)(at >> 32));
	wr(n, TDLEN, E1000_TX_RING * sizeof(struct e1000_tx_desc));
	wr(n, TDH, 0);
	wr(n, TDT, 0);
	wr(n, TIDV, 0);
	wr(n, TADV, 0);
	wr(n, TXDCTL, is_82574(n) ? TXDCTL_BIT22 : 0);
	wr(n, TIPG, is_82574(n) ? TIPG_82574 : TIPG_COPPER);
	wr(n, TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD_FD | (is_82574(n) ? TCTL_MULR : 0));
}

const char *e1000_start(struct e1000 *n, const struct e1000_ops *ops, void *ctx,
                        const struct e1000_config *config, void *rings)
{
	*n = (struct e1000){.ops = ops, .ctx = ctx, .config = *config};
	if (!e1000_name(config->device))
		return "not an 82540EM or 82574L";
	if (!reset_nic(n))
		return "reset does not end";
	if (!read_mac(n))
		return "no MAC address in the EEPROM";
	memset(rings, 0, E1000_RING_BYTES);
	n->rx = rings;
	n->tx = (void *)((uint8_t *)rings + E1000_RX_RING * sizeof(struct e1000_rx_desc));
	write_filters(n);
	start_link(n);
	start_rx(n);
	start_tx(n);
	wr(n, ITR, config->itr);
	return NULL;
}

uint32_t e1000_set_mtu(struct e1000 *n, uint32_t mtu)
{
	uint32_t most = is_82574(n) ? LARGE_82574L : LARGE_82540EM;

	mtu = mtu < E1000_MTU ? E1000_MTU : mtu > most ? most : mtu;
	wr(n, RCTL, 0); /* receiver off and no buffers given: BSIZE may change */
	choose_buffer(n, mtu);
	receiver_on(n);
	return mtu;
}

bool e1000_tso6(const struct e1000 *n)
{
	return is_82574(n);
}

bool e1000_sums_in_tunnel(const struct e1000 *n)
{
	return !is_82574(n);
}

bool e1000_link(struct e1000 *n)
{
	bool up = rd(n, STATUS) & STATUS_LU;

	n->count[E1000_COUNT_link_changes] += up != n->link;
	n->link = up;
	return up;
}

bool e1000_irq_cause(struct e1000 *n)
{
	return rd(n, ICR) & INT_LSC;
}

void e1000_irq_on(struct e1000 *n, bool tx)
{
	if (!tx)
		wr(n, IMC, INT_TXDW);
	wr(n, IMS, INT_LSC | INT_RXDMT0 | INT_RXO | INT_RXT0 | (tx ? INT_TXDW : 0));
}

void e1000_irq_off(struct e1000 *n)
{
	wr(n, IMC, INT_ALL);
}
