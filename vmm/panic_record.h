/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic_record.h: a panic's text, kept in memory across a reset.
 *
 * After a reset the memory may hold anything: a record is valid only if its checksum is right, and
 * its text is made printable.
 */
#ifndef VMM_PANIC_RECORD_H
#define VMM_PANIC_RECORD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PANIC_RECORD_SIZE 4096 /* bytes: one page */
#define PANIC_RECORD_TEXT (PANIC_RECORD_SIZE - 32)

struct panic_record {
	uint8_t magic[8];
	uint32_t sum;    /* checksum of what follows, up to the text's end */
	uint32_t length; /* bytes of text */
	uint32_t boots;  /* boots since the panic */
	uint32_t zero;
	uint64_t time; /* of the panic: seconds since 1970; 0: unknown */
	char text[PANIC_RECORD_TEXT];
};
_Static_assert(sizeof(struct panic_record) == PANIC_RECORD_SIZE, "a page");

/* Begins a record without text. */
void panic_record_begin(struct panic_record *r, uint64_t time);

/* Adds a line (without newline) and updates the checksum; text that does not fit is dropped. */
void panic_record_add(struct panic_record *r, const char *line);

/* Copies a record from memory with any content and checks the copy.  false: not a record.  In `to`,
 * text[length] is within the text and is NUL; all before it is printable ASCII or a newline. */
bool panic_record_take(const struct panic_record *from, struct panic_record *to);

/* Counts one more boot since the panic. */
void panic_record_age(struct panic_record *r);
#endif
