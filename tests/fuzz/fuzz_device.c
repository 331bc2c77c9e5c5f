/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_device.c: a guest with two network devices and a console on its PCI bus, used from two vCPUs
 * and from the VMM's side, through nothing but port and memory accesses, its own memory, and what
 * control may call.  Its devices are started properly where the input says so, that it gets behind
 * the first checks.
 *
 * The steps are one after the other, so that an input repeats itself; a step that the input marks
 * runs at the same time as the next one, on a second thread that stays there.  What two threads may
 * do to each other unordered, the thread sanitizer looks for in tests/unit/test_*_threads.c.
 * Afterwards no lock may be held, and nothing outside of the guest's memory was touched (the
 * address sanitizer).  A device that lost bus mastering while it ran, or broke, takes nothing from
 * its rings and sends no interrupt for them until it is reset.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/arena.h"
#include "drivers/virtio/virtio_console.h"
#include "drivers/virtio/virtio_net.h"
#include "drivers/bus/vpci.h"

#define NETS        2
#define DEVICES     3 /* the last is the console; device i is in slot i + 1 */
#define LOW         0x4000u
#define HIGH_GPA    0x100000u
#define HIGH        0x20000u
#define QUEUE(d, q) (HIGH_GPA + 0x2000u * (2u * (d) + (q))) /* where a ring starts */
#define NUM         16
#define HELD        4 /* frames that wait outside, at most */

/* All that a step changes, but the switch; an input begins with a copy. */
struct world {
	struct vpci bus;
	struct gmem mem;
	struct virtio_net net[NETS];
	struct virtio_console console;
	struct vnet_held held[HELD];
};
static struct world world, image;
static uint8_t low[LOW], high[HIGH];
static struct vnet *v;
static struct vnet_port *port[NETS];
static _Thread_local unsigned this_thread; /* also the number of its core */

/* How far each device is: as it was before a step, and after it. */
struct progress {
	bool running, lost; /* lost: it needs a reset */
	uint64_t resets, losses;
	struct place {
		uint16_t next, shown;
	} ring[2];
};

/* One access or call; its bytes are its own, so that two may run at once. */
struct step {
	uint8_t op, a, b, c;
	uint32_t value;
};

static struct virtio_pci *device(unsigned d)
{
	return d < NETS ? &world.net[d].v : &world.console.v;
}

static void msi(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

struct vnet_core *vnet_this_core(void)
{
	return vnet_core(v, this_thread);
}

/* The first and last byte of each piece; the whole may be the guest's memory many times over. */
static void output(void *ctx, const struct vnet_seg *seg, unsigned nseg)
{
	(void)ctx;
	for (unsigned i = 0; i < nseg; i++) {
		const volatile uint8_t *bytes = seg[i].base;

		if (seg[i].len)
			(void)bytes[0], (void)bytes[seg[i].len - 1];
	}
}

/* ---- a port whose frames wait, until a step sends them ---- */

static unsigned hold_frames(struct vnet_port *to, struct vnet_core *core,
                            struct vnet_frame *const *frames, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct vnet_held *h = &world.held[i % HELD];

		if (vnet_held_begin(h)) {
			if (vnet_hold(core, h, frames[i], to, VNET_DROP_rx_full, i))
				vnet_held_wait(h);
			else
				vnet_held_end(h);
		}
	}
	return n;
}

static const struct vnet_port_ops holder = {.egress = hold_frames};

static void send_held(unsigned i)
{
	struct vnet_held *h = &world.held[i % HELD];

	if (!vnet_held_take(h))
		return;
	output(NULL, h->frame.seg, h->frame.nseg);
	vnet_release(h);
	vnet_held_end(h);
}

/* ---- what a driver does ---- */

static uint8_t *ram(uint32_t gpa)
{
	if (gpa < LOW)
		return &low[gpa];
	return gpa - HIGH_GPA < HIGH ? &high[gpa - HIGH_GPA] : &high[gpa % HIGH];
}

