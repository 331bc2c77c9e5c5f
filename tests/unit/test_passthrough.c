/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's list of physical devices: each is added, reset and removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/passthrough/passthrough.c"
#include "vmm/passthrough/confine.c"
#include "vmm/passthrough/irq.c"

#define FUNCTIONS 6
#define BDF(i)    ((uint16_t)((i) << 3))
#define NO_BAR    5 /* the function without a BAR that can be given */

enum log_level log_level = LOG_ERROR;
static enum log_level logged;
static struct vm vm;
static unsigned made, begun[FUNCTIONS], ended[FUNCTIONS], pins_off[FUNCTIONS];
static uint32_t commands[FUNCTIONS];
static char why[128];

/* ---- the machine, and the files beside ---- */

uint32_t pci_read(uint16_t bdf, uint8_t reg, unsigned size)
{
	unsigned i = bdf >> 3;

	if (i >= FUNCTIONS)
		return ~0u >> (32 - 8 * size);
	return reg == 0 ? 0x10000u * i + 0x8086 : reg == PCI_COMMAND ? commands[i] : 0;
}

void pci_write(uint16_t bdf, uint8_t reg, unsigned size, uint32_t v)
{
	assert_int_equal(reg, PCI_COMMAND);
	assert_int_equal(size, 2);
	commands[bdf >> 3] = v;
}

uint8_t pci_find_cap(uint16_t bdf, uint8_t id)
{
	(void)bdf, (void)id;
	return 0;
}

void *mem_zalloc(size_t size)
{
	made++;
	return calloc(1, size);
}

void mem_zfree(void *mem, size_t size)
{
	(void)size;
	made--;
	free(mem);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)fmt;
	logged = level;
}

void passthrough_bars_read(struct passthrough *p)
{
	(void)p;
}

bool passthrough_bars_add(struct passthrough *p)
{
	vpci_bar_init(&p->dev, 0, VPCI_BAR_MEM, 4096);
	p->own = VPCI_CMD_MEM | VPCI_CMD_MASTER;
	return p->bdf != BDF(NO_BAR);
}

bool passthrough_bars_map(const struct passthrough *p)
{
	(void)p;
	return true;
}

void passthrough_bars_reset(struct passthrough *p)
{
	(void)p;
}

void passthrough_bar_write(struct passthrough *p, unsigned i, unsigned size, uint32_t val)
{
	(void)p, (void)i, (void)size, (void)val;
}

void passthrough_bar_access(struct vpci_dev *d, unsigned bar, uint32_t off, unsigned size,
                            bool write, uint64_t *val)
{
	(void)d, (void)bar, (void)off, (void)size, (void)write, (void)val;
}

void passthrough_pin_init(struct passthrough *p)
{
	(void)p;
}

void passthrough_pin_off(struct passthrough *p, enum pin_user user)
{
	(void)user;
	pins_off[p->bdf >> 3]++;
}

void passthrough_msi_init(struct passthrough *p)
{
	(void)p;
}

void passthrough_msi_written(struct passthrough *p)
{
	(void)p;
}

void passthrough_msi_off(struct passthrough *p)
{
	(void)p;
}

bool passthrough_msix_init(struct passthrough *p)
{
	(void)p;
	return true;
}

void passthrough_msix_written(struct passthrough *p)
{
	(void)p;
}

void passthrough_msix_off(struct passthrough *p)
{
	(void)p;
}

void passthrough_msix_free(struct passthrough *p)
{
	(void)p;
}

void passthrough_reset_save(struct passthrough *p)
{
	(void)p;
}

void passthrough_reset_begin(struct passthrough *p)
{
	begun[p->bdf >> 3]++;
	p->reset_us = 1;
}

void passthrough_reset_end(struct passthrough *p)
{
	ended[p->bdf >> 3]++;
	p->reset_us = 0;
}

/* ---- the IOMMU ---- */

struct iommu_domain {
	uint64_t bytes;
};

#define RAM (64ul << 20)

static bool iommu_on, iommu_remaps, iommu_full;
static struct iommu_domain domain;
static unsigned domains, attached_to_iommu, maps_left, interrupts_blocked;
static struct iommu_device device[PASSTHROUGH_MAX];

bool iommu_is_on(void)
{
	return iommu_on;
}

bool iommu_remaps_interrupts(void)
{
	return iommu_remaps;
}

const char *iommu_name(void)
{
	return iommu_on ? "model" : NULL;
}

const char *iommu_absence(void)
{
	return "there is none";
}

struct iommu_domain *iommu_domain_create(const char *owner)
{
	(void)owner;
	domains++;
	domain.bytes = 0;
	return &domain;
}

