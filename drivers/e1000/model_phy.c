/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_phy.c: the PHY behind MDIC, and the state of the link.
 *
 * The link is up while the PHY is: the other end is the switch, which is always there, and
 * auto-negotiation ends at once with 1000 Mb/s, full duplex.  Of the PHY's pages only page 0 has
 * registers; the others read as 0.
 */
#include "drivers/e1000/model_parts.h"

#define PHY_ADDRESS 1 /* 82574 9.3.1 */

enum { /* IEEE 802.3, 22.2.4 and 40.5.1; from 16 on the 82574's PHY (82574 9.5) */
       BMCR = 0,
       BMSR = 1,
       PHY_ID1 = 2,
       PHY_ID2 = 3,
       ADVERTISE = 4,
       PARTNER = 5,
       EXPANSION = 6,
       CONTROL_1000 = 9,
       STATUS_1000 = 10,
       EXTENDED = 15,
       SPECIFIC = 17,
       PAGE = 22,
};
#define BMCR_RESTART  0x0200
#define BMCR_DOWN     0x0800
#define BMCR_RESET    0x8000
#define BMCR_DEFAULT  0x1140 /* auto-negotiation, full duplex, 1000 Mb/s */
#define BMSR_CAN      0x7949 /* 10 and 100 Mb/s, extended status, auto-negotiation */
#define BMSR_UP       0x0024 /* link, negotiation complete */
#define ID_82574      0x01410cb1u
#define ID_82540      0x01410c20u
#define SPECIFIC_UP   0xac00 /* 1000 Mb/s, full duplex, resolved, link */
#define PARTNER_ALL   0x41e1 /* 10 and 100 Mb/s, no PAUSE */
#define PARTNER_GIGA  0x3800 /* STATUS_1000: both receivers well, the partner has 1000 Mb/s */
#define EXTENDED_GIGA 0x3000
#define NEGOTIATED    0x000f /* EXPANSION: both ends know pages and negotiate */

void e1000_model_phy_reset(struct e1000_model *m)
{
	for (unsigned i = 0; i < 32; i++)
		m->phy[i] = 0;
	m->phy[BMCR] = BMCR_DEFAULT;
	m->phy[ADVERTISE] = 0x0de1;
	m->phy[CONTROL_1000] = 0x0300;
	m->phy_page = 0;
}

static bool is_up(const struct e1000_model *m)
{
	return !(m->phy[BMCR] & BMCR_DOWN);
}

static uint16_t read_phy(const struct e1000_model *m, unsigned reg)
{
	uint32_t id = m->is_82574 ? ID_82574 : ID_82540;
	bool up = is_up(m);

	switch (reg) {
	case PAGE:
		return m->phy_page;
	case BMSR:
		return BMSR_CAN | (up ? BMSR_UP : 0);
	case PHY_ID1:
		return (uint16_t)(id >> 16);
	case PHY_ID2:
		return (uint16_t)id;
	case PARTNER:
		return up ? PARTNER_ALL : 0;
	case EXPANSION:
		return up ? NEGOTIATED : 0;
	case STATUS_1000:
		return up ? PARTNER_GIGA : 0;
	case EXTENDED:
		return EXTENDED_GIGA;
	case SPECIFIC:
		return up ? SPECIFIC_UP : 0;
	default:
		return m->phy[reg];
	}
}

/* True: the link has changed, or was negotiated anew. */
static bool write_phy(struct e1000_model *m, unsigned reg, uint16_t v)
{
	bool was = is_up(m);

	if (reg != BMCR) {
		m->phy[reg] = v;
		return false;
	}
	if (v & BMCR_RESET)
		e1000_model_phy_reset(m);
	else
		m->phy[BMCR] = v & (uint16_t)~BMCR_RESTART;
	return is_up(m) && (!was || v & (BMCR_RESTART | BMCR_RESET));
}

void e1000_model_mdic(struct e1000_model *m, uint32_t v)
{
	unsigned reg = MDIC_REG(v), op = v & MDIC_OP_MASK;
	bool changed = false;

	v &= ~(MDIC_READY | MDIC_ERROR);
	if (MDIC_PHY(v) != PHY_ADDRESS || (op != MDIC_READ && op != MDIC_WRITE)) {
		v |= MDIC_ERROR;
	} else if (op == MDIC_WRITE && reg == PAGE) {
		m->phy_page = (uint16_t)v;
	} else if (op == MDIC_WRITE) {
		changed = m->phy_page == 0 && write_phy(m, reg, (uint16_t)v);
	} else {
		v &= 0xffff0000;
		v |= m->phy_page && reg != PAGE ? 0 : read_phy(m, reg);
	}
	e1000_model_set(m, MDIC, v | MDIC_READY);
	e1000_model_raise(m, (v & MDIC_INTERRUPT ? INT_MDAC : 0) | (changed ? INT_LSC : 0));
}

/* 82574 10.2.2.7: as of a driver that finds the PHY's state here. */
uint32_t e1000_model_status(const struct e1000_model *m)
{
	uint32_t ctrl = e1000_model_get(m, CTRL);

	return STATUS_FD | STATUS_SPEED_1000 | (is_up(m) && ctrl & CTRL_SLU ? STATUS_LU : 0) |
	       (m->is_82574 && !(ctrl & CTRL_GIO_MASTER_DISABLE) ? STATUS_GIO_MASTER : 0);
}
