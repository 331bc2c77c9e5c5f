/* SPDX-License-Identifier: BSD-2-Clause */
/* What both vendors' IOMMUs have in common: when there is one, which device may be in which domain,
 * and how faults are counted and logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/iommu/iommu.c"

#define ALLOCATIONS 64
#define PCIE        0x40 /* where a bridge has its capability */

enum log_level log_level = LOG_ERROR;
struct boot_info boot;
static uint8_t ivrs[256], dmar[256];
static size_t ivrs_size, dmar_size;
static bool option_off, start_fails, attach_fails, detach_fails, remap_allowed;
static unsigned started, stopped, attached, flushed, rerouted, allocated, n_logged;
static void *made[ALLOCATIONS];
static char logged[8][256];
static uint64_t now;

/* ---- the machine ---- */

const struct acpi_header *acpi_table(const char *signature)
{
	bool amd = !strcmp(signature, "IVRS");

	return (amd ? ivrs_size : dmar_size) ? (const void *)(amd ? ivrs : dmar) : NULL;
}

bool boot_option(const char *key, char *value, size_t size)
{
	assert_string_equal(key, "iommu");
	snprintf(value, size, "off");
	return option_off;
}

bool holds_ram_at(paddr_t p)
{
	return p < 0x80000000;
}

/* 00:01.0 is a PCI Express root port to bus 1, 00:02.0 a bridge to conventional PCI, bus 2; 01:00.0
 * a PCI Express to PCI bridge, to bus 3. */
uint32_t pci_read(uint16_t function, uint8_t at, unsigned size)
{
	bool bridge = function == 0x08 || function == 0x10 || function == 0x100;

	if (!bridge)
		return ~0u >> (32 - 8 * size);
	switch (at) {
	case HEADER_TYPE:
		return 1;
	case BUSES + 1:
	case BUSES + 2:
		return function == 0x08 ? 1 : function == 0x10 ? 2 : 3;
	case PCIE + 2:
		return function == 0x08 ? 0x42 : 0x72;
	}
	return 0;
}

uint8_t pci_find_cap(uint16_t function, uint8_t id)
{
	assert_int_equal(id, CAP_PCIE);
	return function == 0x10 ? 0 : PCIE;
}

uint64_t tsc_us(void)
{
	return now;
}

void ioapic_route_again(void)
{
	rerouted++;
}

void *mem_zalloc(size_t size)
{
	void *p;

	assert_true(allocated < ALLOCATIONS);
	size = (size + 4095) & ~4095ul;
	p = aligned_alloc(4096, size);
	return made[allocated++] = memset(p, 0, size);
}

void mem_zfree(void *p, size_t size)
{
	(void)size;
	for (unsigned i = 0; i < allocated; i++) {
		if (made[i] != p)
			continue;
		free(p);
		made[i] = made[--allocated];
		return;
	}
	fail();
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(logged[n_logged++ % 8], sizeof logged[0], fmt, ap);
	va_end(ap);
}

/* ---- the vendor's part ---- */

static struct iommu_fault report[8];
static unsigned reports;
static bool overflow;

static const char *model_start(const struct iommu_tables *t)
{
	started += t->units > 0;
	return start_fails ? "does not answer" : NULL;
}

static void model_stop(void)
{
	stopped++;
}

static const struct iommu_format format = {.present = 3, .leaf = 3, .large = 0x80, .table = 3};

static void model_paging(struct iommu_pages *p)
{
	p->format = &format;
	p->levels = 3;
}

static bool model_remaps(void)
{
	return remap_allowed;
}

static unsigned model_domains(void)
{
	return 2;
}

static bool model_attach(struct iommu_device *d, const struct iommu_pages *pages, uint16_t domain)
{
	assert_true(pages->root && domain && domain <= 2);
	attached += !attach_fails;
	(void)d;
	return !attach_fails;
}

static bool model_detach(struct iommu_device *d, uint16_t domain)
{
	(void)d, (void)domain;
	attached--;
	return !detach_fails;
}

static bool model_flush(uint16_t domain)
{
	(void)domain;
	flushed++;
	return true;
}

static bool model_interrupt(struct iommu_device *d, unsigned n, uint32_t apic_id, uint8_t vector,
                            struct iommu_message *m)
{
	(void)d, (void)n, (void)apic_id, (void)vector;
	*m = (struct iommu_message){1, 2};
	return true;
}

static void model_interrupts_off(struct iommu_device *d)
{
	(void)d;
}

