/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes one answer as text or JSON. */
#include "vmm/control/show/out.h"
#include "vmm/control/show/utf8.h"
#include <stdio.h>
#include <string.h>
#include "lib/address_text.h"

static void put_text(struct out *o, const char *text)
{
	o->put(o->ctx, text, strlen(text));
}

static void put_blanks(struct out *o, size_t n)
{
	for (; n; n--)
		o->put(o->ctx, " ", 1);
}

/* The innermost open object or table; NULL: nothing can be written. */
static struct out_level *innermost(struct out *o)
{
	return o->depth && !o->lost ? &o->level[o->depth - 1] : NULL;
}

/* Indents to the fields of the innermost object; `opened`: one level less, for the heading of a
 * level just opened. */
static void indent(struct out *o, bool opened)
{
	put_blanks(o, 2 * (o->depth - (opened ? 2 : 1)));
}

/* ---- strings ---- */

/* Writes the next character of a string, escaped for output, into piece; returns how many bytes of
 * s it covers. */
static unsigned escape_next(const struct out *o, const uint8_t *s, char piece[8])
{
	unsigned n = utf8_length(s);

	if (!n || *s < ' ' || *s == 0x7f)
		snprintf(piece, 8, o->json ? (n ? "\\u%04x" : "\\ufffd") : "\\x%02x", *s);
	else if (o->json && (*s == '"' || *s == '\\'))
		snprintf(piece, 8, "\\%c", *s);
	else
		snprintf(piece, 8, "%.*s", (int)n, (const char *)s);
	return n ? n : 1;
}

static size_t escaped_length(const struct out *o, const char *s)
{
	char piece[8];
	size_t len = 0;

	while (*s) {
		s += escape_next(o, (const uint8_t *)s, piece);
		len += strlen(piece);
	}
	return len;
}

static void put_escaped(struct out *o, const char *s)
{
	char piece[8];

	while (*s) {
		s += escape_next(o, (const uint8_t *)s, piece);
		put_text(o, piece);
	}
}

/* ---- values ---- */

static void json_key(struct out *o, struct out_level *l, const char *name)
{
	put_text(o, l->any ? ",\"" : "\"");
	put_escaped(o, name);
	put_text(o, "\":");
	l->any = true;
}

static size_t column_width(const struct out_column *c)
{
	size_t name = strlen(c->name);

	return name > c->width ? name : c->width;
}

/* Writes one cell of a text row, aligned; nothing follows the last one. */
static void put_cell(struct out *o, const struct out_level *l, uint32_t i, const char *shown)
{
	const struct out_column *c = &l->column[i];
	size_t len = escaped_length(o, shown), width = column_width(c);
	size_t pad = len < width ? width - len : 0;

	if (i)
		put_text(o, "  ");
	else
		indent(o, true);
	put_blanks(o, c->right ? pad : 0);
	put_escaped(o, shown);
	if (i + 1 == l->columns)
		put_text(o, "\n");
	else
		put_blanks(o, c->right ? 0 : pad);
}

static void value_cell(struct out *o, struct out_level *l, const char *shown, bool quote)
{
	if (!l->row || l->cell == l->columns) {
		o->errors++;
		return;
	}
	if (!o->json) {
		put_cell(o, l, l->cell++, shown);
		return;
	}
	json_key(o, l, l->column[l->cell++].name);
	put_text(o, quote ? "\"" : "");
	put_escaped(o, shown);
	put_text(o, quote ? "\"" : "");
}

static void value_field(struct out *o, struct out_level *l, const char *name, const char *shown,
                        bool quote)
{
	if (o->json) {
		json_key(o, l, name);
		put_text(o, quote ? "\"" : "");
		put_escaped(o, shown);
		put_text(o, quote ? "\"" : "");
		return;
	}
	indent(o, false);
	put_text(o, name);
	put_text(o, ": ");
	put_escaped(o, shown);
	put_text(o, "\n");
	l->any = true;
}

/* Writes one value; `quote` when it is a string in JSON. */
static void write_value(struct out *o, const char *name, const char *shown, bool quote)
{
	struct out_level *l = innermost(o);

	if (!l || !l->column != !!name)
		o->errors++;
	else if (l->column)
		value_cell(o, l, shown, quote);
	else
		value_field(o, l, name, shown, quote);
}

