/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory in common with other guests.  how=ask and how=answer exchange rounds= (1000) messages by
 * loads and stores; the one that answers serves sessions= (1) of the other.  how=device tries what
 * the device takes, with its ring and requests in that memory; how=rules breaks the ring's rules,
 * and goes on; how=send and how=receive exchange messages= (1000) by a channel of the library's,
 * `receive` is started first, and how=watch, between the two, sees them pass; how=exec executes
 * there.  device=1: it has a physical device.
 * how=outside is no member, and finds nothing.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/map.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "guest-images/lib/pci.h"
#include "guest-images/lib/virtio.h"
#include "guest-images/lib/vnic.h"
#include "guest-images/netlib/channel.h"

#define VENDOR   0x1af4
#define DEVICE   0x105b
#define PLACE    0x4000000000ul /* where the first group's memory is */
#define PCI_HOLE 0xe0000000ul
#define LARGE    (2ul << 20)
#define ONES     (~0ul)
#define QUEUE    16
#define WORDS    64 /* of a message */
#define UNKNOWN  7  /* a type of request that there is not */

/* At the memory's second large page; the first has a label. */
struct shared {
	volatile uint64_t sessions; /* that were begun, by all starts of the guest that asks */
	uint8_t pad1[56];
	volatile uint64_t asked, question[WORDS]; /* asked: number of the last question */
	uint8_t pad2[56];
	volatile uint64_t answered, answer[WORDS];
};

static struct {
	uint64_t start, size;
} config;
static struct guest_virtio dev;
static struct guest_vq queue;

static struct shared *open_memory(void)
{
	uint16_t bdf = pci_find(VENDOR, DEVICE, 0);
	const char *error;

	if (!check(bdf != PCI_NONE, "device", "there is none"))
		done();
	error = guest_virtio_open(&dev, &guest_bus, bdf);
	if (!check(!error, "open", "%s", error ? error : ""))
		done();
	guest_virtio_config(&dev, 0, &config, sizeof config);
	if (mb_number("device",
	              0)) /* it has a physical one: the memory is where it is in the node */
		check(config.start < PCI_HOLE, "start", "%lx", config.start);
	else
		check(config.start == PLACE, "start", "%lx", config.start);
	check(config.size == mb_number("size", 8 * LARGE), "size", "%lx", config.size);
	return (struct shared *)(map_gib(config.start) + LARGE);
}

/* ---- messages ---- */

static void wait_for(const volatile uint64_t *number, uint64_t value)
{
	uint64_t begin = rdtsc();

	while (*number != value && rdtsc() - begin < netguest_patience())
		cpu_pause();
	if (*number != value) {
		check(false, "in_time", "%lu, not %lu", *number, value);
		done();
	}
}

static uint64_t word_of(uint64_t number, unsigned i)
{
	return (number << 8 | i) * 0x9e3779b97f4a7c15ul;
}

/* Its last large page is still as the node gave it. */
static void check_zeroes(const uint8_t *memory)
{
	const uint64_t *last = (const uint64_t *)(memory + config.size - LARGE);
	uint64_t any = 0;

	for (unsigned i = 0; i < LARGE / 8; i++)
		any |= last[i];
	check(!any, "zeroes", "%lx", any);
}

static void ask(struct shared *s)
{
	uint64_t rounds = mb_number("rounds", 1000), wrong = 0, first = s->asked;

	check(s->asked == s->answered, "between_sessions", "%lu, %lu", s->asked, s->answered);
	s->sessions++;
	print("session %lu, after message %lu\n", s->sessions, first);
	for (uint64_t n = first + 1; n <= first + rounds; n++) {
		for (unsigned i = 0; i < WORDS; i++)
			s->question[i] = word_of(n, i);
		s->asked = n;
		wait_for(&s->answered, n);
		for (unsigned i = 0; i < WORDS; i++)
			wrong += s->answer[i] != ~word_of(n, i);
	}
	check(!wrong, "answers", "%lu words are wrong", wrong);
}

static void answer(struct shared *s)
{
	uint64_t left = mb_number("rounds", 1000) * mb_number("sessions", 1), wrong = 0;

	for (; left; left--) {
		uint64_t n = s->answered + 1;

		wait_for(&s->asked, n);
		for (unsigned i = 0; i < WORDS; i++) {
			wrong += s->question[i] != word_of(n, i);
			s->answer[i] = ~s->question[i];
		}
		s->answered = n;
	}
	check(!wrong, "questions", "%lu words are wrong", wrong);
}

/* ---- messages by a channel ---- */

#define CHANNEL (16384 + 192) /* bytes of its memory: a ring of 16 KiB */
#define WATCHED (1ul << 20)   /* bytes that `watch` sees pass: some thousand messages */

static uint8_t message[CHANNEL_MESSAGE_MAX];

/* Most are short; some are longer than the ring. */
static uint32_t length_of(uint64_t n)
{
	return (uint32_t)(n % 50 ? 1 + n * 37 % 500 : 1 + n * 911 % 60000);
}

/* Goes on with a message until it is sent, or has come. */
static void move(struct channel *c, bool send, uint32_t *length)
{
	uint64_t begin = rdtsc();
	enum channel_result r = CHANNEL_WAIT;

	while (r == CHANNEL_WAIT && rdtsc() - begin < netguest_patience()) {
		r = send ? channel_send(c, message, *length)
		         : channel_receive(c, message, sizeof message, length);
		if (r == CHANNEL_WAIT)
			cpu_pause();
	}
	if (r != CHANNEL_DONE) {
		check(false, "moved", "%u", (unsigned)r);
		done();
	}
}

