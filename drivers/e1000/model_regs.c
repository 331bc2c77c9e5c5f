/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_regs.c: the registers of the emulated NIC (82574 10.2).
 *
 * A table says for each register whether it is kept, and what access it takes.  Those that do
 * something have a case of their own below.  The registers of the second transmit and receive
 * queue, of RSS, wake-up and time stamps are kept, and nothing comes of them.
 */
#include "lib/count.h"
#include "drivers/e1000/model_parts.h"

#define READ               1
#define WRITE              2
#define KEPT               (READ | WRITE)
#define RANGE(first, last) [(first) / 4 ...(last) / 4]

/* What may be done with each register; 0: there is none. */
static const uint8_t allowed[E1000_MODEL_WORDS] = {
    [CTRL / 4] = KEPT,
    [STATUS / 4] = READ,
    RANGE(EECD, CTRL_EXT) = KEPT,
    RANGE(0x001c, MDIC) = KEPT, /* FLA */
    RANGE(0x0024, VET) = KEPT,
    RANGE(ICR, ITR) = KEPT,
    [ICS / 4] = WRITE,
    [IMS / 4] = KEPT,
    [IMC / 4] = WRITE,
    RANGE(EIAC, EITR + 0x10) = KEPT,
    [RCTL / 4] = KEPT,
    RANGE(FCTTV, 0x0180) = KEPT, /* TXCW, RXCW */
    RANGE(TCTL, 0x0410) = KEPT,  /* TCTL_EXT, TIPG */
    [0x0458 / 4] = KEPT,         /* AIT */
    RANGE(0x0e00, EXTCNF_CTRL) = KEPT,
    RANGE(0x0f08, 0x0f18) = KEPT, /* EXTCNF_SIZE, POEMB, PCIEANACFG */
    RANGE(PBA, 0x1048) = KEPT,    /* PBS, EEMNGCTL, EEARBC, FLASHT, EEWR, FLSW */
    RANGE(0x2160, PSRCTL) = KEPT, /* FCRTL, FCRTH */
    RANGE(0x2410, 0x2430) = KEPT, /* receive FIFO */
    RANGE(RDBAL, RADV) = KEPT,
    RANGE(0x2900, 0x292c) = KEPT, /* receive queue 1 */
    RANGE(0x2c00, 0x2c08) = KEPT, /* RSRPD, RAID */
    RANGE(0x3410, 0x3430) = KEPT, /* transmit FIFO */
    RANGE(TDBAL, TARC0) = KEPT,
    RANGE(0x3900, 0x3940) = KEPT, /* transmit queue 1 */
    RANGE(STATISTICS, 0x41fc) = READ,
    RANGE(RXCSUM, RFCTL) = KEPT,
    RANGE(MTA, 0x547c) = KEPT, /* and RAL, RAH: 16 of each */
    RANGE(VFTA, 0x57fc) = KEPT,
    RANGE(0x5800, 0x58fc) = KEPT, /* wake-up, MRQC, MANC, IP addresses */
    RANGE(0x5900, 0x5a7c) = KEPT, /* wake-up packets */
    RANGE(0x5b00, 0x5b60) = KEPT, /* GCR, FACTPS, SWSM, SWSM2 */
    RANGE(0x5c00, 0x5ca4) = KEPT, /* RETA, RSSRK */
    RANGE(0x5f00, 0x5f50) = KEPT, /* FFLT, CRC offset */
    RANGE(0x6000, 0x6050) = KEPT, /* time stamps, from TIMESTAMP on */
};

#define FWSM       0x5b54u /* reads 0: no firmware */
#define EEMNGCTL   0x1010u
#define CONFIGURED 0x000c0000u /* EEMNGCTL: both ports, 82574 10.2.2.14 */

/* ---- statistics: 82574 10.2.7 ---- */

enum half { WHOLE, LOW, HIGH };

