/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_e1000.c: a guest with two emulated NICs on its bus, used through nothing but configuration
 * and register accesses and its own memory, and what the VMM does beside it: frames from a third
 * port, a core that polls, the rest of a visit.  The NICs are set up properly where the input says
 * so, that it gets behind the first checks.
 *
 * After each step: a NIC without bus mastering has no ring in use, a ring in use lies in the
 * guest's memory, its head is in the ring, and a NIC that lost bus mastering stays off until it is
 * reset. Nothing outside of the guest's memory was touched (the address sanitizer), and no lock is
 * held.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/arena.h"
#include "drivers/e1000/e1000.h"
#include "drivers/e1000/model.h"
#include "drivers/e1000/regs.h"

#define NICS        2
#define LOW         0x4000u
#define HIGH_GPA    0x100000u
#define HIGH        0x40000u
#define RING(d, tx) (HIGH_GPA + 0x2000u * (2u * (d) + (tx))) /* where a ring starts */
#define DESCS       16u
#define BUFFERS     (HIGH_GPA + 0x10000u)

/* All that a step changes, but the switch; an input begins with a copy. */
struct world {
	struct vpci bus;
	struct gmem mem;
	struct e1000_model nic[NICS];
};
static struct world world, image;
static uint8_t low[LOW], high[HIGH], far_frame[VNET_FRAME_MAX];
static struct vnet *v;
static struct vnet_port *far;

struct step {
	uint8_t op, a, b, c;
	uint32_t value;
};

static void msi(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx, (void)addr, (void)data;
}

struct vnet_core *vnet_this_core(void)
{
	return vnet_core(v, 0);
}

/* Reads the first and last byte of each piece. */
static unsigned far_egress(struct vnet_port *port, struct vnet_core *core,
                           struct vnet_frame *const *frames, unsigned n)
{
	(void)port, (void)core;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < frames[i]->nseg; k++) {
			const volatile uint8_t *bytes = frames[i]->seg[k].base;

			if (frames[i]->seg[k].len)
				(void)bytes[0], (void)bytes[frames[i]->seg[k].len - 1];
		}
	return n;
}

static const struct vnet_port_ops far_ops = {.egress = far_egress};

/* ---- what a driver does ---- */

static uint8_t *ram(uint32_t gpa)
{
	if (gpa < LOW)
		return &low[gpa];
	return gpa - HIGH_GPA < HIGH ? &high[gpa - HIGH_GPA] : &high[gpa % HIGH];
}

static void config(unsigned slot, unsigned off, unsigned size, uint32_t value)
{
	uint32_t at = 0x80000000u | slot << 11 | (off & 0xfc);

	vpci_io(&world.bus, 0xcf8, 4, true, &at);
	vpci_io(&world.bus, (uint16_t)(0xcfc + (off & 3)), size, true, &value);
}

static void write_reg(unsigned d, uint32_t reg, uint32_t value)
{
	uint64_t wide = value;

	vpci_mmio(&world.bus, world.nic[d].pci.bar[E1000_MODEL_BAR_REGS].home + reg, 4, true,
	          &wide);
}

/* Rings, all receive buffers, on; `how`: bits of RCTL, and formats of descriptors. */
static void start(unsigned d, uint32_t how)
{
	config(d + 1, 4, 2, VPCI_CMD_IO | VPCI_CMD_MEM | VPCI_CMD_MASTER);
	config(d + 1, 0x10, 4, world.nic[d].pci.bar[E1000_MODEL_BAR_REGS].home);
	config(d + 1, world.nic[d].pci.msix_cap + 2u, 2, 0x8000);
	write_reg(d, CTRL, CTRL_RST);
	write_reg(d, CTRL, CTRL_SLU | (how & 1 ? CTRL_VME : 0));
	write_reg(d, RFCTL, how & 2 ? RFCTL_EXSTEN : 0);
	write_reg(d, RXCSUM, how & 4 ? RXCSUM_TUOFL : 0);
	write_reg(d, PSRCTL, 2 | 4 << 8 | 4 << 16);
	for (unsigned i = 0; i < DESCS; i++) {
		uint64_t at = BUFFERS + 2048u * i;

		memcpy(ram(RING(d, 0) + 16 * i), &at, 8);
	}
	write_reg(d, RDBAL, RING(d, 0));
	write_reg(d, RDLEN, DESCS * 16);
	write_reg(d, TDBAL, RING(d, 1));
	write_reg(d, TDLEN, DESCS * 16);
	write_reg(d, RCTL, RCTL_EN | (how & 0x0606ff38));
	write_reg(d, TCTL, TCTL_EN);
	write_reg(d, RDT, DESCS - 1);
	write_reg(d, IVAR, 0x8u | 0x9u << 8 | 0xau << 16);
	write_reg(d, IMS, ~0u);
}