void out_null(struct out *o, const char *name)
{
	write_value(o, name, o->json ? "null" : "-", false);
}

void out_string(struct out *o, const char *name, const char *s)
{
	if (!s)
		out_null(o, name);
	else
		write_value(o, name, *s || o->json ? s : "\"\"", true);
}

void out_number(struct out *o, const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	write_value(o, name, text, false);
}

void out_signed(struct out *o, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)v);
	write_value(o, name, text, false);
}

void out_bool(struct out *o, const char *name, bool v)
{
	if (o->json)
		write_value(o, name, v ? "true" : "false", false);
	else
		write_value(o, name, v ? "yes" : "no", false);
}

void out_size(struct out *o, const char *name, uint64_t v)
{
	static const char unit[] = "KMGT";
	char text[24];
	unsigned i = 0;

	while (!o->json && v && v % 1024 == 0 && unit[i]) {
		v /= 1024;
		i++;
	}
	snprintf(text, sizeof text, "%llu%.1s", (unsigned long long)v, i ? &unit[i - 1] : "");
	write_value(o, name, text, false);
}

void out_mac(struct out *o, const char *name, uint64_t mac)
{
	char text[MAC_TEXT];

	mac_to_text(mac, text);
	write_value(o, name, text, true);
}

/* ---- nesting ---- */

/* Opens a level inside an object; false: not possible here. */
static bool open_level(struct out *o, const char *name, const struct out_column *column, unsigned n)
{
	struct out_level *l = innermost(o);

	if (!l || l->column || o->depth == OUT_DEPTH) {
		o->errors++;
		o->lost++;
		return false;
	}
	if (o->json)
		json_key(o, l, name);
	else if (l->any && column)
		put_text(o, "\n");
	l->any = true;
	o->level[o->depth++] = (struct out_level){.column = column, .columns = n};
	return true;
}

/* Closes the innermost level if it is of this kind; for a level that could not be opened only the
 * count changes. */
static struct out_level *close_level(struct out *o, bool table)
{
	struct out_level *l = innermost(o);

	if (o->lost) {
		o->lost--;
		return NULL;
	}
	if (o->depth < 2 || !l->column == table) {
		o->errors++;
		return NULL;
	}
	return l;
}

/* Closes the open row; cells left out are null. */
static void close_row(struct out *o, struct out_level *l)
{
	while (l->row && l->cell < l->columns)
		out_null(o, NULL);
	if (o->json && l->row)
		put_text(o, "}");
	l->row = false;
}

void out_begin(struct out *o, bool json, void (*put_fn)(void *, const char *, size_t), void *ctx)
{
	memset(o, 0, sizeof *o);
	o->put = put_fn;
	o->ctx = ctx;
	o->json = json;
	o->depth = 1;
	put_text(o, json ? "{" : "");
}

void out_end(struct out *o)
{
	o->lost = 0;
	while (o->depth > 1) {
		if (innermost(o)->column)
			out_end_table(o);
		else
			out_end_object(o);
	}
	o->depth = 0;
	put_text(o, o->json ? "}\n" : "");
}

void out_begin_object(struct out *o, const char *name)
{
	if (!open_level(o, name, NULL, 0))
		return;
	if (o->json) {
		put_text(o, "{");
		return;
	}
	indent(o, true);
	put_text(o, name);
	put_text(o, ":\n");
}

void out_end_object(struct out *o)
{
	if (!close_level(o, false))
		return;
	put_text(o, o->json ? "}" : "");
	o->depth--;
}

void out_begin_table(struct out *o, const char *name, const struct out_column *column, unsigned n)
{
	if (!open_level(o, name, column, n))
		return;
	put_text(o, o->json ? "[" : "");
	for (uint32_t i = 0; !o->json && i < n; i++)
		put_cell(o, innermost(o), i, column[i].name);
}

void out_row(struct out *o)
{
	struct out_level *l = innermost(o);
	bool first;

	if (!l || !l->column) {
		o->errors++;
		return;
	}
	first = !l->rows;
	close_row(o, l);
	l->rows = l->row = true;
	l->any = false;
	l->cell = 0;
	if (o->json)
		put_text(o, first ? "{" : ",{");
}

void out_end_table(struct out *o)
{
	struct out_level *l = close_level(o, true);

	if (!l)
		return;
	close_row(o, l);
	put_text(o, o->json ? "]" : "");
	o->depth--;
}
