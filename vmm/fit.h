/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fit.h: can a machine take a description?  Checked before anything is changed.
 *
 * It accesses no hardware.  The node describes the machine as it is now (control/check.c),
 * tools/patio-check.c a machine given by the user: both give the same errors.
 */
#ifndef VMM_FIT_H
#define VMM_FIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"
#include "vmm/place_policy.h"

/* What happens to the guest of a slot when the description is applied. */
enum fit_guest {
	FIT_NEW,   /* created, and started if it starts by itself */
	FIT_START, /* exists, was never started, and starts by itself */
	FIT_REST,  /* nothing */
};

struct fit_machine {
	struct place_view place; /* cores and their owners; 0 cores: unknown */
	const void *poller;      /* owner of the poll core */
	enum fit_guest guest[CONFIG_GUESTS];
	bool confines;         /* an IOMMU confines devices: their guests are not identity-mapped */
	unsigned address_bits; /* of physical addresses; 0: unknown */
	/* Is there a boot module of that name?  NULL: unknown. */
	bool (*has_module)(const char *name);
	/* Why the PCI function (bus << 8 | device << 3 | function) cannot be given to a guest, as
	 * in "is not there" after "device 00:03.0"; NULL: it can.  A NULL pointer: unknown. */
	const char *(*pci_unfit)(uint16_t function);
};

/* Fills in the description's settings of cores: named cores, the poll core, `smt share`. */
void fit_describe(struct place_view *v, const struct node_config *n);

/*
 * Checks description `n`: boot modules, PCI functions, groups, and cores, which must exist and, for
 * guests that start by themselves, be free.  m->place is changed: afterwards its owners are as if
 * these guests had started.  false and a reason, which names the line that declared the guest or
 * group.
 */
bool fit_check(struct fit_machine *m, const struct node_config *n, char *why, size_t size);

/* Writes why place_pick() found no core for this vCPU; `wanted`: the core it was given, or -1. */
void fit_no_core(const struct place_view *v, const char *guest, unsigned vcpu, int wanted,
                 enum place_refusal refusal, char *why, size_t size);
#endif
