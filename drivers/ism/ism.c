/* SPDX-License-Identifier: BSD-2-Clause */
/* ism.c: registers and commands of the ISM device; see ism.h. */
#include <string.h>
#include "drivers/ism/ism_parts.h"
#include "lib/count.h"

#define CLASS_NETWORK_OTHER 0x028000 /* PCI Code and ID Assignment 1.9 */
#define IO_BAR              0
#define MSIX_BAR            1
#define PAGE                4096u

struct ism *ism_find(const struct ism *d, uint64_t gid)
{
	struct ism *peer = atomic_load(&d->fabric->member[ISM_NAME_MEMBER(gid)]);

	return gid && peer && peer->domain == d->domain && atomic_load(&peer->gid) == gid ? peer
	                                                                                  : NULL;
}

/* ---- on and off; lock held ---- */

/* Address 0, of what no driver has set, is memory as well. */
static void start(struct ism *d)
{
	d->area = !d->area_gpa || d->area_gpa % PAGE
	              ? NULL
	              : gmem_ptr(d->mem, d->area_gpa, sizeof *d->area);
	if (!d->area || !vpci_enabled(&d->pci, VPCI_CMD_MASTER)) {
		ism_count(d, ISM_COUNT_bad_area);
		return;
	}
	ism_count(d, ISM_COUNT_starts);
	memset(d->area->dmb_bits, 0, sizeof d->area->dmb_bits);
	ism_events_start(d);
	atomic_store(&d->talks, 0);
	/* The member's number is never that of a GID 0: the generation is not 0. */
	d->generation = d->generation % (UINT32_MAX / ISM_MEMBERS) + 1;
	atomic_store(&d->running, true);
	atomic_store(&d->gid, ism_name(d->generation * ISM_MEMBERS + d->member));
}

/* Tells all with whom there was a DMB; they see that the GID is gone. */
static void say_gone(struct ism *d, uint64_t gid)
{
	uint64_t talks = atomic_exchange(&d->talks, 0);
	const struct ism_event e = {.type = ISM_EVENT_GONE, .gid = gid};

	for (; talks; talks &= talks - 1) {
		unsigned m = (unsigned)__builtin_ctzll(talks);
		struct ism *peer = atomic_load(&d->fabric->member[m]);

		if (!peer || peer == d)
			continue;
		atomic_fetch_and(&peer->talks, ~(1ull << d->member));
		ism_event_post(peer, &e);
	}
}

static void stop(struct ism *d)
{
	uint64_t gid = atomic_exchange(&d->gid, 0);

	if (!atomic_exchange(&d->running, false))
		return;
	ism_jobs_end(d);
	ism_dmb_clear(d);
	ism_events_stop(d);
	say_gone(d, gid);
}

/* ---- commands; lock held ---- */

static enum ism_status signal_peer(struct ism *d, const struct ism_command *c)
{
	struct ism *peer = ism_find(d, c->gid);
	struct ism_event e = {.type = ISM_EVENT_SIGNAL,
	                      .code = c->event,
	                      .gid = atomic_load(&d->gid),
	                      .info = c->info};

	if (!peer)
		return ISM_no_peer;
	ism_event_post(peer, &e);
	return ISM_OK;
}

static enum ism_status carry_out(struct ism *d, struct ism_command *c)
{
	switch (c->code) {
	case ISM_REGISTER:
		return ism_dmb_register(d, c);
	case ISM_UNREGISTER:
		return ism_dmb_unregister(d, c->index);
	case ISM_QUERY:
		return ism_find(d, c->gid) ? ISM_OK : ISM_no_peer;
	case ISM_SIGNAL:
		return signal_peer(d, c);
	default:
		return ISM_bad_command;
	}
}

static void command(struct ism *d)
{
	struct ism_command c;

	if (!atomic_load(&d->running)) {
		ism_count(d, ISM_COUNT_bad_submit);
		return;
	}
	ism_count(d, ISM_COUNT_commands);
	memcpy(&c, &d->area->command, sizeof c);
	c.token = 0;
	c.status = ism_refuse(d, carry_out(d, &c));
	d->area->command.token = c.token;
	__atomic_store_n(&d->area->command.status, c.status, __ATOMIC_RELEASE);
}

/* ---- registers ---- */

static uint32_t read_register(struct ism *d, uint32_t off)
{
	switch (off) {
	case ISM_REG_MAGIC:
		return ISM_MAGIC;
	case ISM_REG_VERSION:
		return ISM_VERSION;
	case ISM_REG_GID:
		return (uint32_t)atomic_load(&d->gid);
	case ISM_REG_GID + 4:
		return (uint32_t)(atomic_load(&d->gid) >> 32);
	case ISM_REG_AREA:
		return (uint32_t)d->area_gpa;
	case ISM_REG_AREA + 4:
		return (uint32_t)(d->area_gpa >> 32);
	case ISM_REG_ENABLE:
		return atomic_load(&d->running);
	case ISM_REG_DOMAIN:
		return d->domain;
	default:
		ism_count(d, ISM_COUNT_bad_access);
		return ~0u;
	}
}

