/* SPDX-License-Identifier: BSD-2-Clause */
/* What both vendors' IOMMUs have in common: the firmware's tables, domains, and which device is in
 * which. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/iommu/pages.h"
#include "arch/x86_64/iommu/tables.h"
#include "arch/x86_64/pci.h"
#include "arch/x86_64/tsc.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/spinlock.h"

#define DEVICES        IOMMU_DEVICES
#define OWNER          32      /* bytes of a name */
#define REPORTS        256     /* that are read at a time */
#define REPORT_US      1000000 /* between two times */
#define REGISTER_SPACE 0x4000u
#define HEADER_TYPE    0x0e
#define BUSES          0x18 /* primary, secondary and subordinate bus of a bridge */
#define CAP_PCIE       0x10
#define PCIE_TYPE      0xf0u
#define PCIE_TO_PCI    0x70u /* a PCI Express to PCI bridge */

struct iommu_domain {
	struct iommu_pages pages;
	uint16_t id;
	char owner[OWNER];
	bool in_use; /* for ever, by a unit that did not answer */
};

static const struct iommu_ops *ops; /* NULL: there is none that can be used */
static struct iommu_tables tables;
static bool on;
static char absence[128];
static struct iommu_domain *domains[DEVICES]; /* by ID, from 1 on */
static struct iommu_device devices[DEVICES];  /* without a domain: free */
static struct spinlock devices_lock;          /* for a device's domain and counts */

/* --- the machine's IOMMUs ------------------------------------------------------------------- */

static bool find_bridge(uint16_t function, uint8_t *secondary, uint8_t *subordinate)
{
	if (pci_read(function, 0, 2) == 0xffff || (pci_read(function, HEADER_TYPE, 1) & 0x7f) != 1)
		return false;
	*secondary = (uint8_t)pci_read(function, BUSES + 1, 1);
	*subordinate = (uint8_t)pci_read(function, BUSES + 2, 1);
	return true;
}

/* NULL: the registers can be where the table says that they are. */
static const char *check_units(void)
{
	for (unsigned i = 0; i < tables.units; i++) {
		uint64_t at = tables.unit[i].registers;

		if (at > 4 * GIB - REGISTER_SPACE)
			return "names an IOMMU whose registers are above 4 GiB";
		if (holds_ram_at(at))
			return "names an IOMMU whose registers are RAM";
	}
	return NULL;
}

static void set_absence(const char *what, const char *why)
{
	snprintf(absence, sizeof absence, "%s%s%s", what, *why ? " " : "", why);
}

/* Reads the table that the firmware has; ops stay NULL, with the reason in `absence`, if there is
 * none, or it lies. */
static void find_units(void)
{
	const struct acpi_header *ivrs = acpi_table("IVRS"), *dmar = acpi_table("DMAR");
	const struct iommu_ops *found = NULL;
	const char *bad = "";

	if (ivrs) {
		found = &iommu_amd_vi;
		bad = iommu_ivrs_parse(ivrs, ivrs->length, &tables);
	}
	if (!found && dmar) {
		found = &iommu_vt_d;
		bad = iommu_dmar_parse(dmar, dmar->length, find_bridge, &tables);
	}
	if (!found) {
		set_absence("the firmware's tables name none", "");
		return;
	}
	if (!bad)
		bad = check_units();
	if (bad)
		set_absence(ivrs ? "the firmware's IVRS" : "the firmware's DMAR", bad);
	else
		ops = found;
}

static void start(void)
{
	const char *bad = ops->start(&tables);

	on = !bad;
	if (on)
		return;
	set_absence(ops->name, bad);
	ops = NULL;
	log_warn("%s: devices are not confined", absence);
}

void iommu_init(void)
{
	char value[8];

	if (boot_option("iommu", value, sizeof value) && !strcmp(value, "off")) {
		set_absence("the boot option iommu=off", "");
		return;
	}
	find_units();
	if (ops)
		start();
	if (on)
		log_info("%s: %u IOMMU%s; no device reaches memory that its guest does not have",
		         ops->name, tables.units, tables.units == 1 ? "" : "s");
	else if (!strncmp(absence, "the firmware's IVRS", 19) ||
	         !strncmp(absence, "the firmware's DMAR", 19))
		log_warn("%s: devices are not confined", absence);
}

