/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: patio-capture, which writes what a node's mirrors copy as a pcapng stream. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tools/capture/reader.h"
#include "tools/trace/trace.h"

#define PROGRAM  "patio-capture"
#define PAUSE_NS 2000000 /* between two looks at the rings */

static const char usage[] =
    "usage: patio-capture [--memory FILE] [--mirror NAME] [--for SECONDS] [--write FILE]\n"
    "Writes the frames that a node's mirrors copy as pcapng, to FILE or to standard output:\n"
    "  patio-capture | wireshark -k -i -\n"
    "  --memory FILE  the file that is an emulated machine's memory; without it, the window that\n"
    "                 Patio shows to the guest in which this runs (`control`)\n"
    "  --mirror NAME  the frames of this mirror, while it is there; else of all\n"
    "  --for SECONDS  for so long; 0: what is in the rings now; else until it is interrupted\n"
    "Status: 0; 1: there is no mirror, or the stream cannot be written; 2: wrong usage.\n";

struct options {
	const char *memory, *mirror, *path;
	double seconds; /* below 0: no limit */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"memory", required_argument, NULL, 'm'}, {"mirror", required_argument, NULL, 'n'},
	    {"for", required_argument, NULL, 'f'},    {"write", required_argument, NULL, 'w'},
	    {"help", no_argument, NULL, 'h'},         {0}};
	char *rest = "";
	int c;

	o->seconds = -1;
	while ((c = getopt_long(argc, argv, "w:", longs, NULL)) != -1) {
		if (c == 'm')
			o->memory = optarg;
		else if (c == 'n')
			o->mirror = optarg;
		else if (c == 'f')
			o->seconds = strtod(optarg, &rest);
		else if (c == 'w')
			o->path = optarg;
		if (c == 'h')
			fputs(usage, stdout);
		if (c == 'h' || c == '?' || *rest)
			exit(c == 'h' ? 0 : (fputs(usage, stderr), 2));
	}
	if (optind != argc)
		exit((fputs(usage, stderr), 2));
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, PROGRAM ": %s%s%s\n", what, why ? ": " : "", why ? why : "");
	exit(1);
}

/* Takes from the window what it has: the rings of mirrors, of the trace, the names of ports. */
static void find_parts(const struct source *source, struct groups *g, struct stream *s,
                       struct itinerary *t)
{
	struct window_part part;
	const void *memory;
	bool found = false;

	t->tsc_khz = source->window->tsc_khz;
	for (unsigned i = 0; i < WINDOW_PARTS; i++) {
		memory = source_part(source, i, &part);
		if (memory && part.kind == WINDOW_capture && !found)
			found = groups_begin(g, memory, part.size);
		if (memory && part.kind == WINDOW_trace)
			itinerary_add(t, part.owner, memory, part.size);
		if (memory && part.kind == WINDOW_ports) {
			s->port = memory;
			s->ports = (unsigned)(part.size / sizeof *s->port);
		}
	}
	if (!found)
		fail("the node has no mirror; say `mirror NAME network NET`", NULL);
	s->capture = g->capture;
	s->itinerary = t;
}

/* The mirrors of that name, one bit each; without a name all. */
static uint8_t mirrors_named(const struct capture *capture, const char *name)
{
	uint8_t found = 0;

	for (unsigned i = 0; i < CAPTURE_MIRRORS; i++) {
		struct capture_mirror m = capture->mirror[i];

		m.name[CAPTURE_NAME - 1] = 0;
		if (!name || !strcmp(m.name, name))
			found |= (uint8_t)(1u << i);
	}
	return found;
}

/* Writes all groups that are due; false: nobody reads any more. */
static bool write_groups(struct stream *s, struct groups *g, bool all)
{
	struct group *group;
	bool good = true;

	while (good && (group = groups_next(g, all))) {
		good = stream_group(s, group) && stream_lost(s, group->tsc, groups_lost(g));
		group_free(group);
	}
	return good && !fflush(s->out);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Until the time is over, or the mirrors are gone.  False: the stream takes no more; errno says
 * why. */
static bool follow(struct stream *s, struct groups *g, struct itinerary *t, const struct options *o)
{
	const struct timespec pause = {0, PAUSE_NS};
	double end = now() + o->seconds;
	bool there = true, last;

	do {
		last = interrupted || (o->seconds >= 0 && now() >= end) ||
		       mirrors_named(g->capture, o->mirror) != s->mirrors;
		there = groups_read(g);
		itinerary_read(t);
		if (!write_groups(s, g, last || !there))
			return false;
		if (!last && there)
			nanosleep(&pause, NULL);
	} while (!last && there);
	return stream_lost(s, g->latest, groups_lost(g)) && !fflush(s->out);
}

int main(int argc, char **argv)
{
	static struct groups g;
	static struct stream s;
	static struct itinerary t;
	struct sigaction action = {.sa_handler = interrupt};
	struct options o = {0};
	struct source source;
	bool written;

	parse(&o, argc, argv);
	if (!(o.memory ? source_memory(&source, o.memory, PROGRAM)
	               : source_device(&source, PROGRAM)))
		return 1;
	find_parts(&source, &g, &s, &t);
	s.mirrors = mirrors_named(g.capture, o.mirror);
	if (!s.mirrors)
		fail(o.mirror, "no such mirror");
	s.out = o.path && strcmp(o.path, "-") ? fopen(o.path, "w") : stdout;
	if (!s.out)
		fail(o.path, "cannot be written");
	if (s.out == stdout && isatty(STDOUT_FILENO))
		fail("a pcapng stream is nothing for a terminal; --write FILE, or a pipe", NULL);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	written = stream_begin(&s) && !fflush(s.out) && follow(&s, &g, &t, &o);
	if (!written && errno != EPIPE) /* else the reader has seen enough */
		fail(o.path ? o.path : "standard output", strerror(errno));
	fprintf(stderr, PROGRAM ": %lu packets, %lu records lost\n", s.packets, groups_lost(&g));
	groups_end(&g);
	itinerary_end(&t);
	return 0;
}
