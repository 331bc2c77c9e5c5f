/* SPDX-License-Identifier: BSD-2-Clause */
/* Executes code in each 2 MiB of its memory, twice, on each CPU (with cpus=2 a second one starts
 * from the other end at the same time), then writes and executes more code beside it. */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/smp.h"

#define REGION (2ul << 20)
#define FIRST  2u     /* the first region above this image and the loader's data */
#define BESIDE 0x5000 /* bytes into a region */

static unsigned regions; /* of the memory, from address 0 */
static volatile unsigned wrong;
static volatile bool second_done;

/* mov eax, value; ret */
static void put_code(uintptr_t at, uint32_t value)
{
	uint8_t code[6] = {0xb8, 0, 0, 0, 0, 0xc3};

	memcpy(code + 1, &value, sizeof value);
	memcpy((void *)at, code, sizeof code);
}

static void call_code(uintptr_t at, uint32_t value)
{
	uint32_t (*code)(void) = (uint32_t(*)(void))at;
	if (code() != value)
		wrong++;
}

static void call_all(bool backwards)
{
	for (unsigned i = FIRST; i < regions; i++) {
		unsigned r = backwards ? regions - 1 - (i - FIRST) : i;

		call_code(r * REGION, r);
	}
}

static void second(void)
{
	call_all(true);
	call_all(false);
	second_done = true;
	for (;;)
		cpu_pause();
}

void guest_main(void)
{
	struct mb_range range;
	bool two = mb_number("cpus", 1) == 2;

	for (unsigned i = 0; mb_range(i, &range); i++)
		if (range.type == 1)
			regions = (unsigned)((range.base + range.len) / REGION);
	for (unsigned r = FIRST; r < regions; r++)
		put_code(r * REGION, r);
	lapic_init(false);
	if (two)
		check(smp_start(1, second), "second", "it did not start");
	call_all(false);
	call_all(true);
	while (two && !second_done)
		cpu_pause();
	for (unsigned r = FIRST; r < regions; r++) {
		put_code(r * REGION + BESIDE, ~r);
		call_code(r * REGION + BESIDE, ~r);
	}
	check(!wrong, "calls", "%u wrong", wrong);
	print("regions %u\n", regions - FIRST);
	done();
}
