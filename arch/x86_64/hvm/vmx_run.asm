; SPDX-License-Identifier: BSD-2-Clause
; The world switch of VT-x (Intel SDM vol. 3, 26 and 27).

%include "asm-offsets.inc"
%include "arch/x86_64/hvm/guest_regs.inc"

VMCS_HOST_RSP	equ 0x6C14

section .text
bits 64

; enum vmx_entered vmx_enter(uint64_t *regs, bool launched)
;
; regs: of struct hvm_vcpu, in the order of enum reg; vmx.c copies RSP to and from the VMCS.
; launched: this VMCS was entered before, since its VMCLEAR.
; Returns 0: the guest ran and exited; 1: the core's `attention` was set, the guest was not entered;
; 2: the entry failed (VMfail).  With 1 and 2 regs is unchanged.
;
; VT-x cannot hold NMIs pending before an entry.  One that comes after the test of `attention`
; returns to .kicked (trap.c, resume points), so it is not lost, without preemption timer or exit.
; From the entry on an NMI makes the guest exit.
global vmx_enter, vmx_exited
vmx_enter:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	push rdi			; regs
	push rsi			; launched; then the result
	mov eax, VMCS_HOST_RSP
	vmwrite rax, rsp
	mov rax, [rdi + 8 * REG_RAX]
	LOAD_GUEST_REGS
.look:	cmp byte [gs:CORE_ATTENTION], 0
	jne .kicked
	cmp byte [rsp], 0
	je .launch
	vmresume
	jmp .refused
.launch:
	vmlaunch
.refused:
	mov byte [rsp], 2
	jmp save
.kicked:
	mov byte [rsp], 1
	jmp save
vmx_exited:				; HOST_RIP; RSP is what VMCS_HOST_RSP says
	mov byte [rsp], 0
save:	xchg rdi, [rsp + 8]		; the guest's RDI to the stack, regs to RDI
	mov [rdi + 8 * REG_RAX], rax
	SAVE_GUEST_REGS
	movzx eax, byte [rsp]
	add rsp, 8
	pop qword [rdi + 8 * REG_RDI]
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

section .resume progbits alloc noexec nowrite align=8
	dq vmx_enter.look, vmx_enter.refused, vmx_enter.kicked
