/* SPDX-License-Identifier: BSD-2-Clause */
/* device.h: what the files of this folder share; everybody else has passthrough.h. */
#ifndef VMM_PASSTHROUGH_DEVICE_H
#define VMM_PASSTHROUGH_DEVICE_H
#include <stdbool.h>
#include <stdint.h>
#include "vmm/passthrough/msix_table.h"
#include "vmm/vm.h"
#include "drivers/bus/vpci.h"

/* Physical configuration space. */
#define PCI_COMMAND  0x04
#define PCI_BAR(i)   ((uint8_t)(0x10 + 4 * (i)))
#define PCI_INT_LINE 0x3C
#define PCI_INT_PIN  0x3D
#define PCI_CAP_PM   1
#define PCI_CAP_MSI  5
#define PCI_CAP_PCIE 0x10
#define PCI_CAP_MSIX 0x11
#define PCI_CAP_AF   0x13

/* Where the guest's first one is on its bus, and the pin of its INTA at the guest's I/O APIC; each
 * further one has the slot below and the next pin.  The DSDT says so, too. */
#define PASSTHROUGH_SLOT 31
#define PASSTHROUGH_GSI  16
#define PASSTHROUGH_MAX  4

#define PASSTHROUGH_SAVED 16

struct passthrough_bar {
	enum vpci_bar_kind kind; /* VPCI_BAR_NONE: not given to the guest */
	uint64_t at;             /* physical address or port */
	uint32_t size;           /* bytes, a power of two */
	bool prefetch;
	uint32_t seen; /* what the guest reads: for the sizing by ones */
};

/* Who has the device's INTx pin; it is masked at the I/O APIC while nobody does. */
enum pin_user { PIN_NOBODY, PIN_MSI, PIN_IOAPIC };

struct passthrough {
	struct vpci_dev dev; /* first: the bus hands us this pointer */
	struct vm *vm;
	struct passthrough *next; /* the guest's next device; NULL: none */
	unsigned index;           /* among them, from 0 on */
	uint16_t bdf;
	struct passthrough_bar bar[VPCI_BARS];
	uint16_t own;    /* the bits of the command register that are the guest's */
	bool complained; /* of a message; once a life, the guest can go on for ever */

	uint8_t msi_phys; /* the device's own capability; 0: INTx */
	uint8_t msi_virt; /* the one that the guest sees */
	bool msi_on;

	uint8_t msix_phys, msix_virt; /* 0: no MSI-X */
	unsigned msix_bar;
	uint32_t msix_at; /* of the table in that BAR */
	struct msix_pass msix;

	uint32_t gsi; /* of its pin */
	bool has_pin;
	enum pin_user pin;

	struct {
		uint8_t reg, size;
		uint32_t value;
	} saved[PASSTHROUGH_SAVED]; /* registers as the firmware wrote them */
	unsigned n_saved;
	uint64_t reset_tsc; /* when its reset began */
	uint32_t reset_us;  /* how long it takes; 0: none is under way */
};

/* Where an interrupt goes on this machine. */
struct irq_target {
	uint32_t apic_id;
	uint8_t vector;
};

/* What the guest asked for, checked: `dest` and `logical` name one of its vCPUs, `mode` is a
 * delivery mode that has a vector.  false: refused, which is logged once a life. */
bool passthrough_target(struct passthrough *p, uint32_t dest, bool logical, unsigned mode,
                        uint8_t vector, struct irq_target *t);
/* The same for a message's address and data (Intel SDM vol. 3, 11.11). */
bool passthrough_message(struct passthrough *p, uint64_t addr, uint32_t data, struct irq_target *t);
/* The address that takes a message to the core. */
uint32_t passthrough_msi_address(const struct irq_target *t);

/* passthrough/bar.c: reads the function's BARs; declares those that the guest gets (false: no
 * memory BAR is among them); maps them once they have their places (false: no memory). */
void passthrough_bars_read(struct passthrough *p);
bool passthrough_bars_add(struct passthrough *p);
bool passthrough_bars_map(const struct passthrough *p);
/* The registers as the guest finds them at first; a write to one; an access behind one. */
void passthrough_bars_reset(struct passthrough *p);
void passthrough_bar_write(struct passthrough *p, unsigned i, unsigned size, uint32_t val);
void passthrough_bar_access(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size,
                            bool write, uint64_t *val);

/* passthrough/intx.c: the pin.  Routes it for `user`, or takes it away; a pin that MSI has is not
 * for the guest's I/O APIC. */
void passthrough_pin_init(struct passthrough *p);
void passthrough_pin_route(struct passthrough *p, enum pin_user user, const struct irq_target *t);
void passthrough_pin_off(struct passthrough *p, enum pin_user user);

/* passthrough/msi.c: the virtual MSI capability over the device's MSI or pin. */
void passthrough_msi_init(struct passthrough *p);
void passthrough_msi_written(struct passthrough *p);
void passthrough_msi_off(struct passthrough *p);

/* passthrough/msix.c.  The device's BARs are known.  False: no memory. */
bool passthrough_msix_init(struct passthrough *p);
void passthrough_msix_written(struct passthrough *p);
void passthrough_msix_off(struct passthrough *p);
void passthrough_msix_free(struct passthrough *p);
/* The pages with the table, which the guest may not reach directly: [*from, *to) of the BAR; at its
 * end and empty when it has none. */
void passthrough_msix_hole(const struct passthrough *p, unsigned bar, uint32_t *from, uint32_t *to);
/* An access at `off` of the BAR touches the table, and was carried out or refused as a whole. */
bool passthrough_msix_access(struct passthrough *p, unsigned bar, uint32_t off, unsigned size,
                             bool write, uint64_t *val);

/* passthrough/reset.c: save when the device is found; begin when a guest is gone, end before the
 * next one has it. */
void passthrough_reset_save(struct passthrough *p);
void passthrough_reset_begin(struct passthrough *p);
void passthrough_reset_end(struct passthrough *p);

/* passthrough.c: the physical command register, by the guest's and by who uses the pin. */
void passthrough_command(struct passthrough *p);
#endif
