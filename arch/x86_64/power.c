/* The end of the node. */
#include <stdio.h>
#include "arch/x86_64/platform.h"
#include "vmm/log.h"

#define QEMU_EXIT_PORT  0xF4
#define BOCHS_EXIT_PORT 0x8900

static void stop_here(void) __attribute__((noreturn));
static void stop_here(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The status as the log's last line, whatever its level: Bochs's own status says nothing.  A panic
 * stops the other cores, maybe one that holds the terminal's lock: it does without. */
static void say_status(uint8_t status)
{
	char line[40];
	int n = snprintf(line, sizeof line, "patio: ends with status %u\r\n", status);
	log_end(line, (size_t)n, status == PANIC_STATUS);
}

/* QEMU's isa-debug-exit takes the status; Bochs only a word; where neither is, the core halts. */
void node_exit(uint8_t status)
{
	say_status(status);
	outb(QEMU_EXIT_PORT, status);
	for (const char *s = "Shutdown"; *s; s++)
		outb(BOCHS_EXIT_PORT, (uint8_t)*s);
	stop_here();
}

/* The FADT's reset register, then the chip set's, then a triple fault. */
void node_reboot(void)
{
	if (acpi.has_reset)
		outb(acpi.reset_port, acpi.reset_value);
	outb(0xCF9, 2);
	outb(0xCF9, 6);
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};
	__asm__ volatile("lidt %0; int3" : : "m"(none));
	stop_here();
}
