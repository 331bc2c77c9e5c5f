/* SPDX-License-Identifier: BSD-2-Clause */
/* Identifies the machine and any hypervisor below, and measures the cost of an exit. */
#include "vmm/machine.h"
#include <string.h>
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/hvm/npt.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tsc.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "vmm/vcpu.h"
#include "arch/x86_64/hvm/hvm_vcpu.h"

#define WARM_UP 8 /* untimed exits first: they warm caches, TLB and the emulator's translations */
#define TRIES   (4 * (WARM_UP + EXIT_SAMPLES)) /* a kick may interrupt the guest */

struct machine machine;

/* --- the hypervisor below ------------------------------------------------------------------- */

/* Signatures as C strings; KVM pads its own with zeros. */
static const struct {
	const char *signature, *name;
} known[] = {
    {"KVMKVMKVM", "KVM"},           {"TCGTCGTCGTCG", "QEMU's TCG"}, {"Microsoft Hv", "Hyper-V"},
    {"VMwareVMware", "VMware"},     {"XenVMMXenVMM", "Xen"},        {"bhyve bhyve ", "bhyve"},
    {"VBoxVBoxVBox", "VirtualBox"}, {"ACRNACRNACRN", "ACRN"},
};

const char *machine_hypervisor(void)
{
	for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
		if (!strcmp(machine.hypervisor, known[i].signature))
			return known[i].name;
	return machine.hypervisor[0] ? machine.hypervisor : "no visible hypervisor";
}

uint64_t machine_ns(uint64_t ticks)
{
	return ticks * 1000000 / tsc_khz;
}

/* --- one exit ------------------------------------------------------------------------------- */

/* A real-mode guest with one page, at 0, where it executes CPUID; RIP is not advanced, so each
 * entry executes it again. */
struct probe {
	struct hvm_vcpu cpu;
	uint8_t *page;
};

static const uint8_t cpuid_code[] = {0x0f, 0xa2};

static bool probe_make(struct probe *p)
{
	p->cpu.core = this_core();
	p->cpu.vendor = mem_zalloc(hvm->vcpu_size);
	p->cpu.nested_root = npt_create();
	p->page = mem_zalloc(PAGE_SIZE);
	if (!p->cpu.vendor || !p->page || !p->cpu.nested_root)
		return false;
	memcpy(p->page, cpuid_code, sizeof cpuid_code);
	return npt_map(hvm->npt, p->cpu.nested_root, 0, (paddr_t)p->page, PAGE_SIZE, NPT_RAM);
}

static void probe_free(struct probe *p)
{
	if (p->cpu.nested_root)
		npt_destroy(hvm->npt, p->cpu.nested_root);
	if (p->page)
		mem_zfree(p->page, PAGE_SIZE);
	if (p->cpu.vendor)
		mem_zfree(p->cpu.vendor, hvm->vcpu_size);
}

static void sort(uint64_t *a, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		for (unsigned j = i; j > 0 && a[j] < a[j - 1]; j--) {
			uint64_t less = a[j];

			a[j] = a[j - 1];
			a[j - 1] = less;
		}
}

/* Returns how many exits were timed: all, unless too many kicks, or an exit of another kind,
 * came. */
static unsigned probe_run(struct hvm_vcpu *v, uint64_t *ticks)
{
	const struct cpu_entry entry = vcpu_startup_state(0);
	unsigned exits = 0;
	struct vmexit e;

	hvm->reset(v, &entry, 0);
	for (unsigned i = 0; i < TRIES && exits < WARM_UP + EXIT_SAMPLES; i++) {
		uint64_t start = rdtsc();
		uint64_t end;

		hvm->run(v, &e);
		end = rdtsc();
		if (e.kind == VMEXIT_kick)
			continue;
		if (e.kind != VMEXIT_cpuid)
			break;
		if (exits >= WARM_UP)
			ticks[exits - WARM_UP] = end - start;
		exits++;
	}
	hvm->leave(v);
	return exits < WARM_UP ? 0 : exits - WARM_UP;
}

static void measure_exit(void)
{
	uint64_t ticks[EXIT_SAMPLES];
	struct probe *p = mem_zalloc(sizeof *p);

	if (p && probe_make(p) && probe_run(&p->cpu, ticks) == EXIT_SAMPLES) {
		sort(ticks, EXIT_SAMPLES);
		machine.exit_min = ticks[0];
		machine.exit_median = ticks[EXIT_SAMPLES / 2];
	} else {
		log_warn("the cost of an exit could not be measured");
	}
	if (p) {
		probe_free(p);
		mem_zfree(p, sizeof *p);
	}
}

void machine_init(void)
{
	cpu_name(machine.cpu);
	cpu_hypervisor(machine.hypervisor);
	measure_exit();
}
