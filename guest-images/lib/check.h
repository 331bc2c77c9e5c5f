/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line protocol of the test guests on COM1: `ok NAME` or `FAIL NAME reason` for each check,
 * `done` last; other lines are free text.  The debug-exit status is 1 if a check failed.
 */
#ifndef GUEST_CHECK_H
#define GUEST_CHECK_H
#include <stdbool.h>

/* Prints the verdict on `name`; the reason is printed when `held` is false. Returns `held`. */
bool check(bool held, const char *name, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));

_Noreturn void done(void);
#endif