bool iommu_domain_destroy(struct iommu_domain *d)
{
	assert_ptr_equal(d, &domain);
	assert_int_equal(attached_to_iommu, 0);
	domains--;
	return true;
}

bool iommu_map(struct iommu_domain *d, uint64_t at, uint64_t to, uint64_t size)
{
	(void)at, (void)to;
	if (!maps_left)
		return false;
	maps_left--;
	d->bytes += size;
	return true;
}

bool iommu_unmap(struct iommu_domain *d, uint64_t at, uint64_t to, uint64_t size)
{
	(void)at, (void)to;
	d->bytes -= size;
	return true;
}

struct iommu_device *iommu_attach(struct iommu_domain *d, uint16_t function, const char **why_not)
{
	assert_int_equal(d->bytes, RAM);
	assert_int_equal(commands[function >> 3] & VPCI_CMD_MASTER, 0);
	*why_not = iommu_full ? "cannot be confined" : NULL;
	return iommu_full ? NULL : &device[attached_to_iommu++];
}

void iommu_detach(struct iommu_device *d)
{
	(void)d;
	attached_to_iommu--;
}

bool iommu_interrupt(struct iommu_device *d, unsigned n, uint32_t apic_id, uint8_t vector,
                     struct iommu_message *m)
{
	*m = (struct iommu_message){0x1000 + n, apic_id << 8 | vector};
	return d && n < 2;
}

void iommu_interrupts_off(struct iommu_device *d)
{
	(void)d;
	interrupts_blocked++;
}

struct iommu_stopped iommu_stopped(const struct iommu_device *d)
{
	return d->stopped;
}

unsigned vm_memory_pieces(const struct guest_config *g, bool identity, uint64_t hpa,
                          struct vm_piece piece[2])
{
	(void)g, (void)identity;
	piece[0] = (struct vm_piece){0, hpa, RAM / 4};
	piece[1] = (struct vm_piece){RAM / 4, hpa + RAM / 4, RAM - RAM / 4};
	return 2;
}

struct vcpu *vapic_target(struct vm *v, uint32_t dest, bool logical)
{
	(void)v, (void)dest, (void)logical;
	return NULL;
}

static void no_msi(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

/* ---- */

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof vm);
	memset(begun, 0, sizeof begun);
	memset(ended, 0, sizeof ended);
	memset(pins_off, 0, sizeof pins_off);
	memset(commands, 0, sizeof commands);
	made = 0;
	iommu_on = iommu_remaps = iommu_full = false;
	domains = attached_to_iommu = interrupts_blocked = 0;
	maps_left = 100;
	memset(device, 0, sizeof device);
	log_level = LOG_DEBUG;
	vpci_init(&vm.pci, no_msi, &vm);
	return 0;
}

static bool attached(unsigned i)
{
	return passthrough_attach(&vm, BDF(i), why, sizeof why);
}

static void each_has_a_place_of_its_own(void **state)
{
	unsigned n;

	(void)state;
	assert_null(vm.passthrough);
	for (unsigned i = 0; i < PASSTHROUGH_MAX; i++)
		assert_true(attached(i));
	n = 0;
	for (struct passthrough *p = vm.passthrough; p; p = p->next, n++) {
		assert_int_equal(p->bdf, BDF(n));
		assert_int_equal(p->index, n);
		assert_ptr_equal(vm.pci.dev[PASSTHROUGH_SLOT - n], &p->dev);
		assert_int_equal(vpci_get(p->dev.cfg, 2, 2), n);
	}
	assert_int_equal(n, PASSTHROUGH_MAX);
	assert_false(attached(PASSTHROUGH_MAX));
	assert_string_equal(why, "guest : device 00:04.0 is one more than a guest can have");
	assert_int_equal(made, PASSTHROUGH_MAX);
	passthrough_detach(&vm);
	assert_int_equal(made, 0);
}

/* One that cannot be given leaves those that were. */
static void a_failure_leaves_the_others(void **state)
{
	(void)state;
	assert_true(attached(1));
	assert_false(attached(NO_BAR));
	assert_string_equal(why, "guest : device 00:05.0 has no memory BAR that can be given to "
	                         "the guest");
	assert_false(attached(FUNCTIONS));
	assert_string_equal(why, "guest : device 00:06.0 is not there");
	assert_true(attached(2));
	assert_int_equal(vm.passthrough->next->index, 1);
	assert_null(vm.passthrough->next->next);
	passthrough_detach(&vm);
	assert_int_equal(made, 0);
}

/* A guest that is gone, and starts again, and is taken away: each of its devices is quiet, reset
 * once, and has its bus mastering no more. */
