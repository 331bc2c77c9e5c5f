/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c: where the observation window is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/trace/trace.h"

#define DEVICES "/sys/bus/pci/devices"
#define VENDOR  "0x1af4"
#define DEVICE  "0x10f0"

/* Whether `size` bytes at w are a window, whole. */
static bool is_window(const struct window *w, uint64_t size)
{
	return w->magic == WINDOW_MAGIC && w->version == WINDOW_VERSION && w->page == WINDOW_PAGE &&
	       w->size >= WINDOW_PAGE && w->size <= size;
}

/* Maps a file to read; NULL: it cannot be. */
static const void *map_file(const char *path, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size >= (off_t)WINDOW_PAGE) {
		*size = (uint64_t)st.st_size;
		p = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
	}
	if (p == MAP_FAILED)
		fprintf(stderr, "trace: %s: %s\n", path, errno ? strerror(errno) : "too small");
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
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

bool source_device(struct source *s)
{
	char path[512];

	if (!find_device(path, sizeof path)) {
		fprintf(stderr, "trace: this machine has no window of Patio's: its guest needs "
		                "`control`; --memory FILE reads an emulated machine's\n");
		return false;
	}
	s->window = map_file(path, &s->size);
	if (s->window && is_window(s->window, s->size))
		return true;
	if (s->window)
		fprintf(stderr, "trace: %s: not a window that this program knows\n", path);
	return false;
}

bool source_memory(struct source *s, const char *path)
{
	uint64_t size;
	const uint8_t *memory = map_file(path, &size);

	for (uint64_t at = 0; memory && at + WINDOW_PAGE <= size; at += WINDOW_PAGE) {
		const struct window *w = (const struct window *)(memory + at);

		/* A guest may have written such a page; the VMM's knows where it is.  Below 4 GiB
		 * an emulated machine's memory lies in its file as in the machine. */
		if (is_window(w, size - at) && w->self == at) {
			*s = (struct source){w, w->size};
			return true;
		}
	}
	if (memory)
		fprintf(stderr, "trace: %s: no window: the node needs `trace on`\n", path);
	return false;
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
