/* SPDX-License-Identifier: BSD-2-Clause */
/* rtc.h: the CMOS clock. */
#ifndef ARCH_RTC_H
#define ARCH_RTC_H
#include <stdint.h>

/* Seconds since 1970 by the CMOS clock; 0 when there is none. */
uint64_t rtc_read(void);
#endif
