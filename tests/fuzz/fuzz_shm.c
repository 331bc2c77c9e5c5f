/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_shm.c: a trust group with a hostile member.
 *
 * ann and cat are honest and use netlib; a port outside the group sends and receives as well.  ben
 * writes anything into its private region, gives descriptors of any content, and uses its registers
 * as the input says.  Only the buffers of others it leaves alone,
 * which is what it is trusted with.
 *
 * After each step every buffer has one owner, and every member its share.  What ann and the
 * outsider send to cat arrives whole and in order, and is missing only where it was counted; the
 * honest members run for ever; no lock is held.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/shm/shm_parts.h"
#include "guest-images/netlib/netlib.h"
#include "tests/fuzz/arena.h"

#define SEATS  3
#define SHARE  16u
#define REGION (SEATS * SHARE * SHM_BUFFER)
#define TAG    0x7a6b5c4d3e2f1011ull /* of what ann and the outsider send to cat */
#define DATA   14                    /* where the tag is; the sender and a serial number follow */

enum { ANN, BEN, CAT };

/* All that a step changes, but the switch and the memory that guests share. */
struct world {
	struct shm_group group;
	struct shm_member member[SEATS];
	struct vpci bus[SEATS];
	struct netlib lib[SEATS];
	uint32_t serial[2], next[2]; /* by sender: of its next frame to cat, of the next there */
	uint64_t sent, got;          /* to cat */
};
static struct world world, image;
static _Alignas(4096) uint8_t region[REGION], region_image[REGION];
static _Alignas(4096) uint8_t space[SEATS][SHM_PRIVATE_BYTES],
    space_image[SEATS][SHM_PRIVATE_BYTES];
static struct vnet *v;
static struct vnet_port *port[SEATS + 1]; /* the last is the outsider */

struct step {
	uint8_t op, a, b, c;
	uint32_t value;
};

struct vnet_core *vnet_this_core(void)
{
	return vnet_core(v, 0);
}

static void msi(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

static struct shm_private *shared(unsigned seat)
{
	return (struct shm_private *)(void *)space[seat];
}

static void out(unsigned seat, uint32_t off, unsigned size, uint32_t value)
{
	vpci_io(&world.bus[seat], (uint16_t)(VPCI_IO_FIRST + off), size, true, &value);
}

static void ring(void *ctx)
{
	out((unsigned)(uintptr_t)ctx, SHM_IO_DOORBELL, 2, 0);
}

static mac_t mac_of(unsigned i)
{
	return 0x5452ull | (mac_t)(i + 1) << 40;
}

/* ---- frames ---- */

static void write_head(uint8_t *f, unsigned from, unsigned to)
{
	mac_write(f, to > SEATS ? MAC_BROADCAST : mac_of(to));
	mac_write(f + 6, mac_of(from));
	f[12] = 0x88;
	f[13] = 0xb5;
}

/* What a frame to cat has behind its header, so that cat knows it again. */
static void write_tag(uint8_t *f, unsigned sender, uint32_t length)
{
	const uint64_t tag = TAG;

	memcpy(f + DATA, &tag, 8);
	f[DATA + 8] = (uint8_t)sender;
	memcpy(f + DATA + 9, &world.serial[sender], 4);
	for (uint32_t i = DATA + 13; i < length; i++)
		f[i] = (uint8_t)(world.serial[sender] + i);
	world.serial[sender]++;
	world.sent++;
}

/* cat has got a frame. */
static void check_frame(const uint8_t *f, uint32_t length)
{
	uint64_t tag = 0;
	uint32_t serial;
	unsigned sender;

	if (length < 60)
		return;
	memcpy(&tag, f + DATA, 8);
	if (tag != TAG)
		return;
	sender = f[DATA + 8];
	memcpy(&serial, f + DATA + 9, 4);
	if (sender > 1 || serial < world.next[sender] || serial >= world.serial[sender])
		abort();
	for (uint32_t i = DATA + 13; i < length; i++)
		if (f[i] != (uint8_t)(serial + i))
			abort();
	world.next[sender] = serial + 1;
	world.got++;
}

/* ---- the honest ---- */

static void ann_sends(const struct step *s)
{
	struct netlib_frame f[8];
	unsigned n = netlib_take(&world.lib[ANN], f, 1 + s->b % 8);

	for (unsigned i = 0; i < n; i++) {
		unsigned to = s->a % (SEATS + 2), direct = s->c & 1;

		f[i].length = 60 + s->value % 1400;
		memset(f[i].data, 0, f[i].length);
		write_head(f[i].data, ANN, to);
		if (to == CAT)
			write_tag(f[i].data, 0, f[i].length);
		if (to < SEATS && direct) {
			f[i].action = SHM_TO;
			f[i].to = (uint8_t)to;
		}
	}
	if (netlib_send(&world.lib[ANN], f, n) != n)
		abort();
}

static void receive(unsigned seat, unsigned max)
{
	struct netlib_frame f[8];
	unsigned n = netlib_receive(&world.lib[seat], f, 1 + max % 8);

	for (unsigned i = 0; i < n; i++) {
		if (seat == CAT)
			check_frame(f[i].data, f[i].length);
		f[i].action = SHM_DROP;
	}
	if (netlib_send(&world.lib[seat], f, n) != n)
		abort();
}

static void outsider_sends(const struct step *s)
{
	static uint8_t bytes[4096];
	struct vnet_batch *b = vnet_core_batch(vnet_this_core());
	uint32_t length = 60 + s->value % 2000, split = 14 + s->b;
	unsigned to = s->a % (SEATS + 2);

	memset(bytes, 0, length);
	write_head(bytes, SEATS, to);
	if (to == CAT && length <= SHM_FRAME_MAX)
		write_tag(bytes, 1, length);
	b->seg[0] = (struct vnet_seg){bytes, split < length ? split : length};
	b->seg[1] = (struct vnet_seg){bytes + b->seg[0].len, length - b->seg[0].len};
	b->frame[0] = (struct vnet_frame){
	    .seg = b->seg, .len = length, .nseg = b->seg[1].len ? 2 : 1, .contiguous_head = true};
	if (to != CAT && s->c & 1)
		b->frame[0].hdr = (struct vnet_hdr){.flags = VNET_HDR_F_NEEDS_CSUM,
		                                    .gso_type = s->c >> 1 & 1,
		                                    .gso_size = (uint16_t)(s->value >> 16),
		                                    .csum_start = s->c >> 2,
		                                    .csum_offset = 16};
	b->n = 1;
	b->nseg = b->frame[0].nseg;
	vnet_input(vnet_this_core(), port[SEATS], b);
}

static unsigned outsider_gets(struct vnet_port *to, struct vnet_core *core,
                              struct vnet_frame *const *frames, unsigned n)
{
	volatile uint8_t sum = 0;

	(void)to, (void)core;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < frames[i]->nseg; k++)
			for (uint32_t at = 0; at < frames[i]->seg[k].len; at++)
				sum = (uint8_t)(sum + frames[i]->seg[k].base[at]);
	return n;
}

