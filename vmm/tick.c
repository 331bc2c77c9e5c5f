/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch's coarse clock; see tick.h. */
#include "arch/x86_64/core.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/tsc.h"
#include "vmm/tick.h"
#include "vnet/vnet.h"

_Atomic uint64_t tick_next;

void tick_move(uint64_t tsc)
{
	uint64_t second = tsc_khz * 1000;

	atomic_store_explicit(&tick_next, tsc + second, memory_order_relaxed);
	vnet_clock_set(this_core()->net, tsc / second);
	if (iommu_pending())
		core_call(&cores[0], CORE_CONSOLE);
}