static bool model_pending(void)
{
	return reports;
}

static bool model_faults(unsigned budget, void (*on_fault)(const struct iommu_fault *f))
{
	assert_int_equal(budget, REPORTS);
	for (; reports; reports--)
		on_fault(&report[reports - 1]);
	return overflow;
}

#define MODEL(its_name)                                                                            \
	{                                                                                          \
		.name = its_name, .domains = model_domains, .start = model_start,                  \
		.stop = model_stop, .paging = model_paging, .remaps = model_remaps,                \
		.attach = model_attach, .detach = model_detach, .flush = model_flush,              \
		.interrupt = model_interrupt, .interrupts_off = model_interrupts_off,              \
		.pending = model_pending, .faults = model_faults,                                  \
	}
const struct iommu_ops iommu_amd_vi = MODEL("AMD-Vi"), iommu_vt_d = MODEL("VT-d");

/* ---- */

static void put(uint8_t *table, size_t at, uint64_t v, size_t n)
{
	memcpy(table + at, &v, n);
}

/* An IVRS with one unit; 00:05.0 makes its requests as 00:06.0, and firmware keeps memory for
 * 00:07.0. */
static void make_ivrs(uint64_t registers)
{
	memset(ivrs, 0, sizeof ivrs);
	memcpy(ivrs, "IVRS", 4);
	ivrs_size = 48 + 36 + 32;
	put(ivrs, 4, ivrs_size, 4);
	put(ivrs, 48, 0x10, 1);
	put(ivrs, 50, 36, 2);
	put(ivrs, 56, registers, 8);
	put(ivrs, 72, 0x42 | 0x28 << 8, 4);
	put(ivrs, 76, 0x30 << 8, 4);
	put(ivrs, 80, 1, 4); /* it is all functions' */
	put(ivrs, 84, 0x21, 1);
	put(ivrs, 86, 32, 2);
	put(ivrs, 88, 0x38, 2);
	put(ivrs, 100, 0x1000, 8);
	put(ivrs, 108, 0x1000, 8);
}

static void make_dmar(void)
{
	memset(dmar, 0, sizeof dmar);
	memcpy(dmar, "DMAR", 4);
	dmar_size = 48 + 16;
	put(dmar, 4, dmar_size, 4);
	put(dmar, 50, 16, 2);
	put(dmar, 56, 0xfed90000, 8);
}

static int set_up(void **state)
{
	(void)state;
	ivrs_size = dmar_size = 0;
	option_off = start_fails = attach_fails = detach_fails = overflow = false;
	remap_allowed = true;
	started = stopped = attached = flushed = rerouted = allocated = n_logged = reports = 0;
	ops = NULL;
	on = false;
	absence[0] = 0;
	log_level = LOG_DEBUG;
	memset(devices, 0, sizeof devices);
	memset(domains, 0, sizeof domains);
	memset(&others, 0, sizeof others);
	reports_lost = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (allocated)
		free(made[--allocated]);
	return 0;
}

static void begin(void)
{
	make_ivrs(0xfed80000);
	iommu_init();
	assert_true(iommu_is_on());
	n_logged = 0;
}

/* ---- whether there is one ---- */

static void absent(const char *why, unsigned lines)
{
	iommu_init();
	assert_false(iommu_is_on());
	assert_null(iommu_name());
	assert_string_equal(iommu_absence(), why);
	assert_int_equal(n_logged, lines);
	assert_false(iommu_remaps_interrupts());
	assert_false(iommu_switch(true));
	assert_false(iommu_pending());
	iommu_report();
}

static void none_is_no_error(void **state)
{
	(void)state;
	absent("the firmware's tables name none", 0);
}

static void an_option_leaves_it_alone(void **state)
{
	(void)state;
	make_ivrs(0xfed80000);
	option_off = true;
	absent("the boot option iommu=off", 0);
	assert_int_equal(started, 0);
}

static void tables_that_lie(void **state)
{
	(void)state;
	make_ivrs(0x10000);
	absent("the firmware's IVRS names an IOMMU whose registers are RAM", 1);
	n_logged = 0;
	make_ivrs(0x100000000);
	absent("the firmware's IVRS names an IOMMU whose registers are above 4 GiB", 1);
	n_logged = 0;
	make_ivrs(0xfed80001);
	absent("the firmware's IVRS names an IOMMU at an address that cannot be", 1);
	n_logged = 0;
	ivrs_size = 0;
	make_dmar();
	put(dmar, 50, 99, 2);
	absent("the firmware's DMAR has a block that overruns it", 1);
	assert_int_equal(started, 0);
}

