/* SPDX-License-Identifier: BSD-2-Clause */
/* ism.c: the guests' ISM devices, as the description says. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/random.h"
#include "drivers/ism/ism.h"
#include "lib/mem.h"
#include "vmm/control/ism.h"

_Static_assert(CONFIG_GUESTS <= ISM_MEMBERS, "a guest's slot is its number as a member");

/* The memory stays when a guest is gone: other members' cores may just look at it. */
static struct {
	struct ism *device;
	bool used;
} slots[CONFIG_GUESTS];

static struct ism_fabric fabric;

/* The number of the domain with this name, from 1 on: guests stay where they are. */
static unsigned number_of(const struct node_config *n, const char *domain)
{
	unsigned i = 0;

	while (strcmp(n->guest[i].ism, domain) != 0)
		i++;
	return i + 1;
}

static bool attach(struct vm *vm, unsigned domain)
{
	struct ism *d = slots[vm->slot].device;

	if (!d)
		d = slots[vm->slot].device = mem_zalloc(sizeof *d);
	if (!d)
		return false;
	memset(d, 0, sizeof *d);
	ism_init(d, &fabric, vm->slot, domain, &vm->mem, (uint32_t)random_word());
	if (!vpci_add(&vm->pci, &d->pci, 0))
		return false;
	ism_join(d);
	slots[vm->slot].used = true;
	return true;
}

bool control_ism_guest(const struct node_config *n, struct vm *vm, char *why, size_t size)
{
	const struct guest_config *g = &n->guest[vm->slot];

	if (!g->ism[0] || attach(vm, number_of(n, g->ism)))
		return true;
	snprintf(why, size, "guest %s: no memory, or no room on its PCI bus, for its ISM device",
	         g->name);
	return false;
}

void control_ism_forget(unsigned slot)
{
	if (!slots[slot].used)
		return;
	ism_leave(slots[slot].device);
	slots[slot].used = false;
}

const struct ism *control_ism(unsigned slot)
{
	return slots[slot].used ? slots[slot].device : NULL;
}
