/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c: patio-trace, which prints where the time of frames and round trips went. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tools/trace/trace.h"

#define PROGRAM  "patio-trace"
#define PAUSE_NS 1000000 /* between two looks at the rings */

static const char usage[] =
    "usage: patio-trace [--memory FILE] [--for SECONDS] [--json | --records]\n"
    "Prints, from the stamps of a node's trace, the time from step to step: of the frames of each\n"
    "path, and of round trips.\n"
    "  --memory FILE  the file that is an emulated machine's memory; without it, the window that\n"
    "                 Patio shows to the guest in which this runs (`control`)\n"
    "  --for SECONDS  collect for so long; else what is in the rings now\n"
    "  --json         as one object on one line\n"
    "  --records      the records themselves, a line each\n";

struct options {
	const char *memory;
	double seconds;
	bool json, records;
};

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"memory", required_argument, NULL, 'm'}, {"for", required_argument, NULL, 'f'},
	    {"json", no_argument, NULL, 'j'},         {"records", no_argument, NULL, 'r'},
	    {"help", no_argument, NULL, 'h'},         {0}};
	char *rest = "";
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			o->memory = optarg;
		else if (c == 'f')
			o->seconds = strtod(optarg, &rest);
		else if (c == 'j')
			o->json = true;
		else if (c == 'r')
			o->records = true;
		if (c == 'h')
			fputs(usage, stdout);
		if (c == 'h' || c == '?' || *rest)
			exit(c == 'h' ? 0 : (fputs(usage, stderr), 2));
	}
	if (optind != argc)
		exit((fputs(usage, stderr), 2));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void gather(struct collection *c, double seconds)
{
	const struct timespec pause = {0, PAUSE_NS};
	double end = now() + seconds;

	collect(c);
	while (now() < end) {
		nanosleep(&pause, NULL);
		collect(c);
	}
}

static void print_records(const struct collection *c)
{
	static const char *const step[] = {
#define X(name) #name,
	    TRACE_STEPS(X)
#undef X
	};

	for (unsigned i = 0; i < c->rings; i++)
		for (size_t k = 0; k < c->ring[i].n; k++) {
			const struct trace_record *r = &c->ring[i].record[k];

			printf("%s %lu %s walk=%u port=%u frame=%u a=%016lx b=%016lx\n",
			       c->ring[i].name, r->tsc,
			       r->step < TRACE_STEP_COUNT ? step[r->step] : "unknown", r->walk,
			       r->port, r->frame, r->a, r->b);
		}
}

int patio_trace(int argc, char **argv)
{
	struct options o = {0};
	struct source source;
	struct collection c;
	struct frames f;

	parse(&o, argc, argv);
	if (!(o.memory ? source_memory(&source, o.memory, PROGRAM)
	               : source_device(&source, PROGRAM)))
		return 1;
	collect_begin(&c, &source);
	gather(&c, o.seconds);
	if (o.records) {
		print_records(&c);
	} else {
		frames_make(&f, &c);
		split_print(&f, &c, o.json);
		frames_free(&f);
	}
	collect_end(&c);
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	perror(PROGRAM);
	return 1;
}