static const struct vnet_port_ops outsider = {.egress = outsider_gets};

/* ---- ben ---- */

static void ben_stores(const struct step *s)
{
	uint32_t at = ((uint32_t)s->a << 10 | (uint32_t)s->b << 2) % SHM_PRIVATE_BYTES;

	/* Mostly where the indices are. */
	if (s->c & 1)
		at = 64 + at % 448;
	memcpy(&space[BEN][at & ~3u], &s->value, 4);
}

/* An entry of any content, or one of a buffer that is ben's. */
static void ben_gives(const struct step *s)
{
	struct shm_private *p = shared(BEN);
	uint32_t head = atomic_load(&p->out.head);
	struct shm_desc d = {.at = s->value, .length = (uint16_t)(s->b * 9), .action = s->a & 3};
	uint32_t owned = s->value % world.group.buffers;

	for (uint32_t i = 0; s->c & 1 && i < world.group.buffers; i++) {
		owned = (owned + 1) % world.group.buffers;
		if (shm_owner(&world.group, owned) == BEN + 1) {
			d.at = owned * SHM_BUFFER + s->value % (s->c & 2 ? 2048 : 64);
			write_head(region + owned * SHM_BUFFER, BEN, s->b % (SEATS + 2));
			break;
		}
	}
	d.to = d.action == SHM_TO ? s->a >> 2 & 3 : 0;
	p->out_ring[head & world.member[BEN].mask] = d;
	atomic_store(&p->out.head, head + 1);
	if (s->c & 4)
		ring((void *)(uintptr_t)BEN);
}

static void ben_registers(const struct step *s)
{
	uint32_t value = s->value;

	vpci_io(&world.bus[BEN], (uint16_t)(VPCI_IO_FIRST + s->a), 1u << s->c % 3, s->c >> 7,
	        &value);
}

/* ---- steps ---- */

static void modes(const struct step *s)
{
	struct shm_member *m = &world.member[s->a % SEATS];

	vnet_port_set_mode(m->port, (enum vnet_mode)(s->b % 3));
	shm_member_kick(m);
}

