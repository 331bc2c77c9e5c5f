/* SPDX-License-Identifier: BSD-2-Clause */
/* elf.h: the few fields of ELF32 and ELF64 executables for x86 that a loader reads (System V ABI).
 */
#ifndef VMM_LOAD_ELF_H
#define VMM_LOAD_ELF_H
#include <stdbool.h>
#include <stdint.h>
#include "vmm/load/load.h"

struct elf {
	struct blob file;
	bool is64;
	uint64_t entry; /* a virtual address */
	uint64_t phoff;
	unsigned phentsize, phnum;
};

struct elf_segment {
	bool load; /* PT_LOAD with at least one byte of memory */
	uint64_t offset, vaddr, paddr, filesz, memsz;
};

/* Checks an untrusted file's header: class, byte order, machine, type, and that the program headers
 * lie inside the file.  NULL, or the reason. */
const char *elf_open(struct elf *e, struct blob file);

/* Program header i (below e->phnum), its file part checked to lie inside the file and not to be
 * larger than its memory.  NULL, or the reason. */
const char *elf_segment(const struct elf *e, unsigned i, struct elf_segment *s);
#endif
