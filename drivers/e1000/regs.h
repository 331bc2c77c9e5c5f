/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and descriptors of the 8254x and 82574L.  "8254x" in comments is Intel's PCI/PCI-X
 * Family of Gigabit Ethernet Controllers Software Developer's Manual (317453), "82574" the 82574
 * datasheet (section 10).
 */
#ifndef DRIVERS_E1000_REGS_H
#define DRIVERS_E1000_REGS_H
#include <stdint.h>

enum { /* 8254x 13.4, 82574 10.2 */
       CTRL = 0x0000,
       STATUS = 0x0008,
       EECD = 0x0010,
       EERD = 0x0014,
       CTRL_EXT = 0x0018,
       MDIC = 0x0020,
       FCAL = 0x0028,
       FCAH = 0x002c,
       FCT = 0x0030,
       VET = 0x0038,
       ICR = 0x00c0,
       ITR = 0x00c4,
       ICS = 0x00c8,
       IMS = 0x00d0,
       IMC = 0x00d8,
       EIAC = 0x00dc, /* 82574, as IAM, IVAR and EITR */
       IAM = 0x00e0,
       IVAR = 0x00e4,
       EITR = 0x00e8, /* one for each of five vectors */
       RCTL = 0x0100,
       FCTTV = 0x0170,
       TCTL = 0x0400,
       TIPG = 0x0410,
       EXTCNF_CTRL = 0x0f00, /* 82574 */
       PBA = 0x1000,
       PSRCTL = 0x2170, /* 82574 */
       RDBAL = 0x2800,
       RDBAH = 0x2804,
       RDLEN = 0x2808,
       RDH = 0x2810,
       RDT = 0x2818,
       RDTR = 0x2820,
       RXDCTL = 0x2828,
       RADV = 0x282c,
       TDBAL = 0x3800,
       TDBAH = 0x3804,
       TDLEN = 0x3808,
       TDH = 0x3810,
       TDT = 0x3818,
       TIDV = 0x3820,
       TXDCTL = 0x3828,
       TADV = 0x382c,
       TARC0 = 0x3840,
       STATISTICS = 0x4000, /* up to 0x41ff, each cleared by a read */
       RXCSUM = 0x5000,
       RFCTL = 0x5008, /* 82574 */
       MTA = 0x5200,
       RAL = 0x5400,
       RAH = 0x5404,
       VFTA = 0x5600,
       SWSM = 0x5b50,      /* 82574 */
       TIMESTAMP = 0xb600, /* 82574, up to 0xb653: its clock and what it stamps */
};

#define CTRL_GIO_MASTER_DISABLE (1u << 2) /* 82574 */
#define CTRL_LRST               (1u << 3)
#define CTRL_ASDE               (1u << 5)
#define CTRL_SLU                (1u << 6)
#define CTRL_ILOS               (1u << 7)
#define CTRL_FRCSPD             (1u << 11)
#define CTRL_FRCDPLX            (1u << 12)
#define CTRL_RST                (1u << 26)
#define CTRL_VME                (1u << 30)
#define CTRL_PHY_RST            (1u << 31)

#define STATUS_FD         (1u << 0)
#define STATUS_LU         (1u << 1)
#define STATUS_SPEED_1000 (2u << 6)
#define STATUS_GIO_MASTER (1u << 19) /* 82574 */

#define EECD_SK      (1u << 0) /* the lines to a Microwire EEPROM, 8254x 13.4.3 */
#define EECD_CS      (1u << 1)
#define EECD_DI      (1u << 2)
#define EECD_DO      (1u << 3)
#define EECD_REQ     (1u << 6)
#define EECD_GNT     (1u << 7)
#define EECD_PRESENT (1u << 8)
#define EECD_AUTO_RD (1u << 9) /* 82574 */

#define CTRL_EXT_EIAME    (1u << 24) /* 82574, as the two below */
#define CTRL_EXT_IAME     (1u << 27)
#define CTRL_EXT_DRV_LOAD (1u << 28)

#define MDIC_REG(v)    ((v) >> 16 & 31)
#define MDIC_PHY(v)    ((v) >> 21 & 31)
#define MDIC_WRITE     (1u << 26)
#define MDIC_READ      (2u << 26)
#define MDIC_OP_MASK   (3u << 26)
#define MDIC_READY     (1u << 28)
#define MDIC_INTERRUPT (1u << 29)
#define MDIC_ERROR     (1u << 30)

#define SWSM_SMBI (1u << 0)

