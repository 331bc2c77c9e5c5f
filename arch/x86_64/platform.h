/* platform.h: the PC under the VMM; the index of this folder's non-virtualization half. */
#ifndef ARCH_PLATFORM_H
#define ARCH_PLATFORM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/serial.h"

/* --- boot_info.c: what the loader left --- */
#define BOOT_RANGES  64
#define BOOT_MODULES 32

struct boot_range {
	paddr_t start, size;
};
struct boot_module {
	char name[64]; /* last part of the first word of its string */
	paddr_t start;
	uint64_t size;
	char args[192]; /* the rest of its string */
};
struct boot_info {
	char cmdline[512];
	char loader[64];
	unsigned nram, nmodules;
	struct boot_range ram[BOOT_RANGES];
	uint64_t ram_left_out; /* bytes in ranges beyond BOOT_RANGES */
	unsigned nfirmware;
	struct boot_range firmware[BOOT_RANGES]; /* reserved, ACPI, NVS: may hold tables */
	uint16_t ebda_segment;                   /* from the BIOS data area, in page 0; 0: none */
	struct boot_module module[BOOT_MODULES];
	uint8_t rsdp[ACPI_RSDP_SIZE]; /* as the loader copied it; zeroes: not given */
};
extern struct boot_info boot;

/* The `size` bytes of physical memory at `at`, or NULL when not all of them can be read. */
typedef const uint8_t *boot_reader(uint64_t at, uint64_t size);
/* multiboot.c: fills `out` from the information at `info`, of the kind that the magic says.
 * NULL, or why it was refused. */
const char *multiboot_read(uint32_t magic, uint32_t info, boot_reader *read, struct boot_info *out);
/* Reads the multiboot 1 or 2 information (by the magic in EAX); NULL, or why it is bad. */
const char *multiboot_parse(uint32_t magic, uint32_t info);
/* True when physical address p is RAM by the loader's map. */
bool holds_ram_at(paddr_t p);
/* Where RAM ends, at least 4 GiB: the VMM's own map ends there too. */
paddr_t boot_memory_top(void);
/* The value of `key=value` on the VMM's own command line, or false. */
bool boot_option(const char *key, char *value, size_t size);
const struct boot_module *boot_module_find(const char *name);

/* --- uart.c: the physical serial port --- */
/* Port 0: there is none, as when nothing answers at the port: then nothing is written or read. */
void uart_init(const struct serial_port *s);
bool uart_present(void);
/* The GSI of its interrupt; false: it has none. */
bool uart_gsi(uint32_t *gsi);
void uart_put(const char *s, size_t n);
void uart_drain(void);                      /* returns when the last byte has left */
int uart_get(void);                         /* -1: nothing there */
void debugcon_put(const char *s, size_t n); /* to an emulator's debug port, 0xE9 */
bool uart_empty(void);                      /* it takes 16 bytes without waiting */
void uart_interrupts(bool when_empty);      /* when a byte came; and when it takes 16 bytes */
/* What is typed is going to be read as it comes: from here on 16 bytes may wait, before one. */
void uart_listen(void);
/* False: the other end is to wait (RTS), and the interrupt comes only when it does not. */
void uart_receive(bool on);
bool uart_overran(void); /* bytes were lost since the last call */

/* --- acpi.c --- */
extern struct acpi_info acpi;
/* Reads MADT and FADT; false with a reason. */
bool acpi_parse(char *why, size_t size);

/* --- random.c --- */
/* A number that no guest can know: by RDRAND where the CPU has it, else by the TSC's noise alone.
 */
uint64_t random_word(void);

/* --- paging.c --- */
/* Makes the VMM's own map: all memory and the first 4 GiB, identity, each kind with its access. */
void paging_init(void);
extern paddr_t host_cr3;
/* Takes the pages below a core's stacks out of the map, before the core starts; and back in. */
void paging_guard(struct core_stacks *s);
void paging_unguard(struct core_stacks *s);
/* In words, what an exception with this error code and this address in CR2 was; NULL: nothing that
 * the map could say. */
const char *paging_explain(uint64_t vector, uint64_t error, paddr_t at);

/* --- lapic.c: the core's own x2APIC --- */
bool x2apic_present(void);
void lapic_enable(void);
uint32_t lapic_id(void);
/* Reads the core's timer counter (TMCCT). */
uint32_t lapic_timer_count(void);
/* Sends an interprocessor interrupt; `icr_low` is the low half of the ICR. */
static inline void lapic_ipi(uint32_t apic_id, uint32_t icr_low)
{
	wrmsr(MSR_X2APIC + 0x30, (uint64_t)apic_id << 32 | icr_low);
}
static inline void lapic_self_ipi(uint8_t vector)
{
	wrmsr(MSR_X2APIC + 0x3F, vector);
}
#define ICR_FIXED 0x4000u
#define ICR_NMI   0x4400u
#define ICR_INIT  0x4500u
#define ICR_SIPI  0x4600u

