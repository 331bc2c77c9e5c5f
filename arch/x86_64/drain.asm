; SPDX-License-Identifier: BSD-2-Clause
; Accepting what waits in the local APIC of a core whose owner is gone.
;
; A guest may leave any vector from 16 to 255 waiting (Intel SDM vol. 3, 11.5.2), and what waits can
; only be accepted, not dropped.  Vectors 16 to 31 are those of exceptions too, some of which push
; an error code that an interrupt does not push.  So this happens under an IDT of its own (cpu.c),
; in a window of three instructions that raise no exception: what comes by vector 16 or above is an
; interrupt, but for 18, which may be a machine check.

%include "asm-offsets.inc"

VECTOR_MC	equ 18
RFLAGS_IF	equ 0x200
FRAME_RFLAGS	equ 5 * 8		; above three registers: RIP, CS, RFLAGS

section .text
bits 64
extern stub_18

; void drain_one(void)
;
; Accepts at most one waiting interrupt.  STI takes effect after the next instruction; the handler
; returns with IF = 0, so that a level-triggered line that is held, and comes again at each EOI,
; cannot keep the core here.
global drain_one
drain_one:
	sti
	nop
	nop
	cli
	ret

; The handler of all vectors from 16 on but 18.
global drain_interrupt
drain_interrupt:
	push rax
	push rcx
	push rdx
	mov ecx, MSR_APIC_EOI
	xor eax, eax
	xor edx, edx
	wrmsr
	inc qword [gs:CORE_STRAY_VECTORS]
	and qword [rsp + FRAME_RFLAGS], ~RFLAGS_IF
	pop rdx
	pop rcx
	pop rax
	iretq

; Vector 18: an interrupt is in service, a machine check is not.  Neither pushes an error code.
global drain_vector_18
drain_vector_18:
	push rax
	push rcx
	push rdx
	mov ecx, MSR_APIC_ISR	; vectors 0 to 31 in service
	rdmsr
	bt eax, VECTOR_MC
	pop rdx
	pop rcx
	pop rax
	jc drain_interrupt
	jmp stub_18
