/* SPDX-License-Identifier: BSD-2-Clause */
/* port.c: see port.h. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>
#include "guest-images/linux/function/port.h"

#define FOLDER 200 /* bytes of the path of a folder in /sys */
#define PATH   256 /* of a file there */

static char error[320];

static const char *failed(const char *what, const char *why)
{
	snprintf(error, sizeof error, "%s: %s", what, why);
	return error;
}

static bool number_in(const char *folder, const char *file, uint64_t *value)
{
	char path[PATH], text[32];
	FILE *f;
	bool ok;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	f = fopen(path, "r");
	ok = f && fgets(text, sizeof text, f);
	if (f)
		fclose(f);
	if (ok)
		*value = strtoull(text, NULL, 0);
	return ok;
}

/* The first address of each BAR. */
static bool read_bars(const char *folder, uint64_t bar[3])
{
	char path[PATH];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/resource", folder);
	f = fopen(path, "r");
	while (f && n < 3 && fscanf(f, "%lx %*x %*x", &bar[n]) == 1)
		n++;
	if (f)
		fclose(f);
	return n == 3;
}

/* The PCI function of the first port. */
static bool find_port(char *folder, size_t size)
{
	uint64_t vendor = 0, device = 0;
	glob_t found;
	bool is_port = false;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc && !is_port; i++) {
		snprintf(folder, size, "%s", found.gl_pathv[i]);
		is_port = number_in(folder, "vendor", &vendor) &&
		          number_in(folder, "device", &device) && vendor == SHM_PCI_VENDOR &&
		          device == SHM_PCI_DEVICE;
	}
	globfree(&found);
	return is_port;
}

static bool enable(const char *folder)
{
	char path[PATH];
	FILE *f;

	snprintf(path, sizeof path, "%s/enable", folder);
	f = fopen(path, "w");
	if (!f)
		return false;
	fputs("1", f);
	return fclose(f) == 0;
}

static void *map_file(const char *path, uint64_t offset, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED
	                 : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static uint32_t read_register(const struct group_port *p, unsigned off)
{
	return inl((unsigned short)(p->io + off));
}

static uint64_t read_wide(const struct group_port *p, unsigned off)
{
	return read_register(p, off) | (uint64_t)read_register(p, off + 4) << 32;
}

static void write_status(const struct group_port *p, uint32_t status)
{
	outl(status, (unsigned short)(p->io + SHM_IO_STATUS));
}

static void doorbell(void *ctx)
{
	const struct group_port *p = ctx;

	outw(0, (unsigned short)(p->io + SHM_IO_DOORBELL));
}

/* The group's buffers, which are a part of the device's memory. */
static bool map_frames(struct group_port *p, const char *device)
{
	const char *slash = strrchr(device, '/');
	char folder[FOLDER];
	uint64_t first;

	snprintf(folder, sizeof folder, "/sys/bus/dax/devices/%s", slash ? slash + 1 : device);
	if (!number_in(folder, "resource", &first))
		return false;
	p->frames_size = read_wide(p, SHM_IO_REGION_LEN);
	p->frames = map_file(device, read_wide(p, SHM_IO_REGION) - first, p->frames_size);
	return p->frames != NULL;
}

static const char *open_all(struct group_port *p, const char *device)
{
	char folder[FOLDER];
	uint64_t bar[3];
	const char *why;

	if (!find_port(folder, sizeof folder))
		return failed("PCI", "this guest has no port in a group");
	if (!read_bars(folder, bar))
		return failed(folder, "its resources are not as expected");
	p->io = (unsigned short)bar[SHM_BAR_IO];
	if (ioperm(p->io, 256, 1) != 0)
		return failed("ioperm", strerror(errno));
	if (!enable(folder))
		return failed(folder, strerror(errno));
	p->lib.shared = map_file("/dev/mem", bar[SHM_BAR_PRIVATE], SHM_PRIVATE_BYTES);
	if (!p->lib.shared)
		return failed("/dev/mem", strerror(errno));
	write_status(p, 0);
	write_status(p, SHM_START);
	if (!map_frames(p, device))
		return failed(device, strerror(errno));
	why = netlib_open(&p->lib, p->lib.shared, p->frames, p->frames_size, doorbell, p);
	return why ? failed(device, why) : NULL;
}

const char *port_open(struct group_port *p, const char *device)
{
	const char *why;

	*p = (struct group_port){0};
	why = open_all(p, device);
	if (why)
		port_close(p);
	return why;
}

void port_close(struct group_port *p)
{
	if (p->lib.shared) {
		write_status(p, 0);
		munmap(p->lib.shared, SHM_PRIVATE_BYTES);
	}
	if (p->frames)
		munmap(p->frames, p->frames_size);
	*p = (struct group_port){0};
}
