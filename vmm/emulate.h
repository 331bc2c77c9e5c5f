/* SPDX-License-Identifier: BSD-2-Clause */
/* emulate.h: instructions that the VMM must carry out for a guest. */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vcpu;
struct vmexit;

/* A nested fault: the access of an instruction is carried out, at a device's registers or where
 * nothing is (absent.h); what is not an instruction's own, or not one that can be decoded, stops
 * the guest. */
void emulate_memory(struct vcpu *v, const struct vmexit *e);

/* INS and OUTS, with REP: a bounded number of elements, the rest after the next exit. */
void emulate_string_io(struct vcpu *v, const struct vmexit *e);

/* Decodes the instruction at the guest's RIP, one that is intercepted by name; its length, or 0
 * when it is none, or cannot be read. */
struct insn_sys;
uint8_t emulate_sys_decode(struct vcpu *v, struct insn_sys *out);

/* Reads or writes the two bytes of that instruction's memory operand (SMSW, LMSW); false: the
 * guest's page fault was injected, or it was stopped. */
bool emulate_sys_word(struct vcpu *v, const struct insn_sys *in, bool write, uint16_t *word);

/* emulate_control.c: carries out the instruction on a control register at the guest's RIP; its
 * length, or 0 when its fault was injected, or it is none any more and is to be executed again. */
uint8_t emulate_control(struct vcpu *v);

/* The bytes at the guest's RIP; how many could be read. */
size_t emulate_fetch(struct vcpu *v, uint8_t bytes[15]);
#endif
