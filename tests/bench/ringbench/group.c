/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.c: what a hop of a trust group costs the VMM, ring to ring, as a host program.
 *
 * Members pass bursts on to each other for ever: each round every member has received what its
 * neighbour sent, and sends it on as a function that changes nothing would.  Only vnet_poll() is
 * measured, the poll loop of a core that is given to the network; each frame that it moves is one
 * hop.
 *
 *   group ns|insn LOOKUP SIZE BATCH MEMBERS   LOOKUP: route, learn, or direct (SHM_TO)
 *
 * ns: median time of a hop in nanoseconds.  insn: instructions of a hop; a process steps another
 * one through them one by one.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>
#include "drivers/shm/shm.h"
#include "guest-images/netlib/netlib.h"

#define REGION  (8ull << 20)
#define MEMBERS 16
#define WARM    400
#define ROUNDS  4000

struct bench {
	const char *look_up;
	unsigned size, batch, members;
	bool stepped;
};

static struct vnet *net;
static struct vnet_core *core;
static struct shm_group *group;
static struct shm_member *member[MEMBERS];
static struct netlib lib[MEMBERS];
static uint8_t *region;

static void *alloc(size_t size)
{
	void *p = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);

	memset(p, 0, size);
	return p;
}

static void release(void *p, size_t size)
{
	(void)size;
	free(p);
}

struct vnet_core *vnet_this_core(void)
{
	return core;
}