/* A transmit descriptor: data, mostly where data is, or a context for a frame of IPv4 and TCP. */
static void describe(const struct step *s)
{
	unsigned d = s->a % NICS;
	uint8_t *to = ram(RING(d, 1) + 16u * (s->a >> 1 & 15));
	uint64_t word[2] = {BUFFERS + 64u * s->b, (uint64_t)s->value << 24 | (s->c * 16u)};

	if (s->a & 0x20) {
		word[0] = 14 | 24ull << 8 | 33ull << 16 | 34ull << 32 | 50ull << 40;
		word[1] = TXD_DEXT | TXD_CTX_TCP | TXD_CTX_IPV4 | (s->c & 1 ? TXD_TSE : 0) |
		          54ull << 40 | (uint64_t)s->b << 48;
		if (s->c & 2)
			word[s->c >> 2 & 1] ^= (uint64_t)s->value << (s->c >> 3);
	} else if (s->a & 0x40) {
		word[0] = (uint64_t)s->value << (s->b & 31);
	} else if (s->a & 0x80) {
		word[1] = (word[1] & ~(15ull << 20)) | TXD_DEXT | TXD_DTYP_DAT | TXD_EOP | TXD_RS;
	}
	memcpy(to, word, sizeof word);
}

static void any_register(const struct step *s)
{
	static const uint16_t used[] = {CTRL, MDIC, EERD,  ICR,    ICS, IMS,    IMC,   IVAR,
	                                RCTL, TCTL, RDBAL, RDLEN,  RDH, RDT,    TDBAL, TDLEN,
	                                TDH,  TDT,  RFCTL, PSRCTL, VET, RXCSUM, EIAC,  IAM};
	uint64_t wide = (uint64_t)s->value << 32 | s->value;
	uint32_t off = s->c & 0x40
	                   ? used[s->b % (sizeof used / sizeof used[0])]
	                   : (uint32_t)(s->b << 9 | (s->c & 15) << 5 | (s->a >> 4 & 7) << 2);
	unsigned size = s->c & 0x20 ? 4 : 1u << (s->a >> 1 & 3);

	vpci_mmio(&world.bus, world.nic[s->a % NICS].pci.bar[E1000_MODEL_BAR_REGS].home + off, size,
	          s->c >> 7, &wide);
}

/* ---- what the VMM does meanwhile ---- */

/* A frame from the third port: of any length, with any offload header, to one of the NICs or all.
 */
static void from_far(const struct step *s)
{
	struct vnet_batch *b = vnet_core_batch(vnet_this_core());
	uint32_t len = s->b & 0x80 ? 60 + s->c * 256u : 14 + s->c * 8u;

	mac_write(far_frame, s->a & 2 ? MAC_BROADCAST : world.nic[s->a & 1].mac);
	far_frame[12] = s->a & 4 ? 0x81 : 8;
	far_frame[13] = 0;
	b->n = b->nseg = 1;
	b->seg[0] = (struct vnet_seg){far_frame, len};
	b->frame[0] =
	    (struct vnet_frame){.seg = b->seg, .nseg = 1, .len = len, .contiguous_head = true};
	if (s->a & 8)
		b->frame[0].hdr = (struct vnet_hdr){.flags = 1,
		                                    .csum_start = 34,
		                                    .csum_offset = 16,
		                                    .gso_type = s->b & 1,
		                                    .gso_size = (uint16_t)s->value,
		                                    .hdr_len = 54};
	vnet_input(vnet_this_core(), far, b);
}

static void control(const struct step *s)
{
	struct e1000_model *m = &world.nic[s->b % NICS];
	uint64_t value;
	char name[64];

	switch (s->a % 6) {
	case 0:
		e1000_model_nic.set_mtu(&m->pci, (uint16_t)s->value);
		break;
	case 1:
		vpci_work(&world.bus);
		break;
	case 2:
		vnet_port_set_mode(m->port, (enum vnet_mode)(s->c % 3));
		e1000_model_nic.kick(&m->pci);
		break;
	case 3:
		vnet_poll(vnet_this_core(), 1 + s->c % 64u);
		break;
	case 4:
		vpci_reset(&world.bus);
		break;
	default:
		for (unsigned i = 0; e1000_model_nic.counter(&m->pci, i, name, sizeof name, &value);
		     i++)
			;
	}
}

