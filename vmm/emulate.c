/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulation of MMIO and string I/O instructions: fetch, decode, carry out. */
#include <string.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/insn/insn.h"
#include "vmm/devices/absent.h"
#include "vmm/emulate.h"
#include "vmm/guest_paging.h"
#include "vmm/vm.h"
#include "vmm/fail.h"

#define STRING_BURST 512 /* elements of one REP INS/OUTS that one exit carries out */
#define RFLAGS_DF    (1ul << 10)
#define PF_WRITE     2

/* The vCPU's state in the form that the decoder and guest_translate() need. */
struct context {
	struct insn_regs regs;
	struct guest_paging paging;
	uint64_t seg_base[6];
	enum insn_mode mode;
	unsigned access; /* ACCESS_USER or 0 */
};

static void context_load(struct vcpu *v, struct context *c)
{
	struct seg s;
	bool is64;

	memcpy(c->regs.gpr, v->cpu.regs, sizeof c->regs.gpr);
	c->regs.rip = hvm->get(&v->cpu, HVM_RIP);
	c->regs.rflags = hvm->get(&v->cpu, HVM_RFLAGS);
	c->paging = (struct guest_paging){hvm->get(&v->cpu, HVM_CR0), hvm->get(&v->cpu, HVM_CR3),
	                                  hvm->get(&v->cpu, HVM_CR4), hvm->get(&v->cpu, HVM_EFER)};
	for (unsigned i = 0; i < 6; i++) {
		hvm->get_seg(&v->cpu, (enum hvm_seg)i, &s);
		c->seg_base[i] = s.base;
	}
	hvm->get_seg(&v->cpu, HVM_CS, &s);
	is64 = (c->paging.efer & EFER_LMA) && (s.attr & 0x2000);
	c->mode = is64 ? INSN_64 : s.attr & 0x4000 ? INSN_32 : INSN_16;
	if (is64)
		for (unsigned i = 0; i < 4; i++)
			c->seg_base[i] = 0;
	c->access = hvm->get(&v->cpu, HVM_CPL) == 3 ? ACCESS_USER : 0;
}

static void context_store(struct vcpu *v, const struct context *c)
{
	memcpy(v->cpu.regs, c->regs.gpr, sizeof c->regs.gpr);
	hvm->set(&v->cpu, HVM_RFLAGS, c->regs.rflags);
	hvm->set(&v->cpu, HVM_RIP, c->regs.rip);
}

static size_t fetch_insn(struct vcpu *v, const struct context *c, uint8_t bytes[15])
{
	size_t got = 0;
	uint64_t at = c->regs.rip + c->seg_base[HVM_CS];

	guest_fetch(&v->vm->mem, &c->paging, c->mode == INSN_64 ? at : (uint32_t)at, bytes, &got);
	return got;
}

size_t emulate_fetch(struct vcpu *v, uint8_t bytes[15])
{
	struct context c;

	context_load(v, &c);
	return fetch_insn(v, &c, bytes);
}

/* --- an instruction's accesses to memory ---------------------------------------------------- */

/* An operand of up to eight bytes, which may cross a page: the guest-physical address of each
 * part. */
struct operand {
	unsigned parts;
	struct {
		uint64_t gpa;
		unsigned width;
	} part[2];
};

/* Injects the page fault that the guest's tables now call for; another vCPU may have changed them
 * since the CPU used them. */
static void page_fault(struct vcpu *v, const struct context *c, uint64_t linear, bool write)
{
	hvm->set(&v->cpu, HVM_CR2, linear);
	hvm->inject_exception(&v->cpu, VECTOR_PF, true,
	                      (write ? PF_WRITE : 0) | (c->access ? 4 : 0));
}

/* false: a fault was injected, or the guest was stopped. */
static bool translate_linear(struct vcpu *v, const struct context *c, uint64_t linear, bool write,
                             uint64_t *gpa)
{
	unsigned how = c->access | (write ? ACCESS_WRITE : 0);
	enum paging_fault f = guest_translate(&v->vm->mem, &c->paging, linear, how, gpa);

	if (f == PAGING_NO_MEMORY)
		vcpu_fail(v, "page tables for linear %lx are in absent memory", linear);
	else if (f != PAGING_OK)
		page_fault(v, c, linear, write);
	return f == PAGING_OK;
}

/* Translates the whole operand before any of it is accessed; false as above. */
static bool locate_operand(struct vcpu *v, const struct context *c, uint64_t linear, unsigned width,
                           bool write, struct operand *o)
{
	uint64_t left = PAGE_SIZE - linear % PAGE_SIZE;
	uint64_t next = linear + left;

	o->parts = width > left ? 2 : 1;
	o->part[0].width = width > left ? (unsigned)left : width;
	o->part[1].width = width - o->part[0].width;
	if (!translate_linear(v, c, linear, write, &o->part[0].gpa))
		return false;
	return o->parts == 1 || translate_linear(v, c, c->mode == INSN_64 ? next : (uint32_t)next,
	                                         write, &o->part[1].gpa);
}

