/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apic_regs.h: the registers of a local APIC, by number (Intel SDM vol. 3, tables 11-1 and 11-6;
 * AMD APM vol. 2, table 16-2).
 *
 * Number n is MSR 800h + n in x2APIC mode, and 16 * n an offset in an xAPIC's page.
 */
#ifndef ARCH_APIC_REGS_H
#define ARCH_APIC_REGS_H

#define MSR_X2APIC 0x800

enum apic_reg {
	APIC_ID = 0x02,
	APIC_VERSION = 0x03,
	APIC_TPR = 0x08,
	APIC_PPR = 0x0a,
	APIC_EOI = 0x0b,
	APIC_LDR = 0x0d,
	APIC_DFR = 0x0e, /* xAPIC only */
	APIC_SVR = 0x0f,
	APIC_ISR = 0x10, /* 8 registers: vectors in service */
	APIC_TMR = 0x18, /* 8: trigger modes */
	APIC_IRR = 0x20, /* 8: vectors pending */
	APIC_ESR = 0x28,
	APIC_LVT_CMCI = 0x2f,
	APIC_ICR = 0x30,      /* in xAPIC mode its low half */
	APIC_ICR_HIGH = 0x31, /* xAPIC only */
	APIC_LVT_TIMER = 0x32,
	APIC_LVT_THERMAL = 0x33,
	APIC_LVT_PERF = 0x34,
	APIC_LVT_LINT0 = 0x35,
	APIC_LVT_LINT1 = 0x36,
	APIC_LVT_ERROR = 0x37,
	APIC_TMICT = 0x38, /* the timer's initial count, */
	APIC_TMCCT = 0x39, /* its current count, */
	APIC_TDCR = 0x3e,  /* its divider */
	APIC_SELF_IPI = 0x3f,
	APIC_REGS = 0x40
};

/* IA32_APIC_BASE (11.4.4, 11.12.1) */
#define APIC_BASE_BSP  0x100ul
#define APIC_BASE_X2   0x400ul
#define APIC_BASE_EN   0x800ul
#define APIC_BASE_PAGE (~0xffful)

#define LVT_MASKED 0x10000u /* in every entry of the local vector table (11.5.1) */

/* The ICR's low half (11.6.1): delivery mode and level */
#define ICR_LOGICAL (1u << 11)
#define ICR_ASSERT  (1u << 14)
#define ICR_LEVEL   (1u << 15)
#define ICR_FIXED   (ICR_ASSERT | 0u << 8)
#define ICR_NMI     (ICR_ASSERT | 4u << 8)
#define ICR_INIT    (ICR_ASSERT | 5u << 8)
#define ICR_SIPI    (ICR_ASSERT | 6u << 8)
#endif
