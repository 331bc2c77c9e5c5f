/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VT-d (Intel Virtualization Technology for Directed I/O 3.3; sections are its), in legacy mode:
 * root table, context tables, second-level page tables.
 *
 * All units of segment 0 share these and one table of interrupts: so each command goes to all of
 * them.  Units of other segments, which the VMM does not reach, have an empty root table.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/iommu/pages.h"
#include "arch/x86_64/iommu/tables.h"
#include "arch/x86_64/iommu/vt_d.h"
#include "lib/mem.h"

#define PRESENT     1ul
#define ADDRESS     0x000ffffffffff000ul
#define WIDTH_39    1ul /* of a context entry's upper half */
#define WIDTH_48    2ul
#define DOMAIN      8
#define APIC_ID_MAX 0xffu /* without x2APIC */

/* The interrupt table (9.10): those of I/O APIC i from PINS * i on, then those of devices. */
#define ENTRIES      32768u
#define ENTRIES_SIZE 14u /* in IRTA_REG: log2 of the entries, less one */
#define TABLE_BYTES  (ENTRIES * sizeof(struct irte))
#define PINS         256u
#define IOAPICS      16u
#define X2APIC       (1ul << 11) /* of IRTA_REG */
#define IRTE_LEVEL   (1ul << 4)
#define IRTE_NMI     (4ul << 5)
#define IRTE_VECTOR  16
#define IRTE_DEST    32
#define IRTE_DEST_8  40          /* without x2APIC */
#define IRTE_CHECK   (1ul << 18) /* of the upper half: the sender must be that one */

/* A message that names an entry (5.1.2.2), and an I/O APIC's (5.1.5.1). */
#define MSI_WINDOW 0xfee00000u
#define MSI_REMAP  (1u << 4)
#define MSI_INDEX  5
#define PIN_REMAP  (1ul << 48)
#define PIN_INDEX  49

struct irte {
	_Atomic uint64_t low, high;
};
_Static_assert(sizeof(struct irte) == 16, "9.10");
_Static_assert(PINS *IOAPICS + IOMMU_DEVICES * IOMMU_INTERRUPTS <= ENTRIES, "room for all");

struct context {
	_Atomic uint64_t low, high;
};

static const struct iommu_format plain = {.present = 3, .leaf = 3, .large = 1 << 7, .table = 3};
/* The device cannot ask for accesses past the caches. */
static const struct iommu_format snooping = {
    .present = 3, .leaf = 3 | 1 << 11, .large = 1 << 7, .table = 3};

static struct vt_d_unit unit[IOMMU_UNITS];
static unsigned units;
static struct context *root, *empty_root; /* of segment 0, of others */
static struct irte *irte;
static const struct iommu_tables *firmware;
static bool with_interrupts;

/* Can all units do that? */
static bool all(bool (*can)(const struct vt_d_unit *u))
{
	for (unsigned i = 0; i < units; i++)
		if (!can(&unit[i]))
			return false;
	return true;
}

static bool all_can_levels(unsigned levels)
{
	for (unsigned i = 0; i < units; i++)
		if (!vt_d_can_levels(&unit[i], levels))
			return false;
	return true;
}

static void written(const void *at, size_t size)
{
	if (!all(vt_d_is_coherent))
		iommu_write_back(at, size);
}

/* --- commands to all units ------------------------------------------------------------------ */

static bool forget_interrupts(void)
{
	const struct vt_d_command c = vt_d_forget_interrupts();
	bool done = true;

	for (unsigned i = 0; i < units; i++)
		done &= vt_d_command(&unit[i], &c, 1);
	return done;
}

static bool forget_device(uint16_t requester, uint16_t domain)
{
	bool done = true;

	for (unsigned i = 0; i < units; i++) {
		const struct vt_d_command c[] = {vt_d_forget_context(requester, domain),
		                                 vt_d_forget_pages(&unit[i], domain)};

		done &= vt_d_command(&unit[i], c, 2);
	}
	return done;
}