static void apic_page(struct vcpu *v, uint64_t gpa, bool write, uint64_t *val)
{
	uint32_t offset = gpa & (PAGE_SIZE - 1);

	if (write)
		vapic_page_write(v, offset, (uint32_t)*val);
	else
		*val = vapic_page_read(v, offset);
}

static void ioapic_page(struct vcpu *v, uint64_t gpa, unsigned width, bool write, uint64_t *val)
{
	uint32_t offset = (uint32_t)(gpa - VIOAPIC_PAGE);

	if (write)
		vioapic_write(&v->vm->ioapic, offset, width, (uint32_t)*val);
	else
		*val = vioapic_read(&v->vm->ioapic, offset, width);
}

/* Accesses a device's register; false: there is none at gpa.  Unclaimed addresses in the PCI window
 * are no device's. */
static bool device_access(struct vcpu *v, uint64_t gpa, unsigned width, bool write, uint64_t *val)
{
	if (vapic_claims(&v->apic, gpa)) {
		apic_page(v, gpa, write, val);
		return true;
	}
	if (vioapic_claims(gpa)) {
		ioapic_page(v, gpa, width, write, val);
		return true;
	}
	return vpci_mmio(&v->vm->pci, gpa, width, write, val);
}

/* An access of 1, 2, 4 or 8 bytes within a page; false: the guest was stopped. */
static bool plain_access(struct vcpu *v, uint64_t gpa, unsigned width, bool write, uint64_t *val)
{
	void *p = gmem_ptr(&v->vm->mem, gpa, width);

	if (p && write)
		memcpy(p, val, width);
	else if (p)
		memcpy(val, p, width);
	return p || device_access(v, gpa, width, write, val) || absent_access(v, gpa, write, val);
}

/* An access to a part, which may have 3, 5, 6 or 7 bytes; no device register crosses a page. */
static bool part_access(struct vcpu *v, uint64_t gpa, unsigned width, bool write, uint8_t *bytes)
{
	unsigned step = width & (width - 1) ? 1 : width;

	for (unsigned i = 0; i < width; i += step) {
		uint64_t val = 0;

		memcpy(&val, bytes + i, step);
		if (!plain_access(v, gpa + i, step, write, &val))
			return false;
		memcpy(bytes + i, &val, step);
	}
	return true;
}

/* One whole access of the instruction, to memory or a device; false: the guest was stopped. */
static bool operand_access(struct vcpu *v, const struct operand *o, bool write, uint64_t *val)
{
	uint8_t bytes[8];

	memcpy(bytes, val, sizeof bytes);
	for (unsigned i = 0; i < o->parts; i++)
		if (!part_access(v, o->part[i].gpa, o->part[i].width, write,
		                 bytes + (i ? o->part[0].width : 0)))
			return false;
	memcpy(val, bytes, sizeof bytes);
	return true;
}

/* --- MMIO, and unassigned memory ------------------------------------------------------------ */

/* Locates the instruction's source and destination; false: a fault was injected, or the guest was
 * stopped. */
static bool locate_operands(struct vcpu *v, const struct context *c, const struct insn *in,
                            struct operand *src, struct operand *dst)
{
	bool string = in->op == INSN_MOVS || in->op == INSN_STOS;

	if (in->op != INSN_STOS &&
	    !locate_operand(v, c, insn_linear(in, c->mode, &c->regs, c->seg_base), in->width,
	                    in->mem_write && !string, src))
		return false;
	*dst = *src;
	return !string || locate_operand(v, c, insn_linear_dst(in, c->mode, &c->regs, c->seg_base),
	                                 in->width, true, dst);
}

/* An access that crosses a page is not atomic here, even with LOCK. */
static void carry_out(struct vcpu *v, struct context *c, const struct insn *in)
{
	struct operand src = {0}, dst = {0};
	uint64_t loaded = 0;
	bool touches = !insn_rep_done(in, &c->regs);
	uint64_t result;

	if (touches && !locate_operands(v, c, in, &src, &dst))
		return;
	if (touches && in->mem_read && !operand_access(v, &src, false, &loaded))
		return;
	result = insn_finish(in, c->mode, &c->regs, loaded);
	if (touches && in->mem_write && !operand_access(v, &dst, true, &result))
		return;
	context_store(v, c);
}

void emulate_memory(struct vcpu *v, const struct vmexit *e)
{
	struct context c;
	struct insn in;
	uint8_t bytes[15];
	uint64_t gpa = e->memory.gpa;
	size_t got;

	if (e->memory.page_table || e->memory.fetch || e->memory.event) {
		vcpu_fail(v, "%s in absent memory, guest-physical %lx",
		          e->memory.page_table ? "page tables"
		          : e->memory.fetch    ? "execution"
		                               : "stack or table of an interrupt or exception",
		          gpa);
		return;
	}
	context_load(v, &c);
	got = fetch_insn(v, &c, bytes);
	if (insn_decode(bytes, got, c.mode, &in))
		carry_out(v, &c, &in);
	else
		vcpu_fail(v,
		          "%s guest-physical %lx, which is no memory, by an instruction that "
		          "Patio does not emulate",
		          e->memory.write ? "write to" : "read of", gpa);
}