bool iommu_switch(bool want)
{
	if (!ops || on == want)
		return ops;
	if (want) {
		start();
	} else {
		ops->stop();
		on = false;
	}
	ioapic_route_again();
	return on == want;
}

bool iommu_is_on(void)
{
	return on;
}

const char *iommu_name(void)
{
	return ops ? ops->name : NULL;
}

const char *iommu_absence(void)
{
	return absence;
}

bool iommu_remaps_interrupts(void)
{
	return ops && ops->remaps();
}

/* --- domains -------------------------------------------------------------------------------- */

static uint16_t free_id(void)
{
	for (uint16_t id = 1; id < DEVICES && id <= ops->domains(); id++)
		if (!domains[id])
			return id;
	return 0;
}

struct iommu_domain *iommu_domain_create(const char *owner)
{
	uint16_t id = free_id();
	struct iommu_domain *d = id ? mem_zalloc(sizeof *d) : NULL;

	if (!d)
		return NULL;
	d->id = id;
	snprintf(d->owner, sizeof d->owner, "%s", owner);
	ops->paging(&d->pages);
	if (!iommu_pages_init(&d->pages)) {
		mem_zfree(d, sizeof *d);
		return NULL;
	}
	domains[id] = d;
	return d;
}

bool iommu_domain_destroy(struct iommu_domain *d)
{
	if (d->in_use)
		return false;
	domains[d->id] = NULL;
	iommu_pages_free(&d->pages);
	mem_zfree(d, sizeof *d);
	return true;
}

bool iommu_map(struct iommu_domain *d, uint64_t at, uint64_t to, uint64_t size)
{
	bool done = iommu_pages_map(&d->pages, at, to, size);

	/* An IOMMU may have cached that nothing was there (VT-d 3.3, 6.1: caching mode). */
	ops->flush(d->id);
	return done;
}

bool iommu_unmap(struct iommu_domain *d, uint64_t at, uint64_t to, uint64_t size)
{
	iommu_pages_unmap(&d->pages, at, to, size);
	return ops->flush(d->id);
}

/* --- devices -------------------------------------------------------------------------------- */

/* Requests from behind a bridge to conventional PCI have the bridge's ID, or one of that bus: one
 * device there cannot be told from another. */
static bool is_behind_pci_bridge(uint16_t function)
{
	for (unsigned bus = function >> 8, depth = 0; bus && depth < 8; depth++) {
		unsigned up = 0x10000;

		for (unsigned f = 0; f < bus << 8 && up == 0x10000; f++) {
			uint8_t secondary, subordinate;

			if (find_bridge((uint16_t)f, &secondary, &subordinate) && secondary == bus)
				up = f;
		}
		if (up == 0x10000)
			return false; /* a root bus */
		if (!pci_find_cap((uint16_t)up, CAP_PCIE) ||
		    (pci_read((uint16_t)up, pci_find_cap((uint16_t)up, CAP_PCIE) + 2, 2) &
		     PCIE_TYPE) == PCIE_TO_PCI)
			return true;
		bus = up >> 8;
	}
	return false;
}

/* NULL: the function's DMA can be confined. */
static const char *why_not(uint16_t function, uint16_t requester)
{
	const struct iommu_reserved *r = iommu_reserved_for(&tables, function);

	if (!iommu_covers(&tables, function))
		return "cannot be confined: the firmware's tables name no IOMMU that it is behind";
	if (iommu_is_source(&tables, function) || iommu_is_source(&tables, requester))
		return "cannot be confined: it has the ID of an I/O APIC or HPET";
	if (r)
		return "cannot be confined: firmware keeps memory for its DMA";
	if (is_behind_pci_bridge(function))
		return "cannot be confined: it is behind a bridge to conventional PCI, where an "
		       "IOMMU cannot tell one device from another";
	for (unsigned i = 0; i < DEVICES; i++)
		if (devices[i].domain && devices[i].requester == requester)
			return "cannot be confined: its requests have the ID of a device that "
			       "another guest has";
	return NULL;
}

