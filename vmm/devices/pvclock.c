/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm-clock: the guest reads the TSC's rate and the time of day from two structures in its memory
 * (Linux, Documentation/virt/kvm/x86/msr.rst).  The TSC is invariant, so each structure is written
 * once, when the guest gives its address.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/rtc.h"
#include "arch/x86_64/tsc.h"
#include "vmm/devices/pvclock.h"
#include "vmm/vm.h"

#define SYSTEM_TIME_ENABLE 1
#define TSC_STABLE         1

struct pvclock_time {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags, pad[2];
};
_Static_assert(sizeof(struct pvclock_time) == 32, "msr.rst, MSR_KVM_SYSTEM_TIME_NEW");

struct pvclock_wall {
	uint32_t version, sec, nsec;
};

static uint64_t boot_tsc, boot_seconds; /* boot_seconds: the wall clock at boot_tsc */
static uint32_t mul;
static int8_t shift;

static uint64_t to_ns(uint64_t ticks)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return (uint64_t)((unsigned __int128)ticks * mul >> 32);
}

/* ns = (ticks << shift) * mul / 2^32 with mul as large as fits. */
void pvclock_init(void)
{
	uint64_t khz = tsc_khz;
	uint64_t scaled;

	boot_tsc = rdtsc();
	boot_seconds = rtc_read();
	while (khz > 2000000) {
		khz >>= 1;
		shift--;
	}
	while (khz <= 1000000) {
		khz <<= 1;
		shift++;
	}
	scaled = shift < 0 ? tsc_khz >> -shift : tsc_khz << shift;
	mul = (uint32_t)((1000000ul << 32) / scaled);
}

uint64_t pvclock_seconds(void)
{
	return boot_seconds ? boot_seconds + to_ns(rdtsc() - boot_tsc) / 1000000000 : 0;
}

bool pvclock_write_system_time(struct vcpu *v, uint64_t value)
{
	struct pvclock_time t = {
	    .version = 2, .tsc_to_system_mul = mul, .tsc_shift = shift, .flags = TSC_STABLE};
	uint64_t now = rdtsc();

	v->pvclock_msr = value;
	if (!(value & SYSTEM_TIME_ENABLE))
		return true;
	t.tsc_timestamp = now + v->tsc_offset;
	t.system_time = to_ns(now - boot_tsc);
	return gmem_write(&v->vm->mem, value & ~1ul, &t, sizeof t);
}

/* The wall clock at which the system time above was 0. */
bool pvclock_write_wall_clock(struct vcpu *v, uint64_t value)
{
	struct pvclock_wall w = {.version = 2, .sec = (uint32_t)boot_seconds};

	return gmem_write(&v->vm->mem, value, &w, sizeof w);
}
