; SPDX-License-Identifier: BSD-2-Clause
; Entry of our multiboot-1 guests: saves the loader's register state for tests, builds identity
; page tables, enters long mode and calls guest_start(magic, info).  Multiboot 0.6.96, 3.1 and 3.2.

MB_MAGIC	equ 0x1BADB002
MB_FLAGS	equ 3			; modules on page boundaries, memory information
STACK_SIZE	equ 65536
PTE_RW		equ 3			; present, writable
PTE_LARGE	equ 0x83		; the same, and a large page
CR4_PAE		equ 1 << 5
EFER		equ 0xC0000080
EFER_LME	equ 1 << 8
CR0_PG		equ 1 << 31
EDX_1GB		equ 26			; CPUID 8000_0001 EDX: 1 GiB pages
PROBE		equ 0x50415449

section .multiboot alloc noexec nowrite align=4
	dd MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)

section .text
bits 32
global _start
extern guest_start, ap_start

_start:
	mov [entry_state], eax
	mov [entry_state + 4], ebx
	mov eax, cr0
	mov [entry_state + 12], eax
	mov eax, cr4
	mov [entry_state + 16], eax
	mov eax, [cs:probe]		; reads PROBE if the segment's base is 0
	mov [entry_state + 20], eax
	mov eax, [es:probe]
	mov [entry_state + 24], eax
	mov eax, [fs:probe]
	mov [entry_state + 28], eax
	mov eax, [gs:probe]
	mov [entry_state + 32], eax
	mov eax, [ss:probe]
	mov [entry_state + 36], eax
	mov esp, stack_top
	pushfd
	pop dword [entry_state + 8]
	push dword 0			; the specification defines only VM and IF of EFLAGS
	popfd

	mov edi, page_directories	; first 4 GiB by 2 MiB pages
	mov eax, PTE_LARGE
	mov ecx, 2048
.pd:	mov [edi], eax
	add edi, 8
	add eax, 0x200000
	loop .pd
	mov eax, page_directories + PTE_RW
	mov edi, pdpt
	mov ecx, 4
.pdpt:	mov [edi], eax
	add edi, 8
	add eax, 4096
	loop .pdpt
	mov dword [pml4], pdpt + PTE_RW

	mov eax, 0x80000001
	cpuid
	bt edx, EDX_1GB
	jnc long_mode
	mov edi, pdpt + 4 * 8		; up to 512 GiB by 1 GiB pages
	mov esi, 4
.gib:	mov eax, esi
	shl eax, 30
	or eax, PTE_LARGE
	mov [edi], eax
	mov eax, esi
	shr eax, 2
	mov [edi + 4], eax
	add edi, 8
	inc esi
	cmp esi, 512
	jb .gib

long_mode:
	call enable_long_mode
	jmp 0x08:start64

enable_long_mode:			; paging on; the caller jumps to a 64-bit segment
	mov eax, cr4
	or eax, CR4_PAE
	mov cr4, eax
	mov eax, pml4
	mov cr3, eax
	mov ecx, EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	lgdt [gdt_pointer]
	mov eax, cr0
	or eax, CR0_PG
	mov cr0, eax
	ret

ap32:					; an AP, from the trampoline below
	mov ax, 0x10
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov esp, [ap_stack]
	call enable_long_mode
	jmp 0x08:ap64

bits 64
start64:
	call load_segments
	mov rsp, stack_top
	xor ebp, ebp
	mov edi, [entry_state]
	mov esi, [entry_state + 4]
	call guest_start
.stop:	cli
	hlt
	jmp .stop

ap64:
	call load_segments
	mov rsp, [ap_stack]
	xor ebp, ebp
	call ap_start
.stop:	cli
	hlt
	jmp .stop

load_segments:
	mov eax, 0x10
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	ret

; Copied below 1 MiB by smp_start(); the SIPI vector sets CS, all addresses are image addresses.
bits 16
global ap_trampoline, ap_trampoline_size
ap_trampoline:
	cli
	o32 lgdt [cs:trampoline_gdt - ap_trampoline]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword 0x18:ap32
trampoline_gdt:
	dw gdt_end - gdt - 1
	dd gdt
ap_trampoline_end:
ap_trampoline_size:
	dd ap_trampoline_end - ap_trampoline

section .data
align 8
gdt:	dq 0
	dq 0x00AF9B000000FFFF		; 08: 64-bit code
	dq 0x00CF93000000FFFF		; 10: data
	dq 0x00CF9B000000FFFF		; 18: 32-bit code, for the trampoline
gdt_end:
gdt_pointer:
	dw gdt_end - gdt - 1
	dq gdt
align 4
probe:	dd PROBE

section .bss
global entry_state, ap_stack
alignb 4096
pml4:	resb 4096
pdpt:	resb 4096
page_directories:
	resb 4 * 4096
	resb STACK_SIZE
stack_top:
ap_stack:
	resq 1
entry_state:
	resd 10
