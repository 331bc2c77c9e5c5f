/* SPDX-License-Identifier: BSD-2-Clause */
/* Decides what a machine check leads to. */
#include "arch/x86_64/mce.h"

/*
 * With software error recovery (SDM 3, 15.6.3) an error without S or AR is in data that no program
 * has consumed yet.  An error with both belongs to the core that consumed it; the exception reaches
 * the other cores too, which see the shared bank with RIPV = 1 and EIPV = 0 (SDM 3, 15.10.4.1).
 */
static bool is_bystander(const struct mce_state *m)
{
	return (m->mcg_status & (MCG_RIPV | MCG_EIPV)) == MCG_RIPV;
}

static bool requires_action(uint64_t status)
{
	return (status & (MCI_S | MCI_AR)) == (MCI_S | MCI_AR);
}

static bool may_wait(const struct mce_state *m, uint64_t status)
{
	return m->recovers && (!requires_action(status) || is_bystander(m));
}

static enum mce_verdict judge_bank(const struct mce_state *m, uint64_t status, bool in_guest)
{
	if (!(status & MCI_VAL))
		return MCE_GO_ON;
	if (status & MCI_PCC)
		return MCE_PANIC;
	if (!(status & MCI_UC))
		return MCE_GO_ON;
	if (status & MCI_OVER)
		return MCE_PANIC;
	if (may_wait(m, status))
		return MCE_GO_ON;
	return in_guest ? MCE_STOP_GUEST : MCE_PANIC;
}

static unsigned first_valid(const struct mce_state *m)
{
	unsigned i = 0;

	while (i < m->banks && !(m->status[i] & MCI_VAL))
		i++;
	return i;
}

/* Without RIPV the interrupted program cannot go on, whatever the banks say. */
enum mce_verdict mce_judge(const struct mce_state *m, bool in_guest, unsigned *bank)
{
	enum mce_verdict worst = MCE_GO_ON;

	*bank = first_valid(m);
	if (!(m->mcg_status & MCG_RIPV))
		worst = in_guest ? MCE_STOP_GUEST : MCE_PANIC;
	for (unsigned i = 0; i < m->banks; i++) {
		enum mce_verdict v = judge_bank(m, m->status[i], in_guest);

		if (v <= worst)
			continue;
		worst = v;
		*bank = i;
	}
	return worst;
}

bool mce_may_clear(const struct mce_state *m, unsigned bank)
{
	return !(m->recovers && is_bystander(m) && requires_action(m->status[bank]));
}
