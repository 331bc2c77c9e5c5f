; SPDX-License-Identifier: BSD-2-Clause
; The world switch of SVM (AMD APM vol. 2, 15.5).

%include "asm-offsets.inc"
%include "arch/x86_64/hvm/guest_regs.inc"

section .text
bits 64

; void svm_enter(uint64_t *regs, paddr_t vmcb, paddr_t host_vmcb)
;
; regs: of struct hvm_vcpu, in the order of enum reg; svm.c copies RAX and RSP to and from the VMCB.
; Called and left with GIF = 0 (CLGI): an NMI meanwhile stays pending until STGI, or makes VMRUN
; exit at once (VMEXIT_NMI), so no core_call() is lost.  VMSAVE and VMLOAD switch what VMRUN does
; not: FS, GS, TR, LDTR and the SYSCALL and SYSENTER registers.
global svm_enter
svm_enter:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	push rdx			; host_vmcb
	push rdi			; regs
	mov rax, rsi
	vmload
	LOAD_GUEST_REGS
	vmrun
	vmsave				; #VMEXIT restores RAX and RSP: RAX is the VMCB again
	xchg rdi, [rsp]			; the guest's RDI to the stack, regs to RDI
	SAVE_GUEST_REGS
	pop qword [rdi + 8 * REG_RDI]
	pop rax				; host_vmcb
	vmload
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret
