/* SPDX-License-Identifier: BSD-2-Clause */
/* group.c: see group.h. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hvm/npt.h"
#include "lib/mem.h"
#include "vmm/dax_label.h"
#include "vmm/group.h"
#include "vmm/passthrough/passthrough.h"
#include "vmm/vm.h"

#define CLEAR_STEP CONFIG_GROUP_UNIT

/* False: no memory. */
static bool make_frames(struct group *g)
{
	g->frames = mem_zalloc(sizeof *g->frames);
	return g->frames && shm_group_init(g->frames, (uint8_t *)g->hpa + g->size - g->frames_size,
	                                   g->frames_size, group_seat(g, CONFIG_GUESTS));
}

static void free_group(struct group *g)
{
	if (g->frames)
		mem_zfree(g->frames, sizeof *g->frames);
	mem_zfree(g, sizeof *g);
}

struct group *group_create(unsigned slot, const struct group_config *config, uint64_t hpa)
{
	struct group *g = mem_zalloc(sizeof *g);

	if (!g)
		return NULL;
	snprintf(g->name, sizeof g->name, "%s", config->name);
	g->slot = slot;
	g->hpa = hpa;
	g->size = config->memory;
	g->members = config->members;
	g->frames_size = config->frames;
	if (!g->frames_size || make_frames(g))
		return g;
	free_group(g);
	return NULL;
}

void group_destroy(struct group *g)
{
	if (!g->reachable)
		mem_free(g->hpa, g->size);
	free_group(g);
}

/* --- members -------------------------------------------------------------------------------- */

static struct group_member **free_place(struct vm *vm)
{
	for (unsigned i = 0; i < CONFIG_JOINED; i++)
		if (!vm->joined[i])
			return &vm->joined[i];
	return NULL;
}

/* No flush: a vCPU forgets its translations when it starts. */
static void unmap(struct group_member *m)
{
	if (!passthrough_unshare(m->vm, m->gpa, m->group->hpa, m->group->size))
		m->group->reachable = true;
	npt_unmap(hvm->npt, m->vm->npt_root, m->gpa, m->group->hpa, m->group->size);
	gmem_remove_common(&m->vm->mem, m->gpa);
}

/* Maps the memory and adds the device to the guest's bus, or does nothing. */
static bool attach(struct group_member *m)
{
	struct group *g = m->group;
	struct vm *vm = m->vm;

	if (!gmem_add_common(&vm->mem, m->gpa, g->size, (void *)g->hpa))
		return false;
	virtio_pmem_init(&m->pmem, g->name, &vm->mem, m->gpa, g->size);
	if (npt_map(hvm->npt, vm->npt_root, m->gpa, g->hpa, g->size, NPT_SHARED) &&
	    passthrough_share(vm, m->gpa, g->hpa, g->size) && vpci_add(&vm->pci, &m->pmem.v.pci, 0))
		return true;
	unmap(m);
	return false;
}

bool group_join(struct group *g, struct vm *vm, uint64_t gpa, char *why, size_t size)
{
	struct group_member **place = free_place(vm), *m = mem_zalloc(sizeof *m);

	if (!place || !m) {
		snprintf(why, size, "group %s: guest %s: %s", g->name, vm->name,
		         m ? "it is in too many groups" : "no memory left");
		mem_zfree(m, sizeof *m);
		return false;
	}
	m->group = g;
	m->vm = vm;
	m->gpa = gpa;
	if (!attach(m)) {
		snprintf(why, size,
		         "group %s: guest %s: no memory for nested page tables, or no room on its "
		         "PCI bus",
		         g->name, vm->name);
		mem_zfree(m, sizeof *m);
		return false;
	}
	g->member[vm->slot] = m;
	*place = m;
	return true;
}

void group_leave(struct group *g, struct vm *vm)
{
	struct group_member *m = g->member[vm->slot];

	if (!m)
		return;
	for (unsigned i = 0; i < CONFIG_JOINED; i++)
		if (vm->joined[i] == m)
			vm->joined[i] = NULL;
	g->member[vm->slot] = NULL;
	vpci_remove(&m->pmem.v.pci);
	unmap(m);
	mem_zfree(m, sizeof *m);
}

/* --- the memory ----------------------------------------------------------------------------- */

/* Cores of several members clear different parts; whoever completes the last one writes the label.
 */
static bool prepare_step(struct group *g)
{
	uint64_t from;

	if (atomic_load(&g->ready))
		return true;
	if (atomic_load(&g->taken) >= g->size)
		return false; /* another core has the last parts */
	from = atomic_fetch_add(&g->taken, CLEAR_STEP);
	if (from >= g->size)
		return false;
	memset((uint8_t *)g->hpa + from, 0, CLEAR_STEP);
	if (atomic_fetch_add(&g->cleared, CLEAR_STEP) + CLEAR_STEP == g->size) {
		dax_label_write((void *)g->hpa, g->size, g->name);
		atomic_store(&g->ready, true);
	}
	return false;
}

bool group_prepare(struct vm *vm)
{
	for (unsigned i = 0; i < CONFIG_JOINED; i++)
		if (vm->joined[i] && !prepare_step(vm->joined[i]->group))
			return false;
	return true;
}
