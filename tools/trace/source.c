/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c: where the observation window is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h> /* SEEK_DATA */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/trace/trace.h"

#define DEVICES "/sys/bus/pci/devices"
#define VENDOR  "0x1af4"
#define DEVICE  "0x10f0"
#define GIB     (1ull << 30)

/* The fields of a window that say where it is. */
struct head {
	uint64_t magic;
	uint32_t version, page;
	uint64_t size, tsc_khz, self;
};
_Static_assert(offsetof(struct head, self) == offsetof(struct window, self), "as in a window");

/* Whether it is the head of a window that `size` bytes have room for. */
static bool is_window(const struct head *h, uint64_t size)
{
	return h->magic == WINDOW_MAGIC && h->version == WINDOW_VERSION && h->page == WINDOW_PAGE &&
	       h->size >= WINDOW_PAGE && h->size <= size;
}

/* Opens a file to read; returns its descriptor, -1: *why says why it cannot be. */
static int open_file(const char *path, uint64_t *size, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		*why = strerror(errno);
	} else if (!S_ISREG(st.st_mode) || st.st_size < (off_t)WINDOW_PAGE) {
		*why = S_ISREG(st.st_mode) ? "too small" : "not a file";
	} else {
		*size = (uint64_t)st.st_size;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Maps the `size` bytes from `at` on. */
static bool map_window(struct source *s, int fd, uint64_t at, uint64_t size, const char **why)
{
	const void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)at);

	if (p == MAP_FAILED)
		*why = strerror(errno);
	else
		*s = (struct source){p, size};
	return p != MAP_FAILED;
}

static bool reads(const char *device, const char *file, const char *wanted)
{
	char path[512], text[32] = "";
	FILE *f;

	snprintf(path, sizeof path, DEVICES "/%s/%s", device, file);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(text, sizeof text, f))
		text[0] = 0;
	fclose(f);
	return !strncmp(text, wanted, strlen(wanted));
}

/* Writes the path of the device's BAR 0; false: there is no such device. */
static bool find_device(char *path, size_t size)
{
	DIR *d = opendir(DEVICES);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		found = reads(e->d_name, "vendor", VENDOR) && reads(e->d_name, "device", DEVICE);
		if (found)
			snprintf(path, size, DEVICES "/%s/resource0", e->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

bool source_device(struct source *s, const char *program)
{
	char path[512] = DEVICES;
	const char *why = "no window of Patio's: the guest needs `control`; --memory FILE reads an "
	                  "emulated machine's";
	bool found = false;
	uint64_t size;
	int fd = find_device(path, sizeof path) ? open_file(path, &size, &why) : -1;

	if (fd >= 0) {
		found = map_window(s, fd, 0, size, &why);
		if (found && !is_window((const void *)s->window, size)) {
			why = "not a window that this program knows";
			found = false;
		}
		close(fd);
	}
	if (!found)
		fprintf(stderr, "%s: %s: %s\n", program, path, why);
	return found;
}

/* Whether what the machine has at this address is at that place of the file: below 4 GiB the same
 * number; above, lower by the hole that QEMU leaves for devices (`pc` from 3 GiB on, `q35` from 2
 * GiB on: hw/i386/pc_piix.c, pc_q35.c). */
static bool lies_there(uint64_t address, uint64_t at)
{
	return address < 4 * GIB ? address == at : address - at == GIB || address - at == 2 * GIB;
}

/* Counts the windows in the file, and says where the last one is.  A guest may have written such a
 * page: but for one that knows its place in the machine's memory, the VMM's alone says where it is.
 */
static unsigned count_windows(int fd, uint64_t size, uint64_t *window, uint64_t *bytes)
{
	const off_t page = WINDOW_PAGE;
	unsigned n = 0;
	struct head h;

	/* Read, not mapped: that would give each page that the machine never touched its memory. */
	for (off_t at = lseek(fd, 0, SEEK_DATA); at >= 0; at = lseek(fd, at + page, SEEK_DATA)) {
		at &= ~(page - 1);
		if (pread(fd, &h, sizeof h, at) != (ssize_t)sizeof h ||
		    !is_window(&h, size - (uint64_t)at) || !lies_there(h.self, (uint64_t)at))
			continue;
		*window = (uint64_t)at;
		*bytes = h.size;
		n++;
	}
	return n;
}

bool source_memory(struct source *s, const char *path, const char *program)
{
	const char *why = "no window: the node needs `trace on` or a mirror";
	uint64_t size, at = 0, bytes = 0;
	int fd = open_file(path, &size, &why);
	unsigned n = fd < 0 ? 0 : count_windows(fd, size, &at, &bytes);
	bool found = n == 1 && map_window(s, fd, at, bytes, &why);

	if (n > 1)
		why = "several windows: a guest has made one up, or one is left of the node before "
		      "a reset; read the node's own in a guest with `control`";
	if (!found)
		fprintf(stderr, "%s: %s: %s\n", program, path, why);
	if (fd >= 0)
		close(fd);
	return found;
}

const void *source_part(const struct source *s, unsigned i, struct window_part *part)
{
	if (i >= WINDOW_PARTS)
		return NULL;
	*part = s->window->part[i];
	part->name[WINDOW_NAME - 1] = 0;
	if (!part->size || part->offset < WINDOW_PAGE || part->offset > s->size ||
	    part->size > s->size - part->offset || part->offset % WINDOW_PAGE)
		return NULL;
	return (const uint8_t *)s->window + part->offset;
}
