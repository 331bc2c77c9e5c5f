/* SPDX-License-Identifier: BSD-2-Clause */
/* Which functions lose bus mastering at boot, on a model of configuration space. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/pci_quiet.c"

#define FUNCTIONS 16

static struct function {
	uint16_t bdf, class, command;
	uint8_t header, secondary;
	bool stuck; /* its bit cannot be cleared */
} function[FUNCTIONS];
static unsigned n;

static struct function *at(uint16_t bdf)
{
	for (unsigned i = 0; i < n; i++)
		if (function[i].bdf == bdf)
			return &function[i];
	return NULL;
}

uint32_t pci_read(uint16_t bdf, uint8_t reg, unsigned size)
{
	const struct function *f = at(bdf);

	if (!f)
		return size == 1 ? 0xff : 0xffff;
	switch (reg) {
	case 0:
		return 0x8086;
	case PCI_COMMAND:
		return f->command;
	case PCI_CLASS:
		return f->class;
	case PCI_HEADER:
		return f->header;
	case PCI_SECONDARY:
		return f->secondary;
	}
	fail_msg("register %02x", reg);
	return 0;
}

void pci_write(uint16_t bdf, uint8_t reg, unsigned size, uint32_t v)
{
	struct function *f = at(bdf);

	assert_non_null(f);
	assert_int_equal(reg, PCI_COMMAND);
	assert_int_equal(size, 2);
	if (!f->stuck)
		f->command = (uint16_t)v;
}

static struct function *add(unsigned bus, unsigned device, unsigned fn, uint16_t class)
{
	function[n] = (struct function){
	    .bdf = (uint16_t)(bus << 8 | device << 3 | fn), .class = class, .command = 7};
	return &function[n++];
}

static struct function *bridge(unsigned bus, unsigned device, uint8_t secondary)
{
	struct function *f = add(bus, device, 0, 0x0604);

	f->header = HEADER_PCI;
	f->secondary = secondary;
	return f;
}

static int set_up(void **state)
{
	(void)state;
	n = 0;
	return 0;
}

static void test_kinds(void **state)
{
	struct function *host = add(0, 0, 0, 0x0600), *isa = add(0, 1, 0, 0x0601);
	struct function *ide, *usb, *iommu, *off, *stuck, *hidden;
	struct pci_masters m;

	(void)state;
	isa->header = HEADER_MULTI;
	ide = add(0, 1, 1, 0x0101);
	usb = add(0, 1, 7, 0x0c03);
	iommu = add(0, 2, 0, 0x0806);
	off = add(0, 3, 0, 0x0200);
	stuck = add(0, 4, 0, 0x0300);
	hidden = add(0, 4, 1, 0x0200);
	off->command = 3;
	stuck->stuck = true;
	m = pci_masters_off();
	assert_int_equal(m.functions, 7); /* no function 1 where 0 is the only one */
	assert_int_equal(m.turned_off, 2);
	assert_int_equal(m.refused, 1);
	assert_int_equal(ide->command, 3); /* memory and ports still answer */
	assert_int_equal(usb->command, 3);
	assert_int_equal(off->command, 3);
	assert_int_equal(host->command & isa->command & iommu->command & hidden->command, 7);
}

/* Bridges keep theirs; one that points back, or at itself, is no endless way. */
static void test_bridges(void **state)
{
	struct function *b = bridge(0, 1, 5), *deep = bridge(5, 0, 200);
	struct function *nic, *unreached;
	struct pci_masters m;

	(void)state;
	bridge(200, 31, 0);
	bridge(200, 30, 200);
	bridge(0, 2, 5);
	nic = add(200, 3, 0, 0x0200);
	unreached = add(7, 0, 0, 0x0200);
	m = pci_masters_off();
	assert_int_equal(m.functions, 6);
	assert_int_equal(m.turned_off, 1);
	assert_int_equal(nic->command, 3);
	assert_int_equal(b->command & deep->command & unreached->command, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_kinds, set_up),
	    cmocka_unit_test_setup(test_bridges, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
