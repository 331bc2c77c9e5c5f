/* SPDX-License-Identifier: BSD-2-Clause */
/* kind.c: tells guest kernels apart by their content. */
#include <string.h>
#include "vmm/load/load.h"
#include "vmm/load/multiboot.h"

#define BZIMAGE_MAGIC_OFFSET 0x202 /* "HdrS" in the setup header */

enum image_kind load_kind(struct blob image)
{
	if (image.size >= BZIMAGE_MAGIC_OFFSET + 4 &&
	    !memcmp(image.data + BZIMAGE_MAGIC_OFFSET, "HdrS", 4))
		return IMAGE_BZIMAGE;
	if (multiboot_header_present(image))
		return IMAGE_MULTIBOOT;
	return IMAGE_UNKNOWN;
}

const char *image_kind_name(enum image_kind kind)
{
	switch (kind) {
	case IMAGE_BZIMAGE:
		return "bzImage";
	case IMAGE_MULTIBOOT:
		return "multiboot";
	case IMAGE_UNKNOWN:
		break;
	}
	return "unknown";
}
