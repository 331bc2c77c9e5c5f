/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_ism.c: three guests with ISM devices, of which two are of one domain, through nothing but
 * port accesses and their own memory.
 *
 * Drivers that keep the rules are among the steps, so that an input gets behind the first checks,
 * and anything in their messages and commands may be spoiled on its way.  What may never happen,
 * looked at after each step: a header in a receiver's buffer whose cursors leave the ring or, with
 * a window, claim what the receiver has read already or not yet has room for; a byte written
 * outside of the areas and the registered buffers; a lock, a buffer or a job that stays held.
 * Outside of a guest's memory the address sanitizer looks.
 */
#include <stdlib.h>
#include <string.h>
#include "drivers/ism/ism.h"

#define GUESTS    3
#define GPA       0x10000u
#define DMBS_AT   0x4000u  /* from a guest's first byte */
#define NOBODYS   0x18000u /* nothing is registered here */
#define RAM       0x19000u
#define BUFFERS   4
#define TOKENS    8 /* that are remembered */
#define UNTOUCHED 0x77

struct step {
	uint8_t op, a, b, c;
	uint32_t value;
};

/* All that a step changes. */
static struct world {
	struct vpci bus[GUESTS];
	struct ism d[GUESTS];
	uint8_t ram[GUESTS][RAM] __attribute__((aligned(4096)));
	uint64_t token[TOKENS], gid[TOKENS];
	unsigned next;
} world, image;

static struct gmem mem[GUESTS];
static struct ism_fabric fabric;

