/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out.h: writes one answer as text for people or as JSON for programs.
 *
 * An answer consists of nested named objects and tables.  As text a table has a heading and aligned
 * columns, and an object is a list of `name: value` lines; as JSON (RFC 8259) the answer is one
 * object on one line, and a table is an array of objects whose keys are the columns.  Nothing is
 * buffered or allocated: all output goes to `put` at once.
 */
#ifndef VMM_CONTROL_SHOW_OUT_H
#define VMM_CONTROL_SHOW_OUT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUT_DEPTH 8 /* depth of nested objects and tables, at most */

/* A column of a table: its heading is also its JSON key. */
struct out_column {
	const char *name;
	uint8_t width; /* least width of the text column, in characters; the heading may be wider */
	bool right;    /* right-aligned, as numbers are */
};

/* One open object or table; out.c only. */
struct out_level {
	const struct out_column *column; /* NULL: an object */
	uint32_t columns, cell;          /* cell: of the open row, the next to be written */
	bool any;  /* something was written in the object, or in the table's open row */
	bool row;  /* a row is open */
	bool rows; /* a row was begun */
};

struct out {
	void (*put)(void *ctx, const char *text, size_t len);
	void *ctx;
	bool json;
	unsigned depth;
	unsigned lost;   /* levels that could not be opened and are still to be closed */
	unsigned errors; /* ignored calls that did not fit the nesting: 0 in a correct program */
	struct out_level level[OUT_DEPTH];
};

/* Opens an answer; everything written goes to put(ctx, ...), from the calling core. */
void out_begin(struct out *o, bool json, void (*put)(void *, const char *, size_t), void *ctx);
/* Closes the answer and whatever is still open in it. */
void out_end(struct out *o);

/* An object inside the answer or inside another object. */
void out_begin_object(struct out *o, const char *name);
void out_end_object(struct out *o);

/* A table inside an object; `column` stays valid until out_end_table(). */
void out_begin_table(struct out *o, const char *name, const struct out_column *column, unsigned n);
void out_end_table(struct out *o);

/* Begins the next row; its cells follow in the columns' order; those left out are null. */
void out_row(struct out *o);

/*
 * One value: the next cell of a row (`name` is NULL) or a field of an object (`name` given).  A
 * string is UTF-8 or bytes: control characters are escaped, NULL is null.
 */
void out_string(struct out *o, const char *name, const char *s);
void out_number(struct out *o, const char *name, uint64_t v);
void out_signed(struct out *o, const char *name, int64_t v);
void out_bool(struct out *o, const char *name, bool v);      /* text: yes, no */
void out_size(struct out *o, const char *name, uint64_t v);  /* bytes; text: 64M when exact */
void out_mac(struct out *o, const char *name, uint64_t mac); /* first byte on the wire lowest */
void out_null(struct out *o, const char *name);              /* text: - */

#endif