static void run(const struct step *s)
{
	switch (s->op & 15) {
	case 0 ... 2:
		ann_sends(s);
		break;
	case 3:
		receive(ANN, s->a);
		break;
	case 4:
		receive(CAT, s->a);
		break;
	case 5:
		outsider_sends(s);
		break;
	case 6 ... 8:
		ben_stores(s);
		break;
	case 9 ... 11:
		ben_gives(s);
		break;
	case 12:
		ben_registers(s);
		break;
	case 13:
		out(BEN, SHM_IO_STATUS, 4, 0);
		out(BEN, SHM_IO_STATUS, 4, SHM_START);
		break;
	case 14:
		vpci_work(&world.bus[s->a % SEATS]);
		if (s->b & 1)
			vnet_poll(vnet_this_core(), 1 + s->c % 64u);
		if (s->b & 2)
			vnet_rest(vnet_this_core());
		break;
	default:
		modes(s);
	}
}

/* ---- what is checked ---- */

static void check_shares(void)
{
	unsigned has[SEATS] = {0};

	for (uint32_t i = 0; i < world.group.buffers; i++) {
		uint32_t owner = shm_owner(&world.group, i);

		if (owner > SEATS)
			abort();
		if (owner)
			has[owner - 1]++;
	}
	for (unsigned i = 0; i < SEATS; i++) {
		const struct shm_member *m = &world.member[i];

		if (has[i] + m->nspare != SHARE || m->incoming || m->gate.state ||
		    atomic_load(&m->lock.next) != atomic_load(&m->lock.owner))
			abort();
		for (uint32_t k = 0; k < m->nspare; k++)
			if (shm_owner(&world.group, m->spare[k]) != SHM_OF_VMM)
				abort();
	}
}

/* The honest run, and what was sent to cat is there or was counted as dropped. */
static void check_end(void)
{
	struct vnet_port_stats s;
	uint64_t lost;

	for (unsigned i = 0; i < 4 * SHARE; i++) {
		vnet_poll(vnet_this_core(), 64);
		for (unsigned k = 0; k < SEATS; k++)
			vpci_work(&world.bus[k]);
		receive(CAT, 7);
	}
	if (!netlib_running(&world.lib[ANN]) || !netlib_running(&world.lib[CAT]))
		abort();
	vnet_port_stats(port[CAT], &s);
	lost = s.drop[VNET_DROP_rx_full] + world.member[ANN].count[SHM_COUNT_direct_lost];
	if (world.got > world.sent || world.sent - world.got > lost)
		abort();
}

/* ---- one input ---- */

static void join(unsigned i)
{
	static const char *const name[SEATS] = {"ann", "ben", "cat"};
	struct shm_member_config c = {
	    .name = name[i], .mac = mac_of(i), .mtu = 1500, .shared = shared(i)};
	struct shm_member *m = &world.member[i];

	shm_member_init(m, &world.group, i, &c);
	port[i] = vnet_port_add(v, name[i], 0, shm_nic.port, m, 0);
	shm_member_attach(m, port[i]);
	vpci_init(&world.bus[i], msi, NULL);
	vpci_add(&world.bus[i], &m->pci, 1);
	vpci_cfg_write(&m->pci, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	out(i, SHM_IO_STATUS, 4, SHM_START);
	if (netlib_open(&world.lib[i], shared(i), region, REGION, ring, (void *)(uintptr_t)i))
		abort();
}

static void set_routes(void)
{
	struct vnet_route r[2 * SEATS + 2];
	char err[64];

	for (unsigned i = 0; i <= SEATS; i++) {
		r[i] = (struct vnet_route){.dst = {VNET_MAC_IS, mac_of(i)}, .from = -1};
		r[SEATS + 1 + i] =
		    (struct vnet_route){.dst = {VNET_MAC_IS, MAC_BROADCAST}, .from = -1};
		r[i].src.match = r[SEATS + 1 + i].src.match = VNET_MAC_ANY;
		r[i].to = r[SEATS + 1 + i].to = port[i]->number;
	}
	if (!vnet_routes_set(v, r, 2 * SEATS + 2, err, sizeof err))
		abort();
}

static void wake(unsigned core)
{
	(void)core;
}

static void build(void)
{
	v = vnet_create(&arena_mem, 1);
	vnet_net_set(v, 0, VNET_ROUTE);
	vnet_poller_set(v, vnet_core(v, 0), wake);
	shm_group_init(&world.group, region, REGION, SEATS);
	for (unsigned i = 0; i < SEATS; i++)
		join(i);
	port[SEATS] = vnet_port_add(v, "out", 0, &outsider, NULL, 0);
	vnet_port_set_up(port[SEATS], vnet_core(v, 0), true);
	set_routes();
	image = world;
	memcpy(region_image, region, REGION);
	memcpy(space_image, space, sizeof space);
	arena_keep();
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
	struct step s;

	if (!v) {
		build();
	} else {
		arena_restore();
		world = image;
		memcpy(region, region_image, REGION);
		memcpy(space, space_image, sizeof space);
	}
	while (take(&s, &data, &size)) {
		run(&s);
		check_shares();
	}
	check_end();
	return 0;
}
