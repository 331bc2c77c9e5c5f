/* SPDX-License-Identifier: BSD-2-Clause */
/* Which barriers a CPU has and asks for (barrier.h). */
#include "arch/x86_64/barrier.h"

#define MD_CLEAR       (1ul << 10) /* CPUID 7 EDX: VERW overwrites buffers (Intel, MDS) */
#define IBRS_IBPB      (1ul << 26)
#define L1D_FLUSH      (1ul << 28)
#define AMD_IBPB       (1ul << 12) /* CPUID 80000008h EBX (AMD64 indirect branch control) */
#define AMD_VERW_CLEAR (1ul << 5)  /* CPUID 80000021h EAX (AMD, TSA) */
#define RDCL_NO        (1ul << 0)  /* IA32_ARCH_CAPABILITIES: no L1 terminal fault either */
#define SKIP_L1DFL     (1ul << 3)  /* the hypervisor below Patio flushes at each entry */
#define FB_CLEAR       (1ul << 17) /* VERW overwrites fill buffers (MMIO stale data) */
#define RFDS_CLEAR     (1ul << 28) /* and register files */

/*
 * One row for each CPUID or capability bit that offers a barrier; the barrier is skipped if an
 * `unless` bit is set in IA32_ARCH_CAPABILITIES.  VERW is never skipped: it costs less than the
 * rest of the scrub, and each vulnerability it covers has its own bit, which microcode may set
 * late.
 */
static const struct row {
	uint64_t leaf7, leaf80000008, leaf80000021, capability, unless;
	unsigned barrier;
} rows[] = {
    {.leaf7 = IBRS_IBPB, .barrier = BARRIER_IBPB},
    {.leaf80000008 = AMD_IBPB, .barrier = BARRIER_IBPB},
    {.leaf7 = L1D_FLUSH, .unless = RDCL_NO | SKIP_L1DFL, .barrier = BARRIER_L1D},
    {.leaf7 = MD_CLEAR, .barrier = BARRIER_VERW},
    {.leaf80000021 = AMD_VERW_CLEAR, .barrier = BARRIER_VERW},
    {.capability = FB_CLEAR, .barrier = BARRIER_VERW},
    {.capability = RFDS_CLEAR, .barrier = BARRIER_VERW},
};

unsigned barriers_of(const struct barrier_cpu *cpu)
{
	unsigned set = 0;

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		bool offered = (cpu->leaf7_edx & r->leaf7) |
		               (cpu->leaf80000008_ebx & r->leaf80000008) |
		               (cpu->leaf80000021_eax & r->leaf80000021) |
		               (cpu->arch_capabilities & r->capability);

		if (offered && !(cpu->arch_capabilities & r->unless))
			set |= r->barrier;
	}
	return set;
}

const char *barriers_name(unsigned set)
{
	static const char *const name[] = {"none", "IBPB",      "L1D",      "IBPB L1D",
	                                   "VERW", "IBPB VERW", "L1D VERW", "IBPB L1D VERW"};

	return name[set & 7];
}
