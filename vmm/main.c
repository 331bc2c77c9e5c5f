/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot, read from top to bottom. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/barrier.h"
#include "arch/x86_64/hvm/hvm.h"
#include "arch/x86_64/mce.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/panic.h"
#include "arch/x86_64/pci_quiet.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/serial.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/uart.h"
#include "vmm/control/control.h"
#include "vmm/last_panic.h"
#include "lib/log.h"
#include "vmm/machine.h"
#include "vmm/main.h"
#include "lib/mem.h"
#include "vmm/control/monitor.h"
#include "vmm/place.h"
#include "vmm/devices/pvclock.h"
#include "vmm/control/rescue.h"
#include "vmm/vm.h"
#include "vmm/vcpu.h"

#define LOW_MEMORY    MIB /* start code, firmware tables: never given out */
#define MIN_MEMORY    (48 * MIB)
#define STATUS_CANNOT 125 /* exit status: this machine cannot run Patio */

extern const char image_start[], image_end[];

static void refuse_to_start(const char *why) __attribute__((noreturn));
static void refuse_to_start(const char *why)
{
	log_error("cannot start: %s", why);
	node_refuse(STATUS_CANNOT);
}

static void wake_boot_core(void)
{
	core_call(&cores[0], CORE_CONSOLE);
}

static unsigned core_index(void)
{
	return this_core()->index;
}

/* Nothing reaches the serial port before take_console(). */
static const struct log_sink log_sink = {.serial = {.empty = uart_empty,
                                                    .put = uart_put,
                                                    .interrupt = uart_interrupts,
                                                    .wake = wake_boot_core},
                                         .drain = uart_drain,
                                         .debug = debugcon_put,
                                         .core = core_index,
                                         .clock = tsc_us};

static void take_memory(void)
{
	char why[128];
	struct mem_stats ms;

	for (unsigned i = 0; i < boot.nram; i++)
		mem_add(boot.ram[i].start, boot.ram[i].size);
	mem_reserve(0, LOW_MEMORY);
	mem_reserve((uint64_t)image_start, (uint64_t)(image_end - image_start));
	for (unsigned i = 0; i < boot.nmodules; i++)
		mem_reserve(boot.module[i].start, boot.module[i].size);
	mem_stats(&ms);
	if (ms.free < MIN_MEMORY) {
		snprintf(why, sizeof why,
		         "only %lu MiB of memory are left beside image and modules: "
		         "Patio needs %lu MiB",
		         ms.free / MIB, MIN_MEMORY / MIB);
		refuse_to_start(why);
	}
}

static void take_cpu(struct core *c)
{
	char why[128];
	const char *refused;

	if (!hvm_select(why, sizeof why))
		refuse_to_start(why);
	if (!x2apic_present())
		refuse_to_start("this CPU has no x2APIC, which direct interrupts need "
		                "(QEMU 9 or newer: -cpu EPYC,+x2apic)");
	mce_init();
	lapic_enable();
	c->apic_id = lapic_id();
	atomic_store(&c->online, true);
	refused = hvm->core_enable(c);
	if (refused)
		refuse_to_start(refused);
}

static void quiet_devices(void)
{
	struct pci_masters m = pci_masters_off();

	log_debug("PCI: %u functions, bus mastering turned off in %u", m.functions, m.turned_off);
	if (m.refused)
		log_warn("bus mastering stays on in %u PCI functions, which ignored its switching "
		         "off: their DMA reaches all memory",
		         m.refused);
}

/* Entry of every core but the boot core. */
static void core_main(struct core *c) __attribute__((noreturn));
static void core_main(struct core *c)
{
	const char *refused = hvm->core_enable(c);

	mce_init();
	if (refused)
		panic("%s", refused);
	self_test(c);
	core_loop(c, NULL);
}

static void take_platform(void)
{
	char why[128];

	if (!acpi_parse(why, sizeof why))
		refuse_to_start(why);
	tsc_init();
	ioapic_init();
	quiet_devices();
	iommu_init();
	pvclock_init();
	smp_start(core_main);
	place_init();
}