static bool flush_domain(uint16_t domain)
{
	bool done = true;

	for (unsigned i = 0; i < units; i++) {
		const struct vt_d_command c = vt_d_forget_pages(&unit[i], domain);

		done &= vt_d_command(&unit[i], &c, 1);
	}
	return done;
}

/* --- start ---------------------------------------------------------------------------------- */

static const char *find_units(const struct iommu_tables *tables)
{
	units = tables->units;
	for (unsigned i = 0; i < units; i++) {
		const char *bad = vt_d_find(&unit[i], tables->unit[i].registers);

		if (bad)
			return bad;
	}
	return all_can_levels(4) || all_can_levels(3) ? NULL
	                                              : "has no page tables of 3 or 4 levels";
}

/* The I/O APICs must be known: their interrupts are remapped, too. */
static bool knows_ioapics(const struct iommu_tables *tables)
{
	uint16_t function;

	for (unsigned i = 0; i < acpi.nioapics; i++)
		if (i >= IOAPICS || !iommu_ioapic_source(tables, acpi.ioapic[i].id, &function))
			return false;
	return true;
}

/* Kept until the node ends. */
static bool make_tables(void)
{
	if (!root)
		root = mem_zalloc(PAGE_SIZE);
	if (!empty_root)
		empty_root = mem_zalloc(PAGE_SIZE);
	if (!irte)
		irte = mem_zalloc(TABLE_BYTES);
	if (!root || !empty_root || !irte)
		return false;
	written(root, PAGE_SIZE);
	written(empty_root, PAGE_SIZE);
	written(irte, TABLE_BYTES);
	return true;
}

static void stop(void)
{
	for (unsigned i = 0; i < units; i++)
		vt_d_disable(&unit[i]);
}

static uint64_t interrupt_table(void)
{
	if (!with_interrupts)
		return 0;
	return (uint64_t)(uintptr_t)irte | ENTRIES_SIZE | (all(vt_d_has_x2apic) ? X2APIC : 0);
}

static const char *start(const struct iommu_tables *tables)
{
	const char *bad = find_units(tables);

	if (bad)
		return bad;
	firmware = tables;
	with_interrupts = tables->remaps_interrupts && all(vt_d_remaps) && knows_ioapics(tables);
	if (!make_tables())
		return "no memory left for its tables";
	for (unsigned i = 0; i < units && !bad; i++)
		bad = vt_d_enable(&unit[i], tables->unit[i].segment ? empty_root : root,
		                  interrupt_table());
	if (bad)
		stop();
	return bad;
}

static unsigned levels(void)
{
	return all_can_levels(4) ? 4 : 3;
}

static void paging(struct iommu_pages *p)
{
	p->format = all(vt_d_snoops) ? &snooping : &plain;
	p->levels = levels();
	p->mib2 = all(vt_d_has_2mib);
	p->gib = p->mib2 && all(vt_d_has_1gib);
	p->flush_lines = !all(vt_d_is_coherent);
}

static unsigned domains(void)
{
	unsigned n = ~0u;

	for (unsigned i = 0; i < units; i++)
		n = vt_d_domains(&unit[i]) < n ? vt_d_domains(&unit[i]) : n;
	return n;
}

static bool remaps(void)
{
	return with_interrupts;
}

/* --- devices -------------------------------------------------------------------------------- */

static void store(struct context *c, uint64_t low, uint64_t high)
{
	c->low = 0;
	c->high = high;
	c->low = low;
	written(c, sizeof *c);
}

/* The function's context entry; the table of its bus is made when first needed.  NULL: out of
 * memory. */
static struct context *context_of(uint16_t function)
{
	struct context *bus = &root[function >> 8], *table;

	if (!(bus->low & PRESENT)) {
		table = mem_zalloc(PAGE_SIZE);
		if (!table)
			return NULL;
		written(table, PAGE_SIZE);
		store(bus, (uint64_t)(uintptr_t)table | PRESENT, 0);
	}
	table = (struct context *)(uintptr_t)(bus->low & ADDRESS);
	return &table[function & 0xff];
}

