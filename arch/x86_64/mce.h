/* SPDX-License-Identifier: BSD-2-Clause */
/* mce.h: machine checks: hardware errors, signalled by exception 18 (Intel SDM vol. 3, chapter
 * 15; AMD APM vol. 2, chapter 9). */
#ifndef ARCH_MCE_H
#define ARCH_MCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCE_BANKS 32 /* with MSRs from 400h on */

/* MCG_STATUS */
#define MCG_RIPV (1ul << 0) /* the interrupted program can be resumed */
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

/* What a machine check leads to, in order of severity. */
enum mce_verdict { MCE_GO_ON, MCE_STOP_GUEST, MCE_PANIC };

/* One core's machine-check registers. */
struct mce_state {
	uint64_t mcg_status;
	bool recovers; /* MCG_SER_P: S and AR are valid */
	unsigned banks;
	uint64_t status[MCE_BANKS];
};

/* mce_policy.c: the verdict, computed from register values only; in_guest: a guest was interrupted.
 * *bank: the bank that decided, else the first one with an error, else state->banks. */
enum mce_verdict mce_judge(const struct mce_state *state, bool in_guest, unsigned *bank);

/* May this core clear the bank?  Not if the core that the error belongs to has yet to read it. */
bool mce_may_clear(const struct mce_state *state, unsigned bank);

/* Logs and clears the errors in the running core's banks, and enables error reporting. */
void mce_init(void);

/*
 * Judges a machine check that hit the running core, and describes it in `text`.  Clears the banks
 * unless the verdict is a panic.  Takes no lock: the exception may come anywhere.
 */
enum mce_verdict mce_handle(bool in_guest, char *text, size_t size);
#endif
