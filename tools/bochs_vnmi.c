/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into Bochs by tools/bochs-run: VM entry unblocks virtual NMIs where its VMCS says so.
 *
 * Under "virtual NMIs" an entry loads the blocking of NMIs from bit 3 of the guest's
 * interruptibility state (SDM 3, 26.6.1 and 24.4.2).  Bochs 2.7 masks them where the bit is 1 and
 * leaves them as they are where it is 0 (VMenterLoadCheckGuestState(), cpu/vmx.cc; later versions
 * unmask first).  So a guest that exits in its NMI handler leaves NMIs blocked for the next guest
 * entered on that CPU, whose next exit saves that state as its own: it gets no NMI until it
 * executes an IRET.
 *
 * The code to patch is found by its bytes in Debian's binary; if they are not found, nothing is
 * changed.
 */
#define _GNU_SOURCE /* dladdr1(), memmem() */
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUNCTION "_ZN8BX_CPU_C26VMenterLoadCheckGuestStateEPm"

/* RBX is the CPU, 93B4h its mask of events (1 NMIs, 80h virtual ones), 8FE8h the pin controls, EAX
 * the interruptibility state. */
static const uint8_t before[] = {
    0xa8, 0x08,                               /* test al, 8 */
    0x74, 0x1d,                               /* jz, to the end */
    0x8b, 0x83, 0xb4, 0x93, 0x00, 0x00,       /* mov eax, [rbx + 93B4h] */
    0x89, 0xc2,                               /* mov edx, eax */
    0x0c, 0x80,                               /* or al, 80h */
    0x83, 0xca, 0x01,                         /* or edx, 1 */
    0xf6, 0x83, 0xe8, 0x8f, 0x00, 0x00, 0x20, /* test byte [rbx + 8FE8h], 20h: virtual NMIs */
    0x0f, 0x44, 0xc2,                         /* cmovz eax, edx */
    0x89, 0x83, 0xb4, 0x93, 0x00, 0x00,       /* mov [rbx + 93B4h], eax */
};
static const uint8_t after[] = {
    0x80, 0xa3, 0xb4, 0x93, 0x00, 0x00, 0x7f, /* and byte [rbx + 93B4h], 7Fh */
    0xa8, 0x08,                               /* test al, 8 */
    0x74, 0x15,                               /* jz, to the end */
    0xb1, 0x01,                               /* mov cl, 1 */
    0xf6, 0x83, 0xe8, 0x8f, 0x00, 0x00, 0x20, /* test byte [rbx + 8FE8h], 20h */
    0x74, 0x02,                               /* jz, to the OR */
    0xb1, 0x80,                               /* mov cl, 80h */
    0x08, 0x8b, 0xb4, 0x93, 0x00, 0x00,       /* or [rbx + 93B4h], cl */
    0x90, 0x90, 0x90,                         /* nop */
};
_Static_assert(sizeof before == sizeof after, "one takes the other's place");

static void write_code(uint8_t *place)
{
	uintptr_t page = (uintptr_t)place & -(uintptr_t)getpagesize();
	size_t size = (uintptr_t)place + sizeof after - page;
	if (mprotect((void *)page, size, PROT_READ | PROT_WRITE | PROT_EXEC))
		return;
	memcpy(place, after, sizeof after);
	mprotect((void *)page, size, PROT_READ | PROT_EXEC);
}

__attribute__((constructor)) static void mend(void)
{
	void *function = dlsym(RTLD_DEFAULT, FUNCTION);
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;
	uint8_t *place;
	if (!function || !dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
		return;
	place = memmem(function, symbol->st_size, before, sizeof before);
	if (place)
		write_code(place);
}