/* What a register of statistics counts; 0: nothing that happens here. */
static uint64_t counted(const struct e1000_model *m, uint32_t reg, enum half *half)
{
	*half = WHOLE;
	switch (reg) {
	case 0x4010: /* MPC: no receive buffer */
		return count_read(&m->missed);
	case 0x4074: /* GPRC */
	case 0x40d0: /* TPR */
		return count_read(&m->got_stats.frames);
	case 0x4078: /* BPRC */
		return count_read(&m->got_stats.broadcast);
	case 0x407c: /* MPRC */
		return count_read(&m->got_stats.multicast);
	case 0x4080: /* GPTC */
	case 0x40d4: /* TPT */
		return count_read(&m->sent_stats.frames);
	case 0x40f0: /* MPTC */
		return count_read(&m->sent_stats.multicast);
	case 0x40f4: /* BPTC */
		return count_read(&m->sent_stats.broadcast);
	case 0x40f8: /* TSCTC */
		return count_read(&m->segmented);
	case 0x4088: /* GORC */
	case 0x408c:
	case 0x40c0: /* TOR */
	case 0x40c4:
		*half = reg & 4 ? HIGH : LOW;
		return count_read(&m->got_stats.bytes);
	case 0x4090: /* GOTC */
	case 0x4094:
	case 0x40c8: /* TOT */
	case 0x40cc:
		*half = reg & 4 ? HIGH : LOW;
		return count_read(&m->sent_stats.bytes);
	default:
		return 0;
	}
}

/* A read clears it; of one with two halves, that of the high one, as far as the low one was read.
 */
static uint32_t read_statistics(struct e1000_model *m, uint32_t reg)
{
	enum half half;
	uint64_t now = counted(m, reg, &half), v;
	unsigned i = (reg - STATISTICS) / 4;

	if (half == HIGH) {
		v = m->latched[i - 1] - m->cleared[i - 1];
		m->cleared[i - 1] = m->latched[i - 1];
		return (uint32_t)(v >> 32);
	}
	v = now - m->cleared[i];
	if (half == LOW)
		m->latched[i] = now;
	else
		m->cleared[i] = now;
	return half == WHOLE && v > ~0u ? ~0u : (uint32_t)v;
}

/* ---- reset ---- */

/* 82574 10.2; registers that are not here begin with 0. */
void e1000_model_defaults(struct e1000_model *m)
{
	static const struct {
		uint32_t reg, value;
	} at_reset[] = {
	    {CTRL, 1u << 0 | 1u << 9 | CTRL_SLU}, /* full duplex, 1000 Mb/s */
	    {VET, 0x8100},
	    {PBA, 0x00140014},
	    {EEMNGCTL, CONFIGURED},
	    {RXDCTL, 1u << 16},
	    {TXDCTL, TXDCTL_BIT22},
	    {TARC0, 0x403},
	};
	uint32_t low = (uint32_t)m->mac, high = (uint32_t)(m->mac >> 32);

	for (unsigned i = 0; i < E1000_MODEL_WORDS; i++)
		atomic_store_explicit(&m->reg[i], 0, memory_order_relaxed);
	for (unsigned i = 0; i < sizeof at_reset / sizeof at_reset[0]; i++)
		e1000_model_set(m, at_reset[i].reg, at_reset[i].value);
	for (uint32_t reg = STATISTICS; reg < STATISTICS + 4 * E1000_MODEL_STATS; reg += 4)
		read_statistics(m, reg);
	e1000_model_eecd(m, 0);
	e1000_model_set(m, RAL, low);
	e1000_model_set(m, RAH, high | RAH_AV);
}

/* ---- reads ---- */

static uint32_t read_semaphore(struct e1000_model *m)
{
	uint32_t v = e1000_model_get(m, SWSM);

	e1000_model_set(m, SWSM, v | SWSM_SMBI); /* 82574 10.2.3.11: taken by who reads 0 */
	return v;
}

/* m->lock held. */
static uint32_t read_register(struct e1000_model *m, uint32_t reg)
{
	if (reg >= STATISTICS && reg < STATISTICS + 4 * E1000_MODEL_STATS)
		return read_statistics(m, reg);
	switch (reg) {
	case STATUS:
		return e1000_model_status(m);
	case ICR:
		return e1000_model_icr_read(m);
	case IMS:
		return e1000_model_ims(m);
	case SWSM:
		return read_semaphore(m);
	case FWSM:
		return 0;
	default:
		return e1000_model_get(m, reg);
	}
}

/* ---- writes ---- */

/* The head of a ring: the driver sets it while the ring is off.  m->lock held. */
static void write_head(struct e1000_model *m, uint32_t reg, uint32_t v)
{
	const struct e1000_model_ring *r = reg == TDH ? &m->tx : &m->rx;

	if (e1000_model_ready(r))
		return;
	e1000_model_set(m, reg, v & 0xffff);
}

