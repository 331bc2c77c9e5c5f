/* SPDX-License-Identifier: BSD-2-Clause */
/* dax_label.c: see dax_label.h.  Fields are little-endian. */
#include <stddef.h>
#include <string.h>
#include "vmm/dax_label.h"

#define LABEL_AT     4096u /* its place in the memory */
#define MODE_RAM     1     /* the guest keeps its `struct page`s in its own memory */
#define GUEST_PAGE   4096u
#define PAGE_STRUCT  64u /* bytes of a `struct page` */
#define UUID         16u
#define MINOR_RECENT 4

struct dax_label {
	char signature[16];
	uint8_t uuid[UUID];
	uint8_t parent_uuid[UUID]; /* 0: of a namespace without a label of its own */
	uint32_t flags;
	uint16_t major, minor;
	uint64_t data; /* where what is mapped begins, from the memory's start */
	uint64_t pages;
	uint32_t mode;
	uint32_t start_pad, end_trunc;
	uint32_t align; /* of mappings */
	uint32_t page_size;
	uint16_t page_struct;
	uint8_t padding[3994];
	uint64_t checksum;
};

_Static_assert(sizeof(struct dax_label) == 4096 && offsetof(struct dax_label, checksum) == 4088,
               "the label fills a page");

/* Fletcher's checksum over 32-bit words, with the field itself 0 (nd_fletcher64()). */
static uint64_t fletcher(const struct dax_label *l)
{
	const uint32_t *word = (const void *)l;
	uint32_t low = 0;
	uint64_t high = 0;

	for (size_t i = 0; i < sizeof *l / sizeof *word; i++) {
		low += word[i];
		high += low;
	}
	return high << 32 | low;
}

void dax_label_write(void *memory, uint64_t size, const char *name)
{
	struct dax_label *l = (void *)((uint8_t *)memory + LABEL_AT);

	memcpy(l->signature, "NVDIMM_DAX_INFO", sizeof "NVDIMM_DAX_INFO");
	for (unsigned i = 0; i < UUID && name[i]; i++)
		l->uuid[i] = (uint8_t)name[i];
	l->major = 1;
	l->minor = MINOR_RECENT;
	l->data = DAX_LABEL_SPACE;
	l->pages = (size - DAX_LABEL_SPACE) / GUEST_PAGE;
	l->mode = MODE_RAM;
	l->align = DAX_LABEL_SPACE;
	l->page_size = GUEST_PAGE;
	l->page_struct = PAGE_STRUCT;
	l->checksum = fletcher(l);
}
