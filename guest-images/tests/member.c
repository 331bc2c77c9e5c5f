/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A member of a group with a port there: a network function on netlib.  how=generate sends frames=
 * (100) of 200 bytes to mac=; how=filter lets UDP port 53 pass, how=forward routes to mac=,
 * how=relay changes nothing, and each sends on to the member to=, out of its chain with out=1, or
 * by the switch without either; with back=1 the relay sends frames back to where they came from.
 * how=count counts until there were frames=.  All but the generator sleep while no frames come, and
 * all but generator and counter serve until they were stopped.  how=break breaks each rule, and
 * goes on.
 */
#include <stdatomic.h>
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/map.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/trap.h"
#include "guest-images/lib/virtio.h"
#include "guest-images/lib/vnic.h"
#include "guest-images/netlib/functions.h"

#define VECTOR      0x72
#define TICK_VECTOR 0x71
#define TICK        20000000             /* timer ticks: some 20 ms; sleep ends by it, too */
#define LENGTH      200                  /* of a frame */
#define NOTE        0x6c6c6177656c6966ul /* what the filter tells of a frame that it let pass */

static struct netlib lib;
static uint16_t io;
static uint64_t region_at, interrupts;

static void doorbell(void *ctx)
{
	(void)ctx;
	outw((uint16_t)(io + SHM_IO_DOORBELL), 0);
}

static void interrupted(void)
{
	interrupts++;
	lapic_eoi();
}

static void sleep(void *ctx)
{
	(void)ctx;
	irq_off();
	/* It may have come since the look at the ring. */
	if (atomic_load(&lib.shared->in.head) == lib.in_tail)
		irq_wait();
	irq_on();
}

static bool wait_for_frames(void)
{
	uint64_t begin = rdtsc();

	while (!netlib_wait(&lib, sleep, NULL))
		if (rdtsc() - begin > netguest_patience())
			return false;
	return true;
}

static uint64_t read_wide(unsigned off)
{
	return inl((uint16_t)(io + off)) | (uint64_t)inl((uint16_t)(io + off + 4)) << 32;
}

/* The one vector. */
static void set_interrupt(uint16_t bdf)
{
	struct guest_virtio v = {.bus = &guest_bus,
	                         .bdf = bdf,
	                         .msix_table = pci_bar(bdf, SHM_BAR_MSIX, &(bool){false}),
	                         .msix_cap = pci_cap(bdf, PCI_CAP_MSIX),
	                         .msix_entries = 1};

	trap_set(VECTOR, interrupted);
	check(guest_virtio_msix(&v, 0, msi_address(lapic_id()), VECTOR), "msix", "it has none");
}

static void start(void)
{
	const char *error;

	outl((uint16_t)(io + SHM_IO_STATUS), SHM_START);
	error = netlib_open(&lib, lib.shared, (void *)region_at, read_wide(SHM_IO_REGION_LEN),
	                    doorbell, NULL);
	check(!error && netlib_running(&lib), "open", "%s", error ? error : "it does not run");
}

static void open_port(void)
{
	uint16_t bdf = pci_find(SHM_PCI_VENDOR, SHM_PCI_DEVICE, 0);
	bool is_io = false;

	if (!check(bdf != PCI_NONE, "device", "there is none"))
		done();
	pci_enable(bdf);
	io = (uint16_t)pci_bar(bdf, SHM_BAR_IO, &is_io);
	lib.shared = (struct shm_private *)pci_bar(bdf, SHM_BAR_PRIVATE, &is_io);
	region_at = read_wide(SHM_IO_REGION);
	map_gib(region_at);
	lapic_init(false);
	trap_set(TICK_VECTOR, lapic_eoi);
	lapic_timer(TICK_VECTOR, LVT_PERIODIC, TICK);
	set_interrupt(bdf);
	irq_on();
	start();
}

/* Where frames go from here. */
static struct netlib_onward onward(void)
{
	char name[SHM_NAME];
	int to;

	if (mb_number("out", 0))
		return (struct netlib_onward){SHM_OUT, 0};
	if (!mb_option("to", name, sizeof name))
		return (struct netlib_onward){SHM_NEXT, 0};
	to = netlib_member(&lib, name);
	check(to >= 0, "to", "no member %s", name);
	return (struct netlib_onward){SHM_TO, (uint8_t)to};
}

/* ---- the ends ---- */

static void generate(uint64_t frames)
{
	struct netlib_generator g = {
	    .src_ip = 0x0a000001, .dst_ip = 0x0a000002, .src_port = 1000, .length = LENGTH};

	g.onward = onward();
	memcpy(g.src, lib.mac, 6);
	mb_mac("mac", g.dst);
	while (g.sent < frames) {
		g.dst_port = (uint16_t)(52 + g.sent % 2);
		netlib_generate(&lib, &g, 1);
	}
	while (atomic_load(&lib.shared->out.tail) != lib.out_head)
		cpu_pause();
	check(netlib_running(&lib), "sent", "the port has stopped");
}

