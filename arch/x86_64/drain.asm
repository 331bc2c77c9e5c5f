; SPDX-License-Identifier: BSD-2-Clause
; Drains the pending interrupts of a core's local APIC after its guest is gone.
;
; A guest may leave any vector from 16 to 255 pending (Intel SDM vol. 3, 11.5.2), and a pending
; interrupt can only be accepted, not dropped.  Vectors 16 to 31 belong to exceptions too, some of
; which push an error code; an interrupt does not.  So the drain has an IDT of its own (cpu.c) and
; opens IF for three instructions that raise no exception: a vector from 16 on is then an interrupt,
; except 18, which may also be a machine check.

%include "asm-offsets.inc"

VECTOR_MC	equ 18
RFLAGS_IF	equ 0x200
FRAME_RFLAGS	equ 5 * 8		; above three registers: RIP, CS, RFLAGS

section .text
bits 64
extern stub_18

; void drain_one(void)
;
; Accepts at most one pending interrupt.  STI takes effect after the next instruction; the handler
; returns with IF = 0, so that a level-triggered line that stays asserted, and interrupts again
; after each EOI, cannot keep the core here.
global drain_one
drain_one:
	sti
	nop
	nop
	cli
	ret

; The handler of all vectors from 16 on, except 18.
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

; Vector 18: only an interrupt has its ISR bit set, a machine check has not.  Neither pushes an
; error code.
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
