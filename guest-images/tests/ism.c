/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two guests of one ISM domain, told of each other by frames: role=victim registers buffers for the
 * other, role=attacker sends there all that it should not, then storms, and last what is right.
 * The victim looks at its memory all the time: only what is right may arrive.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/trap.h"
#include "lib/ism_format.h"

#define VECTOR 0x72
#define LENGTH ISM_DMB_MIN
#define RING   (LENGTH - ISM_HEADER)
#define STORM  2000
#define CANARY 0x5a
#define GOOD   100 /* bytes of the last message */
#define GREET  24  /* where a frame has what guests tell each other */
#define FRAME  100

enum { PLAIN, WINDOWED, BUFFERS };

struct greeting {
	uint64_t magic, gid, token[BUFFERS];
};

static struct vnic nic;
static struct packet_host me;
static uint8_t frame[VNIC_FRAME];
static struct ism_area *area;
static uint16_t port;
static volatile unsigned interrupts;

/* ---- the device ---- */

static void on_interrupt(void)
{
	interrupts++;
	lapic_eoi();
}

static void set_up_msix(uint16_t bdf)
{
	bool io;
	uintptr_t table = pci_bar(bdf, 1, &io);
	unsigned cap = pci_cap(bdf, PCI_CAP_MSIX);

	trap_set(VECTOR, on_interrupt);
	for (unsigned i = 0; i < ISM_VECTORS; i++) {
		mmio_write32(table + 16 * i, msi_address(lapic_id()));
		mmio_write32(table + 16 * i + 4, 0);
		mmio_write32(table + 16 * i + 8, VECTOR);
		mmio_write32(table + 16 * i + 12, 0);
	}
	pci_write(bdf, cap + 2, 2, 0x8000);
}

static uint64_t gid(void)
{
	return (uint64_t)inl((uint16_t)(port + ISM_REG_GID + 4)) << 32 |
	       inl((uint16_t)(port + ISM_REG_GID));
}

static void open_device(void)
{
	uint16_t bdf = pci_find(ISM_PCI_VENDOR, ISM_PCI_DEVICE, 0);
	bool io;

	if (!check(bdf != PCI_NONE, "device", "there is none"))
		done();
	pci_enable(bdf);
	set_up_msix(bdf);
	port = (uint16_t)pci_bar(bdf, 0, &io);
	area = mem_alloc(sizeof *area, 4096);
	check(inl(port) == ISM_MAGIC, "magic", "%x", inl(port));
	outl((uint16_t)(port + ISM_REG_ENABLE), 1);
	check(!gid(), "off_without_area", "gid %lx", gid());
	outl((uint16_t)(port + ISM_REG_AREA), (uint32_t)(uintptr_t)area);
	outl((uint16_t)(port + ISM_REG_AREA + 4), (uint32_t)((uintptr_t)area >> 32));
	outl((uint16_t)(port + ISM_REG_ENABLE), 1);
	check(gid(), "on", "no GID");
}

static uint32_t command(const struct ism_command *c)
{
	area->command = *c;
	outl((uint16_t)(port + ISM_REG_COMMAND), 1);
	return __atomic_load_n(&area->command.status, __ATOMIC_ACQUIRE);
}

/* ---- greetings ---- */

static void greet(const struct greeting *g)
{
	uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	unsigned len = packet_test(frame, all, me.mac, 0, FRAME);

	memcpy(frame + GREET, g, sizeof *g);
	vnic_send(&nic, frame, len);
	vnic_flush(&nic);
}

/* The other's greeting; false: none came. */
static bool greeted(struct greeting *g)
{
	uint64_t start = rdtsc(), patience = netguest_patience();

	while (rdtsc() - start < patience) {
		unsigned len = vnic_receive(&nic, frame);

		if (!len) {
			vnic_wait(&nic);
			continue;
		}
		memcpy(g, frame + GREET, sizeof *g);
		if (len >= FRAME && g->magic == ISM_MAGIC)
			return true;
	}
	return false;
}

/* ---- the victim ---- */

static uint8_t *memory; /* a page, the plain buffer, a page, the one with a window, a page */

static uint8_t *buffer(unsigned i)
{
	return memory + 4096 + i * (LENGTH + 4096);
}

