/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec_ctrl.h: a guest's IA32_SPEC_CTRL, which says how far its core may speculate.
 *
 * The register is the guest's while it runs, and 0, the VMM's, while the VMM does.  Until a guest
 * writes something else than 0 its accesses exit and a world switch costs nothing; from then on it
 * has the register itself, and each switch reads it, and writes it unless it is 0.  Where the CPU
 * has both values in its control block (SVM, V_SPEC_CTRL) none of that is needed.
 */
#ifndef ARCH_HVM_SPEC_CTRL_H
#define ARCH_HVM_SPEC_CTRL_H
#include <stdbool.h>
#include <stdint.h>

struct spec_ctrl {
	uint64_t value; /* the guest's, while it does not run */
	bool own;       /* it has the register itself */
};

enum spec_ctrl_write { SPEC_CTRL_FAULT, SPEC_CTRL_SAME, SPEC_CTRL_GIVE };

/* The guest's write of `value` exits; `bits` are those that its CPUID tells of (cpuid_spec_ctrl()).
 * SPEC_CTRL_FAULT: #GP.  SPEC_CTRL_GIVE: `s` has the value, and the register is to be given to the
 * guest from the next entry on. */
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

/* The guest's value where the CPU is to have it, before an entry. */
static inline void spec_ctrl_enter(const struct spec_ctrl *s, void (*write)(uint64_t value))
{
	if (s->own && s->value)
		write(s->value);
}

/* The VMM's, after what was to be an entry, whether the guest ran or not. */
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
