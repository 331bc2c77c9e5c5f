/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of a description against a machine, and the message of each refusal. */
#include "tests/unit/rig/config_text.h"
#include "vmm/fit.h"

static struct fit_machine m;
static const char network, alice; /* owners: who polls, and a guest that runs */

static bool has_module(const char *name)
{
	return name[0] == 'k';
}

static const char *pci_unfit(uint16_t function)
{
	return function == 0x18 ? NULL : "is not there";
}

/* `cores` threads, 1 << bits to a physical core; every guest is new. */
static void machine(unsigned cores, unsigned bits)
{
	m = (struct fit_machine){
	    .poller = &network, .has_module = has_module, .pci_unfit = pci_unfit};
	m.place.cores = cores;
	m.place.smt_bits = bits;
	for (unsigned i = 0; i < cores; i++)
		m.place.core[i].apic_id = i;
}

/* The text is taken by the parser; does it fit the machine?  NULL: yes. */
static const char *check(const char *text)
{
	static char why[256];
	struct config *c = new_config();
	bool fits;

	accept_text(c, text);
	fits = fit_check(&m, config_live(c), why, sizeof why);
	free(c);
	return fits ? NULL : why;
}

static void fits(const char *text)
{
	const char *why = check(text);

	if (why)
		fail_msg("%s: %s", text, why);
}

static void refused(const char *text, const char *message)
{
	const char *why = check(text);

	assert_string_equal(why ? why : "taken", message);
}

static void test_modules(void **state)
{
	(void)state;
	machine(4, 0);
	fits("guest a kernel k initrd k2 module k3 module k4\n");
	refused("guest a kernel k\nguest b kernel gone\n",
	        "line 2: guest b: no boot module is called gone: load it beside the image");
	refused("guest a kernel k initrd gone\n",
	        "line 1: guest a: no boot module is called gone: load it beside the image");
	refused("guest a kernel k module k module gone\n",
	        "line 1: guest a: no boot module is called gone: load it beside the image");
	m.has_module = NULL;
	fits("guest a kernel gone\n");
}

static void test_devices(void **state)
{
	(void)state;
	machine(4, 0);
	fits("guest a kernel k pci 00:03.0\n");
	refused("guest a kernel k pci 00:04.1\n", "line 1: guest a: device 00:04.1 is not there");
	refused("guest a kernel k pci 00:03.0 memory 16M\n",
	        "line 1: guest a: with a PCI device it needs more than 16 MiB");
	m.confines = true;
	fits("guest a kernel k memory 16M pci 00:03.0\n");
	m.confines = false;
	m.pci_unfit = NULL;
	fits("guest a kernel k pci 00:04.1\n");
}

static void test_groups(void **state)
{
	static const char two[] = "guest a kernel k memory 255G\nguest b kernel k memory 256G\n";
	char text[200];

	(void)state;
	machine(4, 0);
	snprintf(text, sizeof text, "%sgroup m memory 32G members a\n", two);
	fits(text);
	snprintf(text, sizeof text, "%sgroup m memory 4M members a b\n", two);
	refused(text, "line 3: group m: guest b has 262144 MiB; a member has 261120 MiB at most");
	fits("guest a kernel k memory 256G pci 00:03.0\ngroup m memory 4M members a\n");
	machine(4, 0);
	m.address_bits = 39;
	fits("guest a kernel k\ngroup m memory 4M members a\n");
	m.address_bits = 38;
	refused("guest a kernel k\ngroup m memory 4M members a\n",
	        "line 2: group m: it needs 39 bits of a physical address; this CPU has 38");
	fits("guest a kernel k\n");
}

static void test_cores_there(void **state)
{
	(void)state;
	machine(2, 0);
	refused("guest a kernel k cpus 3\n", "line 1: guest a: 3 vCPUs, but the node has 2 cores");
	refused("guest a kernel k core 2\n", "line 1: guest a: the node has no core 2 (0 to 1)");
	refused("move poll core 2\n", "move poll: the node has no core 2 (0 to 1)");
	machine(0, 0); /* not known */
	fits("guest a kernel k cpus 3\nguest b kernel k core 7\nmove poll core 9\n");
}

/* Two that start by themselves and one core: the second is refused before the first is made. */
static void test_cores_free(void **state)
{
	const char *three = "guest a kernel k\nguest b kernel k\n\nguest c kernel k\n";

	(void)state;
	machine(2, 0);
	refused(three, "line 4: guest c: no free core for vCPU 0 (the node has 2)");
	machine(3, 0);
	fits(three);
	machine(2, 0);
	fits("guest a kernel k cpus 2\nguest b kernel k autostart no\n");
	machine(2, 0);
	refused("guest a kernel k\nmove poll core 0\nguest b kernel k\n",
	        "line 3: guest b: no free core for vCPU 0 (the node has 2)");
}

/* A named core that another guest was given, which names none. */
static void test_core_taken(void **state)
{
	(void)state;
	machine(4, 0);
	m.place.core[2].owner = &alice;
	m.guest[0] = FIT_REST;
	refused("guest alice kernel k\nguest b kernel k core 2\n",
	        "line 2: guest b: core 2 runs another guest");
	machine(4, 0);
	m.place.core[2].owner = &alice;
	m.guest[0] = FIT_REST;
	fits("guest alice kernel k\nguest b kernel k core 2 autostart no\n");
	machine(4, 0);
	m.place.core[2].owner = &alice;
	refused("move poll core 2\n", "move poll: core 2 runs a guest");
	machine(4, 0); /* one that was there before may find none: that is not this text's doing */
	m.place.core[2].owner = &alice;
	m.guest[0] = FIT_START;
	fits("guest b kernel k core 2\nguest c kernel k core 3\n");
}

/* The core that polled until now is free, and the new one is not. */
static void test_poller_moves(void **state)
{
	(void)state;
	machine(3, 0);
	m.place.core[2].owner = &network;
	fits("move poll core 1\nguest a kernel k core 2\nguest b kernel k core 0\n");
	machine(3, 0);
	m.place.core[2].owner = &network;
	refused("move poll core 2\nguest a kernel k cpus 2\nguest b kernel k\n",
	        "line 3: guest b: no free core for vCPU 0 (the node has 3)");
}

static void test_siblings(void **state)
{
	const char *thread = "line 2: guest b: core 1 is a thread of a physical core that another "
	                     "guest or the poll core has a part of: choose another, or say `smt "
	                     "share`";

	(void)state;
	machine(4, 1);
	refused("guest a kernel k core 0\nguest b kernel k core 1\n", thread);
	machine(4, 1);
	refused("move poll core 0\nguest b kernel k core 1\n", thread);
	machine(4, 1);
	fits("smt share\nguest a kernel k core 0\nguest b kernel k core 1\n");
	machine(4, 1);
	fits("guest a kernel k core 0,1\nguest b kernel k core 2\n");
	machine(4, 1);
	refused("guest a kernel k\nguest b kernel k\nguest c kernel k\n",
	        "line 3: guest c: no core for vCPU 0: those that are free are threads of physical "
	        "cores that others have a part of (`smt share` allows that)");
	machine(4, 1);
	m.place.core[0].owner = &alice;
	refused("move poll core 1\n",
	        "move poll: core 1 is a thread of the same physical core as 0, which runs a guest: "
	        "choose another, or say `smt share`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_modules),      cmocka_unit_test(test_devices),
	    cmocka_unit_test(test_groups),       cmocka_unit_test(test_cores_there),
	    cmocka_unit_test(test_cores_free),   cmocka_unit_test(test_core_taken),
	    cmocka_unit_test(test_poller_moves), cmocka_unit_test(test_siblings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
