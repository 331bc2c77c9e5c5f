/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modes of the local APIC: which transitions are legal (Intel SDM vol. 3, 11.12.5), which
 * registers exist in each mode, and that an APIC that was disabled returns as after a reset.
 * Options: move= (an address for its page; 0: none), ram= (an address of the guest's memory), ap=1
 * (a second CPU checks what reaches it while its APIC is disabled).
 */
#include <stdatomic.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/delay.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/smp.h"
#include "guest-images/lib/trap.h"

#define BSP         0x100ul
#define EXTD        0x400ul
#define EN          0x800ul
#define MODE        (EN | EXTD)
#define X2_VERSION  0x803
#define X2_TPR      0x808
#define X2_SVR      0x80f
#define X2_ISR      0x810
#define X2_IRR      0x820
#define X2_LVT_LINT 0x835
#define X2_ICR      0x830
#define X2_SELF_IPI 0x83f
#define EDX_APIC    (1u << 9)
#define LVT_DFR     0x0e0
#define LVT_LDR     0x0d0
#define TIMER       0x45
#define VECTOR      0x46
#define SVR_RESET   0xff
#define VECTOR_NMI  2
#define VECTOR_UD   6
#define ICR_NMI     0x4400
#define PATIENCE    (1ull << 34) /* TSC ticks */
#define CR4_OSXSAVE (1ul << 18)
#define ECX_XSAVE   (1u << 26)

static uint64_t base; /* IA32_APIC_BASE's page and BSP bit */
static volatile unsigned ticks, ipis, ud;

static void on_timer(void)
{
	ticks++;
	lapic_eoi();
}

static void on_ipi(void)
{
	ipis++;
	lapic_eoi();
}

static const char *name_of(uint64_t mode)
{
	return mode == MODE ? "x2apic" : mode == EN ? "xapic" : mode ? "invalid" : "disabled";
}

/* Tries one transition; the register changes if it is legal, and only then. */
static void change_mode(uint64_t to, bool legal)
{
	uint64_t from = rdmsr(MSR_APIC_BASE) & MODE;
	bool taken = wrmsr_safe(MSR_APIC_BASE, base | to);
	uint64_t is;

	check(taken == legal, "transition", "%s to %s: %s", name_of(from), name_of(to),
	      taken ? "taken" : "#GP");
	is = rdmsr(MSR_APIC_BASE);
	check(is == (base | (legal ? to : from)), "base", "%s to %s: reads %lx", name_of(from),
	      name_of(to), is);
}

static bool cpuid_has_apic(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[3] & EDX_APIC;
}

/* No register can be accessed by MSR. */
static void check_no_msrs(const char *mode)
{
	static const uint32_t some[] = {0x802,  X2_VERSION,  X2_TPR, 0x80d,
	                                X2_SVR, X2_ISR,      X2_ICR, 0x832,
	                                0x838,  X2_LVT_LINT, 0x839,  X2_SELF_IPI};
	uint64_t v;

	for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++) {
		check(!rdmsr_safe(some[i], &v), "no_msr_read", "%s: %x reads %lx", mode, some[i],
		      v);
		check(!wrmsr_safe(some[i], 0), "no_msr_write", "%s: %x", mode, some[i]);
	}
}

static void check_reserved(void)
{
	static const uint64_t bits[] = {1, 0x80, 0x200, 1ul << 52, 1ul << 63};
	uint64_t is = rdmsr(MSR_APIC_BASE);

	for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++)
		check(!wrmsr_safe(MSR_APIC_BASE, is | bits[i]), "reserved", "bit %lx is taken",
		      bits[i]);
	check(rdmsr(MSR_APIC_BASE) == is, "reserved_same", "%lx", rdmsr(MSR_APIC_BASE));
}

/* Leaves state in the APIC that must not survive its disabling: a vector in service and a pending
 * one, an armed timer, a task priority. */
static void leave_traces(void)
{
	irq_off();
	wrmsr(X2_SVR, 0x1ff);
	wrmsr(X2_TPR, 0x30);
	wrmsr(0x83e, DIVIDE_BY_1);
	wrmsr(0x832, TIMER | LVT_PERIODIC);
	wrmsr(0x838, 10000);
	wrmsr(X2_SELF_IPI, VECTOR);
}