static void write_ctrl(struct e1000_model *m, uint32_t v)
{
	if (v & CTRL_RST) {
		e1000_model_count(m, E1000_MODEL_COUNT_resets);
		e1000_model_reset(m);
		return;
	}
	if (v & CTRL_PHY_RST)
		e1000_model_phy_reset(m);
	e1000_model_set(m, CTRL, v & ~CTRL_PHY_RST);
	e1000_model_tx_configure(m);
	e1000_model_rx_configure(m);
}

/* m->lock held. */
static void write_register(struct e1000_model *m, uint32_t reg, uint32_t v)
{
	switch (reg) {
	case CTRL:
		write_ctrl(m, v);
		break;
	case EECD:
		e1000_model_eecd(m, v);
		break;
	case EERD:
		e1000_model_eerd(m, v);
		break;
	case MDIC:
		e1000_model_mdic(m, v);
		break;
	case ICR:
		e1000_model_icr_write(m, v);
		break;
	case ICS:
		e1000_model_raise(m, v);
		break;
	case IMS:
		e1000_model_mask(m, v, 0);
		break;
	case IMC:
		e1000_model_mask(m, 0, v);
		break;
	case TDH:
	case RDH:
		write_head(m, reg, v);
		break;
	case TCTL:
	case TDBAL:
	case TDBAH:
	case TDLEN:
		e1000_model_set(m, reg, v);
		e1000_model_tx_configure(m);
		break;
	case RCTL:
	case RDBAL:
	case RDBAH:
	case RDLEN:
	case RFCTL:
	case PSRCTL:
		e1000_model_set(m, reg, v);
		e1000_model_rx_configure(m);
		break;
	default:
		e1000_model_set(m, reg, v);
	}
}

/* A tail needs no lock: each direction reads it once per visit, and checks it there. */
static void write_tail(struct e1000_model *m, uint32_t reg, uint32_t v)
{
	atomic_store_explicit(&m->reg[reg / 4], v, memory_order_release);
	if (reg == RDT) {
		e1000_model_rx_tail(m);
		return;
	}
	e1000_model_count(m, E1000_MODEL_COUNT_kicks);
	e1000_model_tx_kick(m);
}

static bool may(uint32_t off, unsigned size, uint8_t what)
{
	bool stamps = off - TIMESTAMP < 0x54;

	return size == 4 && off % 4 == 0 && (off < 0x6000 || stamps) &&
	       allowed[e1000_model_word(off)] & what;
}

/* An access to a register, by memory or by I/O. */
static void access_register(struct e1000_model *m, uint32_t off, unsigned size, bool write,
                            uint64_t *val)
{
	if (!may(off, size, write ? WRITE : READ)) {
		e1000_model_count(m, E1000_MODEL_COUNT_bad_access);
		if (!write)
			*val = 0;
		return;
	}
	if (write && (off == TDT || off == RDT)) {
		write_tail(m, off, (uint32_t)*val);
		return;
	}
	spin_lock(&m->lock);
	if (write)
		write_register(m, off, (uint32_t)*val);
	else
		*val = read_register(m, off);
	spin_unlock(&m->lock);
}

#define IOADDR 0 /* of the I/O BAR: 8254x 13.2.2.1 */
#define IODATA 4

/* The address of a register, then its content. */
static void access_io(struct e1000_model *m, uint32_t off, unsigned size, bool write, uint64_t *val)
{
	uint32_t reg;

	spin_lock(&m->lock);
	if (off == IOADDR && size == 4 && write)
		m->io_address = (uint32_t)*val;
	reg = m->io_address;
	spin_unlock(&m->lock);
	if (off != IOADDR)
		access_register(m, off == IODATA && reg < E1000_MODEL_BAR ? reg : ~0u, size, write,
		                val);
	else if (!write)
		*val = reg;
}

void e1000_model_bar(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size, bool write,
                     uint64_t *val)
{
	struct e1000_model *m = (struct e1000_model *)d;

	if (bar == E1000_MODEL_BAR_IO)
		access_io(m, off, size, write, val);
	else
		access_register(m, off, size, write, val);
}