static void io(uint16_t at, unsigned size, uint32_t value)
{
	vpci_io(&world.bus, at, size, true, &value);
}

static void config(unsigned slot, unsigned off, unsigned size, uint32_t value)
{
	io(0xcf8, 4, 0x80000000u | slot << 11 | (off & 0xfc));
	io((uint16_t)(0xcfc + (off & 3)), size, value);
}

static uint16_t registers(unsigned d)
{
	return (uint16_t)device(d)->pci.bar[VIRTIO_IO_BAR].home;
}

/* The driver's steps of virtio 1.2, 3.1.1; `features`: the low half, as far as offered. */
static void start(unsigned d, uint32_t features)
{
	uint16_t r = registers(d);

	config(d + 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	config(d + 1, 0x10, 4, r);
	config(d + 1, device(d)->pci.msix_cap + 2u, 2, 0x8000);
	io((uint16_t)(r + 0x14), 1, 0);
	io((uint16_t)(r + 0x14), 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (unsigned half = 0; half < 2; half++) {
		io((uint16_t)(r + 8), 4, half);
		io((uint16_t)(r + 12), 4, half ? 1 : features & (uint32_t)device(d)->offered);
	}
	io((uint16_t)(r + 0x14), 1, VIRTIO_FEATURES_OK);
	for (unsigned q = 0; q < 2; q++) {
		io((uint16_t)(r + 0x16), 2, q);
		io((uint16_t)(r + 0x18), 2, NUM);
		io((uint16_t)(r + 0x1a), 2, q);
		for (unsigned area = 0; area < 3; area++)
			io((uint16_t)(r + 0x20 + 8 * area), 4, QUEUE(d, q) + 0x400 * area);
		io((uint16_t)(r + 0x1c), 2, 1);
	}
	io((uint16_t)(r + 0x14), 1, VIRTIO_DRIVER_OK);
}

static void describe(const struct step *s)
{
	unsigned d = s->a % DEVICES, q = s->a >> 7;
	struct vring_desc desc = {HIGH_GPA + 0x10000u + 256u * s->b, s->value & 0xffff,
	                          (uint16_t)(s->c & 7), (uint16_t)(s->c >> 3)};

	if (s->value >> 24 == 0xff) /* at an address of any kind */
		desc.addr = (uint64_t)s->value << (s->b & 31);
	memcpy(ram(QUEUE(d, q) + 16u * (s->value >> 16 & 31)), &desc, sizeof desc);
}

/* Offers a head, or moves the index to anywhere; then may kick. */
static void offer(const struct step *s)
{
	unsigned d = s->a % DEVICES, q = s->a >> 7;
	uint16_t *avail = (uint16_t *)(void *)ram(QUEUE(d, q) + 0x400);
	uint16_t idx = __atomic_load_n(&avail[1], __ATOMIC_RELAXED);

	avail[2 + idx % NUM] = s->b;
	__atomic_store_n(&avail[1], s->c & 1 ? (uint16_t)s->value : (uint16_t)(idx + 1),
	                 __ATOMIC_RELEASE);
	if (s->c & 2)
		io((uint16_t)(registers(d) + VIRTIO_IO_NOTIFY + VIRTIO_NOTIFY_STEP * q), 2, q);
}

/* ---- what the VMM does meanwhile ---- */

static void control(const struct step *s)
{
	static const char text[64] = "typed";
	struct virtio_net *n = &world.net[s->b % NETS];
	uint64_t value;
	char name[64];

	switch (s->a % 8) {
	case 1:
		virtio_net_nic.set_mtu(&n->v.pci, (uint16_t)s->value);
		break;
	case 2:
		virtio_console_input(&world.console, text, s->c % sizeof text);
		break;
	case 3:
		virtio_console_forget(&world.console);
		break;
	case 4:
		vpci_work(&world.bus);
		break;
	case 5:
		vnet_port_set_mode(n->port, (enum vnet_mode)(s->c % 3));
		virtio_net_kick(&n->v, VIRTIO_NET_TX);
		vnet_wake(vnet_this_core());
		break;
	case 6:
		vnet_poll(vnet_this_core(), 1 + s->c % 64u);
		if (s->c & 0x40)
			vnet_rest(vnet_this_core());
		else if (s->c & 0x80)
			vnet_unrest(vnet_this_core());
		break;
	case 7:
		send_held(s->c);
		vnet_clock_set(vnet_this_core(), s->value % 8);
		break;
	default:
		for (unsigned i = 0; virtio_pci_counter(&n->v, i, name, sizeof name, &value); i++)
			;
	}
}

static void registers_access(const struct step *s)
{
	static const uint8_t size[] = {1, 2, 4, 2};
	unsigned d = s->a % DEVICES;
	uint32_t value = s->value;

	vpci_io(&world.bus, (uint16_t)(registers(d) + s->b), size[s->a >> 3 & 3], s->a >> 7,
	        &value);
}

static void memory_access(const struct step *s)
{
	unsigned d = s->a % DEVICES;
	uint64_t value = (uint64_t)s->value << 32 | s->value;

	vpci_mmio(&world.bus, device(d)->pci.bar[VIRTIO_MSIX_BAR].home + s->b * 4u + (s->c >> 4),
	          1u << (s->c & 3), s->a >> 7, &value);
}

static void any_port(const struct step *s)
{
	uint32_t value = s->value;

	vpci_io(&world.bus, (uint16_t)(s->a << 8 | s->b), 1u << s->c % 3, s->c >> 7, &value);
}

static void run(const struct step *s)
{
	switch (s->op & 15) {
	case 0:
		config(s->a % 5, s->b, 1u << s->c % 3, s->value);
		break;
	case 1:
	case 2:
		registers_access(s);
		break;
	case 3:
		memory_access(s);
		break;
	case 4:
		any_port(s);
		break;
	case 5:
		start(s->a % DEVICES, s->value);
		break;
	case 6:
		*ram((uint32_t)s->a << 9 | (uint32_t)s->b << 1 | (s->c & 1)) = (uint8_t)s->value;
		break;
	case 7:
	case 8:
		control(s);
		break;
	case 9 ... 11:
		describe(s);
		break;
	default:
		offer(s);
	}
}

/* ---- the second thread ---- */

static struct step other;
static atomic_uint other_state; /* 0: waits, 1: is to run `other` */

static void *second(void *arg)
{
	(void)arg;
	this_thread = 1;
	for (;;) {
		while (atomic_load_explicit(&other_state, memory_order_acquire) != 1)
			sched_yield();
		run(&other);
		atomic_store_explicit(&other_state, 0, memory_order_release);
	}
	return NULL;
}

static void run_both(const struct step *one, const struct step *two)
{
	other = *one;
	atomic_store_explicit(&other_state, 1, memory_order_release);
	run(two);
	while (atomic_load_explicit(&other_state, memory_order_acquire))
		sched_yield();
}

/* ---- one input ---- */

/* A core that polls is called here only by what the input does next. */
static void wake(unsigned core)
{
	(void)core;
}

static void plug_net(unsigned i)
{
	static const char *const name[NETS] = {"a", "b"};
	struct virtio_net_config c = {name[i], 0x100000005452ull, 1500, NUM, NUM, &world.mem};

	c.mac |= (mac_t)i << 40;
	virtio_net_init(&world.net[i], &c);
	port[i] = vnet_port_add(v, name[i], 0, virtio_net_nic.port, &world.net[i], 0);
	virtio_net_nic.attach(&world.net[i].v.pci, port[i]);
	vnet_port_set_mac(port[i], c.mac);
	vpci_add(&world.bus, &world.net[i].v.pci, i + 1);
}

/* What each input begins with, kept; and the second thread, for all of them. */
static void build(void)
{
	pthread_t t;

	v = vnet_create(&arena_mem, 2);
	vnet_poller_set(v, vnet_core(v, 0), wake);
	vnet_net_set(v, 0, VNET_LEARN);
	vpci_init(&world.bus, msi, NULL);
	gmem_add(&world.mem, 0, LOW, low);
	gmem_add(&world.mem, HIGH_GPA, HIGH, high);
	for (unsigned i = 0; i < NETS; i++)
		plug_net(i);
	vnet_port_set_up(vnet_port_add(v, "holder", 0, &holder, NULL, 0), vnet_core(v, 0), true);
	virtio_console_init(&world.console, "console", &world.mem, output, NULL);
	vpci_add(&world.bus, &world.console.v.pci, DEVICES);
	image = world;
	arena_keep();
	if (pthread_create(&t, NULL, second, NULL))
		abort();
}

/* ---- what is checked ---- */

static struct progress look(unsigned d)
{
	const struct virtio_pci *p = device(d);
	struct progress now = {.running = virtio_pci_running(p),
	                       .lost = p->status & VIRTIO_NEEDS_RESET,
	                       .resets = p->count[VIRTIO_COUNT_resets],
	                       .losses = p->count[VIRTIO_COUNT_master_off]};

	for (unsigned q = 0; q < 2; q++)
		now.ring[q] = (struct place){p->queue[q].ring.next, p->queue[q].ring.published};
	return now;
}

/* Chains that the slots of frames that wait name; a frame for several destinations has several. */
static unsigned chains_that_wait(const struct virtio_net_holds *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VNET_HOLDS; i++) {
		bool first = h->used >> i & 1;

		for (unsigned k = 0; k < i; k++)
			if (h->used >> k & 1 && h->slot[k].serial == h->slot[i].serial)
				first = false;
		n += first;
	}
	return n;
}

/* After a step, or two at once. */
static void check_progress(unsigned d, const struct progress *was)
{
	struct progress now = look(d);

	if (now.running && (now.lost || !vpci_enabled(&device(d)->pci, VPCI_CMD_MASTER)))
		abort();
	if (now.lost && device(d)->pci.msix_pending && now.losses != was->losses)
		abort();
	if (d < NETS && !now.running && !now.lost && world.net[d].holds.used)
		abort(); /* a frame waits in memory that the driver has back */
	if (d < NETS && now.running &&
	    chains_that_wait(&world.net[d].holds) != device(d)->queue[VIRTIO_NET_TX].ring.held)
		abort(); /* one was given back twice, or is lost */
	if (now.resets != was->resets)
		return;
	if (was->running && !now.running && !now.lost)
		abort();
	if (was->lost && (!now.lost || memcmp(now.ring, was->ring, sizeof now.ring)))
		abort();
}

static bool held(const struct spinlock *l)
{
	return atomic_load(&l->next) != atomic_load(&l->owner);
}

static void check_locks(void)
{
	for (unsigned d = 0; d < DEVICES; d++)
		if (held(&device(d)->lock) || held(&device(d)->pci.msix_lock))
			abort();
	for (unsigned i = 0; i < NETS; i++)
		if (held(&world.net[i].rx_lock) || world.net[i].tx_gate.state)
			abort();
	if (held(&world.bus.lock) || held(&world.console.rx_lock) || world.console.tx_gate.state)
		abort();
}

static bool take(struct step *s, const uint8_t **p, size_t *left)
{
	if (*left < 8)
		return false;
	*s = (struct step){(*p)[0], (*p)[1], (*p)[2], (*p)[3], 0};
	memcpy(&s->value, *p + 4, 4);
	*p += 8;
	*left -= 8;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct progress was[DEVICES];
	struct step one, two;

	if (!v) {
		build();
	} else {
		arena_restore();
		world = image;
		memset(low, 0, sizeof low);
		memset(high, 0, sizeof high);
	}
	while (take(&one, &data, &size)) {
		for (unsigned d = 0; d < DEVICES; d++)
			was[d] = look(d);
		if (one.op & 0x80 && take(&two, &data, &size))
			run_both(&one, &two);
		else
			run(&one);
		for (unsigned d = 0; d < DEVICES; d++)
			check_progress(d, &was[d]);
	}
	check_locks();
	return 0;
}
