/* elf.c: reads the header and program headers of an untrusted ELF executable. */
#include <string.h>
#include "vmm/load/elf.h"
#include "lib/bytes.h"

#define EHDR32    52
#define EHDR64    64
#define PHDR32    32
#define PHDR64    56
#define ET_EXEC   2
#define EM_386    3
#define EM_X86_64 62
#define PT_LOAD   1
#define PHNUM_MAX 64

const char *elf_open(struct elf *e, struct blob file)
{
	const uint8_t *f = file.data;
	if (file.size < EHDR32 || memcmp(f, "\177ELF", 4))
		return "ELF: no ELF header";
	if ((f[4] != 1 && f[4] != 2) || f[5] != 1)
		return "ELF: neither ELF32 nor ELF64, or not little-endian";
	e->file = file;
	e->is64 = f[4] == 2;
	if (e->is64 && file.size < EHDR64)
		return "ELF: the file ends inside its header";
	if (le16(f + 16) != ET_EXEC)
		return "ELF: not an executable file";
	if (le16(f + 18) != EM_386 && le16(f + 18) != EM_X86_64)
		return "ELF: not for x86";
	e->entry = e->is64 ? le64(f + 24) : le32(f + 24);
	e->phoff = e->is64 ? le64(f + 32) : le32(f + 28);
	e->phentsize = le16(f + (e->is64 ? 54 : 42));
	e->phnum = le16(f + (e->is64 ? 56 : 44));
	if (!e->phnum || e->phnum > PHNUM_MAX)
		return "ELF: no program headers, or more than 64";
	if (e->phentsize < (e->is64 ? PHDR64 : PHDR32))
		return "ELF: program headers too small";
	if (e->phoff > file.size || (uint64_t)e->phnum * e->phentsize > file.size - e->phoff)
		return "ELF: program headers outside the file";
	return NULL;
}

static void read_phdr(const struct elf *e, const uint8_t *p, struct elf_segment *s)
{
	if (e->is64) {
		*s = (struct elf_segment){
		    .offset = le64(p + 8),
		    .vaddr = le64(p + 16),
		    .paddr = le64(p + 24),
		    .filesz = le64(p + 32),
		    .memsz = le64(p + 40),
		};
		return;
	}
	*s = (struct elf_segment){
	    .offset = le32(p + 4),
	    .vaddr = le32(p + 8),
	    .paddr = le32(p + 12),
	    .filesz = le32(p + 16),
	    .memsz = le32(p + 20),
	};
}

const char *elf_segment(const struct elf *e, unsigned i, struct elf_segment *s)
{
	const uint8_t *p = e->file.data + e->phoff + (uint64_t)i * e->phentsize;
	read_phdr(e, p, s);
	s->load = le32(p) == PT_LOAD && s->memsz;
	if (!s->load)
		return NULL;
	if (s->filesz > s->memsz)
		return "ELF: a segment is larger in the file than in memory";
	if (s->offset > e->file.size || s->filesz > e->file.size - s->offset)
		return "ELF: a segment lies outside the file";
	return NULL;
}
