/* SPDX-License-Identifier: BSD-2-Clause */
/* emulate.h: instructions that the VMM emulates. */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vcpu;
struct vmexit;

/* A nested page fault: carries out the instruction's access to a device's register or to unassigned
 * memory (absent.h).  The guest is stopped if the access is not an instruction's own, or the
 * instruction cannot be decoded. */
void emulate_memory(struct vcpu *v, const struct vmexit *e);

/* INS and OUTS: with REP, a bounded number of elements for each exit. */
void emulate_string_io(struct vcpu *v, const struct vmexit *e);

/* Decodes the intercepted instruction at the guest's RIP; returns its length, or 0 if it cannot be
 * read or is not such an instruction. */
struct insn_sys;
uint8_t emulate_sys_decode(struct vcpu *v, struct insn_sys *out);

/* Reads or writes the two bytes of that instruction's memory operand (SMSW, LMSW); false: the
 * guest's page fault was injected, or it was stopped. */
bool emulate_sys_word(struct vcpu *v, const struct insn_sys *in, bool write, uint16_t *word);

/* emulate_control.c: carries out the instruction on a control register at the guest's RIP; returns
 * its length, or 0 if a fault was injected or the code has changed: the guest executes it again. */
uint8_t emulate_control(struct vcpu *v);

/* Reads the bytes at the guest's RIP; returns how many could be read. */
size_t emulate_fetch(struct vcpu *v, uint8_t bytes[15]);
#endif
