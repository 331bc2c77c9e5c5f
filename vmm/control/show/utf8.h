/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.h: characters of UTF-8 in bytes that may be anything. */
#ifndef VMM_CONTROL_SHOW_UTF8_H
#define VMM_CONTROL_SHOW_UTF8_H
#include <stdint.h>

/* Length of the UTF-8 sequence at s (RFC 3629), which ends with a NUL; 0: not UTF-8. */
unsigned utf8_length(const uint8_t *s);
#endif