struct counting {
	struct netlib_counter counter;
	uint64_t next, wrong; /* serial number */
	bool filtered;
};

static void count_burst(void *state, struct netlib_frame *frame, unsigned count)
{
	struct counting *c = state;

	for (unsigned i = 0; i < count; i++) {
		uint64_t serial = 0;

		c->wrong += !netlib_serial(&frame[i], &serial) || serial < c->next ||
		            frame[i].length != LENGTH;
		c->wrong += c->filtered && *(uint64_t *)netlib_notes(&lib, &frame[i]) != NOTE;
		c->next = serial + 1;
	}
	netlib_count(&c->counter, frame, count);
}

static void count(uint64_t frames)
{
	struct counting c = {.counter = {.onward = {SHM_DROP, 0}},
	                     .filtered = mb_number("filtered", 0)};
	struct netlib_frame burst[NETLIB_BURST];

	while (c.counter.frames < frames && wait_for_frames()) {
		unsigned n = netlib_receive(&lib, burst, NETLIB_BURST);

		count_burst(&c, burst, n);
		netlib_send(&lib, burst, n);
	}
	check(c.counter.frames == frames, "count", "%lu frames", c.counter.frames);
	check(c.counter.bytes == LENGTH * frames, "bytes", "%lu", c.counter.bytes);
	check(!c.wrong, "order", "%lu are wrong", c.wrong);
	check(interrupts > 0, "interrupts", "none");
}

/* ---- functions ---- */

static void serve(netlib_function *function, void *state)
{
	print("serves\n");
	for (;;) {
		netlib_wait(&lib, sleep, NULL);
		while (netlib_serve(&lib, function, state))
			;
	}
}

static void filter_burst(void *state, struct netlib_frame *frame, unsigned count)
{
	netlib_filter(state, frame, count);
	for (unsigned i = 0; i < count; i++)
		*(uint64_t *)netlib_notes(&lib, &frame[i]) = NOTE;
}

static void filter(void)
{
	static struct netlib_firewall w;

	w.onward = onward();
	w.rules = 1;
	w.rule[0] = (struct netlib_rule){.version = 4,
	                                 .dst = {{10}, 8},
	                                 .protocol = 17,
	                                 .port_low = 53,
	                                 .port_high = 53,
	                                 .pass = true};
	serve(filter_burst, &w);
}

static void forward(void)
{
	static struct netlib_forwarder f;

	f.onward = onward();
	memcpy(f.mac, lib.mac, 6);
	f.hops = 1;
	mb_mac("mac", f.hop[0].mac);
	serve(netlib_forward, &f);
}

static void relay(void)
{
	static struct netlib_relay r;

	r.onward = onward();
	r.back = mb_number("back", 0);
	serve(netlib_relay_frames, &r);
}

/* ---- misuse ---- */

static void broken(struct shm_desc d, uint32_t head, unsigned rule)
{
	struct shm_private *s = lib.shared;

	s->out_ring[lib.out_head & lib.mask] = d;
	atomic_store(&s->out.head, lib.out_head + head);
	doorbell(NULL);
	check(inl((uint16_t)(io + SHM_IO_STATUS)) == SHM_BROKEN, "broken", "rule %u", rule);
	check(atomic_load(&s->status) == SHM_BROKEN, "status", "rule %u", rule);
	outl((uint16_t)(io + SHM_IO_STATUS), 0);
	start();
}

static void break_rules(void)
{
	struct netlib_frame f;
	uint32_t own;

	broken((struct shm_desc){.at = lib.buffers * SHM_BUFFER, .length = 60}, 1, 0);
	/* It has exchanged none yet: the first buffer is another member's. */
	broken((struct shm_desc){.at = 0, .length = 60}, 1, 1);
	netlib_take(&lib, &f, 1);
	own = (uint32_t)(f.data - lib.buffer);
	broken((struct shm_desc){.at = own, .length = SHM_BUFFER}, 1, 2);
	netlib_take(&lib, &f, 1);
	own = (uint32_t)(f.data - lib.buffer);
	broken((struct shm_desc){.at = own, .length = 60, .action = SHM_OUT + 1}, 1, 3);
	broken((struct shm_desc){.at = 0}, lib.mask + 2, 4);
	check(netlib_take(&lib, &f, 1) == 1, "after", "no buffer");
	f.length = 60;
	f.action = SHM_DROP;
	netlib_send(&lib, &f, 1);
	check(netlib_running(&lib), "runs", "it does not");
}

void guest_main(void)
{
	char how[16] = "count";

	mb_option("how", how, sizeof how);
	print("member: %s\n", how);
	open_port();
	if (!strcmp(how, "generate"))
		generate(mb_number("frames", 100));
	else if (!strcmp(how, "count"))
		count(mb_number("frames", 100));
	else if (!strcmp(how, "filter"))
		filter();
	else if (!strcmp(how, "forward"))
		forward();
	else if (!strcmp(how, "relay"))
		relay();
	else if (!strcmp(how, "break"))
		break_rules();
	else
		check(false, "how", "'%s' is not known", how);
	done();
}