/* The local vector table, by register number (Intel SDM vol. 3, 11.5.1). */
#define LVT_TIMER   0x32u
#define LVT_THERMAL 0x33u
#define LVT_PERF    0x34u
#define LVT_LINT0   0x35u
#define LVT_LINT1   0x36u
#define LVT_ERROR   0x37u
#define LVT_MASKED  0x10000u
/* Does this core's APIC have that entry?  Writing one that it has not is a #GP. */
bool lapic_has_lvt(uint32_t reg);
/* Masks the core's own sources of interrupts: its timer and all other entries of the table. */
void lapic_silence(void);
/* Leaves the core's APIC as after reset but enabled: no vector in service, waiting or armed.  To be
 * called when nothing sends to the core any more; false: an interrupt still comes again and again.
 */
bool lapic_scrub(void);
/* The same as after an INIT, when the APIC takes no interrupt but NMIs before its next owner, or
 * its next mode, enables it: scrubbed, and disabled by software. */
void lapic_reset(void);

/* --- ioapic.c --- */
/* Routes a GSI to a core; level/low as PCI, edge/high as ISA.  vector 0: as an NMI. */
void ioapic_route(uint32_t gsi, uint32_t apic_id, uint8_t vector, bool level_low);
void ioapic_mask(uint32_t gsi);
void ioapic_init(void);

/* --- smp.c --- */
/* What a core runs, for ever. */
typedef void (*core_entry)(struct core *c) __attribute__((noreturn));
/* Starts all cores that the firmware names but the boot core, one after the other; each comes to
 * `entry` on a stack of its own, its APIC enabled.  One that does not start stays unused. */
void smp_start(core_entry entry);

/* --- tsc.c --- */
extern uint64_t entry_tsc; /* at the image's first instructions (boot.asm) */
extern uint64_t tsc_khz;
void tsc_init(void);
void tsc_delay_us(uint64_t us);
/* Microseconds that the TSC has counted; 0 before tsc_init(). */
uint64_t tsc_us(void);

/* --- rtc.c --- */
/* Seconds since 1970 by the CMOS clock; 0 when there is none. */
uint64_t rtc_read(void);

/* --- pci.c: physical PCI configuration space, mechanism #1 --- */
uint32_t pci_read(uint16_t bdf, uint8_t reg, unsigned size);
void pci_write(uint16_t bdf, uint8_t reg, unsigned size, uint32_t v);
uint8_t pci_find_cap(uint16_t bdf, uint8_t id); /* offset, 0: none */
/* One core is left that runs: the lock of these functions counts no more. */
void pci_lone_core(void);
/* Size of a BAR by the usual write of ones; memory decoding is off meanwhile. */
uint32_t pci_bar_size(uint16_t bdf, unsigned bar);

/* --- pci_quiet.c --- */
struct pci_masters {
	unsigned functions, turned_off, refused;
};
/* Takes bus mastering from every function but bridges and IOMMUs; says how many there were. */
struct pci_masters pci_masters_off(void);

/* --- stop.c: what comes before every end of the node --- */
/*
 * This core is the one that ends the node; all others stop, for good, within a time.  A core that
 * comes here while another ends the node stops too.  false: this one was it before, and what it did
 * since has failed.
 */
bool stop_all_others(void);
/* Does not return when another core ends the node: at an NMI. */
void stop_if_wanted(struct core *c);
/* Takes bus mastering from all devices, and this CPU out of SVM or VMX operation. */
void stop_devices(void);
/* Waits, also before the TSC's rate is known. */
void stop_delay_us(uint64_t us);

/* --- power.c: the end of the node --- */
/* Stops all cores and devices.  An emulator with an exit port gets the status; else the machine is
 * switched off by ACPI, or halts when it cannot be. */
void node_exit(uint8_t status) __attribute__((noreturn));
/* The same, but what an emulator does not end halts, with the reason on its console. */
void node_refuse(uint8_t status) __attribute__((noreturn));
/* Stops all cores and devices and resets the machine. */
void node_reboot(void) __attribute__((noreturn));
/* What a panic ends in: the exit port of an emulator, if there is one, else a reset (unless said);
 * a reset after so many seconds; or a halt. */
enum node_panic { NODE_PANIC_EMULATOR, NODE_PANIC_RESET, NODE_PANIC_HALT };
void node_panic_act(enum node_panic act, unsigned seconds);
/* The end of a panic, whose core is the only one that runs. */
void node_panicked(void) __attribute__((noreturn));
#endif
