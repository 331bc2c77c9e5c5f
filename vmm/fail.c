/* SPDX-License-Identifier: BSD-2-Clause */
/* Stops a guest that cannot go on, with its registers in the log. */
#include <stdarg.h>
#include <stdio.h>
#include "arch/x86_64/core.h"
#include "vmm/emulate.h"
#include "vmm/fail.h"
#include "vmm/life.h"
#include "lib/log.h"

static void dump_code(struct vcpu *v)
{
	uint8_t bytes[15];
	char text[48];
	size_t got = emulate_fetch(v, bytes), n = 0;

	for (size_t i = 0; i < got; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, " %02x", bytes[i]);
	text[n] = 0;
	log_error("  code at rip:%s", got ? text : " not readable");
}

static void log_registers(struct vcpu *v)
{
	static const char names[REGS][4] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	                                    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
	const uint64_t *r = v->cpu.regs;

	log_error("  vCPU %u on core %u, exit code %lx info %lx %lx", v->id, v->cpu.core->index,
	          hvm->get(&v->cpu, HVM_EXIT_CODE), hvm->get(&v->cpu, HVM_EXIT_INFO1),
	          hvm->get(&v->cpu, HVM_EXIT_INFO2));
	log_error("  rip %016lx rflags %08lx cpl %lu efer %lx", hvm->get(&v->cpu, HVM_RIP),
	          hvm->get(&v->cpu, HVM_RFLAGS), hvm->get(&v->cpu, HVM_CPL),
	          hvm->get(&v->cpu, HVM_EFER));
	log_error("  cr0 %08lx cr2 %016lx cr3 %016lx cr4 %08lx", hvm->get(&v->cpu, HVM_CR0),
	          hvm->get(&v->cpu, HVM_CR2), hvm->get(&v->cpu, HVM_CR3),
	          hvm->get(&v->cpu, HVM_CR4));
	for (unsigned i = 0; i < REGS; i += 4)
		log_error("  %-3s %016lx %-3s %016lx %-3s %016lx %-3s %016lx", names[i], r[i],
		          names[i + 1], r[i + 1], names[i + 2], r[i + 2], names[i + 3], r[i + 3]);
	dump_code(v);
}

void vcpu_fail(struct vcpu *v, const char *fmt, ...)
{
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof reason, fmt, ap);
	va_end(ap);
	log_error("guest %s: %s", v->vm->name, reason);
	log_registers(v);
	vm_stop(v->vm, "%s", reason);
}