static void one_that_does_not_start(void **state)
{
	(void)state;
	make_ivrs(0xfed80000);
	start_fails = true;
	absent("AMD-Vi does not answer", 1);
}

static void either_vendor(void **state)
{
	(void)state;
	begin();
	assert_string_equal(iommu_name(), "AMD-Vi");
	set_up(state);
	make_dmar();
	iommu_init();
	assert_true(iommu_is_on());
	assert_string_equal(iommu_name(), "VT-d");
}

static void off_and_on(void **state)
{
	(void)state;
	begin();
	assert_true(iommu_switch(true));
	assert_int_equal(started, 1);
	assert_true(iommu_switch(false));
	assert_int_equal(stopped, 1);
	assert_false(iommu_is_on());
	assert_true(iommu_switch(true));
	assert_int_equal(started, 2);
	assert_int_equal(rerouted, 2);
	iommu_switch(false);
	start_fails = true;
	assert_false(iommu_switch(true));
	assert_false(iommu_is_on());
	assert_string_equal(iommu_absence(), "AMD-Vi does not answer");
}

/* ---- devices ---- */

static void domains_end(void **state)
{
	struct iommu_domain *a, *b;

	(void)state;
	begin();
	a = iommu_domain_create("a");
	b = iommu_domain_create("b");
	assert_true(a && b && a->id != b->id);
	assert_null(iommu_domain_create("c"));
	iommu_domain_destroy(a);
	a = iommu_domain_create("a");
	assert_non_null(a);
	assert_true(iommu_map(a, 0x1000, 0x2000, 0x1000));
	assert_false(iommu_map(a, 0x1000, 0x2000, 0x1000));
	flushed = 0;
	iommu_unmap(a, 0x1000, 0x2000, 0x1000);
	assert_int_equal(flushed, 1);
	iommu_domain_destroy(a);
	iommu_domain_destroy(b);
	assert_int_equal(allocated, 0);
}

static void who_cannot_be_confined(void **state)
{
	static const struct {
		uint16_t function;
		const char *why;
	} c[] = {
	    {0x38, "cannot be confined: firmware keeps memory for its DMA"},
	    {0x200, "cannot be confined: it is behind a bridge to conventional PCI, where an IOMMU "
	            "cannot tell one device from another"},
	    {0x300, "cannot be confined: it is behind a bridge to conventional PCI, where an IOMMU "
	            "cannot tell one device from another"},
	    {0x30,
	     "cannot be confined: its requests have the ID of a device that another guest has"},
	};
	struct iommu_domain *d;
	struct iommu_device *first;
	const char *why;

	(void)state;
	begin();
	d = iommu_domain_create("a");
	first = iommu_attach(d, 0x28, &why); /* it is 00:06.0 to the IOMMU */
	assert_non_null(first);
	assert_int_equal(first->requester, 0x30);
	assert_non_null(iommu_attach(d, 0x100, &why));
	for (unsigned i = 0; i < sizeof c / sizeof c[0]; i++) {
		assert_null(iommu_attach(d, c[i].function, &why));
		assert_string_equal(why, c[i].why);
	}
	iommu_detach(first);
	assert_non_null(iommu_attach(d, 0x30, &why));
	attach_fails = true;
	assert_null(iommu_attach(d, 0x48, &why));
	attach_fails = false;
	assert_non_null(iommu_attach(d, 0x48, &why));
	assert_int_equal(attached, 3);
	iommu_domain_destroy(d);
}

/* A unit that did not answer may use its domain's tables for ever: they are not given back. */
static void a_domain_in_use_stays(void **state)
{
	struct iommu_domain *d;
	const char *why;

	(void)state;
	begin();
	d = iommu_domain_create("a");
	detach_fails = true;
	iommu_detach(iommu_attach(d, 0x48, &why));
	iommu_domain_destroy(d);
	assert_true(allocated > 0);
	assert_non_null(iommu_domain_create("b"));
	assert_null(iommu_domain_create("c")); /* the ID stays taken, too */
}

static void interrupts_have_a_bound(void **state)
{
	struct iommu_domain *d;
	struct iommu_device *device;
	struct iommu_message m;
	const char *why;

	(void)state;
	begin();
	d = iommu_domain_create("a");
	device = iommu_attach(d, 0x48, &why);
	assert_true(iommu_interrupt(device, IOMMU_INTERRUPTS - 1, 1, 0x41, &m));
	assert_int_equal(m.data, 2);
	assert_false(iommu_interrupt(device, IOMMU_INTERRUPTS, 1, 0x41, &m));
	iommu_domain_destroy(d);
}

