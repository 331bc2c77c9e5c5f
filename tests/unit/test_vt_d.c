/* SPDX-License-Identifier: BSD-2-Clause */
/* An Intel IOMMU: how it is started, what its tables hold, and how its fault records are read.  A
 * thread is the IOMMU: it follows the global command and the invalidation queue. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/core.h"
#include "arch/x86_64/iommu/iommu.h"
#include "arch/x86_64/iommu/tables.h"

struct core cores[CORES_MAX];
#define this_core() (&cores[0])
#include "arch/x86_64/iommu/vt_d.c"
#undef PRESENT
#undef ADDRESS
#include "arch/x86_64/iommu/vt_d_unit.c"

#define ALLOCATIONS 32
#define FUNCTION    0x0120
#define RECORDS     0x220 /* where the model has its fault records: FRO */

static void *made[ALLOCATIONS];
static unsigned n_made, limit, errors;
static _Alignas(4096) uint8_t space[2][4096];
static struct iommu_tables machine;
static struct iommu_device device[3];
static pthread_t thread;
static _Atomic bool over, deaf;
static uint64_t seen[256];
static _Atomic unsigned n_seen;
struct acpi_info acpi;
enum log_level log_level = LOG_ERROR;

void *mem_zalloc(size_t size)
{
	void *p;

	if (n_made == limit)
		return NULL;
	size = (size + 4095) & ~4095ul;
	p = aligned_alloc(4096, size);
	return made[n_made++] = memset(p, 0, size);
}

void mem_zfree(void *p, size_t size)
{
	(void)p, (void)size;
	fail();
}

/* Goes on by a millisecond with each look while the IOMMU does not answer. */
uint64_t tsc_us(void)
{
	static uint64_t us;

	sched_yield();
	return us += atomic_load(&deaf) ? 1000 : 0;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level, (void)fmt;
	errors++;
}

unsigned iommu_index(const struct iommu_device *d)
{
	return (unsigned)(d - device);
}

static volatile uint32_t *reg32(unsigned u, unsigned at)
{
	return (volatile uint32_t *)(space[u] + at);
}

static volatile uint64_t *reg64(unsigned u, unsigned at)
{
	return (volatile uint64_t *)(space[u] + at);
}

static void carry_out(const uint64_t *c)
{
	if ((c[0] & 15) == 5)
		__atomic_store_n((uint32_t *)c[1], (uint32_t)(c[0] >> 32), __ATOMIC_SEQ_CST);
	else if (n_seen < 256)
		seen[n_seen++] = c[0];
}

/* The status follows the command; SRTP and SIRTP stay set as RTPS and IRTPS. */
static void run_unit(unsigned u, unsigned *head)
{
	uint32_t command = *reg32(u, 0x18), sticky = *reg32(u, 0x1c) & (1u << 30 | 1u << 24);
	uint64_t tail = *reg64(u, 0x88);

	*reg32(u, 0x1c) = command | sticky;
	if (!(command & 1u << 26)) {
		*head = 0;
		return;
	}
	while (*head != tail) {
		carry_out((const uint64_t *)((*reg64(u, 0x90) & ~0xffful) + *head));
		*head = (*head + 16) % (512 * 16);
	}
}

static void *run_units(void *arg)
{
	unsigned head[2] = {0, 0};

	(void)arg;
	while (!atomic_load(&over)) {
		for (unsigned u = 0; u < 2 && !atomic_load(&deaf); u++)
			run_unit(u, &head[u]);
		sched_yield();
	}
	return NULL;
}

#define CAPABLE (6ul << 8 | 3ul << 34 | (uint64_t)(RECORDS / 16) << 24 | 3ul << 40 | 2)

