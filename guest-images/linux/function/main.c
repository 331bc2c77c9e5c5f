/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfunction: a network function in a Linux guest that has a port in a group's memory
 * (docs/groups.md).
 *
 *   netfunction DEVICE count N              until N frames came
 *   netfunction DEVICE relay N              sends N frames back to where they came from
 *   netfunction DEVICE generate N MAC       N frames to that address
 *   netfunction DEVICE ask N MAC            the same, each when the one before came back
 *
 * DEVICE is the group's devdax, which has the frames.  The port's own region is a PCI function's
 * BAR, mapped by /dev/mem, which maps it cached, as /sys's resource files do not; its doorbell an
 * I/O port.  Needs root and no driver.  Polls.  The last line is JSON; the status is 0 if all went
 * well.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>
#include "guest-images/netlib/functions.h"
#include "lib/address_text.h"

#define LENGTH 200 /* of a frame that is generated */

static struct netlib lib;
static unsigned short io;
static uint64_t frames_at, frames_size; /* of the buffers, guest-physical */

static _Noreturn void give_up(const char *what, const char *why)
{
	fprintf(stderr, "netfunction: %s: %s\n", what, why);
	exit(1);
}

static uint64_t number_in(const char *folder, const char *file)
{
	char path[256], text[32];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof text, f))
		give_up(path, strerror(errno));
	fclose(f);
	return strtoull(text, NULL, 0);
}

static void write_one(const char *folder, const char *file)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	f = fopen(path, "w");
	if (!f || fputs("1", f) < 0 || fclose(f) != 0)
		give_up(path, strerror(errno));
}

/* The first address of each BAR. */
static void read_bars(const char *folder, uint64_t bar[3])
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/resource", folder);
	f = fopen(path, "r");
	for (unsigned i = 0; i < 3; i++)
		if (!f || fscanf(f, "%lx %*x %*x", &bar[i]) != 1)
			give_up(path, "not as expected");
	fclose(f);
}

static void *map(const char *path, uint64_t offset, uint64_t size)
{
	int fd = open(path, O_RDWR);
	void *p = fd < 0 ? MAP_FAILED
	                 : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	if (p == MAP_FAILED)
		give_up(path, strerror(errno));
	close(fd);
	return p;
}

static uint64_t read_wide(unsigned off)
{
	return inl((unsigned short)(io + off)) | (uint64_t)inl((unsigned short)(io + off + 4))
	                                             << 32;
}

static struct shm_private *open_port(const char *folder)
{
	uint64_t bar[3];

	write_one(folder, "enable");
	read_bars(folder, bar);
	io = (unsigned short)bar[SHM_BAR_IO];
	if (ioperm(io, 256, 1) != 0)
		give_up("ioperm", strerror(errno));
	outl(0, (unsigned short)(io + SHM_IO_STATUS));
	outl(SHM_START, (unsigned short)(io + SHM_IO_STATUS));
	frames_at = read_wide(SHM_IO_REGION);
	frames_size = read_wide(SHM_IO_REGION_LEN);
	return map("/dev/mem", bar[SHM_BAR_PRIVATE], SHM_PRIVATE_BYTES);
}

/* The port; the first one, if there are several. */
static struct shm_private *find_port(void)
{
	struct shm_private *shared = NULL;
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found) != 0)
		give_up("PCI", "no device");
	for (size_t i = 0; i < found.gl_pathc && !shared; i++)
		if (number_in(found.gl_pathv[i], "vendor") == SHM_PCI_VENDOR &&
		    number_in(found.gl_pathv[i], "device") == SHM_PCI_DEVICE)
			shared = open_port(found.gl_pathv[i]);
	globfree(&found);
	if (!shared)
		give_up("PCI", "this guest has no port in a group");
	return shared;
}

static void doorbell(void *ctx)
{
	(void)ctx;
	outw(0, (unsigned short)(io + SHM_IO_DOORBELL));
}

static void start(const char *device)
{
	struct shm_private *shared = find_port();
	const char *slash = strrchr(device, '/'), *why;
	char folder[256];
	void *frames;

	snprintf(folder, sizeof folder, "/sys/bus/dax/devices/%s", slash ? slash + 1 : device);
	frames = map(device, frames_at - number_in(folder, "resource"), frames_size);
	why = netlib_open(&lib, shared, frames, frames_size, doorbell, NULL);
	if (why)
		give_up(device, why);
	printf("ready\n");
	fflush(stdout);
}

/* ---- functions ---- */

struct counting {
	struct netlib_counter counter;
	uint64_t next, wrong;
};

static void count_burst(void *state, struct netlib_frame *frame, unsigned count)
{
	struct counting *c = state;
	uint64_t serial = 0;

	for (unsigned i = 0; i < count; i++) {
		c->wrong += !netlib_serial(&frame[i], &serial) || serial < c->next;
		c->next = serial + 1;
	}
	netlib_count(&c->counter, frame, count);
}

static struct counting count(uint64_t n)
{
	struct counting c = {.counter = {.onward = {SHM_DROP, 0}}};

	while (c.counter.frames < n && netlib_running(&lib))
		netlib_serve(&lib, count_burst, &c);
	return c;
}

static uint64_t relay(uint64_t n)
{
	struct netlib_relay r = {.onward = {SHM_NEXT, 0}, .back = true};

	while (r.relayed < n && netlib_running(&lib))
		netlib_serve(&lib, netlib_relay_frames, &r);
	return r.relayed;
}

/* With `ask` each frame is to come back before the next one is sent. */
static struct counting generate(uint64_t n, const char *mac, bool ask)
{
	struct counting c = {.counter = {.onward = {SHM_DROP, 0}}};
	struct netlib_generator g = {.length = LENGTH, .dst_port = 53};
	uint64_t dst;

	if (!mac_from_text(mac, &dst))
		give_up(mac, "no MAC address");
	memcpy(g.dst, &dst, 6);
	memcpy(g.src, lib.mac, 6);
	while (g.sent < n && netlib_running(&lib)) {
		netlib_generate(&lib, &g, 1);
		while (ask && c.counter.frames < g.sent && netlib_running(&lib))
			netlib_serve(&lib, count_burst, &c);
	}
	if (!ask)
		c.counter.frames = g.sent;
	return c;
}

int main(int argc, char **argv)
{
	struct counting c = {.wrong = 0};
	const char *what = argc > 3 ? argv[2] : "";
	uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	bool ask = !strcmp(what, "ask"), ok;

	if (argc < 4)
		give_up("usage", "netfunction DEVICE count|relay|generate|ask N [MAC]");
	start(argv[1]);
	if (!strcmp(what, "count"))
		c = count(n);
	else if (!strcmp(what, "relay"))
		c.counter.frames = relay(n);
	else if (argc > 4 && (ask || !strcmp(what, "generate")))
		c = generate(n, argv[4], ask);
	else
		give_up(what, "no such function");
	ok = c.counter.frames == n && !c.wrong && netlib_running(&lib);
	printf("{\"frames\":%lu,\"wrong\":%lu,\"rings\":%lu,\"ok\":%s}\n", c.counter.frames,
	       c.wrong, lib.rings, ok ? "true" : "false");
	return !ok;
}
