/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patio-check: what a node would say of a patio.conf, before one is booted with it.
 *
 * The parser, the lint, the check against the machine (vmm/fit.h), the allocator and the loaders
 * are the node's own sources, so the messages are the same.  Properties of the machine that are not
 * given are not checked, and a note says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vmm/config/parse.h"
#include "vmm/fit.h"
#include "lib/mem.h"
#include "vmm/vm_images.h"
#include "vmm/vm_memory.h"

#define MIB        (1ul << 20)
#define GIB        (1ul << 30)
#define MODULES    32 /* the image's own limit */
#define VMM_MEMORY (8 * MIB)
#define PCI_HOLE   (3 * GIB) /* where a PC's memory ends below 4 GiB, if it has that much */

enum { STATUS_GOOD, STATUS_REFUSED, STATUS_USAGE };

static const char usage[] =
    "usage: patio-check [OPTION].. patio.conf [MODULE | NAME=MODULE]..\n"
    "Says what a node would say of this patio.conf.  MODULEs are the files that are loaded beside\n"
    "the image; a module's name is the file's, unless NAME is given.\n"
    "  --memory SIZE   of the machine, as 8G or 512M\n"
    "  --cores N       of the machine, all threads\n"
    "  --threads N     of a core (1)\n"
    "  --pci BB:DD.F   a PCI function that is there; once for each\n"
    "What is not given is not checked.  Status: 0 taken, 1 refused, 2 wrong usage.\n";

struct module {
	char name[CONFIG_MODULE];
	struct blob blob;
};

static struct module module[MODULES];
static unsigned modules;
static uint16_t function[256];
static unsigned functions;
static unsigned cores, threads = 1;
static uint64_t memory;
static bool bad;

static void say_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("error: ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	bad = true;
}

static void give_up(const char *what, const char *why) __attribute__((noreturn));
static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "patio-check: %s: %s\n", what, why);
	exit(STATUS_USAGE);
}

/* --- arguments ------------------------------------------------------------------------------ */

static struct blob read_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	void *at;

	if (fd < 0 || fstat(fd, &st))
		give_up(path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		give_up(path, "is no regular file");
	if (!st.st_size) {
		close(fd);
		return (struct blob){(const uint8_t *)"", 0};
	}
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		give_up(path, "cannot be read");
	return (struct blob){at, (uint64_t)st.st_size};
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* `text` is PATH or NAME=PATH; a path that contains `=` needs the second form. */
static void add_module(const char *text)
{
	const char *equal = strchr(text, '=');
	const char *name = equal ? text : base_name(text);
	size_t len = equal ? (size_t)(equal - text) : strlen(name);
	struct module *m;

	if (modules == MODULES)
		give_up(text, "more modules than a node takes");
	if (!len || len >= CONFIG_MODULE)
		give_up(text, "a module's name has 1 to 63 characters");
	m = &module[modules++];
	memcpy(m->name, name, len);
	m->blob = read_file(equal ? equal + 1 : text);
}

static void add_function(const char *text)
{
	unsigned bus, device, fn;
	int length = 0;

	if (sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &fn, &length) != 3 || text[length] ||
	    device > 31 || fn > 7)
		give_up(text, "write a PCI function as 00:03.0");
	if (functions == sizeof function / sizeof function[0])
		give_up(text, "too many PCI functions");
	function[functions++] = (uint16_t)(bus << 8 | device << 3 | fn);
}

static uint64_t number(const char *text, const char *units, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10), unit = *end == 'G' ? GIB : MIB;

	if (*end && strchr(units, *end) && !end[1] && n <= max / unit)
		n *= unit, end++;
	else if (*units)
		n = 0;
	if (*end || text[0] < '0' || text[0] > '9' || n < min || n > max)
		give_up(text, "no such number or size");
	return n;
}

