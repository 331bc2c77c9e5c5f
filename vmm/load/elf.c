/* SPDX-License-Identifier: BSD-2-Clause */
/* elf.c: reads the header and program headers of an untrusted ELF executable. */
#include <string.h>
#include "vmm/load/elf.h"
#include "vmm/load/elf_format.h"

#define PHNUM_MAX 64

static void copy_header32(struct elf *e, const struct elf32_header *h)
{
	e->entry = h->entry;
	e->phoff = h->phoff;
	e->phentsize = h->phentsize;
	e->phnum = h->phnum;
}

static void copy_header64(struct elf *e, const struct elf64_header *h)
{
	e->entry = h->entry;
	e->phoff = h->phoff;
	e->phentsize = h->phentsize;
	e->phnum = h->phnum;
}

const char *elf_open(struct elf *e, struct blob file)
{
	/* Both classes have the same layout up to `machine`. */
	const struct elf32_header *h = (const void *)file.data;

	if (file.size < sizeof *h || memcmp(h->ident.magic, "\177ELF", 4))
		return "ELF: no ELF header";
	if ((h->ident.class != ELFCLASS32 && h->ident.class != ELFCLASS64) ||
	    h->ident.data != ELFDATA2LSB)
		return "ELF: neither ELF32 nor ELF64, or not little-endian";
	e->file = file;
	e->is64 = h->ident.class == ELFCLASS64;
	if (e->is64 && file.size < sizeof(struct elf64_header))
		return "ELF: the file ends inside its header";
	if (h->type != ET_EXEC)
		return "ELF: not an executable file";
	if (h->machine != EM_386 && h->machine != EM_X86_64)
		return "ELF: not for x86";
	if (e->is64)
		copy_header64(e, (const void *)file.data);
	else
		copy_header32(e, h);
	if (!e->phnum || e->phnum > PHNUM_MAX)
		return "ELF: no program headers, or more than 64";
	if (e->phentsize < (e->is64 ? sizeof(struct elf64_program) : sizeof(struct elf32_program)))
		return "ELF: program headers too small";
	if (e->phoff > file.size || (uint64_t)e->phnum * e->phentsize > file.size - e->phoff)
		return "ELF: program headers outside the file";
	return NULL;
}

static struct elf_segment segment32(const struct elf32_program *p)
{
	return (struct elf_segment){.load = p->type == PT_LOAD && p->memsz,
	                            .offset = p->offset,
	                            .vaddr = p->vaddr,
	                            .paddr = p->paddr,
	                            .filesz = p->filesz,
	                            .memsz = p->memsz};
}

static struct elf_segment segment64(const struct elf64_program *p)
{
	return (struct elf_segment){.load = p->type == PT_LOAD && p->memsz,
	                            .offset = p->offset,
	                            .vaddr = p->vaddr,
	                            .paddr = p->paddr,
	                            .filesz = p->filesz,
	                            .memsz = p->memsz};
}

const char *elf_segment(const struct elf *e, unsigned i, struct elf_segment *s)
{
	const void *p = e->file.data + e->phoff + (uint64_t)i * e->phentsize;

	*s = e->is64 ? segment64(p) : segment32(p);
	if (!s->load)
		return NULL;
	if (s->filesz > s->memsz)
		return "ELF: a segment is larger in the file than in memory";
	if (s->offset > e->file.size || s->filesz > e->file.size - s->offset)
		return "ELF: a segment lies outside the file";
	return NULL;
}
