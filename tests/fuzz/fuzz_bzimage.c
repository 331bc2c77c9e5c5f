/* SPDX-License-Identifier: BSD-2-Clause */
/* Any file as a bzImage; half of the inputs are laid over a valid header. */
#include <stdlib.h>
#include <string.h>
#include "lib/bytes.h"
#include "vmm/load/linux.h"

#define HIGH_SIZE 0x800000u

static uint8_t low[0x100000], high[HIGH_SIZE];

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* A file of 4 KiB: a valid header, then the input over its fields from `at` on. */
static struct blob make_image(const uint8_t *data, size_t size, uint8_t *image)
{
	unsigned at = 0x1f1 + data[0] % 0xa0;
	size_t n = size - 1 < 0x1000 - at ? size - 1 : 0x1000 - at;

	memset(image, 0, 0x1000);
	image[0x1f1] = 1;
	put_le16(image + 0x1fe, 0xaa55);
	image[0x201] = 0x6a;
	memcpy(image + 0x202, "HdrS", 4);
	put_le16(image + 0x206, 0x20f);
	image[0x211] = 1;
	put_le32(image + 0x22c, 0x7fffffff);
	put_le32(image + 0x230, 0x200000);
	image[0x234] = 1;
	put_le16(image + 0x236, 3);
	put_le32(image + 0x238, 2047);
	put_le64(image + 0x258, 0x200000);
	put_le32(image + 0x260, 0x10000);
	memcpy(image + at, data + 1, n);
	return (struct blob){image, 0x1000 - data[0] / 0xa0 * 0x800};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gmem m = {0};
	struct cpu_entry e;
	uint8_t *image;
	struct linux_boot boot;

	if (!size)
		return 0;
	image = malloc(0x1000);
	check(image != NULL);
	gmem_add(&m, 0, sizeof low, low);
	gmem_add(&m, 0x100000, sizeof high, high);
	boot = (struct linux_boot){
	    .kernel = make_image(data, size, image),
	    .initrd = {data, size},
	    .cmdline = "fuzz",
	};
	load_kind(boot.kernel);
	if (!load_linux(&m, &boot, &e)) {
		check(gmem_ptr(&m, e.rip, 1) != NULL);
		check(e.rsi == LINUX_PARAMS_GPA);
	}
	boot.kernel = (struct blob){data, size};
	load_linux(&m, &boot, &e);
	free(image);
	return 0;
}
