/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.h: the observation window: memory in which the VMM shows what it measures (lib/window.h).
 *
 * It is made when the description asks for it (a guest with `control`, or `trace`), has one size,
 * and stays: guests may have mapped it.  Control path only, under the lock of control requests.
 */
#ifndef VMM_WINDOW_H
#define VMM_WINDOW_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/window.h"

/* Makes the window, unless there is one.  False: no memory. */
bool window_make(void);

/* The window; NULL: there is none. */
struct window *window_get(void);

/*
 * Adds a part of `size` bytes, which are rounded up to pages, and lists it.  Returns its memory,
 * which is the caller's until window_remove(); NULL: there is no window, or no room in it.  The
 * first page is zeroed, the others have what an earlier part left there.
 */
void *window_add(enum window_kind kind, unsigned owner, const char *name, uint64_t size);

/* Removes a part.  Guests that have the window still see its pages until another part uses them. */
void window_remove(void *part);

#endif
