/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm.h: the narrow door between the VMM and the CPU's virtualization, AMD SVM or Intel VT-x.
 *
 * A vendor file translates exits into `struct vmexit` and nothing more; vmm/exit.c dispatches on
 * `kind` to handlers that know no vendor.  svm.c and vmx.c answer the same questions in the same
 * order, vmx_cpu.c those about the CPU itself: read them side by side.
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
	HVM_EXIT_CODE, /* the vendor's own words on the last exit, for a register dump */
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

#define VMEXIT_KINDS(X)                                                                            \
	X(kick) /* the host called this core (NMI) */                                              \
	X(io)   /* IN, OUT, INS, OUTS */                                                           \
	X(msr)  /* RDMSR, WRMSR */                                                                 \
	X(cpuid)                                                                                   \
	X(memory) /* nested page fault: not mapped, or the access is not allowed */                \
	X(fetch)  /* from a page that is there and allows no fetches */                            \
	X(hypercall)                                                                               \
	X(xsetbv)                                                                                  \
	X(cache)      /* INVD, WBINVD, WBNOINVD */                                                 \
	X(forbidden)  /* an instruction that the guest's CPU does not have: #UD */                 \
	X(privileged) /* one that it may not use: #GP */                                           \
	X(exception)  /* an exception that is watched and goes back to the guest */                \
	X(nmi_window) /* the guest comes to the end of what kept an NMI back */                    \
	X(control)    /* an access to a control register with bits that are the host's */          \
	X(bus_lock)   /* a locked access that held up the bus of all cores */                      \
	X(machine_check)                                                                           \
	X(shutdown) /* triple fault */                                                             \
	X(invalid)  /* the CPU refused the guest's state */                                        \
	X(raw)      /* what nobody claims: both codes are in `raw` */

enum vmexit_kind {
#define X(name) VMEXIT_##name,
	VMEXIT_KINDS(X)
#undef X
	    VMEXIT_COUNT
};

struct vmexit {
	enum vmexit_kind kind;
	uint8_t insn_len; /* bytes to step over when the exit is done; 0: none, or to be decoded */
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
			bool walk;  /* met while walking the guest's own page tables */
			bool event; /* met while delivering an event, by no instruction */
		} memory;
		struct {
			/* The instruction is to be decoded and carried out; false: the vendor half
			 * has seen to the register, or injected a fault. */
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

/* What a vendor half finds on this CPU. */
enum hvm_found { HVM_ABSENT, HVM_UNUSABLE, HVM_USABLE };

/* Instructions that this CPU has, but not for a guest: each needs a control of VT-x. */
enum hvm_lack { HVM_LACKS_RDTSCP = 1, HVM_LACKS_INVPCID = 2, HVM_LACKS_XSAVES = 4 };

/* Every function that takes a vCPU runs on that vCPU's core. */
struct hvm_ops {
	const char *name;
	const struct npt_format *npt;
	size_t vcpu_size; /* bytes of the vendor's part of a vCPU: whole pages, zeroed, vendor */
	/* HVM_UNUSABLE comes with one line in `why`: what is missing, or locked by the firmware. */
	enum hvm_found (*probe)(char *why, size_t size);
	/* The set of enum hvm_lack. */
	unsigned (*lacks)(void);
	/* Once on each core; NULL, or why not. */
	const char *(*core_enable)(struct core *c);
	/* This core, in the middle of anything, becomes a CPU that uses none of it, for good. */
	void (*core_disable)(void);
	/* Puts the vCPU into the given state, with nothing pending; its core may begin with it.
	 * own: the set of enum hvm_own that the guest has itself. */
	void (*reset)(struct hvm_vcpu *v, const struct cpu_entry *entry, unsigned own);
	/* The core is done with the vCPU: vendor is plain memory again. */
	void (*leave)(struct hvm_vcpu *v);
	/* Runs the guest until an exit.  Interrupts are off before and after.  Returns a kick at
	 * once when the core's `attention` is set, or becomes so before the guest is entered. */
	void (*run)(struct hvm_vcpu *v, struct vmexit *exit);
	uint64_t (*get)(const struct hvm_vcpu *v, enum hvm_state what);
	void (*set)(struct hvm_vcpu *v, enum hvm_state what, uint64_t value);
	/* A MOV of `value` to CR0 or CR4, while an exit with control.decode is handled; false: it
	 * is a #GP, and nothing was changed.  NULL where no exit asks for that. */
	bool (*set_control)(struct hvm_vcpu *v, unsigned which, uint64_t value);
	void (*get_seg)(const struct hvm_vcpu *v, enum hvm_seg which, struct seg *out);
	/* The set of registers that the guest has itself is from now on `own`. */
	void (*own_msrs)(struct hvm_vcpu *v, unsigned own);
	/* Queue one event for the next entry. */
	void (*inject_exception)(struct hvm_vcpu *v, uint8_t vector, bool has_error,
	                         uint32_t error);
	/* false: the guest cannot take one yet; ask again after the next exit, which comes by
	 * itself as soon as it can. */
	bool (*inject_nmi)(struct hvm_vcpu *v);
};

extern const struct hvm_ops svm_ops, vmx_ops;
extern const struct hvm_ops *hvm; /* picked once at boot */

/* Picks the vendor half that this CPU has; false and a reason when there is none. */
bool hvm_select(char *why, size_t size);

/* Registers that a guest's core gives it at times. */
enum hvm_own { HVM_OWN_X2APIC = 1, HVM_OWN_SPEC_CTRL = 2, HVM_OWN_SETS = 4 };

/* Calls `open` for each MSR that a guest reads, or writes, without an exit; `map` is passed on.
 * own: the set of enum hvm_own that is among them. */
void hvm_open_msrs(void (*open)(uint8_t *map, uint32_t msr, bool read, bool write), uint8_t *map,
                   unsigned own);

/* The bits of CR4 that a guest may set on this CPU. */
uint64_t hvm_cr4_offered(void);
#endif
