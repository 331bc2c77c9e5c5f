/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm.h: the interface between the VMM and the CPU's virtualization, AMD SVM or Intel VT-x.
 *
 * A vendor file only translates exits into `struct vmexit`; vmm/exit.c dispatches on `kind` to
 * vendor-free handlers.  svm.c and vmx.c define the same functions in the same order (those about
 * the CPU itself are in vmx_cpu.c), so that they can be read side by side.
 */
#ifndef ARCH_HVM_HVM_H
#define ARCH_HVM_HVM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/hvm/vcpu_state.h"

/* General registers in the order of their encoding. */
enum reg {
	REG_RAX,
	REG_RCX,
	REG_RDX,
	REG_RBX,
	REG_RSP,
	REG_RBP,
	REG_RSI,
	REG_RDI,
	REG_R8,
	REG_R9,
	REG_R10,
	REG_R11,
	REG_R12,
	REG_R13,
	REG_R14,
	REG_R15,
	REGS
};

/* State outside the general registers that generic code reads or sets; from HVM_CR0 on it is only
 * read. */
enum hvm_state {
	HVM_RIP,
	HVM_RFLAGS,
	HVM_CR2,
	HVM_EFER,
	HVM_DR6,
	HVM_PAT,
	HVM_TSC_OFFSET,
	HVM_CR0,
	HVM_CR3,
	HVM_CR4,
	HVM_CPL,
	HVM_EXIT_CODE, /* the vendor's exit code and information, for a register dump */
	HVM_EXIT_INFO1,
	HVM_EXIT_INFO2,
};

/* Segment registers in the order of their encoding. */
enum hvm_seg { HVM_ES, HVM_CS, HVM_SS, HVM_DS, HVM_FS, HVM_GS };

#define VECTOR_DB  1
#define VECTOR_NMI 2
#define VECTOR_BP  3
#define VECTOR_OF  4
#define VECTOR_UD  6
#define VECTOR_DF  8
#define VECTOR_GP  13
#define VECTOR_PF  14
#define VECTOR_MF  16
#define VECTOR_AC  17
#define VECTOR_MC  18

/* Why a guest exits; of `raw` the vendor's codes are in the exit. */
#define VMEXIT_KINDS(X)                                                                            \
	X(kick, "The host called this core (NMI).")                                                \
	X(io, "IN, OUT, INS, OUTS.")                                                               \
	X(msr, "RDMSR, WRMSR.")                                                                    \
	X(cpuid, "CPUID.")                                                                         \
	X(memory, "Nested page fault: not mapped, or the access is not allowed.")                  \
	X(fetch, "Instruction fetch from a mapped page that is not executable.")                   \
	X(hypercall, "VMMCALL, VMCALL.")                                                           \
	X(xsetbv, "XSETBV.")                                                                       \
	X(cache, "INVD, WBINVD, WBNOINVD.")                                                        \
	X(forbidden, "An instruction that the guest's CPU does not have: #UD.")                    \
	X(privileged, "An instruction that the guest may not use: #GP.")                           \
	X(exception, "An intercepted exception, to be injected into the guest.")                   \
	X(nmi_window, "The guest can take an NMI again, or soon.")                                 \
	X(control, "An access to host-owned control register bits.")                               \
	X(bus_lock, "A split or uncached locked access, which stalls all cores.")                  \
	X(machine_check, "A machine check.")                                                       \
	X(shutdown, "Triple fault.")                                                               \
	X(invalid, "The CPU refused the guest's state.")                                           \
	X(raw, "Any other exit.")

enum vmexit_kind {
#define X(name, help) VMEXIT_##name,
	VMEXIT_KINDS(X)
#undef X
	    VMEXIT_COUNT
};

struct vmexit {
	enum vmexit_kind kind;
	uint8_t insn_len; /* length of the instruction to skip; 0: none, or to be decoded */
	union {
		struct {
			uint16_t port;
			uint8_t size; /* 1, 2, 4 */
			bool in, string, rep;
		} io;
		struct {
			uint32_t index;
			bool write;
		} msr;
		struct {
			uint64_t gpa;
			bool write, fetch;
			bool page_table; /* on an access to the guest's own page tables */
			bool event;      /* while delivering an event, not by an instruction */
		} memory;
		struct {
			/* The caller decodes and emulates the instruction; false: the vendor file
			 * has written the register, or injected a fault. */
			bool decode;
		} control;
		struct {
			uint8_t vector;
			bool has_error;
			uint32_t error;
		} exception;
		struct {
			uint64_t code, info1, info2;
		} raw;
	};
};

