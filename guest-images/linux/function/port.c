/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c: see port.h.  The region is a BAR, which /sys's resource files map uncached: patio_shm and
 * /dev/mem map it as the memory that it is.  /dev/mem does not where the module has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sched.h>
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

/* The UIO device that patio_shm made of it; false: there is none. */
static bool find_uio(const char *folder, char *path, size_t size)
{
	char pattern[PATH];
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/uio/uio*", folder);
	if (glob(pattern, 0, NULL, &found) != 0)
		return false;
	snprintf(path, size, "/dev/%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	return true;
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

static void *map(int fd, uint64_t offset, uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

static void *map_file(const char *path, uint64_t offset, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p = fd < 0 ? NULL : map(fd, offset, size);

	if (fd >= 0)
		close(fd);
	return p;
}

/* The private region; NULL: errno says why not.  *path: by which file. */
static struct shm_private *map_private(struct group_port *p, const char *folder, uint64_t bar,
                                       char *path, size_t size)
{
	if (find_uio(folder, path, size)) {
		p->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		return p->fd < 0 ? NULL : map(p->fd, 0, SHM_PRIVATE_BYTES);
	}
	snprintf(path, size, "/dev/mem");
	return enable(folder) ? map_file(path, bar, SHM_PRIVATE_BYTES) : NULL;
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
	char folder[FOLDER], path[64];
	uint64_t bar[3];
	const char *why;

	if (!find_port(folder, sizeof folder))
		return failed("PCI", "this guest has no port in a group");
	if (!read_bars(folder, bar))
		return failed(folder, "its resources are not as expected");
	p->io = (unsigned short)bar[SHM_BAR_IO];
	if (ioperm(p->io, 256, 1) != 0)
		return failed("ioperm", strerror(errno));
	p->lib.shared = map_private(p, folder, bar[SHM_BAR_PRIVATE], path, sizeof path);
	if (!p->lib.shared)
		return failed(path, strerror(errno));
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

	*p = (struct group_port){.fd = -1};
	why = open_all(p, device);
	if (why)
		port_close(p);
	return why;
}

bool port_woken(struct group_port *p)
{
	uint32_t interrupts;

	if (read(p->fd, &interrupts, sizeof interrupts) == sizeof interrupts) {
		p->wakeups++;
		return true;
	}
	return errno == EAGAIN || errno == EINTR;
}

bool port_wait(struct group_port *p)
{
	struct pollfd readable = {.fd = p->fd, .events = POLLIN};

	if (netlib_arm(&p->lib))
		return true;
	p->sleeps++;
	if (poll(&readable, 1, -1) < 0)
		return errno == EINTR;
	return port_woken(p);
}

void port_flush(struct group_port *p)
{
	while (netlib_running(&p->lib) && netlib_unread(&p->lib))
		sched_yield();
}

void port_close(struct group_port *p)
{
	/* By patio_shm it is reset when it is closed, unless it is another program's already. */
	if (p->lib.shared && p->fd < 0)
		write_status(p, 0);
	if (p->lib.shared)
		munmap(p->lib.shared, SHM_PRIVATE_BYTES);
	if (p->frames)
		munmap(p->frames, p->frames_size);
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct group_port){.fd = -1};
}