#define INT_TXDW     (1u << 0)
#define INT_TXQE     (1u << 1)
#define INT_LSC      (1u << 2)
#define INT_RXDMT0   (1u << 4)
#define INT_RXO      (1u << 6)
#define INT_RXT0     (1u << 7)
#define INT_MDAC     (1u << 9)
#define INT_SRPD     (1u << 16)
#define INT_ACK      (1u << 17)
#define INT_MNG      (1u << 18)
#define INT_RXQ0     (1u << 20) /* 82574: causes with a vector each, by IVAR */
#define INT_TXQ0     (1u << 22)
#define INT_OTHER    (1u << 24)
#define INT_ASSERTED (1u << 31)
#define INT_ALL      0xffffffffu
#define INT_OTHERS   (INT_LSC | INT_RXO | INT_MDAC | INT_SRPD | INT_ACK | INT_MNG)

#define IVAR_VALID 8u /* in each field of four bits */
#define IVAR_EVERY (1u << 31)

#define RCTL_EN         (1u << 1)
#define RCTL_UPE        (1u << 3)
#define RCTL_MPE        (1u << 4)
#define RCTL_LPE        (1u << 5) /* frames of more than 1522 bytes, CRC included */
#define RCTL_DTYP_MASK  (3u << 10)
#define RCTL_DTYP_SPLIT (1u << 10) /* 82574: descriptors of four buffers */
#define RCTL_MO(v)      ((v) >> 12 & 3)
#define RCTL_BAM        (1u << 15)
#define RCTL_BSIZE(v)   ((v) >> 16 & 3)
#define RCTL_VFE        (1u << 18)
#define RCTL_BSIZE_2048 0u
#define RCTL_BSIZE_4K   (3u << 16 | RCTL_BSEX)
#define RCTL_BSIZE_8K   (2u << 16 | RCTL_BSEX)
#define RCTL_BSIZE_16K  (1u << 16 | RCTL_BSEX)
#define RCTL_BSEX       (1u << 25)
#define RCTL_SECRC      (1u << 26)
#define RCTL_FLXBUF(v)  ((v) >> 27 & 15) /* 82574: KiB; 0: BSIZE holds */

#define RFCTL_EXSTEN (1u << 15)

#define RXCSUM_TUOFL (1u << 9)

#define TCTL_EN      (1u << 1)
#define TCTL_PSP     (1u << 3)
#define TCTL_CT      (0x0fu << 4)
#define TCTL_COLD_FD (0x40u << 12)
#define TCTL_MULR    (1u << 28) /* 82574 */

#define TIPG_COPPER (10u | 8u << 10 | 6u << 20) /* 8254x 13.4.34 */
#define TIPG_82574  (8u | 8u << 10 | 7u << 20)  /* 82574 10.2.6.2 */

#define TXDCTL_BIT22 (1u << 22) /* 82574: must be written as 1 */

#define RAH_AV (1u << 31)

/* Legacy receive descriptor, 8254x 3.2.3. */
struct e1000_rx_desc {
	uint64_t addr;
	uint16_t len, csum;
	uint8_t status, errors;
	uint16_t special;
};
#define RXD_DD    0x01
#define RXD_EOP   0x02
#define RXD_IXSM  0x04
#define RXD_VP    0x08
#define RXD_UDPCS 0x10
#define RXD_TCPCS 0x20
#define RXE_CE    0x01
#define RXE_SE    0x02
#define RXE_SEQ   0x04
#define RXE_CXE   0x10
#define RXE_RXE   0x80

/* Transmit descriptor: context (8254x 3.3.6) or data (3.3.7), as two words. */
struct e1000_tx_desc {
	uint64_t low, high;
};
#define TXD_LEN_MASK 0xfffffull
#define TXD_DTYP_CTX (0ull << 20)
#define TXD_DTYP_DAT (1ull << 20)
#define TXD_EOP      (1ull << 24) /* data */
#define TXD_IFCS     (1ull << 25) /* data */
#define TXD_CTX_TCP  (1ull << 24) /* context */
#define TXD_CTX_IPV4 (1ull << 25) /* context */
#define TXD_TSE      (1ull << 26)
#define TXD_IC       (1ull << 26) /* legacy */
#define TXD_RS       (1ull << 27)
#define TXD_DEXT     (1ull << 29)
#define TXD_VLE      (1ull << 30)
#define TXD_DD       (1ull << 32)
#define TXD_IXSM     (1ull << 40)
#define TXD_TXSM     (1ull << 41)
#endif