/* --- instructions intercepted by name ------------------------------------------------------- */

uint8_t emulate_sys_decode(struct vcpu *v, struct insn_sys *out)
{
	struct context c;
	uint8_t bytes[15];
	size_t got;

	context_load(v, &c);
	got = fetch_insn(v, &c, bytes);
	return (uint8_t)insn_sys_decode(bytes, got, c.mode, out);
}

bool emulate_sys_word(struct vcpu *v, const struct insn_sys *in, bool write, uint16_t *word)
{
	struct context c;
	struct operand o;
	uint64_t val = *word;
	uint64_t linear;

	context_load(v, &c);
	linear = insn_mem_linear(&in->mem, c.mode, c.regs.gpr, c.regs.rip + in->length, c.seg_base);
	if (!locate_operand(v, &c, linear, sizeof *word, write, &o) ||
	    !operand_access(v, &o, write, &val))
		return false;
	*word = (uint16_t)val;
	return true;
}

/* --- INS and OUTS --------------------------------------------------------------------------- */

static uint64_t addr_mask(unsigned addr_size)
{
	return addr_size == 8 ? ~0ul : (1ul << 8 * addr_size) - 1;
}

static void advance_register(uint64_t *reg, uint64_t mask, uint64_t step)
{
	*reg = (*reg & ~mask) | ((*reg + step) & mask);
	if (mask == 0xffffffff)
		*reg &= mask; /* a 32-bit result clears the upper half */
}

static bool in_memory(const struct vcpu *v, const struct operand *o)
{
	return gmem_ptr(&v->vm->mem, o->part[0].gpa, o->part[0].width) &&
	       (o->parts == 1 || gmem_ptr(&v->vm->mem, o->part[1].gpa, o->part[1].width));
}

/* Transfers one element at a linear address, which may cross a page; *plain: it is all memory, no
 * device's page.  false: a fault was injected before the I/O port was accessed, or the guest was
 * stopped. */
static bool string_access(struct vcpu *v, const struct context *c, const struct vmexit *e,
                          uint64_t linear, bool *plain)
{
	struct operand o;
	uint64_t data = 0;
	uint32_t val;

	if (!locate_operand(v, c, linear, e->io.size, e->io.in, &o))
		return false;
	*plain = in_memory(v, &o);
	if (!e->io.in && !operand_access(v, &o, false, &data))
		return false;
	val = (uint32_t)data;
	io_access(v->vm, e->io.port, e->io.size, e->io.in, &val);
	data = val;
	return !e->io.in || operand_access(v, &o, true, &data);
}

/* Transfers one element and advances the pointer; false as above. */
static bool string_element(struct vcpu *v, struct context *c, const struct vmexit *e,
                           const struct insn_sys *in, bool *plain)
{
	uint64_t mask = addr_mask(in->addr_size), step = e->io.size;
	uint64_t *pointer = &c->regs.gpr[e->io.in ? GPR_RDI : GPR_RSI];
	unsigned seg = e->io.in ? (unsigned)SEG_ES : in->seg;
	uint64_t linear = (*pointer & mask) + c->seg_base[seg];

	if (!string_access(v, c, e, c->mode == INSN_64 ? linear : (uint32_t)linear, plain))
		return false;
	advance_register(pointer, mask, c->regs.rflags & RFLAGS_DF ? -step : step);
	return true;
}

/* The maximum of elements for this exit.  One at a device's I/O ports, where each may be a kick,
 * and no more after one to a device's page; then the guest executes the instruction again. */
static unsigned element_limit(struct vcpu *v, const struct vmexit *e, const struct insn_sys *in)
{
	return in->rep && !vpci_claims_io(&v->vm->pci, e->io.port) ? STRING_BURST : 1;
}

void emulate_string_io(struct vcpu *v, const struct vmexit *e)
{
	struct context c;
	struct insn_sys in;
	uint8_t bytes[15];
	size_t got;
	uint64_t mask, *count;
	unsigned left;
	bool faulted;

	context_load(v, &c);
	got = fetch_insn(v, &c, bytes);
	if (!insn_sys_decode(bytes, got, c.mode, &in) ||
	    in.kind != (e->io.in ? SYS_INS : SYS_OUTS)) {
		vcpu_fail(v, "INS or OUTS at port %x that could not be decoded", e->io.port);
		return;
	}
	mask = addr_mask(in.addr_size);
	count = &c.regs.gpr[GPR_RCX];
	left = element_limit(v, e, &in);
	for (bool plain; left && (!in.rep || (*count & mask)); left--) {
		if (!string_element(v, &c, e, &in, &plain))
			break;
		if (in.rep)
			advance_register(count, mask, -1ul);
		left = plain ? left : 1;
	}
	faulted = left && (!in.rep || (*count & mask));
	if (!faulted && (!in.rep || !(*count & mask)))
		c.regs.rip += in.length;
	context_store(v, &c);
}
