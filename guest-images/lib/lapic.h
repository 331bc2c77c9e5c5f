/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC by MSRs (x2APIC) or by its page (xAPIC); registers have the names and offsets of
 * the AMD64 manual, volume 2, chapter 16.
 */
#ifndef GUEST_LAPIC_H
#define GUEST_LAPIC_H
#include <stdbool.h>
#include <stdint.h>

#define LAPIC_PAGE        0xfee00000ul
#define LAPIC_ID          0x020
#define LAPIC_VERSION     0x030
#define LAPIC_TPR         0x080
#define LAPIC_EOI         0x0b0
#define LAPIC_SVR         0x0f0
#define LAPIC_ISR         0x100
#define LAPIC_ICR         0x300
#define LAPIC_ICR_HIGH    0x310
#define LAPIC_LVT_TIMER   0x320
#define LAPIC_TIMER_INIT  0x380
#define LAPIC_TIMER_COUNT 0x390
#define LAPIC_TIMER_DIV   0x3e0

#define ICR_FIXED    0x0000
#define ICR_INIT     0x4500
#define ICR_STARTUP  0x4600
#define ICR_SELF     0x40000
#define ICR_OTHERS   0xc0000
#define ICR_PENDING  0x1000
#define LVT_MASKED   0x10000
#define LVT_PERIODIC 0x20000
#define DIVIDE_BY_1  0xb

/*
 * Enables the boot CPU's APIC, as x2APIC where the CPU has it and `page_only` is false.
 * Returns true when x2APIC is on.
 */
bool lapic_init(bool page_only);

/* From now on uses the xAPIC page; the caller has switched the APIC to that mode. */
void lapic_use_page(void);

/* Enables an AP's APIC, in the mode that the boot CPU chose. */
void lapic_init_ap(void);

uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t v);
uint32_t lapic_id(void);
void lapic_eoi(void);

/* Sends an inter-processor interrupt: `command` is the low word of the ICR. */
void lapic_send(uint32_t dest, uint32_t command);

/* Starts the timer, undivided; `mode` is 0 (one shot) or LVT_PERIODIC, `count` in timer ticks. */
void lapic_timer(uint8_t vector, uint32_t mode, uint32_t count);
void lapic_timer_stop(void);
#endif
