; SPDX-License-Identifier: BSD-2-Clause
; 256 interrupt entries, which all call trap(struct trap_frame *): AMD64 manual vol. 2, 8.9.
bits 64
section .text
global isr_table, cpu_triple_fault
extern trap

%macro isr 1
isr_%1:
%if %1 != 8 && (%1 < 10 || %1 > 14) && %1 != 17 && %1 != 21 && %1 != 29 && %1 != 30
	push 0				; these have no error code of their own
%endif
	push %1
	jmp enter_trap
%endmacro

%assign i 0
%rep 256
	isr i
%assign i i + 1
%endrep

enter_trap:
	push rax
	push rcx
	push rdx
	push rbx
	push rbp
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	push r12
	push r13
	push r14
	push r15
	mov rdi, rsp
	cld
	call trap
	pop r15
	pop r14
	pop r13
	pop r12
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rbp
	pop rbx
	pop rdx
	pop rcx
	pop rax
	add rsp, 16
	iretq

cpu_triple_fault:			; an empty IDT: the breakpoint faults three times
	lidt [no_idt]
	int3
	hlt

section .rodata
no_idt:	dw 0
	dq 0
align 8
isr_table:
%assign i 0
%rep 256
	dq isr_ %+ i
%assign i i + 1
%endrep
