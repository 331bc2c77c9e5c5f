; The world switch of SVM (AMD APM vol. 2, 15.5).

%include "build/asm-offsets.inc"

section .text
bits 64

; void svm_enter(uint64_t *regs, paddr_t vmcb, paddr_t host_vmcb)
;
; regs is vcpu->regs, in the order of enum reg; RAX and RSP live in the VMCB and are moved by svm.c.
; Called with GIF = 0 (CLGI) and returns so: an NMI that comes meanwhile waits for STGI, and makes
; VMRUN exit at once (VMEXIT_NMI), so no call for attention is lost.  VMSAVE and VMLOAD move what
; VMRUN leaves alone: FS, GS, TR, LDTR and the SYSCALL and SYSENTER registers.
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
	mov rcx, [rdi + 8 * REG_RCX]
	mov rdx, [rdi + 8 * REG_RDX]
	mov rbx, [rdi + 8 * REG_RBX]
	mov rbp, [rdi + 8 * REG_RBP]
	mov rsi, [rdi + 8 * REG_RSI]
	mov r8, [rdi + 8 * REG_R8]
	mov r9, [rdi + 8 * REG_R9]
	mov r10, [rdi + 8 * REG_R10]
	mov r11, [rdi + 8 * REG_R11]
	mov r12, [rdi + 8 * REG_R12]
	mov r13, [rdi + 8 * REG_R13]
	mov r14, [rdi + 8 * REG_R14]
	mov r15, [rdi + 8 * REG_R15]
	mov rdi, [rdi + 8 * REG_RDI]
	vmrun
	vmsave				; #VMEXIT restores RAX and RSP: RAX is the VMCB again
	xchg rdi, [rsp]			; the guest's RDI to the stack, regs to RDI
	mov [rdi + 8 * REG_RCX], rcx
	mov [rdi + 8 * REG_RDX], rdx
	mov [rdi + 8 * REG_RBX], rbx
	mov [rdi + 8 * REG_RBP], rbp
	mov [rdi + 8 * REG_RSI], rsi
	mov [rdi + 8 * REG_R8], r8
	mov [rdi + 8 * REG_R9], r9
	mov [rdi + 8 * REG_R10], r10
	mov [rdi + 8 * REG_R11], r11
	mov [rdi + 8 * REG_R12], r12
	mov [rdi + 8 * REG_R13], r13
	mov [rdi + 8 * REG_R14], r14
	mov [rdi + 8 * REG_R15], r15
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
