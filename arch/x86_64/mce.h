/* SPDX-License-Identifier: BSD-2-Clause */
/* mce.h: machine checks: errors of the hardware, told by exception 18 (Intel SDM vol. 3, chapter
 * 15; AMD APM vol. 2, chapter 9). */
#ifndef ARCH_MCE_H
#define ARCH_MCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCE_BANKS 32 /* that have MSRs from 400h on */

/* MCG_STATUS */
#define MCG_RIPV (1ul << 0) /* the interrupted program can go on */
#define MCG_EIPV (1ul << 1) /* the error belongs to the interrupted instruction */
/* MCi_STATUS */
#define MCI_AR    (1ul << 55) /* with MCG_SER_P: action is required before the program goes on */
#define MCI_S     (1ul << 56) /* with MCG_SER_P: signalled by the exception */
#define MCI_PCC   (1ul << 57) /* the core's state may be corrupt */
#define MCI_ADDRV (1ul << 58)
#define MCI_MISCV (1ul << 59)
#define MCI_UC    (1ul << 61) /* not corrected by the hardware */
#define MCI_OVER  (1ul << 62) /* an earlier error was lost */
#define MCI_VAL   (1ul << 63)

/* What becomes of a machine check, in order of gravity. */
enum mce_verdict { MCE_GO_ON, MCE_STOP_GUEST, MCE_PANIC };

/* One core's machine-check registers. */
struct mce_state {
	uint64_t mcg_status;
	bool recovers; /* MCG_SER_P: S and AR count */
	unsigned banks;
	uint64_t status[MCE_BANKS];
};

/* mce_policy.c: the verdict, from values alone; in_guest: a guest ran.  *bank is the one that
 * decided, or that comes first, or state->banks when none has an error. */
enum mce_verdict mce_judge(const struct mce_state *state, bool in_guest, unsigned *bank);

/* May this core clear the bank?  Not where the core whose error it is has yet to read it. */
bool mce_may_clear(const struct mce_state *state, unsigned bank);

/* Clears what the running core's banks hold, after a line in the log for each error, and has them
 * signal errors. */
void mce_init(void);

/*
 * Judges a machine check that hit the running core, and describes it in `text`.  Clears the banks
 * when the verdict is no panic.  Takes no lock: it may have come anywhere.
 */
enum mce_verdict mce_handle(bool in_guest, char *text, size_t size);
#endif