static void check_reset(const char *when)
{
	uint32_t waits = 0;

	for (unsigned i = 0; i < 16; i++)
		waits |= lapic_read(LAPIC_ISR + i * 0x10);
	check(!waits, "nothing_waits", "%s: %x", when, waits);
	check(lapic_read(LAPIC_TPR) == 0, "tpr", "%s: %x", when, lapic_read(LAPIC_TPR));
	check((lapic_read(LAPIC_SVR) & 0x1ff) == SVR_RESET, "svr", "%s: %x", when,
	      lapic_read(LAPIC_SVR));
	check(lapic_read(LAPIC_LVT_TIMER) & LVT_MASKED, "timer_masked", "%s: %x", when,
	      lapic_read(LAPIC_LVT_TIMER));
	check(lapic_read(LAPIC_TIMER_INIT) == 0, "timer_off", "%s: %x", when,
	      lapic_read(LAPIC_TIMER_INIT));
}

static void quiet(const char *when)
{
	ticks = ipis = 0;
	irq_on();
	delay_us(200);
	irq_off();
	check(!ticks && !ipis && !trap_spurious, "quiet", "%s: %u ticks, %u others, %u spurious",
	      when, ticks, ipis, trap_spurious);
}

/* The APIC works in this mode: a self-IPI arrives. */
static void check_alive(const char *mode)
{
	lapic_write(LAPIC_SVR, 0x1ff);
	ipis = 0;
	lapic_send(0, ICR_SELF | VECTOR);
	irq_on();
	for (unsigned i = 0; i < 1000000 && !ipis; i++)
		cpu_pause();
	irq_off();
	check(ipis == 1, "alive", "%s: %u arrived", mode, ipis);
}

static void write_cr8(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr8" : : "r"(v));
}

static void check_disabled(void)
{
	check(!cpuid_has_apic(), "no_apic_in_cpuid", "it is there");
	check_no_msrs("disabled");
	quiet("disabled");
	change_mode(0, true);
	change_mode(EXTD, false);
	change_mode(MODE, false);
	write_cr8(5);
}

static void check_page(uintptr_t at, const char *where)
{
	uint32_t version = mmio_read32(at + LAPIC_VERSION);

	check((version & 0xf0) == 0x10, "page", "%s: version %x", where, version);
	mmio_write32(at + LAPIC_TPR, 0x20);
	check(mmio_read32(at + LAPIC_TPR) == 0x20, "page_tpr", "%s: %x", where,
	      mmio_read32(at + LAPIC_TPR));
	mmio_write32(at + LAPIC_TPR, 0);
}

/* The page can be moved to absent memory, but not over the guest's memory. */
static void check_moves(void)
{
	uint64_t to = mb_number("move", 0), ram = mb_number("ram", 0);

	if (to) {
		check(wrmsr_safe(MSR_APIC_BASE, (base & BSP) | EN | to), "moved", "#GP");
		check_page(to, "elsewhere");
		check(wrmsr_safe(MSR_APIC_BASE, base | EN), "moved_back", "#GP");
	}
	if (ram) {
		check(!wrmsr_safe(MSR_APIC_BASE, (base & BSP) | EN | ram), "not_on_memory",
		      "taken");
		check(rdmsr(MSR_APIC_BASE) == (base | EN), "not_moved", "%lx",
		      rdmsr(MSR_APIC_BASE));
	}
	check_page(LAPIC_PAGE, "at its place");
}

static void on_ud(struct trap_frame *f)
{
	ud++;
	f->rip += 3;
}

/* XSETBV is #UD until CR4.OSXSAVE is set. */
static void check_xsetbv(void)
{
	uint64_t cr4;
	uint32_t r[4];

	cpuid(1, 0, r);
	trap_set_exception(VECTOR_UD, on_ud);
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4 & ~CR4_OSXSAVE));
	__asm__ volatile("xsetbv" : : "a"(1), "d"(0), "c"(0));
	check(ud == 1, "xsetbv_without_osxsave", "%u #UD", ud);
	if (r[2] & ECX_XSAVE) {
		__asm__ volatile("mov %0, %%cr4; xsetbv"
		                 :
		                 : "r"(cr4 | CR4_OSXSAVE), "a"(1), "d"(0), "c"(0));
		check(ud == 1, "xsetbv", "%u #UD", ud);
	}
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
}

