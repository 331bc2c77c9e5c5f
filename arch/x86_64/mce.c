/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine-check banks of the running core. */
#include <stdio.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/mce.h"
#include "lib/log.h"

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL    0x17b
#define MSR_MC_CTL     0x400 /* + 4 * bank; then STATUS, ADDR and MISC */
#define MCG_CAP_BANKS  0xff
#define MCG_CAP_CTL    (1ul << 8)
#define MCG_CAP_SER    (1ul << 24)

static uint32_t bank_msr(unsigned bank, unsigned which)
{
	return MSR_MC_CTL + 4 * bank + which;
}

static bool mca_present(void)
{
	uint32_t both = 1u << 7 | 1u << 14; /* MCE, MCA */

	return (cpuid(1, 0).edx & both) == both;
}

static unsigned count_banks(void)
{
	unsigned n = mca_present() ? rdmsr(MSR_MCG_CAP) & MCG_CAP_BANKS : 0;

	return n < MCE_BANKS ? n : MCE_BANKS;
}

static void read_state(struct mce_state *m)
{
	m->banks = count_banks();
	m->mcg_status = mca_present() ? rdmsr(MSR_MCG_STATUS) : 0;
	m->recovers = mca_present() && (rdmsr(MSR_MCG_CAP) & MCG_CAP_SER);
	for (unsigned i = 0; i < m->banks; i++)
		m->status[i] = rdmsr(bank_msr(i, 1));
}

static void describe_bank(const struct mce_state *m, unsigned bank, char *text, size_t size)
{
	uint64_t status;

	if (bank == m->banks) {
		snprintf(text, size, "machine check: no bank has an error, MCG status %lx",
		         m->mcg_status);
		return;
	}
	status = m->status[bank];
	snprintf(text, size,
	         "machine check: bank %u status %lx address %lx misc %lx MCG status %lx", bank,
	         status, status & MCI_ADDRV ? rdmsr(bank_msr(bank, 2)) : 0,
	         status & MCI_MISCV ? rdmsr(bank_msr(bank, 3)) : 0, m->mcg_status);
}

static void clear_bank(unsigned bank)
{
	wrmsr(bank_msr(bank, 1), 0);
}

/* What the banks hold at boot is older: the cause of the last reset, or an error during firmware.
 */
static void report_old(const struct mce_state *m)
{
	char text[160];

	for (unsigned i = 0; i < m->banks; i++) {
		if (!(m->status[i] & MCI_VAL))
			continue;
		describe_bank(m, i, text, sizeof text);
		log_warn("recorded before this boot: %s", text);
	}
}

void mce_init(void)
{
	struct mce_state m;

	if (!mca_present())
		return;
	read_state(&m);
	report_old(&m);
	for (unsigned i = 0; i < m.banks; i++)
		clear_bank(i);
	wrmsr(MSR_MCG_STATUS, 0);
	if (rdmsr(MSR_MCG_CAP) & MCG_CAP_CTL)
		wrmsr(MSR_MCG_CTL, ~0ul);
	for (unsigned i = 0; i < m.banks; i++)
		wrmsr(bank_msr(i, 0), ~0ul);
}

/* Until MCG_STATUS is cleared, a further machine check shuts the machine down. */
enum mce_verdict mce_handle(bool in_guest, char *text, size_t size)
{
	struct mce_state m;
	unsigned bank;
	enum mce_verdict verdict;

	read_state(&m);
	verdict = mce_judge(&m, in_guest, &bank);
	describe_bank(&m, bank, text, size);
	if (verdict == MCE_PANIC)
		return verdict;
	for (unsigned i = 0; i < m.banks; i++)
		if ((m.status[i] & MCI_VAL) && mce_may_clear(&m, i))
			clear_bank(i);
	wrmsr(MSR_MCG_STATUS, 0);
	return verdict;
}