static void write_area(struct ism *d, unsigned half, uint32_t val)
{
	uint64_t mask = 0xffffffffull << (32 * half);

	if (atomic_load(&d->running))
		ism_count(d, ISM_COUNT_bad_access);
	else
		d->area_gpa = (d->area_gpa & ~mask) | (uint64_t)val << (32 * half);
}

static void write_enable(struct ism *d, uint32_t val)
{
	if (!val)
		stop(d);
	else if (!atomic_load(&d->running))
		start(d);
}

static void write_register(struct ism *d, uint32_t off, uint32_t val)
{
	switch (off) {
	case ISM_REG_AREA:
	case ISM_REG_AREA + 4:
		write_area(d, (off - ISM_REG_AREA) / 4, val);
		break;
	case ISM_REG_ENABLE:
		write_enable(d, val);
		break;
	case ISM_REG_COMMAND:
		command(d);
		break;
	default:
		ism_count(d, ISM_COUNT_bad_access);
	}
}

/* A register but ISM_REG_SUBMIT. */
static __attribute__((noinline)) void access_register(struct ism *d, uint32_t off, unsigned size,
                                                      bool write, uint64_t *val)
{
	if (size != 4 || off % 4) {
		ism_count(d, ISM_COUNT_bad_access);
		if (!write)
			*val = ~0ull;
		return;
	}
	spin_lock(&d->lock);
	if (write)
		write_register(d, off, (uint32_t)*val);
	else
		*val = read_register(d, off);
	spin_unlock(&d->lock);
}

/* A message takes no lock. */
static void ism_bar(struct vpci_dev *pci, unsigned bar, uint32_t off, unsigned size, bool write,
                    uint64_t *val)
{
	struct ism *d = (struct ism *)pci;

	(void)bar;
	if (write && off == ISM_REG_SUBMIT && size == 4)
		ism_submit(d, (uint32_t)*val);
	else
		access_register(d, off, size, write, val);
}

static void ism_stop(struct ism *d)
{
	spin_lock(&d->lock);
	stop(d);
	spin_unlock(&d->lock);
}

/* A device that is no bus master writes nowhere: it is off until its driver switches it on. */
static void ism_command_changed(struct vpci_dev *pci, uint16_t value)
{
	if (!(value & VPCI_CMD_MASTER))
		ism_stop((struct ism *)pci);
}

static void ism_reset(struct vpci_dev *pci)
{
	struct ism *d = (struct ism *)pci;

	ism_stop(d);
	d->area_gpa = 0;
}

static void ism_work(struct vpci_dev *pci)
{
	ism_continue((struct ism *)pci);
}

/* ---- */

void ism_init(struct ism *d, struct ism_fabric *fabric, unsigned member, unsigned domain,
              const struct gmem *mem, uint32_t seed)
{
	static const struct vpci_ops ops = {
	    .bar = ism_bar, .command = ism_command_changed, .reset = ism_reset, .work = ism_work};

	d->fabric = fabric;
	d->member = member;
	d->domain = domain;
	d->mem = mem;
	d->generation = d->token_count = seed;
	vpci_dev_init(&d->pci, "ism", &ops, ISM_PCI_VENDOR, ISM_PCI_DEVICE, CLASS_NETWORK_OTHER, 0);
	vpci_bar_init(&d->pci, IO_BAR, VPCI_BAR_IO, VPCI_IO_SIZE);
	vpci_msix_init(&d->pci, MSIX_BAR, ISM_VECTORS);
}

void ism_join(struct ism *d)
{
	atomic_store(&d->fabric->member[d->member], d);
}

void ism_leave(struct ism *d)
{
	atomic_store(&d->fabric->member[d->member], NULL);
}

static uint64_t value_of(const struct ism *d, unsigned c)
{
	uint64_t sum = atomic_load_explicit(&d->count[c], memory_order_relaxed);

	for (unsigned i = 0; c < ISM_JOB_COUNTERS && i < ISM_SLOTS; i++)
		sum += count_read(&d->job[i].count[c]);
	return sum;
}

bool ism_counter(const struct ism *d, unsigned i, const char **name, uint64_t *value)
{
	static const char *const names[ISM_COUNTER_COUNT] = {
#define X(name, unit, help) #name,
	    ISM_COUNTERS(X)
#undef X
#define X(name, help) #name,
	        ISM_REFUSALS(X)
#undef X
	};

	if (i >= ISM_COUNTER_COUNT + VPCI_MSIX_COUNTER_COUNT)
		return false;
	if (i >= ISM_COUNTER_COUNT) {
		*name = vpci_msix_counter_name[i - ISM_COUNTER_COUNT];
		*value = count_read(&d->pci.msix_count[i - ISM_COUNTER_COUNT]);
	} else {
		*name = names[i];
		*value = value_of(d, i);
	}
	return true;
}