/* ---- faults ---- */

static void faults_are_counted_and_logged(void **state)
{
	struct iommu_domain *d;
	struct iommu_device *device;
	const char *why;

	(void)state;
	begin();
	d = iommu_domain_create("web");
	device = iommu_attach(d, 0x28, &why);
	report[0] = (struct iommu_fault){.function = 0x30, .write = true, .address = 0x5000};
	report[1] = (struct iommu_fault){.function = 0x30, .address = 0x6000};
	report[2] = (struct iommu_fault){.function = 0x30, .interrupt = true};
	report[3] = (struct iommu_fault){.function = 0x1fa, .write = true};
	reports = 4;
	now += REPORT_US;
	iommu_report();
	assert_int_equal(iommu_stopped(device).writes, 1);
	assert_int_equal(iommu_stopped(device).reads, 1);
	assert_int_equal(iommu_stopped(device).interrupts, 1);
	assert_int_equal(iommu_stopped_others().writes, 1);
	assert_int_equal(n_logged, 2);
	assert_string_equal(logged[0],
	                    "AMD-Vi: device 00:06.0 of web: 3 requests stopped, the last: "
	                    "write to 5000");
	assert_string_equal(logged[1], "AMD-Vi: device 01:1f.2 of nobody: 1 requests stopped, the "
	                               "last: write to 0");
	iommu_detach(device);
	iommu_domain_destroy(d);
}

static void once_a_second(void **state)
{
	(void)state;
	begin();
	report[0] = (struct iommu_fault){.function = 0x30};
	for (unsigned ms = 0; ms < 5000; ms++) {
		reports = 1;
		overflow = true;
		now += 1000;
		iommu_report();
	}
	assert_in_range(n_logged, 4, 6);
	assert_int_equal(iommu_reports_lost(), n_logged);
	assert_int_equal(iommu_stopped_others().reads, n_logged);
}

/* Whether a function of a new guest is confined. */
static bool confined(uint16_t function)
{
	const char *why;

	return iommu_attach(iommu_domain_create("a"), function, &why) != NULL;
}

/* The DMAR's one unit is for all of segment 1. */
static void behind_no_unit_of_a_dmar(void **state)
{
	(void)state;
	make_dmar();
	put(dmar, 54, 1, 2);
	put(dmar, 52, 1, 1);
	iommu_init();
	assert_false(confined(0x18));
}

/* ... or for 00:02.0 alone. */
static void behind_another_unit_of_a_dmar(void **state)
{
	(void)state;
	make_dmar();
	dmar_size += 8;
	put(dmar, 4, dmar_size, 4);
	put(dmar, 50, 24, 2);
	put(dmar, 64, 1 | 8 << 8, 4);
	put(dmar, 68, 0x00020000, 4); /* id 0, bus 0, path 02.0 */
	iommu_init();
	assert_true(confined(0x10));
	assert_false(confined(0x18));
}

/* An IVRS whose entries name 00:05.0 alone. */
static void behind_no_unit_of_an_ivrs(void **state)
{
	(void)state;
	make_ivrs(0xfed80000);
	put(ivrs, 80, 0, 4);
	iommu_init();
	assert_false(confined(0x48));
}

/* Its table would stand where the I/O APIC's is. */
static void the_ioapics_function_is_refused(void **state)
{
	(void)state;
	make_ivrs(0xfed80000);
	put(ivrs, 72, 0x48, 4);
	put(ivrs, 76, 0x0100a000, 4); /* handle 0, 00:14.0, I/O APIC */
	iommu_init();
	assert_int_equal(tables.sources, 1);
	assert_int_equal(tables.source[0].function, 0xa0);
	assert_false(confined(0xa0));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(none_is_no_error),
	    T(an_option_leaves_it_alone),
	    T(tables_that_lie),
	    T(one_that_does_not_start),
	    T(either_vendor),
	    T(off_and_on),
	    T(domains_end),
	    T(who_cannot_be_confined),
	    T(a_domain_in_use_stays),
	    T(interrupts_have_a_bound),
	    T(faults_are_counted_and_logged),
	    T(once_a_second),
	    T(behind_no_unit_of_a_dmar),
	    T(behind_another_unit_of_a_dmar),
	    T(behind_no_unit_of_an_ivrs),
	    T(the_ioapics_function_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
