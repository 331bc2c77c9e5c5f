/* SPDX-License-Identifier: BSD-2-Clause */
/* last_panic.c: see last_panic.h. */
#include <string.h>
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/panic.h"
#include "vmm/last_panic.h"
#include "lib/log.h"
#include "vmm/devices/pvclock.h"

static const paddr_t at[] = LAST_PANIC_PAGES;

#define PLACES (sizeof at / sizeof at[0])

static struct panic_record *place[PLACES]; /* NULL: not this machine's, or somebody else's */
static struct panic_record found;
static bool have;

static bool overlaps(paddr_t page, uint64_t start, uint64_t size)
{
	return page < start + size && start < page + PANIC_RECORD_SIZE;
}

/* A page of RAM which the loader put no module into. */
static bool free_page(paddr_t page)
{
	for (unsigned i = 0; i < boot.nmodules; i++)
		if (overlaps(page, boot.module[i].start, boot.module[i].size))
			return false;
	return holds_ram_at(page) && holds_ram_at(page + PANIC_RECORD_SIZE - 1);
}

static void begin(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (place[i])
			panic_record_begin(place[i], pvclock_seconds());
}

static void add(const char *line)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (place[i])
			panic_record_add(place[i], line);
}

static const struct panic_keeper keeper = {begin, add};

void last_panic_init(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (free_page(at[i]))
			place[i] = (struct panic_record *)at[i];
	panic_keep(&keeper);
	for (unsigned i = 0; i < PLACES && !have; i++)
		have = place[i] && panic_record_take(place[i], &found);
	if (!have)
		return;
	panic_record_age(&found);
	for (unsigned i = 0; i < PLACES; i++)
		if (place[i])
			memcpy(place[i], &found, sizeof found);
}

const struct panic_record *last_panic(void)
{
	return have ? &found : NULL;
}

void last_panic_log(void)
{
	if (!have)
		return;
	const char *end = strchr(found.text, '\n');
	int n = end ? (int)(end - found.text) : 0;
	if (found.boots == 1)
		log_warn("the last boot ended in a panic (`show last-panic`): %.*s", n, found.text);
	else
		log_info("%u boots ago there was a panic (`show last-panic`): %.*s", found.boots, n,
		         found.text);
}