static void no_interrupt(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

static void no_doorbell(void *ctx)
{
	(void)ctx;
}

static mac_t mac_of(unsigned i)
{
	return 0x5452ull | (mac_t)(i + 1) << 40;
}

static void start(struct vpci *bus)
{
	uint32_t val = SHM_START;

	vpci_io(bus, VPCI_IO_FIRST + SHM_IO_STATUS, 4, true, &val);
}

static void join(unsigned i)
{
	struct shm_member_config c = {
	    .name = "member", .mac = mac_of(i), .mtu = 1500, .shared = alloc(SHM_PRIVATE_BYTES)};
	struct shm_member *m = alloc(sizeof *m);
	struct vpci *bus = alloc(sizeof *bus);
	const char *wrong;
	char name[16];

	member[i] = m;
	snprintf(name, sizeof name, "p%u", i);
	shm_member_init(m, group, i, &c);
	shm_member_attach(m, vnet_port_add(net, name, 0, &shm_port_ops, m, 0));
	vpci_init(bus, no_interrupt, NULL);
	vpci_add(bus, &m->pci, 1);
	vpci_cfg_write(&m->pci, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	start(bus);
	vnet_port_set_mode(m->port, VNET_POLL);
	wrong = netlib_open(&lib[i], c.shared, region, REGION, no_doorbell, NULL);
	if (wrong) {
		fprintf(stderr, "member %u: %s\n", i, wrong);
		exit(2);
	}
}

static void set_routes(unsigned members)
{
	struct vnet_route r[MEMBERS];
	char err[128];

	for (unsigned i = 0; i < members; i++)
		r[i] = (struct vnet_route){.src = {VNET_MAC_ANY, 0},
		                           .dst = {VNET_MAC_IS, mac_of(i)},
		                           .from = -1,
		                           .to = (uint16_t)i};
	if (!vnet_routes_set(net, r, members, err, sizeof err)) {
		fprintf(stderr, "routes: %s\n", err);
		exit(2);
	}
}

static void address(struct netlib_frame *f, unsigned from, unsigned to)
{
	mac_write(f->data, mac_of(to));
	mac_write(f->data + 6, mac_of(from));
	f->data[12] = 0x88;
	f->data[13] = 0xb5;
}

/* The first bursts, from empty buffers. */
static void fill(const struct bench *b)
{
	struct netlib_frame f[NETLIB_BURST];

	for (unsigned i = 0; i < b->members; i++) {
		if (netlib_take(&lib[i], f, b->batch) != b->batch)
			exit(2);
		for (unsigned k = 0; k < b->batch; k++) {
			address(&f[k], i, (i + 1) % b->members);
			f[k].length = b->size;
		}
		netlib_send(&lib[i], f, b->batch);
	}
	vnet_poll(core, b->batch);
}

static void build(const struct bench *b)
{
	static const struct vnet_mem mem = {alloc, release};
	bool learns = strcmp(b->look_up, "learn") == 0;

	net = vnet_create(&mem, 1);
	core = vnet_core(net, 0);
	vnet_net_set(net, 0, learns ? VNET_LEARN : VNET_ROUTE);
	region = alloc(REGION);
	group = alloc(sizeof *group);
	if (!shm_group_init(group, region, REGION, b->members))
		exit(2);
	for (unsigned i = 0; i < b->members; i++)
		join(i);
	if (!learns)
		set_routes(b->members);
	fill(b);
}

/* Every member sends on what it has received; returns how many frames there are. */
static unsigned pass_on(const struct bench *b)
{
	struct netlib_frame f[NETLIB_BURST];
	unsigned n, all = 0;

	for (unsigned i = 0; i < b->members; i++) {
		n = netlib_receive(&lib[i], f, b->batch);
		for (unsigned k = 0; k < n; k++) {
			address(&f[k], i, (i + 1) % b->members);
			if (b->look_up[0] == 'd') {
				f[k].action = SHM_TO;
				f[k].to = (uint8_t)((i + 1) % b->members);
			}
		}
		all += netlib_send(&lib[i], f, n);
	}
	return all;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double ticks_per_ns(void)
{
	double from = seconds();
	uint64_t ticks = __rdtsc();

	while (seconds() - from < 0.02)
		;
	return (double)(__rdtsc() - ticks) / ((seconds() - from) * 1e9);
}

/* No byte was copied. */
static void check_copies(const struct bench *b)
{
	for (unsigned i = 0; i < b->members; i++)
		if (member[i]->copied) {
			fprintf(stderr, "member %u: %lu bytes copied\n", i,
			        (unsigned long)member[i]->copied);
			exit(2);
		}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void move(const struct bench *b, double *ticks)
{
	unsigned sent = pass_on(b), moved;
	uint64_t from;

	if (b->stepped)
		__asm__ volatile("int3" ::: "memory");
	from = __rdtsc();
	moved = vnet_poll(core, b->batch);
	*ticks = (double)(__rdtsc() - from) / moved;
	if (b->stepped)
		__asm__ volatile("int3" ::: "memory");
	if (moved != sent || moved != b->members * b->batch) {
		fprintf(stderr, "%u frames of %u\n", moved, b->members * b->batch);
		exit(2);
	}
}

static void measure(const struct bench *b)
{
	static double ticks[ROUNDS];
	struct bench warm = *b;

	build(b);
	warm.stepped = false;
	for (unsigned i = 0; i < WARM; i++)
		move(&warm, &ticks[0]);
	if (b->stepped) {
		move(b, &ticks[0]);
		check_copies(b);
		return;
	}
	for (unsigned i = 0; i < ROUNDS; i++)
		move(b, &ticks[i]);
	check_copies(b);
	qsort(ticks, ROUNDS, sizeof *ticks, by_value);
	printf("%.2f\n", ticks[ROUNDS / 2] / ticks_per_ns());
}

static bool is_breakpoint(pid_t child, unsigned long at)
{
	return (ptrace(PTRACE_PEEKTEXT, child, at, 0) & 0xff) == 0xcc;
}

/* The steps of the child between its two breakpoints. */
static int count_steps(const struct bench *b)
{
	struct user_regs_struct regs;
	unsigned long steps = 0, last = 0;
	int status, traps = 0;
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		measure(b);
		_exit(0);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_CONT, child, 0, 0);
	while (waitpid(child, &status, 0) > 0 && WIFSTOPPED(status) &&
	       WSTOPSIG(status) == SIGTRAP) {
		ptrace(PTRACE_GETREGS, child, 0, &regs);
		/* The first stop is where it runs into the breakpoint, the others are steps. */
		if (!traps || (regs.rip == last + 1 && is_breakpoint(child, last)))
			traps++;
		else
			steps += regs.rip != last; /* a rep instruction counts once */
		last = regs.rip;
		ptrace(traps == 1 ? PTRACE_SINGLESTEP : PTRACE_CONT, child, 0, 0);
	}
	if (WIFSTOPPED(status))
		kill(child, SIGKILL);
	if (traps != 2 || !WIFEXITED(status) || WEXITSTATUS(status))
		return 1;
	printf("%.1f\n", (double)steps / (b->members * b->batch));
	return 0;
}

int main(int argc, char **argv)
{
	struct bench b = {0};

	if (argc != 6) {
		fprintf(stderr, "group ns|insn route|learn|direct SIZE BATCH MEMBERS\n");
		return 2;
	}
	b.stepped = strcmp(argv[1], "insn") == 0;
	b.look_up = argv[2];
	b.size = (unsigned)atoi(argv[3]);
	b.batch = (unsigned)atoi(argv[4]);
	b.members = (unsigned)atoi(argv[5]);
	if (b.size > SHM_FRAME_MAX || b.batch > NETLIB_BURST || b.members < 2 ||
	    b.members > MEMBERS)
		return 2;
	if (b.stepped)
		return count_steps(&b);
	measure(&b);
	return 0;
}
