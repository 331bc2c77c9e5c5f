/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpuid_policy.h: a guest's CPUID, computed from the CPU's leaves and the guest's configuration.
 *
 * cpuid_table.h says which feature bits are shown; the other fields (number of leaves, sizes, the
 * topology) are computed here.  Nothing here executes an instruction, so that unit tests run it on
 * recorded leaves of real machines.
 */
#ifndef VMM_CPUID_POLICY_H
#define VMM_CPUID_POLICY_H
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"

/* Executes CPUID on the CPU, or looks up recorded leaves. */
typedef struct cpuid cpuid_ask(uint32_t leaf, uint32_t sub);

/* The state of the guest that the answers depend on. */
struct cpuid_view {
	unsigned vcpus; /* each is a core of the guest's one package */
	unsigned id;    /* APIC ID of the vCPU that executes CPUID */
	bool apic;      /* its local APIC is enabled */
	uint64_t cr4, xcr0;
	unsigned lacks;    /* enum hvm_lack */
	bool slow_strings; /* no fast REP MOVS and STOS: fast_strings() in msr.h */
};

enum cpuid_verdict { CPUID_HIDDEN, CPUID_SHOWN, CPUID_MADE };
enum cpuid_register { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

struct cpuid_feature {
	uint8_t bit;
	const char *name;
	enum cpuid_verdict verdict;
	const char *why; /* "": needs no reason */
};

/* A register of a leaf that consists of feature bits. */
struct cpuid_word {
	uint32_t leaf, sub;
	enum cpuid_register reg;
	uint32_t shown; /* the bits whose verdict is SHOWN */
	const struct cpuid_feature *feature;
	unsigned features;
};

extern const struct cpuid_word cpuid_words[];
extern const unsigned cpuid_words_count;

/* The leaf that the guest sees. */
struct cpuid cpuid_for_guest(cpuid_ask *ask, const struct cpuid_view *v, uint32_t leaf,
                             uint32_t sub);

/* The components of XCR0 that the guest may enable. */
uint64_t cpuid_xcr0(cpuid_ask *ask);

/* The bits of IA32_SPEC_CTRL that are enumerated to the guest; 0: the CPU has no such register. */
uint64_t cpuid_spec_ctrl(cpuid_ask *ask);

/* The guest's IA32_ARCH_CAPABILITIES: what the CPU is not vulnerable to, but no bit that enumerates
 * an MSR of the host's. */
uint64_t cpuid_arch_capabilities(uint64_t cpu);
#endif
