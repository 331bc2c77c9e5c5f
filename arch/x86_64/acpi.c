/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the firmware keeps its ACPI tables, and which memory they may lie in. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot_info.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"

#define BIOS_START    0xe0000u /* where a BIOS keeps its RSDP, or in the EBDA (ACPI 6.5, 5.2.5.1) */
#define EBDA_BYTES    1024u
#define DEVICES_START (3 * GIB)
#define GAP_MAX       (64 * MIB)

struct acpi_info acpi;

static bool range_contains(const struct boot_range *r, uint64_t at, uint64_t size)
{
	return at >= r->start && at - r->start < r->size && size <= r->size - (at - r->start);
}

/* Some loaders report RAM only (iPXE).  Firmware's memory is then assumed to lie where PCs have it:
 * between the end of RAM below 4 GiB and the first address that a device may use. */
static struct boot_range guess_firmware_range(void)
{
	struct boot_range gap = {0, 0};

	for (unsigned i = 0; i < boot.nram; i++) {
		paddr_t end = boot.ram[i].start + boot.ram[i].size;

		if (end > gap.start && end < DEVICES_START)
			gap.start = end;
	}
	if (!boot.nfirmware && gap.start)
		gap.size =
		    DEVICES_START - gap.start < GAP_MAX ? DEVICES_START - gap.start : GAP_MAX;
	return gap;
}

/* Accepts memory below 1 MiB and ranges of RAM or firmware in the loader's map, as far as the
 * current page tables map them: 4 GiB (boot.asm) until paging_init(), then all memory. */
static const uint8_t *firmware_bytes(uint64_t at, uint64_t size)
{
	static const struct boot_range low = {PAGE_SIZE, MIB - PAGE_SIZE};
	paddr_t top = host_cr3 ? boot_memory_top() : 4 * GIB;
	const struct boot_range mapped = {PAGE_SIZE, top - PAGE_SIZE};
	struct boot_range gap;
	bool found;

	if (!range_contains(&mapped, at, size))
		return NULL;
	gap = guess_firmware_range();
	found = range_contains(&low, at, size) || range_contains(&gap, at, size);
	for (unsigned i = 0; i < boot.nram && !found; i++)
		found = range_contains(&boot.ram[i], at, size);
	for (unsigned i = 0; i < boot.nfirmware && !found; i++)
		found = range_contains(&boot.firmware[i], at, size);
	return found ? (const uint8_t *)at : NULL;
}

static bool copy_rsdp_if_valid(paddr_t at)
{
	const struct acpi_rsdp *old = (const void *)firmware_bytes(at, ACPI_RSDP_OLD);

	if (!old || !acpi_rsdp_valid(old, ACPI_RSDP_OLD))
		return false;
	memcpy(&boot.rsdp, old, firmware_bytes(at, sizeof *old) ? sizeof *old : ACPI_RSDP_OLD);
	return true;
}

static bool scan_rsdp(paddr_t from, paddr_t to)
{
	for (paddr_t p = from; p < to; p += 16)
		if (copy_rsdp_if_valid(p))
			return true;
	return false;
}

/* Under UEFI there is no RSDP below 1 MiB to scan for: only the loader's copy. */
static bool find_rsdp(void)
{
	paddr_t ebda = (paddr_t)boot.ebda_segment << 4;

	if (acpi_rsdp_valid(&boot.rsdp, sizeof boot.rsdp))
		return true;
	memset(&boot.rsdp, 0, sizeof boot.rsdp);
	return (ebda && scan_rsdp(ebda, ebda + EBDA_BYTES)) || scan_rsdp(BIOS_START, MIB);
}

bool acpi_parse(char *why, size_t size)
{
	if (!find_rsdp()) {
		snprintf(why, size,
		         "no ACPI RSDP found: switch ACPI on in the firmware; under UEFI, load by "
		         "GRUB's multiboot2 command");
		return false;
	}
	if (acpi_tables_parse(&boot.rsdp, firmware_bytes, &acpi))
		return true;
	snprintf(why, size, "no ACPI MADT found: switch ACPI on in the firmware");
	return false;
}

const struct acpi_header *acpi_table(const char *signature)
{
	return acpi_table_find(&boot.rsdp, firmware_bytes, signature);
}
