/* SPDX-License-Identifier: BSD-2-Clause */
/* device.h: declarations shared by the files of this folder; others include passthrough.h. */
#ifndef VMM_PASSTHROUGH_DEVICE_H
#define VMM_PASSTHROUGH_DEVICE_H
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/iommu/iommu.h"
#include "vmm/passthrough/msix_table.h"
#include "vmm/vm.h"
#include "drivers/bus/vpci.h"

/* Physical configuration space. */
#define PCI_COMMAND  0x04
#define PCI_BAR(i)   ((uint8_t)(0x10 + 4 * (i)))
#define PCI_INT_LINE 0x3c
#define PCI_INT_PIN  0x3d
#define PCI_CAP_PM   1
#define PCI_CAP_MSI  5
#define PCI_CAP_PCIE 0x10
#define PCI_CAP_MSIX 0x11
#define PCI_CAP_AF   0x13

/* The guest's first device: its slot on the guest's bus, and its INTA's pin at the guest's I/O
 * APIC.  Each further device has the slot below and the next pin.  Keep the DSDT in step. */
#define PASSTHROUGH_SLOT 31
#define PASSTHROUGH_GSI  16
#define PASSTHROUGH_MAX  4

#define PASSTHROUGH_SAVED 16

struct passthrough_bar {
	enum vpci_bar_kind kind; /* VPCI_BAR_NONE: not given to the guest */
	uint64_t at;             /* physical address or I/O port */
	uint32_t size;           /* bytes, a power of two */
	bool prefetch;
	uint32_t seen; /* what the guest reads: the address, or the size mask after writing ones */
};

/* Who receives the device's INTx pin; PIN_NOBODY: it is masked at the I/O APIC. */
enum pin_user { PIN_NOBODY, PIN_MSI, PIN_IOAPIC };

struct passthrough {
	struct vpci_dev dev; /* first member: the bus passes this pointer */
	struct vm *vm;
	struct passthrough *next; /* the guest's next device; NULL: none */
	unsigned index;           /* of this device in the guest's list, from 0 on */
	uint16_t bdf;
	struct iommu_device *iommu; /* NULL: not confined */
	struct passthrough_bar bar[VPCI_BARS];
	uint16_t own;    /* bits of the command register that the guest controls */
	bool complained; /* a refused message was logged: once per run of the guest, which could
	                    repeat it for ever */

	uint8_t msi_phys; /* the device's MSI capability; 0: none, MSI is made from INTx */
	uint8_t msi_virt; /* the MSI capability that the guest sees */
	bool msi_on;

	uint8_t msix_phys, msix_virt; /* 0: no MSI-X */
	unsigned msix_bar;
	uint32_t msix_at; /* offset of the table in that BAR */
	struct msix_pass msix;

	uint32_t gsi; /* of its INTx pin */
	bool has_pin;
	enum pin_user pin;

	struct {
		uint8_t reg, size;
		uint32_t value;
	} saved[PASSTHROUGH_SAVED]; /* registers as the firmware left them, restored after a reset
	                             */
	unsigned n_saved;
	uint64_t reset_tsc; /* when the reset began */
	uint32_t reset_us;  /* how long the reset takes; 0: none is under way */
};

/* The core and vector that an interrupt is sent to on this machine. */
struct irq_target {
	uint32_t apic_id;
	uint8_t vector;
};

/* Translates the destination and vector of a guest's interrupt to the physical core.  `dest`
 * (`logical`: in logical mode) must name one of its vCPUs, `mode` must be a delivery mode with a
 * vector.  false: refused, which is logged once per run of the guest. */
bool passthrough_target(struct passthrough *p, uint32_t dest, bool logical, unsigned mode,
                        uint8_t vector, struct irq_target *t);
/* The same for an MSI message's address and data (Intel SDM vol. 3, 11.11). */
bool passthrough_message(struct passthrough *p, uint64_t addr, uint32_t data, struct irq_target *t);
/* The message by which the device sends its interrupt n, of MSI the first, to that target.  False:
 * the IOMMU does not take it, which is logged once per run of the guest. */
bool passthrough_send(struct passthrough *p, unsigned n, const struct irq_target *t,
                      struct iommu_message *m);

/* passthrough/bar.c: reads the function's BARs; declares to the bus those that the guest gets
 * (false: there is no memory BAR among them); maps them once the bus has given them addresses
 * (false: out of memory). */
void passthrough_bars_read(struct passthrough *p);
bool passthrough_bars_add(struct passthrough *p);
bool passthrough_bars_map(const struct passthrough *p);
/* Resets the BAR registers that the guest sees; handles a write to one; carries out an access to a
 * BAR's contents. */
void passthrough_bars_reset(struct passthrough *p);
void passthrough_bar_write(struct passthrough *p, unsigned i, unsigned size, uint32_t val);
void passthrough_bar_access(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size,
                            bool write, uint64_t *val);

/* passthrough/intx.c: the INTx pin.  Routes it for `user`, or masks it.  While MSI is made from the
 * pin, the guest's I/O APIC cannot route it. */
void passthrough_pin_init(struct passthrough *p);
void passthrough_pin_route(struct passthrough *p, enum pin_user user, const struct irq_target *t);
void passthrough_pin_off(struct passthrough *p, enum pin_user user);

/* passthrough/msi.c: the guest's MSI capability, backed by the device's MSI or its INTx pin. */
void passthrough_msi_init(struct passthrough *p);
void passthrough_msi_written(struct passthrough *p);
void passthrough_msi_off(struct passthrough *p);

/* passthrough/msix.c.  passthrough_bars_read() was called before.  False: out of memory. */
bool passthrough_msix_init(struct passthrough *p);
void passthrough_msix_written(struct passthrough *p);
void passthrough_msix_off(struct passthrough *p);
void passthrough_msix_free(struct passthrough *p);
/* The pages that hold the table, which are not mapped into the guest: [*from, *to) of the BAR;
 * empty, at the BAR's end, if the table is not in this BAR. */
void passthrough_msix_hole(const struct passthrough *p, unsigned bar, uint32_t *from, uint32_t *to);
/* True: the access at `off` of the BAR touches the MSI-X table and was carried out or refused. */
bool passthrough_msix_access(struct passthrough *p, unsigned bar, uint32_t off, unsigned size,
                             bool write, uint64_t *val);

/* passthrough/reset.c: save once when the device is found; begin the reset when a guest stops,
 * complete it before the next start. */
void passthrough_reset_save(struct passthrough *p);
void passthrough_reset_begin(struct passthrough *p);
void passthrough_reset_end(struct passthrough *p);

/* passthrough/confine.c: has the IOMMU, if there is one that is on, confine the device to the
 * guest's memory.  NULL, or what failed, as passthrough_unfit() says it. */
const char *passthrough_confine(struct passthrough *p);
/* The guest has no device any more.  False: one may still reach the memory. */
bool passthrough_unconfine(struct vm *vm);
/* Logs what the device called `name` (bus:device.function) can reach. */
void passthrough_log_risk(const struct vm *vm, const char *name);

/* passthrough.c: writes the physical command register from the guest's and from the use of the
 * pin. */
void passthrough_command(struct passthrough *p);
#endif