static void run(const struct step *s)
{
	switch (s->op & 15) {
	case 0:
		config(s->a % 4, s->b, 1u << s->c % 3, s->value);
		break;
	case 1 ... 3:
		any_register(s);
		break;
	case 4:
		start(s->a % NICS, s->value);
		break;
	case 5:
		*ram((uint32_t)s->a << 10 | (uint32_t)s->b << 2 | (s->c & 3)) = (uint8_t)s->value;
		break;
	case 6:
		control(s);
		break;
	case 7 ... 8:
		from_far(s);
		break;
	case 9 ... 12:
		describe(s);
		break;
	default:
		write_reg(s->a % NICS, s->c & 1 ? RDT : TDT, s->b % (DESCS + 2));
	}
}

/* ---- what is checked ---- */

static void check_ring(const struct e1000_model *m, const struct e1000_model_ring *r, unsigned size)
{
	const uint8_t *end;

	if (!atomic_load(&r->ready))
		return;
	end = r->desc + (size_t)r->count * size;
	if (!vpci_enabled(&m->pci, VPCI_CMD_MASTER) || m->halted || !r->count ||
	    r->head >= r->count)
		abort();
	if (!(r->desc >= low && end <= low + LOW) && !(r->desc >= high && end <= high + HIGH))
		abort();
}

/* A frame that waits and is not known to be incomplete has a visit arranged, or a core that polls.
 */
static void check_progress(const struct e1000_model *m)
{
	uint32_t tail = atomic_load(&m->reg[TDT / 4]);

	if (!atomic_load(&m->tx.ready) || tail >= m->tx.count || tail == m->tx.head ||
	    tail == m->tx_partial)
		return;
	if (atomic_load(&m->port->up) && vnet_port_mode(m->port) != VNET_KICK)
		return;
	if (!(atomic_load(&world.bus.left) >> m->pci.slot & 1))
		abort();
}

static void check(const struct e1000_model *m)
{
	check_progress(m);
	check_ring(m, &m->tx, 16);
	check_ring(m, &m->rx, m->split ? 32 : 16);
	if (m->lock.next != m->lock.owner || m->rx_lock.next != m->rx_lock.owner ||
	    m->irq_lock.next != m->irq_lock.owner || m->tx_gate.state)
		abort();
	if (m->pin !=
	    (!m->is_82574 && m->icr & m->ims && !vpci_enabled(&m->pci, VPCI_CMD_INTX_OFF)))
		abort();
	if (m->sent & ~(m->icr & m->ims))
		abort(); /* a message counts as sent while its cause is set and unmasked */
	if (atomic_load(&m->port->up) != atomic_load(&m->rx.ready))
		abort();
}

/* ---- one input ---- */

static void pin_set(void *ctx, bool asserted)
{
	(void)ctx, (void)asserted;
}

static void plug(unsigned i)
{
	static const char *const name[NICS] = {"a", "b"};
	struct e1000_model *m = &world.nic[i];
	struct e1000_model_config c = {name[i],
	                               0x100000005452ull | (mac_t)i << 40,
	                               1500,
	                               &world.mem,
	                               i ? E1000_82540EM : E1000_82574L,
	                               20,
	                               pin_set,
	                               NULL};

	e1000_model_init(m, &c);
	e1000_model_nic.attach(&m->pci, vnet_port_add(v, name[i], 0, e1000_model_nic.port, m, 0));
	vnet_port_set_mac(m->port, c.mac);
	vpci_add(&world.bus, &m->pci, i + 1);
}

/* What each input begins with, kept.  The frame from outside is one of IPv4 and TCP. */
static void build(void)
{
	v = vnet_create(&arena_mem, 1);
	vnet_net_set(v, 0, VNET_LEARN);
	vpci_init(&world.bus, msi, NULL);
	gmem_add(&world.mem, 0, LOW, low);
	gmem_add(&world.mem, HIGH_GPA, HIGH, high);
	for (unsigned i = 0; i < NICS; i++)
		plug(i);
	far = vnet_port_add(v, "far", 0, &far_ops, NULL, 0);
	vnet_port_set_up(far, vnet_this_core(), true);
	mac_write(far_frame + 6, 0x900000005452ull);
	far_frame[14] = 0x45;
	far_frame[23] = 6;
	far_frame[46] = 0x50;
	image = world;
	arena_keep();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!v) {
		build();
	} else {
		arena_restore();
		world = image;
		memset(low, 0, sizeof low);
		memset(high, 0, sizeof high);
	}
	for (; size >= 8; data += 8, size -= 8) {
		struct step s = {data[0], data[1], data[2], data[3], 0};

		memcpy(&s.value, data + 4, 4);
		run(&s);
		for (unsigned i = 0; i < NICS; i++)
			check(&world.nic[i]);
	}
	return 0;
}