static bool attach(struct iommu_device *d, const struct iommu_pages *pages, uint16_t domain)
{
	struct context *c = context_of(d->requester);

	if (!c)
		return false;
	store(c, (uint64_t)(uintptr_t)pages->root | PRESENT,
	      (uint64_t)domain << DOMAIN | (pages->levels == 4 ? WIDTH_48 : WIDTH_39));
	if (forget_device(d->requester, domain))
		return true;
	store(c, 0, 0);
	return false;
}

static void set_entry(unsigned index, uint64_t low, uint64_t high)
{
	irte[index].low = 0;
	irte[index].high = high;
	irte[index].low = low;
	written(&irte[index], sizeof irte[index]);
}

static unsigned first_entry(const struct iommu_device *d)
{
	return PINS * IOAPICS + iommu_index(d) * IOMMU_INTERRUPTS;
}

static void interrupts_off(struct iommu_device *d)
{
	for (unsigned n = 0; n < IOMMU_INTERRUPTS; n++)
		set_entry(first_entry(d) + n, 0, 0);
	forget_interrupts();
}

static bool detach(struct iommu_device *d, uint16_t domain)
{
	if (with_interrupts)
		interrupts_off(d);
	store(context_of(d->requester), 0, 0);
	return forget_device(d->requester, domain);
}

static uint64_t destination(uint32_t apic_id)
{
	return (uint64_t)apic_id << (all(vt_d_has_x2apic) ? IRTE_DEST : IRTE_DEST_8);
}

static bool interrupt(struct iommu_device *d, unsigned n, uint32_t apic_id, uint8_t vector,
                      struct iommu_message *m)
{
	unsigned index = first_entry(d) + n;
	uint64_t low = PRESENT | (uint64_t)vector << IRTE_VECTOR | destination(apic_id);
	uint64_t high = IRTE_CHECK | d->requester;

	if (apic_id > APIC_ID_MAX && !all(vt_d_has_x2apic))
		return false;
	*m = (struct iommu_message){MSI_WINDOW | MSI_REMAP | index << MSI_INDEX, 0};
	/* A guest masks, unmasks and enables its interrupts as often as it likes. */
	if (irte[index].low == low && irte[index].high == high)
		return true;
	set_entry(index, low, high);
	return forget_interrupts();
}

/* The vector stands in the I/O APIC, too: there an EOI looks for it. */
static bool pin(unsigned ioapic, unsigned n, uint32_t apic_id, uint8_t vector, bool level,
                uint64_t *entry)
{
	unsigned index = ioapic * PINS + n;
	uint16_t function;

	if (!with_interrupts || n >= PINS ||
	    !iommu_ioapic_source(firmware, acpi.ioapic[ioapic].id, &function))
		return false;
	set_entry(index,
	          PRESENT | (level ? IRTE_LEVEL : 0) | (vector ? 0 : IRTE_NMI) |
	              (uint64_t)vector << IRTE_VECTOR | destination(apic_id),
	          IRTE_CHECK | function);
	*entry = (uint64_t)index << PIN_INDEX | PIN_REMAP | vector;
	return forget_interrupts();
}

/* --- faults --------------------------------------------------------------------------------- */

static bool pending(void)
{
	for (unsigned i = 0; i < units; i++)
		if (vt_d_has_faults(&unit[i]))
			return true;
	return false;
}

static bool faults(unsigned budget, void (*stopped)(const struct iommu_fault *f))
{
	bool lost = false;

	for (unsigned i = 0; i < units; i++)
		lost |= vt_d_read_faults(&unit[i], budget / units + 1, stopped);
	return lost;
}

const struct iommu_ops iommu_vt_d = {.name = "VT-d",
                                     .domains = domains,
                                     .start = start,
                                     .stop = stop,
                                     .paging = paging,
                                     .remaps = remaps,
                                     .attach = attach,
                                     .detach = detach,
                                     .flush = flush_domain,
                                     .interrupt = interrupt,
                                     .interrupts_off = interrupts_off,
                                     .pin = pin,
                                     .pending = pending,
                                     .faults = faults};
