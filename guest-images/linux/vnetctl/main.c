/* SPDX-License-Identifier: BSD-2-Clause */
/* vnetctl: sends statements of the control language from inside a guest; see vnetctl.8. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "channel.h"
#include "tools/trace/trace.h"

#define DEVICE     "/dev/hvc1"
#define LIMIT      30 /* seconds */
#define LIMIT_MAX  3600
#define CONSOLE_AS "control:" /* the prefix of the node's messages about our lines */

void die(int status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("vnetctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

static void usage(void)
{
	fputs("usage: vnetctl [-d device] [-t seconds] statement ...\n"
	      "       vnetctl [-d device] [-t seconds] -f file\n"
	      "       vnetctl [-d device] [-t seconds]\n",
	      stderr);
	exit(EXIT_USAGE);
}

/* ---- answers ---- */

/* Prints an error, with the name of the file that the lines came from instead of CONSOLE_AS. */
static void complain(const char *why, const char *file)
{
	size_t n = strlen(CONSOLE_AS);

	fflush(stdout);
	if (file && strncmp(why, CONSOLE_AS, n) == 0)
		fprintf(stderr, "vnetctl: %s:%s\n", file, why + n);
	else
		fprintf(stderr, "vnetctl: %s\n", why);
}

enum answer { DONE, REFUSED, TEXT_WANTED /* it was `load` */ };

/* Prints one answer. */
static enum answer print_answer(struct channel *c, const char *file)
{
	for (;;) {
		size_t len;
		const char *line = channel_line(c, &len);

		if (line[0] == '+')
			return DONE;
		if (line[0] == '>')
			return TEXT_WANTED;
		if (line[0] == '-') {
			complain(line + 1, file);
			return REFUSED;
		}
		if (line[0] == ':') {
			fwrite(line + 1, 1, len - 1, stdout);
			putchar('\n');
		}
	}
}

/* ---- requests ---- */

struct text {
	char *bytes;
	size_t len, size;
};

static void append(struct text *t, const char *bytes, size_t len)
{
	if (t->len + len > t->size) {
		t->size = 2 * (t->len + len);
		t->bytes = realloc(t->bytes, t->size);
		if (!t->bytes)
			die(EXIT_DEVICE, "no memory left");
	}
	memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
}

/* Refuses bytes that have a meaning in the session, such as ^C. */
static void check_bytes(const char *line, size_t len, const char *file, unsigned number)
{
	if (memchr(line, 0, len) || memchr(line, 3, len))
		die(EXIT_REFUSED, "%s:%u: a control character; the text is plain ASCII", file,
		    number);
	if (len && strchr(":+->", line[0]))
		die(EXIT_REFUSED, "%s:%u:1: no statement begins with `%c`", file, number, line[0]);
}

static void check_line(const char *line, size_t len, const char *file, unsigned number)
{
	check_bytes(line, len, file, number);
	if (len == 3 && memcmp(line, "end", 3) == 0)
		die(EXIT_REFUSED, "%s:%u:1: `end` ends a text; it cannot stand in it", file,
		    number);
}

static void send_statement(struct channel *c, const char *line, size_t len, const char *file,
                           unsigned number)
{
	check_bytes(line, len, file, number);
	channel_send(c, line, len);
	channel_send(c, "\n", 1);
}

/* Reads a line, with its end cut off; false at the end of the file. */
static bool read_line(FILE *f, const char *file, char **line, size_t *size, size_t *len)
{
	ssize_t n;

	errno = 0;
	n = getline(line, size, f);
	if (n < 0 && (ferror(f) || errno))
		die(EXIT_USAGE, "%s: %s", file, strerror(errno));
	if (n < 0)
		return false;
	while (n && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
		n--;
	*len = (size_t)n;
	return true;
}

/* Sends a file as one text, only after all of it was read without an error. */
static bool take_file(struct channel *c, const char *path)
{
	bool input = strcmp(path, "-") == 0;
	const char *name = input ? "stdin" : path;
	FILE *f = input ? stdin : fopen(path, "r");
	struct text t = {0};
	char *line = NULL;
	size_t size = 0, len;
	enum answer a;

	if (!f)
		die(EXIT_USAGE, "%s: %s", path, strerror(errno));
	append(&t, "load\n", 5);
	for (unsigned number = 1; read_line(f, name, &line, &size, &len); number++) {
		check_line(line, len, name, number);
		append(&t, line, len);
		append(&t, "\n", 1);
	}
	append(&t, "end\n", 4);
	channel_send(c, t.bytes, t.len);
	a = print_answer(c, name);
	return (a == TEXT_WANTED ? print_answer(c, name) : a) == DONE;
}

/* Sends one line of a text after `load`; true: it was the last, `end`. */
static bool send_text_line(struct channel *c, const char *line, size_t len, unsigned number)
{
	bool end = len == 3 && memcmp(line, "end", 3) == 0;

	if (!end)
		check_line(line, len, "stdin", number);
	channel_send(c, line, len);
	channel_send(c, "\n", 1);
	return end;
}

/* Sends each line as a request, and `load` to `end` as one; continues after a refused one. */
static bool take_lines(struct channel *c)
{
	bool ok = true, gathering = false;
	char *line = NULL;
	size_t size = 0, len;

	for (unsigned number = 1; read_line(stdin, "stdin", &line, &size, &len); number++) {
		enum answer a;

		if (gathering && !send_text_line(c, line, len, number))
			continue;
		if (!gathering)
			send_statement(c, line, len, "stdin", number);
		a = print_answer(c, NULL);
		ok &= a != REFUSED;
		gathering = a == TEXT_WANTED;
		fflush(stdout);
	}
	if (gathering)
		die(EXIT_REFUSED, "no `end` after `load`: nothing was changed");
	return ok;
}

/* Adds a word, with the quotes that the language needs and the shell has removed. */
static void append_word(struct text *t, const char *word)
{
	if (*word && !strpbrk(word, " \t\"\\#")) {
		append(t, word, strlen(word));
		return;
	}
	append(t, "\"", 1);
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			append(t, "\\", 1);
		append(t, word, 1);
	}
	append(t, "\"", 1);
}

/* Sends a statement given as several words or, unchanged, as one argument; `metrics` stands for
 * `show metrics`. */
static bool take_words(struct channel *c, char **word, int words)
{
	struct text t = {0};
	enum answer a;

	if (strcmp(word[0], "metrics") == 0)
		append(&t, "show ", 5);
	for (int i = 0; i < words; i++) {
		if (strchr(word[i], '\n'))
			die(EXIT_USAGE, "one statement per line; -f takes several");
		if (i)
			append(&t, " ", 1);
		if (words == 1)
			append(&t, word[i], strlen(word[i]));
		else
			append_word(&t, word[i]);
	}
	send_statement(c, t.bytes, t.len, "argument", 1);
	a = print_answer(c, NULL);
	if (a == TEXT_WANTED)
		die(EXIT_USAGE, "say -f file instead of `load`");
	return a == DONE;
}

static int seconds(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < 1 || n > LIMIT_MAX)
		die(EXIT_USAGE, "-t takes 1 to %d seconds", LIMIT_MAX);
	return (int)n;
}

static int vnetctl(int argc, char **argv)
{
	const char *device = DEVICE, *file = NULL;
	int limit = LIMIT;
	struct channel c;
	bool ok;

	for (int o; (o = getopt(argc, argv, "+d:f:t:")) != -1;) {
		if (o == 'd')
			device = optarg;
		else if (o == 'f')
			file = optarg;
		else if (o == 't')
			limit = seconds(optarg);
		else
			usage();
	}
	if (file && optind < argc)
		usage();
	channel_open(&c, device, limit * 1000);
	ok = file            ? take_file(&c, file)
	     : optind < argc ? take_words(&c, argv + optind, argc - optind)
	                     : take_lines(&c);
	if (fflush(stdout) != 0)
		die(EXIT_USAGE, "standard output: %s", strerror(errno));
	return ok ? 0 : EXIT_REFUSED;
}

/* This file holds two programs, told apart by the name they are called by: they share the C
 * library. */
int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	if (strcmp(slash ? slash + 1 : argv[0], "patio-trace") == 0)
		return patio_trace(argc, argv);
	return vnetctl(argc, argv);
}