static void log_machine(void)
{
	struct mem_stats ms;

	if (boot.ram_left_out)
		log_warn("%lu MiB of memory stay unused: the loader's map has more than %d ranges",
		         boot.ram_left_out / MIB, BOOT_RANGES);
	if (acpi.left_out)
		log_warn("%u cores stay unused: Patio uses at most %d", acpi.left_out, CORES_MAX);
	mem_stats(&ms);
	log_info("Patio on %s by %s: %u core%s, %lu MiB, TSC %lu.%03lu MHz", hvm->name, boot.loader,
	         ncores, ncores > 1 ? "s" : "", ms.total / MIB, tsc_khz / 1000, tsc_khz % 1000);
	log_info("%s, on %s: an exit costs %lu ticks, %lu ns (median %lu ns)",
	         machine.cpu[0] ? machine.cpu : "a CPU without a name", machine_hypervisor(),
	         machine.exit_min, machine_ns(machine.exit_min), machine_ns(machine.exit_median));
	log_info("flushed when a core changes owner: %s", barriers_name(barriers_here()));
	log_debug("entered at TSC %lu", entry_tsc);
	log_info("image %lu KiB, %u boot module%s, %lu KiB allocated by the VMM",
	         (uint64_t)(image_end - image_start) >> 10, boot.nmodules,
	         boot.nmodules == 1 ? "" : "s", ms.vmm >> 10);
}

/* Chooses the serial port: the boot option's; else the SPCR's, if it is a 16550 at I/O ports; else
 * COM1.  Errors in the choice are reported on the port chosen. */
static void take_console(void)
{
	char value[32] = "", why[128];
	bool asked = boot_option("console", value, sizeof value);
	struct serial_port s = serial_default();
	enum serial_choice choice = asked ? serial_option(value, &s) : SERIAL_SPCR;

	if (choice == SERIAL_SPCR && acpi_parse(why, sizeof why) && acpi.spcr == ACPI_SPCR_PORT)
		s = acpi.console;
	if (choice == SERIAL_NONE)
		s.port = 0;
	uart_init(&s);
	if (choice == SERIAL_BAD)
		log_warn("console=%s is not understood: write com1 to com4 (com2,57600), spcr or "
		         "none; COM1 is used",
		         value);
	else if (asked && choice == SERIAL_SPCR && acpi.spcr != ACPI_SPCR_PORT)
		log_warn("console=spcr: the firmware %s; COM1 is used",
		         acpi.spcr == ACPI_SPCR_ABSENT ? "has no SPCR table"
		                                       : "names no 16550 at I/O ports");
	if (s.port && s.divisor)
		log_debug("console: port %x, %u baud", s.port, SERIAL_BAUD / s.divisor);
	else if (s.port)
		log_debug("console: port %x, at the firmware's speed", s.port);
}

_Static_assert((unsigned)CONFIG_LOG_ERROR == LOG_ERROR && (unsigned)CONFIG_LOG_DEBUG == LOG_DEBUG,
               "the levels of the language are the log's");

static void log_options(void)
{
	char value[32];
	const struct config_word *level;

	log_apart = boot_option("log-to", value, sizeof value) && !strcmp(value, "debugcon");
	if (!boot_option("log", value, sizeof value))
		return;
	level = config_word_find(config_log_words, value);
	if (level)
		log_level = (enum log_level)level->value;
}

/* Boot option panic=reset,10s or panic=halt: valid until patio.conf has a `panic` statement. */
static void panic_option(void)
{
	char value[32], *p = value + strlen("reset,");
	unsigned seconds = 0;
	bool good;

	if (!boot_option("panic", value, sizeof value))
		return;
	if (!strcmp(value, "halt")) {
		node_panic_act(NODE_PANIC_HALT, 0);
		return;
	}
	if (!strcmp(value, "reset")) {
		node_panic_act(NODE_PANIC_RESET, 10);
		return;
	}
	good = !strncmp(value, "reset,", strlen("reset,")) && *p >= '0' && *p <= '9';
	for (; good && *p >= '0' && *p <= '9' && seconds <= 3600; p++)
		seconds = seconds * 10 + (unsigned)(*p - '0');
	if (good && seconds <= 3600 && !strcmp(p, "s"))
		node_panic_act(NODE_PANIC_RESET, seconds);
	else
		log_warn("panic=%s is not understood: write panic=reset,10s or panic=halt", value);
}

void boot_main(uint32_t magic, uint32_t info)
{
	struct core *c = &cores[0];
	const char *bad;

	log_open(&log_sink);
	cpu_init(c);
	bad = boot_info_read(magic, info);
	log_options();
	take_console();
	last_panic_init();
	panic_option();
	if (bad)
		panic("%s (magic %08x)", bad, magic);
	take_memory();
	paging_init();
	take_cpu(c);
	take_platform();
	self_test(c);
	machine_init();
	control_init();
	log_machine();
	last_panic_log();
	monitor_init();
	if (!rescue_take_config())
		node_refuse(STATUS_CANNOT);
	if (!rescue_waits())
		place_log(control_config());
	core_call(c, CORE_CONSOLE);
	core_loop(c, monitor_poll);
}
