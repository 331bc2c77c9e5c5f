/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit_times.h: histograms (lib/hist.h) of the time that a vCPU's exits take from its core, one for
 * each kind of exit.
 *
 * Measured are TSC ticks, from when the VMM has the core to when it gives it back, with all that
 * the core did in between: the exit itself, and requests to the core.  All kinds together are what
 * the guest lost: its noise.
 */
#ifndef VMM_EXIT_TIMES_H
#define VMM_EXIT_TIMES_H
#include "lib/hist.h"
#include "vmm/vm.h"

/* Makes a vCPU's histograms, which its core fills from then on.  Does nothing if it has some.
 * False: no memory.  This and the next two under the lock of control requests. */
bool exit_times_make(struct vcpu *v);

/* Frees them; on return the core writes to none.  Does nothing if there are none. */
void exit_times_free(struct vcpu *v);

/* Adds the histogram of a kind, or with VMEXIT_COUNT of all of them, to *sum.  False: nothing is
 * measured. */
bool exit_times_read(const struct vcpu *v, enum vmexit_kind kind, struct hist *sum);

/* Bytes of a vCPU's histograms. */
uint64_t exit_times_bytes(void);

/* By the vCPU's core, while there may be histograms: an exit began; the guest is entered now, which
 * ends it; the guest does not go on where it was, and the time since its last exit is nobody's. */
void exit_times_began(struct vcpu *v, enum vmexit_kind kind, uint64_t tsc);
void exit_times_ended(struct vcpu *v, uint64_t tsc);
void exit_times_forget(struct vcpu *v);

/* Are there histograms?  A relaxed load, which gcc would compile to one instruction more. */
static inline bool exit_times_on(const struct vcpu *v)
{
	bool on;

	__asm__("cmpq $0, %1" : "=@ccne"(on) : "m"(*(void *const *)&v->times));
	return __builtin_expect(on, 0);
}
#endif
