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

static const paddr_t record_page[] = LAST_PANIC_PAGES;

#define PLACES (sizeof record_page / sizeof record_page[0])

static struct panic_record *record[PLACES]; /* NULL: no RAM there, or used by a boot module */
static struct panic_record last_record;
static bool have_record;

static bool overlaps(paddr_t page, uint64_t start, uint64_t size)
{
	return page < start + size && start < page + PANIC_RECORD_SIZE;
}

/* Is the page RAM without a boot module in it? */
static bool free_page(paddr_t page)
{
	for (unsigned i = 0; i < boot.nmodules; i++)
		if (overlaps(page, boot.module[i].start, boot.module[i].size))
			return false;
	return holds_ram_at(page) && holds_ram_at(page + PANIC_RECORD_SIZE - 1);
}

static void begin_records(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (record[i])
			panic_record_begin(record[i], pvclock_seconds());
}

static void add_line(const char *line)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (record[i])
			panic_record_add(record[i], line);
}

static const struct panic_keeper keeper = {begin_records, add_line};

void last_panic_init(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (free_page(record_page[i]))
			record[i] = (struct panic_record *)record_page[i];
	panic_keep(&keeper);
	for (unsigned i = 0; i < PLACES && !have_record; i++)
		have_record = record[i] && panic_record_take(record[i], &last_record);
	if (!have_record)
		return;
	panic_record_age(&last_record);
	for (unsigned i = 0; i < PLACES; i++)
		if (record[i])
			memcpy(record[i], &last_record, sizeof last_record);
}

const struct panic_record *last_panic(void)
{
	return have_record ? &last_record : NULL;
}

void last_panic_log(void)
{
	const char *end;
	int n;

	if (!have_record)
		return;
	end = strchr(last_record.text, '\n');
	n = end ? (int)(end - last_record.text) : 0;
	if (last_record.boots == 1)
		log_warn("the last boot ended in a panic (`show last-panic`): %.*s", n,
		         last_record.text);
	else
		log_info("%u boots ago there was a panic (`show last-panic`): %.*s",
		         last_record.boots, n, last_record.text);
}
