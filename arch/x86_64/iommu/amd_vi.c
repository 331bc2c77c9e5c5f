/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD-Vi (AMD I/O Virtualization Technology Specification 3.05; sections are its).
 *
 * All units share one device table, which has an entry for each PCI function of segment 0: so each
 * command goes to all of them.  Units of other segments, which the VMM does not reach, have a table
 * in which everything is blocked.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/iommu/amd_vi.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/iommu/pages.h"
#include "arch/x86_64/iommu/tables.h"
#include "lib/mem.h"

/* Device table entries (2.2.2.1), four quadwords. */
#define FUNCTIONS      0x10000u
#define ENTRY_WORDS    4
#define TABLE_BYTES    (FUNCTIONS * ENTRY_WORDS * sizeof(uint64_t))
#define DTE_V          1ul /* word 0 */
#define DTE_TV         2ul
#define DTE_MODE       9
#define DTE_IR         (1ul << 61)
#define DTE_IW         (1ul << 62)
#define DTE_IV         1ul /* word 2 */
#define DTE_INTLEN     1
#define DTE_MANAGEMENT 40 /* word 1: messages of system management */
#define DTE_SIGNALS    56 /* word 2: INIT, ExtInt, NMI */
#define DTE_NMI        (1ul << 58)
#define DTE_LINT       62
#define DTE_PASS       (1ul << 60) /* IntCtl: 0 blocks, 1 passes as they are, 2 remaps */
#define DTE_REMAP      (2ul << 60)

/* Interrupt remapping table entries (2.2.5.1), 256 of 32 bits. */
#define IRTE_BITS   8
#define IRTE_REMAP  1u
#define IRTE_DEST   8
#define IRTE_VECTOR 16
#define APIC_ID_MAX 0xffu

#define PTE_PR     1ul
#define PTE_LEVEL  9
#define PTE_FC     (1ul << 60)
#define PTE_IR     (1ul << 61)
#define PTE_IW     (1ul << 62)
#define LEVELS     4
#define MSI_WINDOW 0xfee00000ul

static const struct iommu_format format = {.present = PTE_PR,
                                           .leaf = PTE_PR | PTE_FC | PTE_IR | PTE_IW,
                                           .table = PTE_PR | PTE_IR | PTE_IW,
                                           .level = PTE_LEVEL};

typedef _Atomic uint64_t table_entry[ENTRY_WORDS];

static struct amd_vi_unit unit[IOMMU_UNITS];
static unsigned units;
static table_entry *table, *blocked_table; /* of segment 0; of all others, if there are any */
static struct iommu_pages nothing;         /* what devices that nobody has reach */

/* --- the device table ----------------------------------------------------------------------- */

static uint64_t root_word(const struct iommu_pages *p, uint64_t access)
{
	return DTE_V | DTE_TV | (uint64_t)LEVELS << DTE_MODE | (uint64_t)(uintptr_t)p->root |
	       access;
}

/* Blocks DMA first.  Interrupts are blocked, or with `pass` passed as they are. */
static void block_entry(table_entry *e, uint64_t pass)
{
	(*e)[0] = root_word(&nothing, 0);
	(*e)[2] = DTE_IV | pass;
	(*e)[1] = 0;
	(*e)[3] = 0;
}

static void block_all(table_entry *t)
{
	for (unsigned i = 0; t && i < FUNCTIONS; i++)
		block_entry(&t[i], 0);
}

/* Only the VMM programs the I/O APICs, also for guests: their interrupts pass, with the NMIs of the
 * serial port.  So does what firmware wants of the chip that they are in (5.2.2.5: DTE setting). */
static void pass_ioapics(const struct iommu_tables *tables)
{
	for (unsigned i = 0; i < tables->sources; i++) {
		const struct iommu_source *s = &tables->source[i];

		if (s->kind != IOMMU_IOAPIC)
			continue;
		block_entry(&table[s->function], DTE_PASS | DTE_NMI |
		                                     (uint64_t)(s->flags & 7) << DTE_SIGNALS |
		                                     (uint64_t)(s->flags >> 6) << DTE_LINT);
		table[s->function][1] = (uint64_t)(s->flags >> 4 & 3) << DTE_MANAGEMENT;
	}
}

static bool has_other_segment(const struct iommu_tables *tables)
{
	for (unsigned i = 0; i < tables->units; i++)
		if (tables->unit[i].segment)
			return true;
	return false;
}

/* Everything that the units need of memory; kept until the node ends. */
static bool make_tables(const struct iommu_tables *tables)
{
	if (!nothing.root) {
		nothing.format = &format;
		nothing.levels = LEVELS;
		if (!iommu_pages_init(&nothing))
			return false;
	}
	if (!table)
		table = mem_zalloc(TABLE_BYTES);
	if (!blocked_table && has_other_segment(tables))
		blocked_table = mem_zalloc(TABLE_BYTES);
	return table && (blocked_table || !has_other_segment(tables));
}

/* --- commands to all units ------------------------------------------------------------------ */