/* --- a second CPU whose APIC is disabled --- */

enum stage { AWAY = 1, CALLED, BACK };
static atomic_uint stage;
static volatile unsigned nmis;

static void on_nmi(struct trap_frame *f)
{
	(void)f;
	nmis++;
}

static bool wait_for(enum stage s)
{
	uint64_t start = rdtsc();

	while (atomic_load(&stage) != s && rdtsc() - start < PATIENCE)
		cpu_pause();
	return atomic_load(&stage) == s;
}

static void ap(void)
{
	uint64_t page = rdmsr(MSR_APIC_BASE) & ~MODE;

	wrmsr(MSR_APIC_BASE, page);
	atomic_store(&stage, AWAY);
	irq_on();
	wait_for(CALLED);
	irq_off();
	lapic_init_ap();
	atomic_store(&stage, BACK);
	for (;;)
		irq_wait();
}

/* No vector, NMI or INIT reaches the CPU: it continues where it was, and its APIC works again. */
static void check_deaf(uint32_t id)
{
	ipis = nmis = 0;
	trap_set_exception(VECTOR_NMI, on_nmi);
	if (!check(smp_start(id, ap) && wait_for(AWAY), "ap_starts", "no sign of CPU %u", id))
		return;
	lapic_send(id, ICR_FIXED | VECTOR);
	lapic_send(id, ICR_NMI);
	lapic_send(0, ICR_OTHERS | VECTOR);
	lapic_send(id, ICR_INIT);
	delay_us(200);
	check(!ipis && !nmis, "deaf", "%u vectors, %u NMIs", ipis, nmis);
	atomic_store(&stage, CALLED);
	check(wait_for(BACK), "ap_comes_back", "no sign");
	check(!ipis && !nmis, "nothing_kept", "%u vectors, %u NMIs", ipis, nmis);
	lapic_send(id, ICR_FIXED | VECTOR);
	for (uint64_t start = rdtsc(); !ipis && rdtsc() - start < PATIENCE;)
		cpu_pause();
	check(ipis == 1, "ap_hears_again", "%u vectors", ipis);
}

void guest_main(void)
{
	irq_off();
	trap_set(TIMER, on_timer);
	trap_set(VECTOR, on_ipi);
	base = rdmsr(MSR_APIC_BASE) & ~MODE;
	if (!check(lapic_init(false), "x2apic", "the CPU does not have it"))
		done();
	check_reserved();
	change_mode(MODE, true);
	change_mode(EN, false);
	change_mode(EXTD, false);
	check_alive("x2apic");
	leave_traces();
	change_mode(0, true);
	check_disabled();
	change_mode(EN, true);
	lapic_use_page();
	check(cpuid_has_apic(), "apic_in_cpuid", "it is not there");
	check_no_msrs("xapic");
	check_reset("xapic after disabled");
	quiet("xapic after disabled");
	check_alive("xapic");
	check_reserved();
	change_mode(EXTD, false);
	check_moves();
	lapic_write(LVT_LDR, 0x02000000);
	lapic_write(LVT_DFR, 0x0fffffff);
	change_mode(0, true);
	check_disabled();
	change_mode(EN, true);
	check(lapic_read(LVT_LDR) == 0 && lapic_read(LVT_DFR) == ~0u, "logical", "%x, %x",
	      lapic_read(LVT_LDR), lapic_read(LVT_DFR));
	check_reset("xapic after xapic");
	lapic_init(false);
	check((rdmsr(MSR_APIC_BASE) & MODE) == MODE, "x2apic_again", "%lx", rdmsr(MSR_APIC_BASE));
	check_alive("x2apic again");
	if (mb_number("ap", 0))
		check_deaf((uint32_t)mb_number("ap", 0));
	check_xsetbv();
	done();
}
