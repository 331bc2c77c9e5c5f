/* SPDX-License-Identifier: BSD-2-Clause */
/* irq.c: a device's interrupt is delivered to the core of the guest's vCPU, with the guest's own
 * vector and without an exit. */
#include "arch/x86_64/core.h"
#include "lib/log.h"
#include "vmm/passthrough/device.h"

#define MODE_LOWEST  1
#define FIRST_VECTOR 16
#define MSI_LOGICAL  4    /* bit of an MSI address */
#define DEST_MAX     0xff /* without interrupt remapping; the I/O APIC has 8 bits too */

static bool refuse_interrupt(struct passthrough *p, uint32_t dest, uint8_t vector, const char *what)
{
	if (!p->complained)
		log_warn("guest %s: interrupt of device %02x:%02x.%u to APIC %u, vector %u "
		         "refused: %s",
		         p->vm->name, p->bdf >> 8, p->bdf >> 3 & 31u, p->bdf & 7u, dest, vector,
		         what);
	p->complained = true;
	return false;
}

bool passthrough_target(struct passthrough *p, uint32_t dest, bool logical, unsigned mode,
                        uint8_t vector, struct irq_target *t)
{
	struct vcpu *v = vapic_target(p->vm, dest, logical);

	if (!v)
		return refuse_interrupt(p, dest, vector, "no vCPU has this address");
	if (mode > MODE_LOWEST || vector < FIRST_VECTOR)
		return refuse_interrupt(p, dest, vector, "reserved vector or delivery mode");
	if (v->cpu.core->apic_id > DEST_MAX)
		return refuse_interrupt(
		    p, dest, vector,
		    "the vCPU's core has an APIC ID above 255: give it another core");
	*t = (struct irq_target){v->cpu.core->apic_id, vector};
	return true;
}

bool passthrough_message(struct passthrough *p, uint64_t addr, uint32_t data, struct irq_target *t)
{
	uint32_t dest = (uint32_t)addr >> 12 & 0xff;

	if (addr >> 20 != VAPIC_PAGE >> 20)
		return refuse_interrupt(p, dest, (uint8_t)data,
		                        "its message address is no local APIC's");
	return passthrough_target(p, dest, addr & MSI_LOGICAL, data >> 8 & 7, (uint8_t)data, t);
}

bool passthrough_send(struct passthrough *p, unsigned n, const struct irq_target *t,
                      struct iommu_message *m)
{
	if (!p->iommu || !iommu_remaps_interrupts()) {
		*m = (struct iommu_message){VAPIC_PAGE | t->apic_id << 12, t->vector};
		return true;
	}
	return iommu_interrupt(p->iommu, n, t->apic_id, t->vector, m) ||
	       refuse_interrupt(p, t->apic_id, t->vector, "the IOMMU does not take it");
}
