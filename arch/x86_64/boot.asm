; SPDX-License-Identifier: BSD-2-Clause
; Entry from a multiboot 1 or 2 loader, the way to 64-bit mode, and the start of the other cores.

%include "asm-offsets.inc"

MB1_MAGIC  equ 0x1BADB002
MB1_FLAGS  equ 3			; modules on page boundaries, memory information
MB2_MAGIC  equ 0xE85250D6

CR0_LONG   equ 0x80010033		; PG WP NE ET MP PE
CR4_HOST   equ 0x00000660		; PAE, MCE, OSFXSR, OSXMMEXCPT
EFER_LME   equ 0x100
EFER_NXE   equ 0x800

section .multiboot progbits alloc noexec nowrite align=8
	dd MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
	align 8
mb2:	dd MB2_MAGIC, 0, mb2_end - mb2, -(MB2_MAGIC + mb2_end - mb2)
	dw 6, 0				; modules on page boundaries
	dd 8
	dw 0, 0				; end tag
	dd 8
mb2_end:

section .text
bits 32
global _start
extern boot_main, ap_main
_start:
	cli
	cld
	mov esp, boot_stack_top
	mov [boot_magic], eax
	mov [boot_info_addr], ebx
	rdtsc
	mov [entry_tsc], eax
	mov [entry_tsc + 4], edx
	call check_long_mode
	call map_4g
	mov eax, boot_pml4
	call enter_long
	lgdt [gdt_ptr]
	jmp 8:start64

; A machine without 64-bit mode cannot run the C code that would say so.
check_long_mode:
	mov eax, 0x80000000
	cpuid
	cmp eax, 0x80000001
	jb .none
	mov eax, 0x80000001
	cpuid
	bt edx, 29
	jnc .none
	ret
.none:	mov esi, no_long_mode
.next:	lodsb
	test al, al
	jz .stop
	mov dx, 0x3F8
	out dx, al
	jmp .next
.stop:	hlt
	jmp .stop

; The first 4 GiB, identity, by 2 MiB pages; paging.c makes the final map.
map_4g:	mov edi, boot_pd
	mov eax, 0x83			; present, writable, large
.pd:	mov [edi], eax
	add eax, 0x200000
	add edi, 8
	cmp edi, boot_pd + 4 * 4096
	jb .pd
	mov dword [boot_pml4], boot_pdpt + 3
	mov edi, boot_pdpt
	mov eax, boot_pd + 3
.pdpt:	mov [edi], eax
	add eax, 4096
	add edi, 8
	cmp edi, boot_pdpt + 32
	jb .pdpt
	ret

; eax: the page table root.  Leaves the CPU in compatibility mode.
enter_long:
	mov cr3, eax
	mov eax, CR4_HOST
	mov cr4, eax
	mov ecx, 0xC0000080
	rdmsr
	or eax, EFER_LME | EFER_NXE
	wrmsr
	mov eax, CR0_LONG
	mov cr0, eax
	ret

bits 64
start64:
	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	xor eax, eax
	mov fs, ax
	mov gs, ax
	mov edi, [boot_magic]
	mov esi, [boot_info_addr]
	mov rsp, boot_stack_top
	xor ebp, ebp
	call boot_main
	ud2				; boot_main does not return

; Start of the other cores: copied to AP_TRAMPOLINE below 1 MiB; a SIPI enters it in real mode
; with CS = AP_TRAMPOLINE >> 4.  It is linked elsewhere: only relative addresses of its own work.
bits 16
global ap_trampoline, ap_trampoline_end
ap_trampoline:
	cli
	cld
	mov ax, cs
	mov ds, ax
	o32 lgdt [ap_gdt_ptr - ap_trampoline]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword 0x18:ap_start32
ap_gdt_ptr:
	dw gdt_end - gdt - 1
	dd gdt
ap_trampoline_end:

bits 32
ap_start32:
	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov esp, AP_TRAMPOLINE + 4096	; the rest of the start code's page
	mov eax, [ap_cr3]
	call enter_long
	jmp 8:ap_start64
bits 64
ap_start64:
	xor eax, eax
	mov fs, ax
	mov gs, ax
	mov rdi, [ap_core]		; struct core * of the core being started
	mov rsp, [rdi + CORE_STACK_TOP]
	xor ebp, ebp
	call ap_main
	ud2				; ap_main does not return

section .rodata
no_long_mode db "patio: this CPU has no 64-bit mode: Patio needs one with AMD SVM or Intel VT-x", 13, 10, 0
align 8
gdt:	dq 0
	dq 0x00AF9B000000FFFF		; 08: 64-bit code
	dq 0x00CF93000000FFFF		; 10: data
	dq 0x00CF9B000000FFFF		; 18: 32-bit code
gdt_end:
gdt_ptr:
	dw gdt_end - gdt - 1
	dq gdt

section .data
global ap_cr3, ap_core
ap_cr3	dq 0
ap_core	dq 0
global entry_tsc
entry_tsc dq 0
boot_magic dd 0
boot_info_addr dd 0

section .bss
alignb 4096
boot_pml4 resb 4096
boot_pdpt resb 4096
boot_pd	resb 4 * 4096
global boot_stacks, boot_stack_top
boot_stacks resb CORE_STACKS		; struct core_stacks
boot_stack_top:
