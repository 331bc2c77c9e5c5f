/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into Bochs 2.7 by tools/bochs-run: corrects what its VM entries do otherwise than the
 * manual says.  The code to patch is found by its bytes in Debian's binary; if they are not found,
 * nothing is changed.
 */
#define _GNU_SOURCE /* dladdr1(), memmem() */
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * An entry unblocks virtual NMIs where its VMCS says so.
 *
 * Under "virtual NMIs" an entry loads the blocking of NMIs from bit 3 of the guest's
 * interruptibility state (SDM 3, 26.6.1 and 24.4.2).  Bochs masks them where the bit is 1 and
 * leaves them as they are where it is 0 (VMenterLoadCheckGuestState(), cpu/vmx.cc; later versions
 * unmask first).  So a guest that exits in its NMI handler leaves NMIs blocked for the next guest
 * entered on that CPU, whose next exit saves that state as its own: it gets no NMI until it
 * executes an IRET.
 *
 * RBX is the CPU, 93B4h its mask of events (1 NMIs, 80h virtual ones), 8FE8h the pin controls, EAX
 * the interruptibility state.
 */
#define LOAD_GUEST_STATE "_ZN8BX_CPU_C26VMenterLoadCheckGuestStateEPm"
static const uint8_t vnmi_before[] = {
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
static const uint8_t vnmi_after[] = {
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
_Static_assert(sizeof vnmi_before == sizeof vnmi_after, "one takes the other's place");

/*
 * A guest with IF = 0 exits for interrupts where "external-interrupt exiting" says so.
 *
 * Then an interrupt exits whatever the guest's IF is (SDM 3, 25.2).  Bochs finds out what IF masks
 * when it loads the guest's state, before the CPU counts as one that runs a guest, so by the rule
 * for hosts: the guest enters with interrupts masked, and no interrupt ends it before its next exit
 * for another reason, or its next STI or CLI.  VMLAUNCH() is VMRESUME too.
 *
 * RBX is the CPU, 8FC1h whether it runs a guest, 93B0h its pending events (4 INIT), 93B4h their
 * mask, 93B8h whether they are to be looked at before the next instruction: for once always.
 */
#define LAUNCH             "_ZN8BX_CPU_C8VMLAUNCHEP15bxInstruction_c"
#define HANDLE_MASK_CHANGE "_ZN8BX_CPU_C25handleInterruptMaskChangeEv"
#define CALL_TARGET        18

static const uint8_t intr_before[] = {
    0x83, 0xa3, 0xb4, 0x93, 0x00, 0x00, 0xfb,                   /* and dword [rbx + 93B4h], ~4 */
    0xc6, 0x83, 0xc1, 0x8f, 0x00, 0x00, 0x01,                   /* mov byte [rbx + 8FC1h], 1 */
    0xf6, 0x83, 0xb0, 0x93, 0x00, 0x00, 0x04,                   /* test byte [rbx + 93B0h], 4 */
    0x74, 0x0a,                                                 /* jz, to the end */
    0xc7, 0x83, 0xb8, 0x93, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, /* mov dword [rbx + 93B8h], 1 */
};
static const uint8_t intr_after[] = {
    0x83, 0xa3, 0xb4, 0x93, 0x00, 0x00, 0xfb,                   /* and dword [rbx + 93B4h], ~4 */
    0xc6, 0x83, 0xc1, 0x8f, 0x00, 0x00, 0x01,                   /* mov byte [rbx + 8FC1h], 1 */
    0x48, 0x89, 0xdf,                                           /* mov rdi, rbx */
    0xe8, 0x00, 0x00, 0x00, 0x00,                               /* call HANDLE_MASK_CHANGE */
    0xc7, 0x83, 0xb8, 0x93, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, /* mov dword [rbx + 93B8h], 1 */
    0x90,                                                       /* nop */
};
_Static_assert(sizeof intr_before == sizeof intr_after, "one takes the other's place");

/* Where the function has these bytes; NULL when it does not. */
static uint8_t *find(const char *name, const uint8_t *bytes, size_t size)
{
	void *function = dlsym(RTLD_DEFAULT, name);
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!function || !dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
		return NULL;
	return memmem(function, symbol->st_size, bytes, size);
}

static void write_code(uint8_t *place, const uint8_t *bytes, size_t size)
{
	uintptr_t page = (uintptr_t)place & -(uintptr_t)getpagesize();
	size_t length = (uintptr_t)place + size - page;

	if (mprotect((void *)page, length, PROT_READ | PROT_WRITE | PROT_EXEC))
		return;
	memcpy(place, bytes, size);
	mprotect((void *)page, length, PROT_READ | PROT_EXEC);
}

static void mend_virtual_nmis(void)
{
	uint8_t *place = find(LOAD_GUEST_STATE, vnmi_before, sizeof vnmi_before);

	if (place)
		write_code(place, vnmi_after, sizeof vnmi_after);
}

static void mend_interrupts(void)
{
	uint8_t code[sizeof intr_after];
	uint8_t *callee = dlsym(RTLD_DEFAULT, HANDLE_MASK_CHANGE);
	uint8_t *place = find(LAUNCH, intr_before, sizeof intr_before);
	int32_t distance;

	if (!callee || !place)
		return;
	/* both are the same executable's: less than 2 GiB apart */
	distance = (int32_t)(callee - (place + CALL_TARGET + sizeof distance));
	memcpy(code, intr_after, sizeof code);
	memcpy(code + CALL_TARGET, &distance, sizeof distance);
	write_code(place, code, sizeof code);
}

__attribute__((constructor)) static void mend(void)
{
	mend_virtual_nmis();
	mend_interrupts();
}
