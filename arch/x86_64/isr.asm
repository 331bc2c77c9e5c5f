; SPDX-License-Identifier: BSD-2-Clause
; Interrupt entry: 256 stubs, which all call trap_handle(struct trap_frame *).

section .text
bits 64
extern trap_handle

%macro STUB 1
	align 16
	global stub_%1
stub_%1:
%if !(%1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17 || %1 == 21 || %1 == 29 || %1 == 30)
	push 0				; in place of an error code
%endif
	push %1
	jmp trap_entry
%endmacro

%assign v 0
%rep 256
	STUB v
%assign v v+1
%endrep

trap_entry:	push rax
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
	call trap_handle
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

; void idle_wait(const _Atomic bool *attention)
;
; Sleeps unless *attention, with interrupts off: interrupts pending in the core's APIC have vectors
; that a guest chose.  Cores call each other by NMI, which ends a HLT even with IF = 0.  An NMI
; between the test and the HLT sets `attention` too late for the test: trap.c makes it return to
; .end.
global idle_wait
idle_wait:
	cmp byte [rdi], 0
	jne .end
	hlt
.end:	ret

; Resume points for trap_handle(): from, to, resume; see trap.c.
section .resume progbits alloc noexec nowrite align=8
	dq idle_wait, idle_wait.end, idle_wait.end

section .rodata
global trap_stubs
trap_stubs:
%assign v 0
%rep 256
	dq stub_ %+ v
%assign v v+1
%endrep
