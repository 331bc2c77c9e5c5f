/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iommu.h: confines devices, by AMD-Vi or VT-d, whichever the firmware's tables name.
 *
 * From iommu_init() on no device reaches memory.  A domain says what its devices reach instead: the
 * memory of one guest, at the guest's addresses.  Where the IOMMU remaps interrupts, a device sends
 * only those that iommu_interrupt() has set up.
 *
 * All functions belong to the control path, where the caller serialises them, unless another place
 * is named.
 */
#ifndef ARCH_IOMMU_IOMMU_H
#define ARCH_IOMMU_IOMMU_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Interrupts of a device, numbered from 0 on: MSI has one, MSI-X one for each entry. */
#define IOMMU_INTERRUPTS 256

struct iommu_domain;
struct iommu_device;

/* --- the machine's IOMMUs ------------------------------------------------------------------- */

/* Reads the firmware's tables and switches the IOMMUs on, with all DMA and interrupts of devices
 * blocked; the boot core's, after tsc_init() and before memory is given out.  The boot option
 * iommu=off leaves them alone. */
void iommu_init(void);

/* Switches them on again, everything blocked, or off.  No device is attached.  False: there is none
 * that can be used; iommu_absence() says why. */
bool iommu_switch(bool on);

/* Are devices confined now? */
bool iommu_is_on(void);

/* Their kind, as "AMD-Vi"; NULL: iommu_absence() says why there is none, as in "the firmware's
 * tables name none". */
const char *iommu_name(void);
const char *iommu_absence(void);

/* Do they remap interrupts? */
bool iommu_remaps_interrupts(void);

/* --- domains -------------------------------------------------------------------------------- */

/* A domain from which nothing can be reached; NULL: out of memory or of domains.  `owner`: for
 * messages; truncated. */
struct iommu_domain *iommu_domain_create(const char *owner);

/* Frees it; it has no device any more.  False: a unit did not answer, and may let a device reach
 * the memory for ever: it must not be given to others. */
bool iommu_domain_destroy(struct iommu_domain *d);

/* Lets its devices reach [at, at + size), which is [to, ...) of the machine; multiples of 4 KiB.
 * False: out of memory, mapped already, or above what the IOMMU's addresses reach; what was mapped
 * until then is to be taken back by iommu_unmap(). */
bool iommu_map(struct iommu_domain *d, uint64_t at, uint64_t to, uint64_t size);

/* Takes back one iommu_map(); afterwards no device reaches that memory any more.  False: as above.
 */
bool iommu_unmap(struct iommu_domain *d, uint64_t at, uint64_t to, uint64_t size);

/* --- devices -------------------------------------------------------------------------------- */

/* Puts a PCI function into the domain.  NULL, with a reason that continues "device 00:03.0 ...":
 * firmware keeps memory for it, its requests cannot be told from another device's, out of memory.
 */
struct iommu_device *iommu_attach(struct iommu_domain *d, uint16_t function, const char **why);

/* Blocks the function again. */
void iommu_detach(struct iommu_device *device);

/* An MSI message. */
struct iommu_message {
	uint64_t address;
	uint32_t data;
};

/* From now on the device's interrupt n arrives as `vector` at the core with this APIC ID, when the
 * device writes that message.  False: the IOMMU does not take it.  Any core; one at a time for a
 * device. */
bool iommu_interrupt(struct iommu_device *device, unsigned n, uint32_t apic_id, uint8_t vector,
                     struct iommu_message *message);
/* Blocks all interrupts of the device. */
void iommu_interrupts_off(struct iommu_device *device);

/* The entry of an I/O APIC's pin by which the IOMMU delivers its interrupt to that core, as
 * `vector`, 0: as an NMI.  The mask, polarity and trigger bits (82093AA data sheet, 3.2.4) are not
 * set.  False: an entry in the usual form will do.  `ioapic`: its index in `acpi`.  Any core; one
 * at a time for a pin. */
bool iommu_ioapic_entry(unsigned ioapic, unsigned pin, uint32_t apic_id, uint8_t vector, bool level,
                        uint64_t *entry);

/* --- faults --------------------------------------------------------------------------------- */

/* A request that an IOMMU has stopped. */
struct iommu_fault {
	uint16_t function; /* who made it: the ID of the request */
	bool interrupt;    /* else memory */
	bool write;
	uint64_t address;
};

/* Are there reports of faults to be read?  Any core, without a lock. */
bool iommu_pending(void);

/* Reads reports, a bounded number of them and at most once a second, counts them and logs a line
 * for each device.  The boot core's. */
void iommu_report(void);

/* The device's requests that were reported as stopped since it was attached. */
struct iommu_stopped {
	uint64_t reads, writes, interrupts;
};
struct iommu_stopped iommu_stopped(const struct iommu_device *device);
/* The same of all devices that nobody has, together; and how often reports were lost because there
 * was no room for them. */
struct iommu_stopped iommu_stopped_others(void);
uint64_t iommu_reports_lost(void);

/* --- one vendor's IOMMUs -------------------------------------------------------------------- */

struct iommu_tables;
struct iommu_pages;

struct iommu_device {
	uint16_t function;
	uint16_t requester; /* the ID of its requests: its own, or another function's */
	struct iommu_domain *domain;
	void *vendor; /* for the ops */
	struct iommu_stopped stopped;
	unsigned fresh;          /* faults that are not logged yet, */
	struct iommu_fault last; /* ... and the last one of them */
};

struct iommu_ops {
	const char *name;
	unsigned (*domains)(void); /* domain IDs from 1 to this; after start() */
	/* Prepares and enables all units, everything blocked; NULL, or why that is impossible.
	 * `stop` may have been called before. */
	const char *(*start)(const struct iommu_tables *tables);
	void (*stop)(void);
	/* Fills in the format of page tables for all units. */
	void (*paging)(struct iommu_pages *pages);
	bool (*remaps)(void);
	/* Each returns when the units have forgotten what was before; false: it failed, and nothing
	 * is attached. */
	bool (*attach)(struct iommu_device *device, const struct iommu_pages *pages,
	               uint16_t domain);
	/* False: a unit may still use what it has cached. */
	bool (*detach)(struct iommu_device *device, uint16_t domain);
	bool (*flush)(uint16_t domain);
	bool (*interrupt)(struct iommu_device *device, unsigned n, uint32_t apic_id, uint8_t vector,
	                  struct iommu_message *message);
	void (*interrupts_off)(struct iommu_device *device);
	/* As iommu_ioapic_entry(); NULL: interrupts of I/O APICs pass as they are. */
	bool (*pin)(unsigned ioapic, unsigned pin, uint32_t apic_id, uint8_t vector, bool level,
	            uint64_t *entry);
	bool (*pending)(void);
	/* Calls back for at most `budget` reports.  True: some were lost. */
	bool (*faults)(unsigned budget, void (*stopped)(const struct iommu_fault *f));
};

extern const struct iommu_ops iommu_amd_vi, iommu_vt_d;

/* The device's number, below IOMMU_DEVICES. */
#define IOMMU_DEVICES 64
unsigned iommu_index(const struct iommu_device *device);
#endif