static int set_up(void **state)
{
	(void)state;
	memset(space, 0, sizeof space);
	memset(unit, 0, sizeof unit);
	memset(device, 0, sizeof device);
	root = empty_root = NULL;
	irte = NULL;
	n_made = errors = 0;
	atomic_store(&n_seen, 0);
	limit = ALLOCATIONS;
	atomic_store(&over, false);
	atomic_store(&deaf, false);
	memset(&machine, 0, sizeof machine);
	machine.units = 1;
	machine.remaps_interrupts = true;
	machine.sources = 1;
	machine.source[0] = (struct iommu_source){IOMMU_IOAPIC, 2, 0xf0f8, 0};
	acpi.nioapics = 1;
	acpi.ioapic[0].id = 2;
	for (unsigned u = 0; u < 2; u++) {
		machine.unit[u].registers = (uint64_t)(uintptr_t)space[u];
		*reg64(u, 0x08) = CAPABLE;
		*reg64(u, 0x10) = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 7;
	}
	return pthread_create(&thread, NULL, run_units, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	while (n_made)
		free(made[--n_made]);
	return 0;
}

/* Nothing is present in the tables: all DMA is blocked, and interrupts in the old form are, too. */
static void everything_is_blocked(void **state)
{
	const uint64_t *r;

	(void)state;
	assert_null(start(&machine));
	assert_int_equal(*reg32(0, 0x1c), 1u << 31 | 1u << 30 | 1u << 26 | 1u << 25 | 1u << 24);
	assert_int_equal(*reg64(0, 0x90) & 7, 1);
	assert_int_equal(*reg64(0, 0xb8) & 0xfff, 14 | 1 << 11);
	assert_int_equal(*reg32(0, 0x38), 1u << 31);
	r = (const uint64_t *)*reg64(0, 0x20);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(r[i], 0);
	assert_int_equal(seen[0], 1 | 1 << 4);
	assert_int_equal(seen[1], 2 | 1 << 4);
	assert_int_equal(seen[2], 4);
	stop();
	assert_int_equal(*reg32(0, 0x18) & (1u << 31 | 1u << 26 | 1u << 25), 0);
}

static const uint64_t *context_entry(unsigned u, uint16_t function)
{
	const uint64_t *bus = (const uint64_t *)*reg64(u, 0x20) + 2ul * (function >> 8);

	return bus[0] & 1 ? (const uint64_t *)(bus[0] & ~0xffful) + 2ul * (function & 0xff) : NULL;
}

static void an_attached_device(void **state)
{
	struct iommu_pages p = {0};
	const uint64_t *c, *e;
	struct iommu_message m;
	unsigned index;

	(void)state;
	machine.units = 2;
	machine.unit[1].segment = 1;
	assert_null(start(&machine));
	paging(&p);
	assert_int_equal(p.levels, 4);
	assert_true(p.mib2 && p.gib && !p.flush_lines && p.format == &snooping);
	assert_true(iommu_pages_init(&p));
	device[2].requester = FUNCTION;
	n_seen = 0;
	assert_true(attach(&device[2], &p, 5));
	c = context_entry(0, FUNCTION);
	assert_int_equal(c[0], 1 | (uint64_t)(uintptr_t)p.root);
	assert_int_equal(c[1], 5 << 8 | 2);
	assert_null(context_entry(1, FUNCTION)); /* of another segment */
	assert_int_equal(n_seen, 4);
	assert_int_equal(seen[0], 1 | 3 << 4 | 5 << 16 | (uint64_t)FUNCTION << 32);
	assert_int_equal(seen[1], 2 | 2 << 4 | 5 << 16);
	assert_true(interrupt(&device[2], 7, 0x103, 0x41, &m));
	assert_int_equal(m.data, 0);
	assert_int_equal(m.address & ~0xfffe0ul, 0xfee00010);
	index = m.address >> 5 & 0x7fff;
	assert_int_equal(index, 4096 + 2 * 256 + 7);
	e = (const uint64_t *)(*reg64(0, 0xb8) & ~0xffful) + 2ul * index;
	assert_int_equal(e[0], 1 | 0x41 << 16 | 0x103ul << 32);
	assert_int_equal(e[1], 1 << 18 | FUNCTION);
	assert_true(detach(&device[2], 5));
	assert_int_equal(c[0] | e[0], 0);
}

/* The I/O APIC's entry and the table's agree in the vector, and only it may use that one. */
static void a_pin(void **state)
{
	uint64_t entry;
	const uint64_t *e;

	(void)state;
	assert_null(start(&machine));
	assert_true(pin(0, 20, 3, 0x51, true, &entry));
	assert_int_equal(entry, 20ul << 49 | 1ul << 48 | 0x51);
	e = (const uint64_t *)(*reg64(0, 0xb8) & ~0xffful) + 2 * 20;
	assert_int_equal(e[0], 1 | 1 << 4 | 0x51 << 16 | 3ul << 32);
	assert_int_equal(e[1], 1 << 18 | 0xf0f8);
	assert_true(pin(0, 4, 0, 0, false, &entry));
	assert_int_equal(entry, 4ul << 49 | 1ul << 48);
	e = (const uint64_t *)(*reg64(0, 0xb8) & ~0xffful) + 2 * 4;
	assert_int_equal(e[0], 1 | 4 << 5); /* NMI */
}

static void lesser_units(void **state)
{
	struct iommu_pages p = {0};
	struct iommu_message m;

	(void)state;
	*reg64(0, 0x08) = (CAPABLE & ~(7ul << 8 | 3ul << 34)) | 2 << 8;
	*reg64(0, 0x10) = 1 << 1 | 1 << 3; /* not coherent, no x2APIC */
	assert_null(start(&machine));
	assert_int_equal(*reg64(0, 0xb8) & 0xfff, 14);
	paging(&p);
	assert_int_equal(p.levels, 3);
	assert_true(!p.mib2 && !p.gib && p.flush_lines && p.format == &plain);
	assert_false(interrupt(&device[0], 0, 256, 0x41, &m));
	assert_true(interrupt(&device[0], 0, 3, 0x41, &m));
	assert_int_equal(irte[4096].low, 1 | 0x41 << 16 | 3ul << 40);
	assert_int_equal(domains(), 255);
}

/* Interrupts are remapped all or none: the I/O APICs' ones, too. */
static void no_remapping(void **state)
{
	uint64_t entry;

	(void)state;
	acpi.ioapic[0].id = 9;
	assert_null(start(&machine));
	assert_false(remaps());
	assert_false(pin(0, 4, 0, 0, false, &entry));
	assert_int_equal(*reg32(0, 0x1c) & 1u << 25, 0);
	acpi.ioapic[0].id = 2;
	machine.remaps_interrupts = false;
	assert_null(start(&machine));
	assert_false(remaps());
	machine.remaps_interrupts = true;
	*reg64(0, 0x10) = 1 | 1 << 1;
	assert_null(start(&machine));
	assert_false(remaps());
}

static void refused(void **state)
{
	(void)state;
	*reg64(0, 0x10) = 1;
	assert_string_equal(start(&machine), "has no invalidation queue");
	*reg64(0, 0x10) = 3;
	*reg64(0, 0x08) = CAPABLE & ~(7ul << 8);
	assert_string_equal(start(&machine), "has no page tables of 3 or 4 levels");
	*reg64(0, 0x08) = ~0ul;
	assert_string_equal(start(&machine), "does not answer at the address of its registers");
	*reg64(0, 0x08) = CAPABLE;
	for (limit = 0; limit < 4; limit++)
		assert_non_null(start(&machine));
	limit = ALLOCATIONS;
	atomic_store(&deaf, true);
	assert_string_equal(start(&machine), "does not carry out commands");
	atomic_store(&deaf, false);
	assert_null(start(&machine));
}

/* What firmware left on is switched off first, and the queue begins anew. */
static void firmware_left_it_on(void **state)
{
	(void)state;
	*reg32(0, 0x18) = 1u << 31 | 1u << 25;
	while (!(*reg32(0, 0x1c) & 1u << 31))
		sched_yield();
	assert_null(start(&machine));
	assert_int_equal(unit[0].tail, 5 + 1); /* three, a wait, one, a wait */
}

/* --- faults --------------------------------------------------------------------------------- */

static struct iommu_fault got[8];
static unsigned n_got;

static void on_fault(const struct iommu_fault *f)
{
	got[n_got++] = *f;
}

static void put_fault(unsigned i, uint64_t high, uint64_t low)
{
	*reg64(0, RECORDS + 16 * i) = low;
	*reg64(0, RECORDS + 16 * i + 8) = high | 1ul << 63;
}

static void faults_are_read(void **state)
{
	(void)state;
	n_got = 0;
	assert_null(start(&machine));
	assert_false(pending());
	put_fault(0, FUNCTION | 5ul << 32, 0x12345000);
	put_fault(1, 1ul << 62 | FUNCTION | 6ul << 32, 0x2000);
	put_fault(3, FUNCTION | 0x22ul << 32, 7ul << 48);
	put_fault(4, FUNCTION, 0); /* past the last record */
	*reg32(0, 0x34) = 2;
	assert_true(pending());
	assert_false(faults(1, on_fault));
	assert_int_equal(n_got, 2);
	assert_int_equal(*reg64(0, RECORDS + 8), 1ul << 63); /* which clears them */
	assert_int_equal(*reg64(0, RECORDS + 24), 1ul << 63);
	*reg64(0, RECORDS + 8) = *reg64(0, RECORDS + 24) = 0;
	*reg32(0, 0x34) = 3;
	assert_true(faults(100, on_fault));
	assert_int_equal(n_got, 3);
	assert_true(got[0].write && !got[0].interrupt && got[0].address == 0x12345000);
	assert_true(!got[1].write && got[1].function == FUNCTION);
	assert_true(got[2].interrupt);
}

/* A previous system let interrupts in the old form pass (CFIS), and logged faults to its memory. */
static void old_form_is_forbidden(void **state)
{
	(void)state;
	*reg64(0, 0x10) = 1 | 1 << 1 | 1 << 3; /* no EIM: CFIS alone decides (5.1.4) */
	*reg32(0, 0x18) = 1u << 23 | 1u << 28;
	while (!(*reg32(0, 0x1c) & 1u << 23))
		sched_yield();
	assert_null(start(&machine));
	assert_true(remaps());
	assert_int_equal(*reg32(0, 0x1c) & 1u << 28, 0);
	assert_int_equal(*reg32(0, 0x1c) & 1u << 23, 0);
}

/* Firmware's protected memory (PMEN) blocks DMA even when translation is on, until it is off. */
static void protected_memory_is_switched_off(void **state)
{
	(void)state;
	*reg64(0, 0x08) = CAPABLE | 1 << 5 | 1 << 6;
	*reg32(0, 0x64) = 1u << 31; /* the model has no PRS */
	assert_null(start(&machine));
	assert_int_equal(*reg32(0, 0x64) & 1u << 31, 0);
}

/* RWBF: each change of a table would need a flush of the unit's write buffer (6.8). */
static void units_that_buffer_writes_are_refused(void **state)
{
	(void)state;
	*reg64(0, 0x08) = CAPABLE | 1 << 4;
	assert_non_null(start(&machine));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(everything_is_blocked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_attached_device, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_pin, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(lesser_units, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_remapping, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(firmware_left_it_on, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(faults_are_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(old_form_is_forbidden, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(protected_memory_is_switched_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(units_that_buffer_writes_are_refused, set_up,
	                                    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
