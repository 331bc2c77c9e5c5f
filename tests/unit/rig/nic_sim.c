/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/nic_sim.h"

uint32_t *sim_reg(struct sim *s, uint32_t reg)
{
	assert_true(reg % 4 == 0 && reg < sizeof s->reg);
	return &s->reg[reg / 4];
}

static void *sim_mem(uint64_t bus)
{
	return (void *)(uintptr_t)(bus ^ SIM_BUS_KEY);
}

static uint16_t sim_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void sim_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The checksum unit: sums from css to the end, writes the complement at cso. */
static void sim_sum(uint8_t *f, uint32_t len, uint32_t css, uint32_t cso)
{
	uint32_t sum = 0;

	assert_true(css < len && cso + 2 <= len);
	for (uint32_t i = css; i < len; i++)
		sum += (i - css) & 1 ? f[i] : (uint32_t)f[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sim_put16(f + cso, (uint16_t)~sum);
}

static void sim_emit(struct sim *s, const uint8_t *f, uint32_t len)
{
	assert_true(s->n_out < SIM_FRAMES);
	s->out[s->n_out].data = malloc(len);
	memcpy(s->out[s->n_out].data, f, len);
	s->out[s->n_out++].len = len;
}

/* One segment: lengths, identification, sequence, flags, then both sums (8254x 3.5.7 and 3.5.8). */
static void sim_segment(struct sim *s, uint32_t hdr_len, uint32_t at, uint32_t len, unsigned index)
{
	uint8_t f[16384];
	uint64_t low = s->context.low, high = s->context.high;
	uint32_t ipcss = low & 255, ipcso = low >> 8 & 255, tucss = low >> 32 & 255,
	         tucso = low >> 40 & 255, total = hdr_len + len;
	bool v4 = high & TXD_CTX_IPV4, last = at + len == s->gathered;
	uint32_t seq, pseudo;

	memcpy(f, s->gather, hdr_len);
	memcpy(f + hdr_len, s->gather + at, len);
	if (v4) {
		sim_put16(f + ipcss + 2, total - ipcss);
		sim_put16(f + ipcss + 4, sim_be16(f + ipcss + 4) + index);
	} else {
		sim_put16(f + ipcss + 4, total - ipcss - 40);
	}
	seq = (uint32_t)sim_be16(f + tucss + 4) << 16 | sim_be16(f + tucss + 6);
	seq += at - hdr_len;
	sim_put16(f + tucss + 4, seq >> 16);
	sim_put16(f + tucss + 6, seq);
	if (!last)
		f[tucss + 13] &= 0xf6;
	pseudo = sim_be16(f + tucso) + total - tucss;
	sim_put16(f + tucso, (pseudo & 0xffff) + (pseudo >> 16));
	if (v4)
		sim_sum(f, tucss, ipcss, ipcso);
	sim_sum(f, total, tucss, tucso);
	sim_emit(s, f, total);
}

static void sim_frame(struct sim *s, uint64_t command)
{
	uint64_t high = s->context.high;
	uint32_t hdr_len = high >> 40 & 255, mss = high >> 48;

	if (command & TXD_TSE) {
		uint32_t ipcss;
		unsigned index;

		assert_true(high & TXD_TSE);
		assert_int_equal(high & TXD_LEN_MASK, s->gathered - hdr_len);
		ipcss = s->context.low & 255;
		assert_int_equal(sim_be16(s->gather + ipcss + (high & TXD_CTX_IPV4 ? 2 : 4)), 0);
		index = 0;
		for (uint32_t at = hdr_len; at < s->gathered; at += mss, index++)
			sim_segment(s, hdr_len, at, s->gathered - at < mss ? s->gathered - at : mss,
			            index);
		s->context.high &= ~TXD_LEN_MASK; /* counted down: good for one frame only */
	} else {
		if (command & TXD_TXSM)
			sim_sum(s->gather, s->gathered, s->context.low >> 32 & 255,
			        s->context.low >> 40 & 255);
		sim_emit(s, s->gather, s->gathered);
	}
	s->gathered = 0;
}

void sim_transmit(struct sim *s)
{
	uint64_t base = *sim_reg(s, TDBAL) | (uint64_t)*sim_reg(s, TDBAH) << 32;
	uint32_t n = *sim_reg(s, TDLEN) / 16;
	struct e1000_tx_desc *ring = sim_mem(base);
	uint32_t *head = sim_reg(s, TDH);

	assert_true(*sim_reg(s, TDT) < n);
	while (!s->tx_stopped && *head != *sim_reg(s, TDT)) {
		struct e1000_tx_desc *d = &ring[*head];

		assert_true(d->high & TXD_DEXT);
		if ((d->high & (15ull << 20)) == TXD_DTYP_CTX) {
			s->context = *d;
			s->contexts++;
		} else {
			uint32_t len = d->high & TXD_LEN_MASK;

			assert_true(len && len <= 16288 && s->gathered + len <= sizeof s->gather);
			memcpy(s->gather + s->gathered, sim_mem(d->low), len);
			s->gathered += len;
			if (d->high & TXD_EOP)
				sim_frame(s, d->high);
		}
		if (d->high & TXD_RS)
			d->high |= TXD_DD;
		*head = (*head + 1) % n;
	}
}

uint32_t sim_buffer(struct sim *s)
{
	uint32_t rctl = *sim_reg(s, RCTL), by = rctl >> 16 & 3;

	assert_true(!(rctl & RCTL_BSEX) || by);
	return (rctl & RCTL_BSEX ? 32768u : 2048u) >> by;
}

/* Whether the NIC takes a frame of this length, CRC not counted; it counts those too long. */
static bool sim_takes(struct sim *s, uint32_t len)
{
	uint32_t rctl = *sim_reg(s, RCTL);
	bool fits;

	if (!(rctl & RCTL_EN))
		return false;
	fits = len + 4 <= (rctl & RCTL_LPE ? 16384 : 1522);
	*sim_reg(s, SIM_ROC) += !fits;
	return fits;
}

bool sim_receive(struct sim *s, const uint8_t *f, uint32_t len, uint8_t errors)
{
	uint64_t base = *sim_reg(s, RDBAL) | (uint64_t)*sim_reg(s, RDBAH) << 32;
	uint32_t n = *sim_reg(s, RDLEN) / 16, *head = sim_reg(s, RDH);
	struct e1000_rx_desc *ring = sim_mem(base);
	uint32_t size = sim_buffer(s);

	if (!sim_takes(s, len))
		return false;
	for (uint32_t at = 0; at < len;) {
		struct e1000_rx_desc *d;
		uint32_t part;

		if (*head == *sim_reg(s, RDT))
			return false;
		d = &ring[*head];
		part = len - at < size ? len - at : size;
		memcpy(sim_mem(d->addr), f + at, part);
		at += part;
		d->len = (uint16_t)part;
		d->errors = errors;
		d->status = RXD_DD | (at == len ? RXD_EOP : 0);
		*head = (*head + 1) % n;
	}
	*sim_reg(s, ICR) |= INT_RXT0;
	return true;
}

static void sim_reset(struct sim *s)
{
	uint32_t ral, rah;

	s->resets++;
	s->resets_unquiet += (*sim_reg(s, RCTL) & RCTL_EN) || (*sim_reg(s, TCTL) & TCTL_EN);
	ral = *sim_reg(s, RAL);
	rah = *sim_reg(s, RAH);
	memset(s->reg, 0, sizeof s->reg);
	*sim_reg(s, STATUS) = STATUS_LU;
	*sim_reg(s, EECD) = EECD_AUTO_RD;
	*sim_reg(s, RAL) = ral;
	*sim_reg(s, RAH) = rah;
	if (s->reset_stuck)
		*sim_reg(s, CTRL) = CTRL_RST;
}

static void sim_eeprom(struct sim *s, uint32_t v)
{
	bool new = s->device == E1000_82574L;
	uint32_t word = v >> (new ? 2 : 8) & 63;

	if (!s->eeprom_dead)
		*sim_reg(s, EERD) = (uint32_t)s->eeprom[word] << 16 | (new ? 2 : 16);
}

static uint32_t sim_read(void *ctx, uint32_t reg)
{
	struct sim *s = ctx;
	uint32_t v = *sim_reg(s, reg);

	s->reads++;
	if (reg == ICR || (reg >= 0x4000 && reg < 0x4100))
		*sim_reg(s, reg) = 0;
	return v;
}

static void sim_write(void *ctx, uint32_t reg, uint32_t v)
{
	struct sim *s = ctx;

	if (reg == CTRL && v & CTRL_RST) {
		sim_reset(s);
	} else if (reg == EERD) {
		*sim_reg(s, EERD) = 0;
		sim_eeprom(s, v);
	} else if (reg == IMS) {
		*sim_reg(s, IMS) |= v;
	} else if (reg == IMC) {
		*sim_reg(s, IMS) &= ~v;
	} else {
		*sim_reg(s, reg) = v;
		if (reg == TDT)
			sim_transmit(s);
	}
}

static uint64_t sim_dma(void *ctx, const void *p)
{
	(void)ctx;
	return (uintptr_t)p ^ SIM_BUS_KEY;
}

static void sim_delay(void *ctx, unsigned us)
{
	((struct sim *)ctx)->delayed_us += us;
}

const struct e1000_ops sim_ops = {sim_read, sim_write, sim_dma, sim_delay};

struct sim *sim_new(uint16_t device)
{
	static const uint8_t mac[6] = {0x52, 0x54, 0, 1, 2, 3};
	struct sim *s = calloc(1, sizeof *s);
	uint16_t sum = 0;

	s->device = device;
	memcpy(s->eeprom, mac, 6);
	for (unsigned i = 0; i < 63; i++)
		sum = (uint16_t)(sum + s->eeprom[i]);
	s->eeprom[63] = (uint16_t)(0xbaba - sum);
	*sim_reg(s, RCTL) = RCTL_EN;
	*sim_reg(s, TCTL) = TCTL_EN;
	*sim_reg(s, IMS) = INT_ALL;
	return s;
}

void sim_forget(struct sim *s)
{
	for (unsigned i = 0; i < s->n_out; i++)
		free(s->out[i].data);
	s->n_out = 0;
}