/* Pages around the buffers, and the end of the rings, where nothing right ever goes. */
static bool intact(void)
{
	const uint8_t *end = buffer(BUFFERS);

	for (const uint8_t *p = memory; p < end; p++) {
		bool ring = (p >= buffer(0) && p < buffer(0) + ISM_HEADER + GOOD) ||
		            (p >= buffer(1) && p < buffer(1) + LENGTH);

		if (!ring && *p != CANARY)
			return false;
	}
	return true;
}

static uint64_t produced(unsigned i)
{
	return __atomic_load_n((uint64_t *)buffer(i) + ISM_WORD_PRODUCED, __ATOMIC_ACQUIRE);
}

static void register_for(uint64_t peer, struct greeting *mine)
{
	for (unsigned i = 0; i < BUFFERS; i++) {
		uint32_t status =
		    command(&(struct ism_command){.code = ISM_REGISTER,
		                                  .gid = peer,
		                                  .gpa = (uintptr_t)buffer(i),
		                                  .length = LENGTH,
		                                  .index = (uint16_t)(100 * i),
		                                  .vector = 1,
		                                  .flags = i == WINDOWED ? ISM_DMB_WINDOW : 0});

		check(status == ISM_OK, i ? "registered_window" : "registered", "status %u",
		      status);
		mine->token[i] = area->command.token;
	}
}

static void victim(void)
{
	struct greeting mine = {.magic = ISM_MAGIC, .gid = gid()}, other;
	uint64_t start = rdtsc(), looks = 0;
	bool whole = true;

	memory = mem_alloc(BUFFERS * (LENGTH + 4096) + 4096, 4096);
	memset(memory, CANARY, BUFFERS * (LENGTH + 4096) + 4096);
	print("ism: ready\n");
	if (!check(greeted(&other), "greeting", "none came"))
		done();
	register_for(other.gid, &mine);
	greet(&mine);
	irq_on();
	while (ISM_CURSOR_COUNT(produced(PLAIN)) != GOOD && rdtsc() - start < netguest_patience()) {
		whole &= intact() && ISM_CURSOR_COUNT(produced(WINDOWED)) < RING &&
		         ISM_CURSOR_COUNT(produced(PLAIN)) <= GOOD;
		looks++;
	}
	irq_off();
	check(ISM_CURSOR_COUNT(produced(PLAIN)) == GOOD, "arrived", "%lx", produced(PLAIN));
	check(whole && intact(), "intact", "after %lu looks", looks);
	check(buffer(PLAIN)[ISM_HEADER + GOOD - 1] == GOOD - 1, "data", "it is not right");
	/* The bits and the event flag were never cleared: one interrupt for each of them. */
	check(interrupts <= 3, "interrupts", "%u", interrupts);
	check(area->events == ISM_EVENTS, "events", "%u", area->events);
	/* One more when the attacker was quicker to end. */
	check(area->events_lost - (STORM - ISM_EVENTS) <= 1, "events_lost", "%u",
	      area->events_lost);
	done();
}

/* ---- the attacker ---- */

static uint8_t data[2 * LENGTH];

static uint32_t submit(unsigned slot)
{
	outl((uint16_t)(port + ISM_REG_SUBMIT), slot);
	return __atomic_load_n(&area->slot[slot].status, __ATOMIC_ACQUIRE);
}

/* A message that would be right as the first one, of one piece. */
static struct ism_slot *message(uint64_t token, uint32_t length)
{
	struct ism_slot *s = &area->slot[0];

	*s = (struct ism_slot){
	    .token = token,
	    .status = ISM_PENDING,
	    .pieces = length != 0,
	    .piece = {{(uintptr_t)data, length, ISM_HEADER}},
	    .header = {ISM_TYPE_CDC, (uint64_t)(length % RING) << 16 | (length == RING), 0, 0}};
	return s;
}

static void forged(uint64_t token)
{
	unsigned done_by_it = 0;

	for (unsigned i = 0; i < 64; i++) {
		message(token ^ 1ull << i, 8);
		done_by_it += submit(0) != ISM_bad_token;
	}
	for (uint32_t half = 0; half < 2000; half++) {
		message((uint64_t)__builtin_bswap32(half * 77) << 32 | (half * 77), 8);
		done_by_it += submit(0) != ISM_bad_token;
	}
	check(!done_by_it, "forged_tokens", "%u were taken", done_by_it);
}

