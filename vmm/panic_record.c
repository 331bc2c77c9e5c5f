/* SPDX-License-Identifier: BSD-2-Clause */
/* panic_record.c: see panic_record.h. */
#include <string.h>
#include "vmm/panic_record.h"

static const uint8_t magic[8] = {'P', 'A', 'T', 'I', 'O', 'p', 'n', '1'};

/* FNV-1a. */
static uint32_t record_sum(const struct panic_record *r)
{
	const uint8_t *p = (const uint8_t *)&r->length;
	size_t n = offsetof(struct panic_record, text) - offsetof(struct panic_record, length);
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < n + r->length; i++)
		hash = (hash ^ p[i]) * 16777619u;
	return hash;
}

void panic_record_begin(struct panic_record *r, uint64_t time)
{
	memset(r, 0, sizeof *r);
	memcpy(r->magic, magic, sizeof magic);
	r->time = time;
	r->sum = record_sum(r);
}

/* The last byte is left for panic_record_take()'s NUL. */
void panic_record_add(struct panic_record *r, const char *line)
{
	size_t n = strlen(line), room = PANIC_RECORD_TEXT - 1 - r->length;

	if (n + 1 > room)
		return;
	memcpy(r->text + r->length, line, n);
	r->text[r->length + n] = '\n';
	r->length += (uint32_t)n + 1;
	r->sum = record_sum(r);
}

bool panic_record_take(const struct panic_record *from, struct panic_record *to)
{
	memcpy(to, from, sizeof *to);
	if (memcmp(to->magic, magic, sizeof magic) || to->length >= PANIC_RECORD_TEXT ||
	    to->sum != record_sum(to))
		return false;
	for (uint32_t i = 0; i < to->length; i++)
		if (to->text[i] != '\n' && (to->text[i] < ' ' || to->text[i] > '~'))
			to->text[i] = '?';
	to->text[to->length] = '\0';
	return true;
}

void panic_record_age(struct panic_record *r)
{
	r->boots++;
	r->sum = record_sum(r);
}
