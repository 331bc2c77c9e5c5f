/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec_ctrl.h: a guest's IA32_SPEC_CTRL, which restricts speculation on its core.
 *
 * The register holds the guest's value while the guest runs, and 0 while the VMM does.  Until a
 * guest writes a value other than 0 its accesses exit and a world switch costs nothing; from then
 * on it accesses the register directly, and each switch reads the register, and writes it unless it
 * is 0. A CPU with V_SPEC_CTRL (SVM) switches the register itself: none of this is needed.
 */
#ifndef ARCH_HVM_SPEC_CTRL_H
#define ARCH_HVM_SPEC_CTRL_H
#include <stdbool.h>
#include <stdint.h>

struct spec_ctrl {
	uint64_t value; /* the guest's, while it does not run */
	bool own;       /* it accesses the register directly */
};

enum spec_ctrl_write { SPEC_CTRL_FAULT, SPEC_CTRL_SAME, SPEC_CTRL_GIVE };

/* Handles an exit for a write of `value`; `bits`: those that the guest's CPUID offers
 * (cpuid_spec_ctrl()).  SPEC_CTRL_FAULT: inject #GP.  SPEC_CTRL_GIVE: `s` has the value; open the
 * MSR to the guest. */
static inline enum spec_ctrl_write spec_ctrl_write(struct spec_ctrl *s, uint64_t bits,
                                                   uint64_t value)
{
	if (!bits || value & ~bits)
		return SPEC_CTRL_FAULT;
	s->value = value;
	if (!value)
		return SPEC_CTRL_SAME;
	s->own = true;
	return SPEC_CTRL_GIVE;
}

/* Before an entry: loads the guest's value. */
static inline void spec_ctrl_enter(const struct spec_ctrl *s, void (*write)(uint64_t value))
{
	if (s->own && s->value)
		write(s->value);
}

/* After an entry, even a failed one: saves the guest's value and loads the VMM's. */
static inline void spec_ctrl_leave(struct spec_ctrl *s, uint64_t (*read)(void),
                                   void (*write)(uint64_t value))
{
	if (!s->own)
		return;
	s->value = read();
	if (s->value)
		write(0);
}
#endif
