/* SPDX-License-Identifier: BSD-2-Clause */
/* elf_format.h: ELF executables as they lie in a file, little-endian (System V ABI, generic part,
 * chapters 4 and 5); at any alignment. */
#ifndef VMM_LOAD_ELF_FORMAT_H
#define VMM_LOAD_ELF_FORMAT_H
#include <stddef.h>
#include <stdint.h>

enum { ELFCLASS32 = 1, ELFCLASS64 = 2 };
enum { ELFDATA2LSB = 1 };
enum { ET_EXEC = 2 };
enum { EM_386 = 3, EM_X86_64 = 62 };
enum { PT_LOAD = 1 };

struct elf_ident {
	uint8_t magic[4]; /* 7Fh "ELF" */
	uint8_t class, data, version, abi, abi_version, padding[7];
} __attribute__((packed));
_Static_assert(sizeof(struct elf_ident) == 16, "figure 4-4");

struct elf32_header {
	struct elf_ident ident;
	uint16_t type, machine;
	uint32_t version, entry, phoff, shoff, flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} __attribute__((packed));
_Static_assert(offsetof(struct elf32_header, phentsize) == 42, "figure 4-3");
_Static_assert(sizeof(struct elf32_header) == 52, "figure 4-3");

struct elf64_header {
	struct elf_ident ident;
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} __attribute__((packed));
_Static_assert(offsetof(struct elf64_header, phentsize) == 54, "figure 4-3");
_Static_assert(sizeof(struct elf64_header) == 64, "figure 4-3");
_Static_assert(offsetof(struct elf64_header, machine) == offsetof(struct elf32_header, machine),
               "figure 4-3");

struct elf32_program {
	uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
} __attribute__((packed));
_Static_assert(sizeof(struct elf32_program) == 32, "figure 5-1");

struct elf64_program {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
} __attribute__((packed));
_Static_assert(sizeof(struct elf64_program) == 56, "figure 5-1");
#endif
