/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fit.h: whether a machine can become what a description says, found before anything of it is done.
 *
 * It touches no hardware.  The node shows it the machine as it is now (control/check.c), a host
 * program the machine that it was told of (tools/patio-check.c): both get the same words.
 */
#ifndef VMM_FIT_H
#define VMM_FIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"
#include "vmm/place_policy.h"

/* What becomes of the guest of a slot when the description is taken. */
enum fit_guest {
	FIT_NEW,   /* it is made, and started if it starts by itself */
	FIT_START, /* it is there, was never started, and starts by itself */
	FIT_REST,  /* nothing */
};

struct fit_machine {
	struct place_view place; /* cores and their owners; 0 cores: not known */
	const void *poller;      /* the owner of a core that polls the network */
	enum fit_guest guest[CONFIG_GUESTS];
	/* Is there a boot module of that name?  NULL: not known. */
	bool (*has_module)(const char *name);
	/* Why the PCI function (bus << 8 | device << 3 | function) cannot be given to a guest, as
	 * in "device 00:03.0 is not there"; NULL: it can.  A NULL pointer: not known. */
	const char *(*pci_unfit)(uint16_t function);
};

/* Fills in what the description says of the cores: which are named, which polls, `smt share`. */
void fit_describe(struct place_view *v, const struct node_config *n);

/*
 * Checks what description `n` asks of the machine: boot modules, PCI functions, cores that are
 * there and, for guests that start by themselves, free.  m->place is used up: its owners are
 * afterwards as if they had started.  false and a reason, which names the line that declared the
 * guest.
 */
bool fit_check(struct fit_machine *m, const struct node_config *n, char *why, size_t size);

/* Why place_pick() found no core for this vCPU; `wanted`: the core that it is to have, or -1. */
void fit_no_core(const struct place_view *v, const char *guest, unsigned vcpu, int wanted,
                 enum place_refusal refusal, char *why, size_t size);
#endif
