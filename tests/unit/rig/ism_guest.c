/* SPDX-License-Identifier: BSD-2-Clause */
/* ism_guest.c: see ism_guest.h. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rig/ism_guest.h"

#define MSIX_ENABLE 0x8000u

static void msi(void *ctx, uint64_t addr, uint32_t data)
{
	struct ism_guest *g = ctx;

	(void)addr;
	atomic_fetch_add(&g->msis[data % ISM_VECTORS], 1);
}

static void resume(void *ctx)
{
	struct ism_guest *g = ctx;

	atomic_fetch_add(&g->resumed, 1);
}

static void configure(struct ism_guest *g, unsigned off, unsigned size, uint32_t value)
{
	uint32_t address = 0x80000000u | g->d.pci.slot << 11 | (off & 0xfc);

	vpci_io(&g->bus, 0xcf8, 4, true, &address);
	vpci_io(&g->bus, (uint16_t)(0xcfc + off % 4), size, true, &value);
}

static void set_up_interrupts(struct ism_guest *g)
{
	uint64_t table = atomic_load(&g->d.pci.bar[1].base);

	for (unsigned i = 0; i < ISM_VECTORS; i++) {
		const uint32_t entry[4] = {0xfee00000u, 0, i, 0};

		for (unsigned k = 0; k < 4; k++) {
			uint64_t word = entry[k];

			vpci_mmio(&g->bus, table + 16 * i + 4 * k, 4, true, &word);
		}
	}
	configure(g, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	configure(g, g->d.pci.msix_cap + 2u, 2, MSIX_ENABLE);
}

struct ism_guest *ism_guest_new(struct ism_fabric *f, unsigned member, unsigned domain)
{
	struct ism_guest *g = calloc(1, sizeof *g);

	g->ram = aligned_alloc(4096, RAM_SIZE);
	memset(g->ram, 0x77, RAM_SIZE);
	gmem_add(&g->mem, RAM_GPA, RAM_SIZE, g->ram);
	g->area = ism_guest_at(g, AREA_GPA);
	vpci_init(&g->bus, msi, g);
	g->bus.resume = resume;
	ism_init(&g->d, f, member, domain, &g->mem, 5);
	vpci_add(&g->bus, &g->d.pci, 0);
	ism_join(&g->d);
	g->io = (uint16_t)atomic_load(&g->d.pci.bar[0].base);
	set_up_interrupts(g);
	return g;
}

void ism_guest_free(struct ism_guest *g)
{
	vpci_reset(&g->bus);
	ism_leave(&g->d);
	free(g->ram);
	free(g);
}

void *ism_guest_at(struct ism_guest *g, uint64_t gpa)
{
	return gmem_ptr(&g->mem, gpa, 1);
}

void ism_guest_out(struct ism_guest *g, uint32_t reg, uint32_t value)
{
	vpci_io(&g->bus, (uint16_t)(g->io + reg), 4, true, &value);
}

uint32_t ism_guest_in(struct ism_guest *g, uint32_t reg)
{
	uint32_t value = 0;

	vpci_io(&g->bus, (uint16_t)(g->io + reg), 4, false, &value);
	return value;
}

uint64_t ism_guest_gid(struct ism_guest *g)
{
	return (uint64_t)ism_guest_in(g, ISM_REG_GID + 4) << 32 | ism_guest_in(g, ISM_REG_GID);
}

uint64_t ism_guest_on(struct ism_guest *g)
{
	ism_guest_out(g, ISM_REG_AREA, (uint32_t)AREA_GPA);
	ism_guest_out(g, ISM_REG_AREA + 4, (uint32_t)(AREA_GPA >> 32));
	ism_guest_out(g, ISM_REG_ENABLE, 1);
	return ism_guest_gid(g);
}

uint32_t ism_guest_command(struct ism_guest *g, struct ism_command *c)
{
	c->status = ISM_PENDING;
	g->area->command = *c;
	ism_guest_out(g, ISM_REG_COMMAND, 1);
	*c = g->area->command;
	return c->status;
}

uint64_t ism_guest_register(struct ism_guest *g, unsigned index, uint64_t peer, uint64_t gpa,
                            uint32_t length, uint32_t flags)
{
	struct ism_command c = {.code = ISM_REGISTER,
	                        .gid = peer,
	                        .gpa = gpa,
	                        .length = length,
	                        .index = (uint16_t)index,
	                        .vector = (uint16_t)(1 + index % (ISM_VECTORS - 1)),
	                        .flags = flags};

	return ism_guest_command(g, &c) == ISM_OK ? c.token : 0;
}

uint64_t ism_cursor(unsigned wrap, uint32_t count, unsigned flags)
{
	return (wrap & 0xffffu) | (uint64_t)count << 16 | (uint64_t)flags << 48;
}

struct ism_slot *ism_guest_message(struct ism_guest *g, uint64_t token, uint32_t length,
                                   uint32_t offset, uint64_t produced)
{
	struct ism_slot *s = &g->area->slot[0];

	*s = (struct ism_slot){.token = token,
	                       .status = ISM_PENDING,
	                       .pieces = length != 0,
	                       .piece = {{DATA_GPA, length, offset}},
	                       .header = {ISM_TYPE_CDC, produced, 0, 0}};
	return s;
}

uint32_t ism_guest_submit(struct ism_guest *g, unsigned slot)
{
	ism_guest_out(g, ISM_REG_SUBMIT, slot);
	while (vpci_work(&g->bus))
		;
	return __atomic_load_n(&g->area->slot[slot % ISM_SLOTS].status, __ATOMIC_ACQUIRE);
}

uint64_t ism_guest_counter(struct ism_guest *g, const char *name)
{
	const char *own;
	uint64_t value;

	for (unsigned i = 0; ism_counter(&g->d, i, &own, &value); i++)
		if (!strcmp(own, name))
			return value;
	abort();
}