struct hvm_vcpu;
struct core;
struct npt_format;

/* What a vendor file's probe() finds on this CPU. */
enum hvm_found { HVM_ABSENT, HVM_UNUSABLE, HVM_USABLE };

/* Instructions that this CPU has but cannot offer to a guest, for lack of a VT-x control. */
enum hvm_lack { HVM_LACKS_RDTSCP = 1, HVM_LACKS_INVPCID = 2, HVM_LACKS_XSAVES = 4 };

/* Every function that takes a vCPU runs on that vCPU's core. */
struct hvm_ops {
	const char *name;
	const struct npt_format *npt;
	size_t vcpu_size; /* bytes of hvm_vcpu.vendor: whole pages, zeroed by the caller */
	/* HVM_UNUSABLE comes with one line in `why`: what is missing, or locked by the firmware. */
	enum hvm_found (*probe)(char *why, size_t size);
	/* The set of enum hvm_lack. */
	unsigned (*lacks)(void);
	/* Once on each core; NULL, or why not. */
	const char *(*core_enable)(struct core *c);
	/* Leaves SVM or VMX operation on this core for good; may be called at any point. */
	void (*core_disable)(void);
	/* Puts the vCPU into the given state, with nothing pending, ready to run on this core.
	 * own: the set of enum hvm_own that the guest accesses directly. */
	void (*reset)(struct hvm_vcpu *v, const struct cpu_entry *entry, unsigned own);
	/* The core stops using the vCPU: v->vendor may be freed or moved. */
	void (*leave)(struct hvm_vcpu *v);
	/* Runs the guest until an exit.  Interrupts are off before and after.  Returns
	 * VMEXIT_kick at once if the core's `attention` is set before the guest is entered. */
	void (*run)(struct hvm_vcpu *v, struct vmexit *exit);
	uint64_t (*get)(const struct hvm_vcpu *v, enum hvm_state what);
	void (*set)(struct hvm_vcpu *v, enum hvm_state what, uint64_t value);
	/* Moves RIP past an instruction of `len` bytes that was completed; returns RFLAGS. */
	uint64_t (*skip)(struct hvm_vcpu *v, uint8_t len);
	/* Emulates a MOV of `value` to CR0 or CR4, for an exit with control.decode; false: #GP, and
	 * nothing was changed.  NULL if this vendor has no such exits. */
	bool (*set_control)(struct hvm_vcpu *v, unsigned which, uint64_t value);
	void (*get_seg)(const struct hvm_vcpu *v, enum hvm_seg which, struct seg *out);
	/* Drops the guest's translations on this core, before it is entered again. */
	void (*flush)(struct hvm_vcpu *v);
	/* Changes the set of registers that the guest accesses directly. */
	void (*own_msrs)(struct hvm_vcpu *v, unsigned own);
	/* Queue one event for the next entry. */
	void (*inject_exception)(struct hvm_vcpu *v, uint8_t vector, bool has_error,
	                         uint32_t error);
	/* false: the guest cannot take an NMI yet; try again after the next exit: one is requested
	 * for the moment when it can. */
	bool (*inject_nmi)(struct hvm_vcpu *v);
};

extern const struct hvm_ops svm_ops, vmx_ops;
extern const struct hvm_ops *hvm; /* set once at boot */

/* Selects the vendor file for this CPU; false and a reason if none fits. */
bool hvm_select(char *why, size_t size);

/* Register sets to which a guest may be given direct access. */
enum hvm_own { HVM_OWN_X2APIC = 1, HVM_OWN_SPEC_CTRL = 2, HVM_OWN_SETS = 4 };

/* Calls `open` for each MSR that a guest reads or writes without an exit; `map` is passed on.
 * own: the set of enum hvm_own to include. */
void hvm_open_msrs(void (*open)(uint8_t *map, uint32_t msr, bool read, bool write), uint8_t *map,
                   unsigned own);

/* The bits of CR4 that a guest may set on this CPU. */
uint64_t hvm_cr4_offered(void);
#endif