static void read_options(int argc, char **argv)
{
	static const struct option option[] = {
	    {"memory", required_argument, NULL, 'm'},  {"cores", required_argument, NULL, 'c'},
	    {"threads", required_argument, NULL, 't'}, {"pci", required_argument, NULL, 'p'},
	    {"help", no_argument, NULL, 'h'},          {0},
	};

	for (int o; (o = getopt_long(argc, argv, "", option, NULL)) != -1;) {
		if (o == 'm') {
			memory = number(optarg, "MG", 16 * MIB, 4096 * GIB);
		} else if (o == 'c') {
			cores = (unsigned)number(optarg, "", 1, PLACE_CORES);
		} else if (o == 't') {
			threads = (unsigned)number(optarg, "", 1, 8);
		} else if (o == 'p') {
			add_function(optarg);
		} else {
			fputs(usage, o == 'h' ? stdout : stderr);
			exit(o == 'h' ? STATUS_GOOD : STATUS_USAGE);
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		exit(STATUS_USAGE);
	}
}

/* --- against the machine -------------------------------------------------------------------- */

static const struct module *find_module(const char *name)
{
	for (unsigned i = 0; i < modules; i++)
		if (!strcmp(module[i].name, name))
			return &module[i];
	return NULL;
}

static bool has_module(const char *name)
{
	return find_module(name);
}

static struct blob module_blob(const char *name)
{
	const struct module *m = find_module(name);

	return m ? m->blob : (struct blob){0};
}

static const char *pci_unfit(uint16_t bdf)
{
	for (unsigned i = 0; i < functions; i++)
		if (function[i] == bdf)
			return NULL;
	return "is not there";
}

/* The threads of a core get consecutive APIC IDs, aligned to a power of two. */
static void describe_cores(struct place_view *v)
{
	v->cores = cores;
	while (1u << v->smt_bits < threads)
		v->smt_bits++;
	for (unsigned i = 0; i < cores; i++)
		v->core[i].apic_id = i / threads << v->smt_bits | i % threads;
}

static bool fits(const struct node_config *n, const char *source)
{
	static const char poller;
	static struct fit_machine m; /* every guest is new */
	char why[256];

	m.poller = &poller;
	m.has_module = modules > 1 ? has_module : NULL;
	m.pci_unfit = functions ? pci_unfit : NULL;
	describe_cores(&m.place);
	if (fit_check(&m, n, why, sizeof why))
		return true;
	say_error("%s: %s", source, why);
	return false;
}

/* The memory of a PC of that size, without that of firmware, image, modules and VMM. */
static void describe_memory(void)
{
	uint64_t low = memory < PCI_HOLE ? memory : PCI_HOLE, used = VMM_MEMORY;

	mem_add(MIB, low - MIB);
	if (memory > low)
		mem_add(4 * GIB, memory - low);
	for (unsigned i = 0; i < modules; i++)
		used += (module[i].blob.size + 4095) & ~4095ul;
	mem_reserve(MIB, used);
}

/* Loads the guest's images into memory that the host allocates page by page when it is written. */
static void try_images(const struct guest_config *g, uint64_t hpa, const char *source)
{
	struct vm_piece piece[2];
	struct gmem mem = {0};
	struct cpu_entry entry;
	uint8_t *at = mmap(NULL, g->memory, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned n;
	char why[256];

	if (at == MAP_FAILED) {
		printf("note: guest %s: its memory is too much for this machine: its images are "
		       "not tried\n",
		       g->name);
		return;
	}
	n = vm_memory_pieces(g, g->has_pci, hpa, piece);
	for (unsigned i = 0; i < n; i++)
		gmem_add(&mem, piece[i].gpa, piece[i].size, at + (piece[i].hpa - hpa));
	if (!vm_images_load(&mem, g, g->has_pci, module_blob, &entry, why, sizeof why))
		say_error("%s: %s", source, why);
	munmap(at, g->memory);
}

static void try_guests(const struct node_config *n, const char *source)
{
	char why[256];

	for (unsigned i = 0; i < n->guests; i++) {
		const struct guest_config *g = &n->guest[i];
		uint64_t hpa = memory ? vm_memory_take(g, g->has_pci, why, sizeof why) : GIB;

		if (!hpa) {
			say_error("%s: %s", source, why);
			return;
		}
		if (modules > 1)
			try_images(g, hpa, source);
	}
}

static void try_groups(const struct node_config *n, const char *source)
{
	char why[256];

	for (unsigned i = 0; i < CONFIG_GROUPS && !bad; i++)
		if (memory && n->group[i].name[0] &&
		    !vm_memory_take_group(n, i, true, why, sizeof why))
			say_error("%s: %s", source, why);
}

static void say_left_out(void)
{
	if (modules == 1)
		puts("note: no modules given: whether they are there, and are kernels, is not "
		     "checked");
	if (!memory)
		puts("note: no --memory given: whether there is enough is not checked");
	if (!cores)
		puts("note: no --cores given: whether they are there and free is not checked");
	if (!functions)
		puts("note: no --pci given: whether PCI functions are there is not checked");
}

/* --- the text ------------------------------------------------------------------------------- */

static void say_warnings(const struct config_report *r, const char *source)
{
	char text[400];

	for (uint32_t i = 0; i < r->warnings && i < CONFIG_WARNINGS; i++) {
		config_format(&r->warning[i], source, text, sizeof text);
		printf("warning: %s\n", text);
	}
	if (r->warnings > CONFIG_WARNINGS)
		printf("note: %u more warnings: `lint` at the monitor has them all\n",
		       (unsigned)r->warnings - CONFIG_WARNINGS);
}

static void check(struct config *c, struct blob text, const char *source)
{
	struct config_report r;
	char why[400];

	if (config_read(c, (const char *)text.data, text.size, &r) == CONFIG_REFUSED) {
		config_format(&r.error, source, why, sizeof why);
		say_error("%s", why);
		return;
	}
	say_warnings(&r, source);
	if (fits(config_staged(c), source)) {
		if (memory)
			describe_memory();
		try_guests(config_staged(c), source);
		try_groups(config_staged(c), source);
	}
	say_left_out();
}

int main(int argc, char **argv)
{
	const char *source;
	void *mem;

	read_options(argc, argv);
	source = argv[optind];
	module[modules++] = (struct module){"patio.conf", read_file(source)};
	for (int i = optind + 1; i < argc; i++)
		add_module(argv[i]);
	mem = calloc(1, config_size());
	if (!mem)
		give_up(source, "no memory left");
	check(config_init(mem), module[0].blob, source);
	printf("%s: %s\n", source, bad ? "refused" : "taken");
	free(mem);
	return bad ? STATUS_REFUSED : STATUS_GOOD;
}
