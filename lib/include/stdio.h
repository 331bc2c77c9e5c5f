/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of <stdio.h> that a freestanding image has; host builds use libc's own header. */
#ifndef LIB_STDIO_H
#define LIB_STDIO_H
#include <stdarg.h>
#include <stddef.h>

/* As in C11, with d i u x X p s c % and the flags 0 - and width, precision for s, l ll z h hh. */
int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
#endif