static void all_are_reset_and_quiet(void **state)
{
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(attached(i));
	for (unsigned i = 0; i < 3; i++)
		commands[i] = VPCI_CMD_MASTER | VPCI_CMD_MEM;
	passthrough_quiesce(&vm);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(begun[i], 1);
		assert_int_equal(commands[i], VPCI_CMD_MEM);
	}
	passthrough_ready(&vm);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(ended[i], 1);
	before = pins_off[2];
	passthrough_detach(&vm);
	assert_int_equal(pins_off[2], before + 1);
	assert_null(vm.passthrough);
	passthrough_quiesce(&vm); /* of none: nothing happens */
	passthrough_ready(&vm);
	assert_int_equal(begun[0] + begun[1] + begun[2], 3);
}

/* All of a guest's devices are in one domain, which is its memory and what it has in common. */
static void an_iommu_confines_them(void **state)
{
	(void)state;
	iommu_on = iommu_remaps = true;
	assert_true(attached(0));
	assert_int_equal(logged, LOG_INFO);
	assert_true(attached(1));
	assert_int_equal(domains, 1);
	assert_int_equal(attached_to_iommu, 2);
	assert_true(passthrough_share(&vm, RAM, RAM, RAM));
	assert_int_equal(domain.bytes, 2 * RAM);
	passthrough_unshare(&vm, RAM, RAM, RAM);
	interrupts_blocked = 0;
	passthrough_quiesce(&vm); /* before its cores are another's */
	assert_int_equal(interrupts_blocked, 2);
	passthrough_ready(&vm);
	passthrough_detach(&vm);
	assert_int_equal(domains + attached_to_iommu + made, 0);
}

static void what_cannot_be_confined_is_refused(void **state)
{
	(void)state;
	iommu_on = true;
	iommu_full = true;
	assert_false(attached(0));
	assert_string_equal(why, "guest : device 00:00.0 cannot be confined");
	iommu_full = false;
	for (maps_left = 0; maps_left < 2;) {
		unsigned left = maps_left;

		passthrough_detach(&vm);
		assert_false(attached(0));
		maps_left = left + 1;
	}
	passthrough_detach(&vm);
	assert_int_equal(domains + attached_to_iommu + made, 0);
	assert_false(attached(NO_BAR));
	assert_int_equal(attached_to_iommu, 0);
	passthrough_detach(&vm);
	assert_int_equal(domains, 0);
}

/* Without an IOMMU, or where it does not remap interrupts, the log warns. */
static void a_risk_is_named(void **state)
{
	(void)state;
	assert_true(attached(0));
	assert_int_equal(logged, LOG_WARN);
	assert_true(passthrough_share(&vm, RAM, RAM, RAM));
	assert_int_equal(domains, 0);
	iommu_on = true;
	assert_true(attached(1));
	assert_int_equal(logged, LOG_WARN);
	passthrough_detach(&vm);
}

static void messages(void **state)
{
	const struct irq_target t = {3, 0x41};
	struct passthrough p = {.vm = &vm};
	struct iommu_message m;

	(void)state;
	iommu_on = true;
	assert_true(passthrough_send(&p, 1, &t, &m));
	assert_int_equal(m.address, 0xfee00000 | 3 << 12);
	assert_int_equal(m.data, 0x41);
	p.iommu = &device[0];
	assert_true(passthrough_send(&p, 1, &t, &m)); /* no remapping */
	assert_int_equal(m.data, 0x41);
	iommu_remaps = true;
	assert_true(passthrough_send(&p, 1, &t, &m));
	assert_int_equal(m.address, 0x1001);
	assert_false(passthrough_send(&p, 2, &t, &m));
	assert_true(p.complained);
}

static void counters(void **state)
{
	char name[64];
	uint64_t value;

	(void)state;
	iommu_on = true;
	assert_false(passthrough_counter(&vm, 0, name, sizeof name, &value));
	assert_true(attached(0));
	assert_true(attached(1));
	device[1].stopped = (struct iommu_stopped){1, 2, 3};
	assert_true(passthrough_counter(&vm, 4, name, sizeof name, &value));
	assert_string_equal(name, "device.00:01.0.stopped_writes");
	assert_int_equal(value, 2);
	assert_false(passthrough_counter(&vm, 6, name, sizeof name, &value));
	passthrough_detach(&vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(each_has_a_place_of_its_own, setup),
	    cmocka_unit_test_setup(a_failure_leaves_the_others, setup),
	    cmocka_unit_test_setup(all_are_reset_and_quiet, setup),
	    cmocka_unit_test_setup(an_iommu_confines_them, setup),
	    cmocka_unit_test_setup(what_cannot_be_confined_is_refused, setup),
	    cmocka_unit_test_setup(a_risk_is_named, setup),
	    cmocka_unit_test_setup(messages, setup),
	    cmocka_unit_test_setup(counters, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