static void msi(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

static void resume(void *ctx)
{
	(void)ctx;
}

static void out(unsigned g, uint32_t reg, uint32_t value)
{
	uint32_t base = atomic_load(&world.d[g].pci.bar[0].base);

	vpci_io(&world.bus[g], (uint16_t)(base + reg), 4, true, &value);
}

static void configure(unsigned g, unsigned off, unsigned size, uint32_t value)
{
	uint32_t address = 0x80000000u | world.d[g].pci.slot << 11 | (off & 0xfc);

	vpci_io(&world.bus[g], 0xcf8, 4, true, &address);
	vpci_io(&world.bus[g], (uint16_t)(0xcfc + off % 4), size, true, &value);
}

static struct ism_area *area(unsigned g)
{
	return (struct ism_area *)world.ram[g];
}

/* ---- steps ---- */

static void switch_on(const struct step *s)
{
	unsigned g = s->a % GUESTS;

	configure(g, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	out(g, ISM_REG_AREA, GPA);
	out(g, ISM_REG_AREA + 4, 0);
	out(g, ISM_REG_ENABLE, 1);
}

static void remember(uint64_t token, uint64_t gid)
{
	world.token[world.next % TOKENS] = token;
	world.gid[world.next++ % TOKENS] = gid;
}

/* A command as a driver writes it, and then one byte of it spoiled. */
static void command(const struct step *s)
{
	unsigned g = s->a % GUESTS;
	struct ism_command *c = &area(g)->command;

	*c = (struct ism_command){.code = 1 + s->b % 5,
	                          .gid = atomic_load(&world.d[s->value % GUESTS].gid),
	                          .gpa = GPA + DMBS_AT + s->c % BUFFERS * ISM_DMB_MIN,
	                          .length = ISM_DMB_MIN << (s->value >> 2 & 1),
	                          .index = s->c % BUFFERS + 62,
	                          .vector = s->c % ISM_VECTORS,
	                          .flags = s->value >> 3 & 1};
	if (s->value >> 16 & 1)
		((uint8_t *)c)[(s->value >> 17) % sizeof *c] ^= (uint8_t)(s->value >> 24);
	if (c->code == ISM_REGISTER &&
	    (c->gpa < GPA + DMBS_AT || c->gpa > GPA + NOBODYS - 2 * ISM_DMB_MIN))
		c->gpa = ~0ull; /* over the area, or over what nobody may write */
	out(g, ISM_REG_COMMAND, 0);
	if (c->code == ISM_REGISTER && c->status == ISM_OK)
		remember(c->token, c->gid);
}

/* The DMB that a token names; NULL: none. */
static struct ism_dmb *find(uint64_t token)
{
	for (unsigned g = 0; g < GUESTS; g++)
		for (unsigned i = 60; i < 70; i++)
			if (world.d[g].dmb[i].state && world.d[g].dmb[i].token == token)
				return &world.d[g].dmb[i];
	return NULL;
}

static uint64_t advanced(uint64_t cursor, uint32_t bytes, uint32_t size)
{
	uint32_t count = ISM_CURSOR_COUNT(cursor) + bytes;
	uint16_t wrap = (uint16_t)(ISM_CURSOR_WRAP(cursor) + count / size);

	return wrap | (uint64_t)(count % size) << 16;
}

/* A message that is right, in two pieces, or spoiled in one byte, or in what it claims to carry. */
static void message(const struct step *s)
{
	unsigned g = s->a % GUESTS, n = s->c % 3 * 31;
	struct ism_slot *slot = &area(g)->slot[n];
	uint64_t token = world.token[s->b % TOKENS];
	const struct ism_dmb *dmb = find(token);
	uint32_t size = dmb ? dmb->length - ISM_HEADER : 100, bytes = (s->value & 0xffff) % size;
	uint64_t before = dmb ? ((uint64_t *)dmb->memory)[1] : 0;
	uint64_t more = (s->value >> 16 & 3) | (uint64_t)(s->value >> 18) << 16;
	bool claims_other;

	*slot = (struct ism_slot){.token = token,
	                          .status = ISM_PENDING,
	                          .pieces = 2,
	                          .piece = {{GPA + DMBS_AT, bytes / 3, ISM_HEADER},
	                                    {GPA + DMBS_AT + 5, bytes - bytes / 3, ISM_HEADER}},
	                          .header = {ISM_TYPE_CDC, advanced(before, bytes, size), 0, 0}};
	if (s->c >> 6 == 2)
		((uint8_t *)slot)[(s->value >> 17) % sizeof *slot] ^= (uint8_t)(s->value >> 24);
	if (s->c >> 6 == 3)
		slot->header[ISM_WORD_PRODUCED] += more;
	claims_other = s->c >> 6 == 3 && more && !world.d[g].job[n].state;
	out(g, ISM_REG_SUBMIT, n);
	while (!(s->c & 0x20) && vpci_work(&world.bus[g]))
		;
	if (claims_other && slot->status == ISM_OK)
		abort();
}

/* The receiver has read all, or clears its buffer, as at a connection's end. */
static void receive(const struct step *s)
{
	struct ism_dmb *dmb = find(world.token[s->b % TOKENS]);
	uint64_t *header = dmb ? (uint64_t *)dmb->memory : NULL;

	if (dmb && s->c & 1)
		memset(header, 0, ISM_HEADER);
	else if (dmb)
		header[ISM_WORD_READ] = header[ISM_WORD_PRODUCED] & 0xffffffffffffull;
}

static void run(const struct step *s)
{
	unsigned g = s->a % GUESTS;

	switch (s->op % 9) {
	case 0:
		out(g, s->b & ~3u, s->value);
		break;
	case 1:
		switch_on(s);
		break;
	case 2:
		command(s);
		break;
	case 3:
	case 4:
		message(s);
		break;
	case 5:
		vpci_work(&world.bus[g]);
		break;
	case 6:
		receive(s);
		break;
	case 7:
		world.ram[g][s->value % sizeof(struct ism_area)] = s->c;
		break;
	case 8:
		if (s->b & 1)
			vpci_reset(&world.bus[g]);
		else
			configure(g, 4, 2, s->value & 7);
		break;
	}
}

/* What each input begins with: two guests that have a buffer for each other. */
static void build(void)
{
	for (unsigned g = 0; g < GUESTS; g++) {
		memset(world.ram[g], UNTOUCHED, RAM);
		gmem_add(&mem[g], GPA, RAM, world.ram[g]);
		vpci_init(&world.bus[g], msi, NULL);
		world.bus[g].resume = resume;
		ism_init(&world.d[g], &fabric, 20 * g, g == 2 ? 2 : 1, &mem[g], 3);
		vpci_add(&world.bus[g], &world.d[g].pci, 0);
		ism_join(&world.d[g]);
		configure(g, world.d[g].pci.msix_cap + 2u, 2, 0x8000);
	}
	for (uint8_t g = 0; g < 2; g++)
		switch_on(&(struct step){.a = g});
	for (uint8_t g = 0; g < 2; g++)
		command(&(struct step){.a = g, .c = g, .value = 10u - g});
	image = world;
}

/* ---- what is checked ---- */

static bool held(const struct spinlock *l)
{
	return atomic_load(&l->next) != atomic_load(&l->owner);
}

static void check_dmb(const struct ism_dmb *dmb)
{
	const uint64_t *header = (const uint64_t *)dmb->memory;
	uint32_t size = dmb->length - ISM_HEADER, made = ISM_CURSOR_COUNT(header[1]);
	uint32_t seen = ISM_CURSOR_COUNT(header[3]);
	uint16_t wraps = (uint16_t)(ISM_CURSOR_WRAP(header[1]) - ISM_CURSOR_WRAP(header[3]));

	if (dmb->state != ISM_DMB_LIVE || made >= size ||
	    ISM_CURSOR_COUNT(header[2]) >= ISM_DMB_MAX)
		abort();
	if (dmb->window && !(wraps == 0 && made >= seen) && !(wraps == 1 && made <= seen))
		abort();
}

/* Of buffers that lie over each other nobody can say what is right. */
static bool alone(const struct ism *d, unsigned index)
{
	const struct ism_dmb *dmb = &d->dmb[index];

	for (unsigned i = 0; i < ISM_DMBS; i++) {
		const struct ism_dmb *other = &d->dmb[i];

		if (i != index && other->state && other->memory < dmb->memory + dmb->length &&
		    dmb->memory < other->memory + other->length)
			return false;
	}
	return true;
}

static void check(unsigned g)
{
	const struct ism *d = &world.d[g];

	if (held(&d->lock) || held(&d->event_lock) || held(&d->pci.msix_lock) ||
	    held(&world.bus[g].lock))
		abort();
	if (d->running && !vpci_enabled(&d->pci, VPCI_CMD_MASTER))
		abort();
	for (unsigned i = 0; i < ISM_DMBS; i++) {
		if (d->dmb[i].state && !d->running)
			abort();
		if (d->dmb[i].state && alone(d, i))
			check_dmb(&d->dmb[i]);
	}
	for (unsigned i = 0; i < ISM_SLOTS; i++)
		if (d->job[i].state == ISM_JOB_ACTIVE || (d->job[i].state && !d->running))
			abort();
}

static void check_nobodys(void)
{
	for (unsigned g = 0; g < GUESTS; g++)
		if (memcmp(world.ram[g] + NOBODYS, image.ram[g] + NOBODYS, RAM - NOBODYS) != 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!mem[0].n)
		build();
	else
		world = image;
	for (struct step s; size >= 8; data += 8, size -= 8) {
		s = (struct step){data[0], data[1], data[2], data[3], 0};
		memcpy(&s.value, data + 4, 4);
		run(&s);
		for (unsigned g = 0; g < GUESTS; g++)
			check(g);
	}
	check_nobodys();
	return 0;
}
