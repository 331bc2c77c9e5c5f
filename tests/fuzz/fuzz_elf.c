/* SPDX-License-Identifier: BSD-2-Clause */
/* Any file as a Multiboot kernel: loaded wholly inside guest memory, or refused with a reason. */
#include <stdlib.h>
#include <string.h>
#include "lib/multiboot_format.h"
#include "vmm/load/multiboot.h"

#define HIGH_SIZE 0x40000u

static uint8_t low[0x100000], high[HIGH_SIZE];

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* The input as a file; when its first byte's top bit says so, with a header laid over it, whose
 * flags are the lower bits: bit 4 asks for the address fields. */
static void make_image(uint8_t kind, uint8_t *image, size_t size)
{
	uint32_t flags = (kind & 3) | (kind & 0x10 ? 0x10000 : 0);
	uint32_t header[3] = {MB1_HEADER_MAGIC, flags, -(MB1_HEADER_MAGIC + flags)};

	if (kind & 0x80 && size > 200)
		memcpy(image + 128, header, sizeof header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gmem m = {0};
	struct cpu_entry e;
	uint8_t *image;
	struct multiboot_boot boot;
	struct multiboot_module module;

	if (size < 2)
		return 0;
	image = malloc(size - 1);
	check(image != NULL);
	memcpy(image, data + 1, size - 1);
	make_image(data[0], image, size - 1);
	gmem_add(&m, 0, sizeof low, low);
	gmem_add(&m, 0x100000, sizeof high, high);
	boot = (struct multiboot_boot){.kernel = {image, size - 1}, .cmdline = "fuzz"};
	module = (struct multiboot_module){boot.kernel, "module"};
	boot.modules = &module;
	boot.n_modules = data[0] & 1;
	load_kind(boot.kernel);
	if (!load_multiboot(&m, &boot, &e)) {
		check(gmem_ptr(&m, e.rip, 1) != NULL);
		check(gmem_ptr(&m, e.rbx, 120) != NULL);
	}
	free(image);
	return 0;
}
