/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.h: what the VMM takes from the firmware's table of IOMMUs: IVRS (AMD I/O Virtualization
 * Technology Specification 3.05, 5.2) or DMAR (Intel VT-d 3.3, chapter 8).
 *
 * The parsers access no hardware and keep no pointer into the table.  A table that is not well
 * formed throughout, or has more than there is room for here, is refused as a whole: an IOMMU that
 * was left out would let its devices' DMA through.
 */
#ifndef ARCH_IOMMU_TABLES_H
#define ARCH_IOMMU_TABLES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOMMU_UNITS    16
#define IOMMU_RESERVED 64
#define IOMMU_SOURCES  32
#define IOMMU_ALIASES  64
#define IOMMU_RANGES   256

/* Functions are bus << 8 | device << 3 | function, as everywhere. */

struct iommu_unit {
	uint64_t registers; /* physical address */
	uint16_t segment;   /* of PCI */
	uint8_t flags;      /* of an IVHD block: settings for its control register (5.2.2.1) */
};

/* Memory that firmware keeps for the DMA of the functions first to last of PCI segment 0. */
struct iommu_reserved {
	uint64_t start, size;
	uint16_t first, last;
};

/* What sends interrupts without being a PCI function: the ID of its requests. */
enum iommu_source_kind { IOMMU_IOAPIC, IOMMU_HPET };
struct iommu_source {
	enum iommu_source_kind kind;
	uint8_t id; /* the I/O APIC's in the MADT; the HPET's number */
	uint16_t function;
	uint8_t flags; /* IVRS: what else is to pass (5.2.2.5) */
};

/* Functions first to last make their requests with the ID of `as`. */
struct iommu_alias {
	uint16_t first, last, as;
};

/* Functions first to last are behind one of the units. */
struct iommu_range {
	uint16_t first, last;
};

struct iommu_tables {
	unsigned units, reserved, sources, aliases, ranges;
	struct iommu_unit unit[IOMMU_UNITS];
	struct iommu_reserved reserve[IOMMU_RESERVED];
	struct iommu_source source[IOMMU_SOURCES];
	struct iommu_alias alias[IOMMU_ALIASES];
	struct iommu_range range[IOMMU_RANGES];
	bool remaps_interrupts; /* firmware says so; IVRS has no such flag */
};

/* The buses behind a PCI bridge; false: the function is no bridge, or is not there. */
typedef bool iommu_bridge(uint16_t function, uint8_t *secondary, uint8_t *subordinate);

/*
 * Parse a table of `size` readable bytes, header included, into `out`.  NULL, or what is wrong with
 * it, as in "has a block that overruns it"; then `out` is unchanged.
 */
const char *iommu_ivrs_parse(const void *table, size_t size, struct iommu_tables *out);
/* `bridge`: resolves the paths to functions behind bridges; of those that lead nowhere, as firmware
 * lists them for functions that are switched off, nothing is kept. */
const char *iommu_dmar_parse(const void *table, size_t size, iommu_bridge *bridge,
                             struct iommu_tables *out);

/* Is the function behind a unit?  Else its requests pass by all of them. */
bool iommu_covers(const struct iommu_tables *t, uint16_t function);

/* Does an I/O APIC or HPET send interrupts with this ID? */
bool iommu_is_source(const struct iommu_tables *t, uint16_t function);

/* Is there reserved memory for this function?  NULL: none. */
const struct iommu_reserved *iommu_reserved_for(const struct iommu_tables *t, uint16_t function);

/* The ID with which the function's requests come. */
uint16_t iommu_requester(const struct iommu_tables *t, uint16_t function);

/* The function that stands for an I/O APIC; false: the table does not name it. */
bool iommu_ioapic_source(const struct iommu_tables *t, uint8_t id, uint16_t *function);

/* --- shared by the parsers ------------------------------------------------------------------ */

/* Append one entry; false: no room. */
bool iommu_add_unit(struct iommu_tables *t, struct iommu_unit u);
bool iommu_add_reserved(struct iommu_tables *t, struct iommu_reserved r);
bool iommu_add_source(struct iommu_tables *t, struct iommu_source s);
bool iommu_add_alias(struct iommu_tables *t, struct iommu_alias a);
bool iommu_add_range(struct iommu_tables *t, struct iommu_range r);
#endif