static bool command_all(const struct amd_vi_command *c, unsigned n)
{
	bool done = true;

	for (unsigned i = 0; i < units; i++)
		done &= amd_vi_command(&unit[i], c, n);
	return done;
}

static bool flush_device(uint16_t requester, uint16_t domain)
{
	const struct amd_vi_command c[] = {amd_vi_forget_device(requester),
	                                   amd_vi_forget_pages(domain),
	                                   amd_vi_forget_interrupts(requester)};

	return command_all(c, 3);
}

static bool flush_domain(uint16_t domain)
{
	const struct amd_vi_command c = amd_vi_forget_pages(domain);

	return command_all(&c, 1);
}

/* --- start ---------------------------------------------------------------------------------- */

/* QEMU's unit goes on with interrupts by the table after it was disabled. */
static void pass_all(table_entry *t)
{
	for (unsigned i = 0; t && i < FUNCTIONS; i++)
		for (unsigned word = ENTRY_WORDS; word--;)
			t[i][word] = 0;
}

static void stop(void)
{
	for (unsigned i = 0; i < units; i++)
		amd_vi_disable(&unit[i]);
	pass_all(table);
	pass_all(blocked_table);
}

static const char *start(const struct iommu_tables *tables)
{
	const char *bad = make_tables(tables) ? NULL : "no memory left for its tables";

	if (bad)
		return bad;
	block_all(table);
	block_all(blocked_table);
	pass_ioapics(tables);
	units = tables->units;
	for (unsigned i = 0; i < units && !bad; i++) {
		const struct iommu_unit *u = &tables->unit[i];

		bad = amd_vi_enable(&unit[i], u, u->segment ? blocked_table : table, TABLE_BYTES);
	}
	if (bad)
		stop();
	return bad;
}

static void paging(struct iommu_pages *p)
{
	p->format = &format;
	p->levels = LEVELS;
	p->mib2 = p->gib = true;
}

static unsigned domains(void)
{
	return 0xffff;
}

static bool remaps(void)
{
	return true;
}

/* --- devices -------------------------------------------------------------------------------- */

static bool attach(struct iommu_device *d, const struct iommu_pages *pages, uint16_t domain)
{
	table_entry *e = &table[d->requester];
	_Static_assert(IOMMU_INTERRUPTS == 1u << IRTE_BITS, "one entry for each interrupt");

	d->vendor = mem_zalloc(PAGE_SIZE);
	if (!d->vendor)
		return false;
	(*e)[2] =
	    DTE_IV | (uint64_t)IRTE_BITS << DTE_INTLEN | (uint64_t)(uintptr_t)d->vendor | DTE_REMAP;
	(*e)[1] = domain;
	(*e)[0] = root_word(pages, DTE_IR | DTE_IW);
	if (flush_device(d->requester, domain))
		return true;
	block_entry(e, 0); /* which a unit may not see: the page is not given back */
	return false;
}

/* If a unit does not answer, it may use the interrupt table for ever: the page is not given back.
 */
static bool detach(struct iommu_device *d, uint16_t domain)
{
	bool done;

	block_entry(&table[d->requester], 0);
	done = flush_device(d->requester, domain);
	if (done)
		mem_zfree(d->vendor, PAGE_SIZE);
	d->vendor = NULL;
	return done;
}

static void flush_interrupts(const struct iommu_device *d)
{
	const struct amd_vi_command c = amd_vi_forget_interrupts(d->requester);

	command_all(&c, 1);
}

/* The number of the entry is in the message's data, whose bits 10 to 8 are the delivery mode:
 * fixed, 0, for all 256 (2.2.5). */
static bool interrupt(struct iommu_device *d, unsigned n, uint32_t apic_id, uint8_t vector,
                      struct iommu_message *m)
{
	_Atomic uint32_t *irte = d->vendor;
	uint32_t entry = IRTE_REMAP | apic_id << IRTE_DEST | (uint32_t)vector << IRTE_VECTOR;

	if (apic_id > APIC_ID_MAX)
		return false;
	*m = (struct iommu_message){MSI_WINDOW, n};
	/* A guest masks, unmasks and enables its interrupts as often as it likes. */
	if (irte[n] == entry)
		return true;
	irte[n] = entry;
	flush_interrupts(d);
	return true;
}

static void interrupts_off(struct iommu_device *d)
{
	_Atomic uint32_t *irte = d->vendor;

	for (unsigned n = 0; n < IOMMU_INTERRUPTS; n++)
		irte[n] = 0;
	flush_interrupts(d);
}

/* --- faults --------------------------------------------------------------------------------- */

static bool pending(void)
{
	for (unsigned i = 0; i < units; i++)
		if (amd_vi_has_events(&unit[i]))
			return true;
	return false;
}

static bool faults(unsigned budget, void (*stopped)(const struct iommu_fault *f))
{
	bool lost = false;

	for (unsigned i = 0; i < units; i++)
		lost |= amd_vi_read_events(&unit[i], budget / units + 1, stopped);
	return lost;
}

const struct iommu_ops iommu_amd_vi = {.name = "AMD-Vi",
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
                                       .pending = pending,
                                       .faults = faults};