static void expect(const char *name, uint32_t want)
{
	uint32_t status = submit(0);

	check(status == want, name, "status %u", status);
}

static void out_of_bounds(uint64_t token)
{
	message(token, 8)->piece[0].offset = LENGTH - 4;
	expect("beyond_the_end", ISM_out_of_bounds);
	message(token, 8)->piece[0].offset = 0;
	expect("over_the_header", ISM_out_of_bounds);
	message(token, 8)->piece[0].offset = ~0u;
	expect("far_offset", ISM_out_of_bounds);
	message(token, RING + 1);
	expect("too_long", ISM_out_of_bounds);
	message(token, 8)->piece[0].gpa = 1ull << 46;
	expect("no_memory", ISM_bad_address);
	message(token, 8)->pieces = ~0u;
	expect("pieces", ISM_bad_request);
}

static void cursors(uint64_t token)
{
	message(token, 8)->header[ISM_WORD_PRODUCED] = 0x7fff0000ull << 16 | 0x20ull << 48;
	expect("urgent_far_away", ISM_bad_cursor);
	message(token, 8)->header[ISM_WORD_PRODUCED] = 8ull << 16 | 1;
	expect("another_wrap", ISM_stale);
	message(token, 0)->header[ISM_WORD_PRODUCED] = (RING - 1ull) << 16;
	expect("nothing_sent", ISM_stale);
	message(token, 8)->header[ISM_WORD_CONSUMED] = 0xffffffffull << 16;
	expect("consumed", ISM_bad_cursor);
	message(token, 8)->header[ISM_WORD_TYPE] = 0;
	expect("no_header", ISM_bad_header);
}

/* Nobody reads there: one ring's worth is taken, and no byte more. */
static void window(uint64_t token)
{
	message(token, RING);
	expect("ring_filled", ISM_OK);
	message(token, 8)->header[ISM_WORD_PRODUCED] = 8ull << 16 | 1;
	expect("window", ISM_no_window);
}

static void storms(const struct greeting *other)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < STORM; i++) {
		message(other->token[WINDOWED], 0)->header[ISM_WORD_PRODUCED] = 1;
		wrong += submit(0) != ISM_OK;
	}
	check(!wrong, "storm_of_messages", "%u were refused", wrong);
	for (unsigned i = 0; i < STORM; i++)
		wrong += command(&(struct ism_command){
		             .code = ISM_SIGNAL, .gid = other->gid, .event = i}) != ISM_OK;
	check(!wrong, "storm_of_signals", "%u were refused", wrong);
	area->command.code = 0;
	for (unsigned i = 0; i < STORM; i++)
		outl((uint16_t)(port + i % 64 * 4), i % 64 * 4 == ISM_REG_ENABLE ? 1 : ~0u);
	check(inl(port) == ISM_MAGIC, "storm_of_registers", "%x", inl(port));
}

static void attacker(void)
{
	struct greeting mine = {.magic = ISM_MAGIC, .gid = gid()}, other;

	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	greet(&mine);
	if (!check(greeted(&other), "greeting", "none came"))
		done();
	check(command(&(struct ism_command){.code = ISM_QUERY, .gid = other.gid}) == ISM_OK,
	      "query", "it is not there");
	check(command(&(struct ism_command){.code = ISM_QUERY, .gid = other.gid ^ 1}) ==
	          ISM_no_peer,
	      "query_forged", "it is there");
	forged(other.token[PLAIN]);
	out_of_bounds(other.token[PLAIN]);
	cursors(other.token[PLAIN]);
	window(other.token[WINDOWED]);
	storms(&other);
	message(other.token[PLAIN], GOOD);
	expect("last", ISM_OK);
	done();
}

void guest_main(void)
{
	char role[16] = "victim";

	netguest_start(&nic, &me);
	open_device();
	mb_option("role", role, sizeof role);
	if (!strcmp(role, "attacker"))
		attacker();
	else
		victim();
}