unsigned iommu_index(const struct iommu_device *device)
{
	return (unsigned)(device - devices);
}

static struct iommu_device *free_device(void)
{
	for (unsigned i = 0; i < DEVICES; i++)
		if (!devices[i].domain)
			return &devices[i];
	return NULL;
}

static void set_domain(struct iommu_device *device, uint16_t function, uint16_t requester,
                       struct iommu_domain *d)
{
	spin_lock(&devices_lock);
	*device = (struct iommu_device){.function = function, .requester = requester, .domain = d};
	spin_unlock(&devices_lock);
}

struct iommu_device *iommu_attach(struct iommu_domain *d, uint16_t function, const char **why)
{
	uint16_t requester = iommu_requester(&tables, function);
	struct iommu_device *device = free_device();

	*why = device ? why_not(function, requester) : "is one more than can be confined";
	if (*why)
		return NULL;
	set_domain(device, function, requester, d);
	if (ops->attach(device, &d->pages, d->id))
		return device;
	d->in_use = true; /* a unit may have read the entry, and not have forgotten it */
	set_domain(device, 0, 0, NULL);
	*why = "cannot be confined: no memory left, or the IOMMU does not answer";
	return NULL;
}

void iommu_detach(struct iommu_device *device)
{
	if (!ops->detach(device, device->domain->id))
		device->domain->in_use = true;
	set_domain(device, 0, 0, NULL);
}

bool iommu_interrupt(struct iommu_device *device, unsigned n, uint32_t apic_id, uint8_t vector,
                     struct iommu_message *message)
{
	return n < IOMMU_INTERRUPTS && ops->interrupt(device, n, apic_id, vector, message);
}

void iommu_interrupts_off(struct iommu_device *device)
{
	ops->interrupts_off(device);
}

bool iommu_ioapic_entry(unsigned ioapic, unsigned pin, uint32_t apic_id, uint8_t vector, bool level,
                        uint64_t *entry)
{
	return on && ops->pin && ops->pin(ioapic, pin, apic_id, vector, level, entry);
}

/* --- faults --------------------------------------------------------------------------------- */

static struct iommu_device others; /* the faults of devices that nobody has */
static uint64_t reports_lost;

bool iommu_pending(void)
{
	return on && ops->pending();
}

/* The control path may attach and detach meanwhile. */
static void count_fault(const struct iommu_fault *f)
{
	struct iommu_device *d = &others;

	spin_lock(&devices_lock);
	for (unsigned i = 0; i < DEVICES; i++)
		if (devices[i].domain && devices[i].requester == f->function)
			d = &devices[i];
	if (f->interrupt)
		d->stopped.interrupts++;
	else if (f->write)
		d->stopped.writes++;
	else
		d->stopped.reads++;
	d->fresh++;
	d->last = *f;
	spin_unlock(&devices_lock);
}

static void log_faults(struct iommu_device *device)
{
	struct iommu_device d;
	char owner[OWNER] = "nobody";

	spin_lock(&devices_lock);
	d = *device;
	device->fresh = 0;
	if (d.domain)
		memcpy(owner, d.domain->owner, OWNER);
	spin_unlock(&devices_lock);
	if (!d.fresh)
		return;
	log_warn("%s: device %02x:%02x.%u of %s: %u requests stopped, the last: %s %lx", ops->name,
	         d.last.function >> 8, d.last.function >> 3 & 31u, d.last.function & 7u, owner,
	         d.fresh,
	         d.last.interrupt ? "interrupt"
	         : d.last.write   ? "write to"
	                          : "read from",
	         d.last.address);
}

void iommu_report(void)
{
	static uint64_t before;
	uint64_t now = tsc_us();

	if (now - before < REPORT_US || !iommu_pending())
		return;
	before = now;
	reports_lost += ops->faults(REPORTS, count_fault);
	for (unsigned i = 0; i < DEVICES; i++)
		log_faults(&devices[i]);
	log_faults(&others);
}

struct iommu_stopped iommu_stopped(const struct iommu_device *device)
{
	return device->stopped;
}

struct iommu_stopped iommu_stopped_others(void)
{
	return others.stopped;
}

uint64_t iommu_reports_lost(void)
{
	return reports_lost;
}
