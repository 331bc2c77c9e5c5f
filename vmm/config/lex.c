/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splits lines into words.
 *
 * A word ends at a blank; `#` at a word's start begins a comment; "..." is one word, with \" and \\
 * inside; `\` at a line's end continues the line.  Lines end with LF or CRLF.  Words are printable
 * ASCII; quotes and comments may also contain tabs and bytes from 0x80 on, so UTF-8, whose byte
 * order mark may precede the text (RFC 3629, 6).  NUL is refused everywhere.
 */
#include <string.h>
#include "vmm/config/parse.h"

#define END (-1)

enum step { STEP_WORD, STEP_LINE_END, STEP_FAILED };

void lexer_init(struct lexer *lx, const char *text, size_t len)
{
	static const char mark[] = {'\xef', '\xbb', '\xbf'};
	bool marked = len >= sizeof mark && memcmp(text, mark, sizeof mark) == 0;

	lx->text = text;
	lx->len = len;
	lx->at = marked ? sizeof mark : 0;
	lx->line_start = lx->at; /* the byte order mark does not count as columns */
	lx->line = 1;
	lx->bytes = 0;
	lx->used = 0;
}

/* The byte `ahead` bytes further on; CR before LF reads as LF, the text's end as END. */
static int peek(const struct lexer *lx, size_t ahead)
{
	size_t i = lx->at + ahead;

	if (i >= lx->len)
		return END;
	if (lx->text[i] == '\r' && i + 1 < lx->len && lx->text[i + 1] == '\n')
		return '\n';
	return (uint8_t)lx->text[i];
}

static void take_line_end(struct lexer *lx)
{
	lx->at += lx->text[lx->at] == '\r' ? 2 : 1;
	lx->line_start = lx->at;
	lx->line++;
}

static struct word word_here(const struct lexer *lx)
{
	return (struct word){"", lx->line, (uint32_t)(lx->at - lx->line_start + 1), false};
}

static bool fail_here(struct parser *p, const char *why)
{
	struct word w = word_here(&p->lexer);

	return config_fail(p, &w, "%s", why);
}

/* Consumes the byte that peek() returned.  The length of a statement is bounded, so store[] is
 * never full. */
static bool take_byte(struct parser *p)
{
	struct lexer *lx = &p->lexer;
	struct word w = word_here(lx);

	if (w.column > CONFIG_LINE)
		return config_fail(p, &w, "the line is longer than %u bytes", CONFIG_LINE);
	if (lx->bytes == CONFIG_STATEMENT)
		return config_fail(p, &w, "the statement is longer than %u bytes",
		                   CONFIG_STATEMENT);
	lx->bytes++;
	lx->at++;
	return true;
}

static bool fail_byte(struct parser *p, int c)
{
	struct word w = word_here(&p->lexer);

	if (c == 0)
		return config_fail(p, &w, "a NUL byte; the text is plain ASCII");
	if (c < 0x80)
		return config_fail(p, &w, "control character 0x%02x; the text is plain ASCII",
		                   (unsigned)c);
	return config_fail(p, &w, "byte 0x%02x outside quotes and comments; words are plain ASCII",
	                   (unsigned)c);
}

static bool printable(int c)
{
	return c >= ' ' && c <= '~';
}

static void store_byte(struct lexer *lx, int c)
{
	lx->store[lx->used++] = (char)c;
}

static bool take_comment(struct parser *p)
{
	for (int c; (c = peek(&p->lexer, 0)) != END && c != '\n';) {
		if (!printable(c) && c != '\t' && c < 0x80)
			return fail_byte(p, c);
		if (!take_byte(p))
			return false;
	}
	return true;
}

/* Skips blanks, continuations and a comment, up to the next word or the line's end. */
static enum step skip_blanks(struct parser *p)
{
	struct lexer *lx = &p->lexer;

	for (;;) {
		int c = peek(lx, 0);

		if (c == '#' && !take_comment(p))
			return STEP_FAILED;
		c = peek(lx, 0);
		if (c == END || c == '\n')
			return STEP_LINE_END;
		if (c != ' ' && c != '\t' && c != '\\')
			return STEP_WORD;
		if (c == '\\' && peek(lx, 1) != '\n') {
			fail_here(p, "a `\\` outside quotes stands only at a line's end");
			return STEP_FAILED;
		}
		if (!take_byte(p))
			return STEP_FAILED;
		if (c == '\\')
			take_line_end(lx);
	}
}

static bool ends_word(int c)
{
	return c == END || c == '\n' || c == ' ' || c == '\t' || c == '\\';
}

static bool take_plain(struct parser *p)
{
	for (int c; !ends_word(c = peek(&p->lexer, 0));) {
		if (c == '"')
			return fail_here(p, "a quote in the middle of a word; "
			                    "put a blank before it, or the whole word in quotes");
		if (!printable(c))
			return fail_byte(p, c);
		if (!take_byte(p))
			return false;
		store_byte(&p->lexer, c);
	}
	return true;
}

static bool take_quoted(struct parser *p, const struct word *w)
{
	if (!take_byte(p))
		return false;
	for (int c; (c = peek(&p->lexer, 0)) != '"';) {
		if (c == END || c == '\n')
			return config_fail(p, w,
			                   "the quote that opens here is not closed on its line");
		if (!printable(c) && c != '\t' && c < 0x80)
			return fail_byte(p, c);
		if (c == '\\') {
			c = peek(&p->lexer, 1);
			if (c != '"' && c != '\\')
				return fail_here(
				    p, "inside quotes `\\` stands only before `\"` or `\\`");
			if (!take_byte(p))
				return false;
		}
		if (!take_byte(p))
			return false;
		store_byte(&p->lexer, c);
	}
	if (!take_byte(p))
		return false;
	if (!ends_word(peek(&p->lexer, 0)))
		return fail_here(p, "no blank after the closing quote");
	return true;
}

static bool take_word(struct parser *p)
{
	struct word *w = &p->word[p->words];

	*w = word_here(&p->lexer);
	if (p->words == CONFIG_WORDS)
		return config_fail(p, w, "more than %u words in one line", CONFIG_WORDS);
	w->text = p->lexer.store + p->lexer.used;
	w->quoted = peek(&p->lexer, 0) == '"';
	if (!(w->quoted ? take_quoted(p, w) : take_plain(p)))
		return false;
	store_byte(&p->lexer, '\0');
	p->words++;
	return true;
}

/* Reads one logical line; the entry after its last word has the position of its end. */
static bool read_line(struct parser *p)
{
	enum step s;

	p->words = 0;
	p->lexer.used = 0;
	p->lexer.bytes = 0;
	p->word[0] = word_here(&p->lexer);
	while ((s = skip_blanks(p)) == STEP_WORD) {
		if (!take_word(p))
			return false;
		p->word[p->words] = word_here(&p->lexer);
	}
	if (s == STEP_LINE_END && p->lexer.at < p->lexer.len)
		take_line_end(&p->lexer);
	return s == STEP_LINE_END;
}

bool config_next_line(struct parser *p, bool *failed)
{
	while (p->lexer.at < p->lexer.len) {
		*failed = !read_line(p);
		if (*failed)
			return false;
		if (p->words)
			return true;
	}
	return false;
}