static void send(void *memory)
{
	struct channel c;

	check(channel_open_sender(&c, memory, CHANNEL), "sender", "no channel");
	for (uint64_t n = 0; n < mb_number("messages", 1000); n++) {
		uint32_t length = length_of(n);

		for (uint32_t i = 0; i < length; i++)
			message[i] = (uint8_t)(n + i * 7);
		move(&c, true, &length);
	}
}

static void receive(void *memory)
{
	struct channel c;
	uint64_t wrong = 0;

	check(channel_make(memory, CHANNEL), "made", "not");
	check(channel_open_receiver(&c, memory, CHANNEL), "receiver", "no channel");
	print("ready\n");
	for (uint64_t n = 0; n < mb_number("messages", 1000); n++) {
		uint32_t length;

		move(&c, false, &length);
		wrong += length != length_of(n);
		for (uint32_t i = 0; i < length; i++)
			wrong += message[i] != (uint8_t)(n + i * 7);
	}
	check(!wrong, "messages", "%lu bytes or lengths are wrong", wrong);
}

/* Looks at the counters only, and writes nothing; while they change, they need not fit together. */
static void watch(void *memory)
{
	uint64_t begin = rdtsc(), first;
	struct channel c = {.other = 0};

	channel_open_receiver(&c, memory, CHANNEL);
	first = c.other;
	while (c.other - first < WATCHED && rdtsc() - begin < netguest_patience()) {
		cpu_pause();
		channel_open_receiver(&c, memory, CHANNEL);
	}
	check(c.other - first >= WATCHED, "passed", "%lu bytes", c.other - first);
}

/* ---- the device ---- */

static void start_device(void *ring)
{
	const char *error = guest_virtio_begin(&dev, GUEST_VIRTIO_F_EVENT_IDX);

	memset(ring, 0, guest_vq_bytes(QUEUE));
	if (!error)
		error = guest_virtio_queue(&dev, &queue, 0, QUEUE, ring, 0xffff);
	check(!error, "start_device", "%s", error ? error : "");
	guest_virtio_ready(&dev);
}

/* The answer to a request of this type; ONES: there is none. */
static uint64_t request(volatile uint32_t *words, uint32_t type)
{
	const struct guest_vbuf bufs[2] = {{(void *)words, 4}, {(void *)(words + 16), 4}};
	uint64_t begin = rdtsc();
	uint32_t len;

	words[0] = type;
	words[16] = 0x5a5a5a5a;
	guest_vq_add(&queue, bufs, 1, 1, &queue);
	guest_vq_kick(&queue);
	while (!guest_vq_used(&queue, &len))
		if (rdtsc() - begin > netguest_patience() ||
		    guest_virtio_status(&dev) & GUEST_VIRTIO_S_NEEDS_RESET)
			return ONES;
	return len == 4 ? words[16] : ONES;
}

static void use_device(void *ring, uint32_t *words)
{
	start_device(ring);
	check(request(words, 0) == 0, "flush", "%x", words[16]);
	check(request(words, UNKNOWN) == 1, "unknown", "%x", words[16]);
	for (unsigned i = 0; i < 3 * QUEUE; i++)
		check(request(words, 0) == 0, "again", "%x", words[16]);
}

/* Requests by one buffer, in wrong directions or outside of memory: each stops the device alone. */
static void break_rules(void *ring, uint32_t *words)
{
	static const struct {
		uint64_t at;
		uint32_t len;
		unsigned nread;
	} rule[] = {{0, 4, 1}, {0, 4, 0}, {0, 2, 1}, {1ul << 41, 4, 1}, {0, 0, 1}};

	for (unsigned i = 0; i < sizeof rule / sizeof rule[0]; i++) {
		struct guest_vbuf buf = {rule[i].at ? (void *)rule[i].at : words, rule[i].len};

		start_device(ring);
		guest_vq_add(&queue, &buf, rule[i].nread, 1 - rule[i].nread, &queue);
		guest_vq_kick(&queue);
		check(guest_virtio_status(&dev) & GUEST_VIRTIO_S_NEEDS_RESET, "broken", "rule %u",
		      i);
	}
	start_device(ring);
	check(request(words, 0) == 0, "after", "%x", words[16]);
}

/* ---- no member ---- */

static void find_nothing(void)
{
	uint8_t *at = map_gib(PLACE);

	check(pci_find(VENDOR, DEVICE, 0) == PCI_NONE, "no_device", "there is one");
	for (unsigned i = 0; i < 4; i++) {
		*(volatile uint64_t *)(at + i * LARGE) = 0x5a5a5a5a;
		check(*(volatile uint64_t *)(at + i * LARGE) == ONES, "nothing", "%lx",
		      *(volatile uint64_t *)(at + i * LARGE));
	}
}

void guest_main(void)
{
	char how[16] = "ask";
	struct shared *s;
	uint8_t *rest;

	mb_option("how", how, sizeof how);
	print("group: %s\n", how);
	if (!strcmp(how, "outside")) {
		find_nothing();
		done();
	}
	s = open_memory();
	rest = (uint8_t *)s + LARGE;
	check_zeroes((uint8_t *)s - LARGE);
	if (!strcmp(how, "ask"))
		ask(s);
	else if (!strcmp(how, "answer"))
		answer(s);
	else if (!strcmp(how, "send"))
		send(rest);
	else if (!strcmp(how, "receive"))
		receive(rest);
	else if (!strcmp(how, "watch"))
		watch(rest);
	else if (!strcmp(how, "device"))
		use_device(rest, (uint32_t *)(rest + LARGE / 2));
	else if (!strcmp(how, "rules"))
		break_rules(rest, (uint32_t *)(rest + LARGE / 2));
	else if (!strcmp(how, "exec"))
		((void (*)(void))rest)();
	else
		check(false, "how", "'%s' is not known", how);
	done();
}
