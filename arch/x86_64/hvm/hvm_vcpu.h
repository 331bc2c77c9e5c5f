/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm_vcpu.h: the part of a virtual CPU that the CPU's virtualization works on.
 *
 * The VMM embeds it as the first member of its struct vcpu and passes the vendor file a pointer to
 * it; the vendor file knows nothing else about a virtual machine.
 */
#ifndef ARCH_HVM_HVM_VCPU_H
#define ARCH_HVM_HVM_VCPU_H
#include <stdint.h>
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/hvm/spec_ctrl.h"

struct core;

struct hvm_vcpu {
	uint64_t regs[REGS];  /* first: the world switch indexes it; RIP and RFLAGS: hvm->get() */
	struct core *core;    /* the core that it runs on */
	uint64_t nested_root; /* its VM's nested page table, as npt_create() gave it */
	struct spec_ctrl spec_ctrl;
	void *vendor; /* private to the vendor file: hvm->vcpu_size bytes */
};
#endif
