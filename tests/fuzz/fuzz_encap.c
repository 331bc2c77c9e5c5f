/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_encap.c: frames of any shape into an edge with an underlay and out over its links.  Frames
 * lie in allocations of their exact size; nothing may reach another network than its link's, and
 * each packet that leaves must read back as what went in.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/arena.h"
#include "vnet/link/arp.h"
#include "lib/bytes.h"
#include "vnet/link/encap.h"
#include "vnet/frame/view.h"

#define US      0xc0000201u
#define PEER    0xc0000202u
#define US_MAC  0x010000000002ull
#define HIS_MAC 0x020000000002ull
#define NETS    3 /* each with a guest; the links are of networks 1 and 2 */

struct input {
	const uint8_t *p;
	size_t left;
};

static struct vnet *v;
static struct vnet_port *edge, *guest[NETS];
static const struct vnet_link_config config[NETS] = {
    {0}, {VNET_LINK_VXLAN, PEER, 7, 0, VNET_DSCP_COPY}, {VNET_LINK_UDP, PEER, 0, 0, 5}};
static bool from_wire; /* what is sent now comes from the edge */
static int from_net;   /* ... or from the guest of this network */

static unsigned next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

/* The pieces hold exactly what the frame says; touches each byte. */
static void touch(const struct vnet_frame *f)
{
	static volatile uint8_t sink;
	uint32_t len = 0;

	for (unsigned s = 0; s < f->nseg; s++)
		for (uint32_t i = 0; i < f->seg[s].len; i++, len++)
			sink = f->seg[s].base[i];
	if (len != f->len)
		abort();
	(void)sink;
}

static unsigned to_guest(struct vnet_port *port, struct vnet_core *core,
                         struct vnet_frame *const *frames, unsigned n)
{
	int net = (int)(size_t)port->dev;

	(void)core;
	for (unsigned i = 0; i < n; i++) {
		touch(frames[i]);
		/* A guest gets its own network's, or an answer to what did not fit. */
		if (!from_wire && net != from_net)
			abort();
	}
	return n;
}

/* The outer header has the inner packet's marks, and its DSCP where the link copies that. */
static void check_tos(const struct vnet_frame *f, const struct encap_packet *p)
{
	uint8_t whole[1514];
	struct headers h;
	unsigned have = view_read(f, whole, sizeof whole) - p->inner, tos = 0;

	headers_read(&h, whole + p->inner, have);
	if (h.ipv4 || h.ipv6)
		tos = headers_tos(&h, whole + p->inner);
	if (config[from_net].dscp != VNET_DSCP_COPY)
		tos = (unsigned)config[from_net].dscp << 2 | (tos & 3);
	if (p->tos != tos)
		abort();
}

/* A packet of a link must be one that its peer takes, and carry a frame of the right network. */
static void read_back(const struct vnet_frame *f)
{
	struct encap_packet p;
	int kind = f->contiguous_head && be16(f->seg[0].base + 36) == 4789 ? VNET_LINK_VXLAN
	                                                                   : VNET_LINK_UDP;

	if (f->len > 1514 || encap_read_ip(&p, f) != ENCAP_OK || p.destination != PEER ||
	    p.end != f->len)
		abort();
	if (be16(p.head + p.l4 + 4) != p.end - p.l4 ||
	    encap_read_inner(&p, (enum vnet_link_kind)kind) != ENCAP_OK)
		abort();
	if (from_net != (kind == VNET_LINK_VXLAN ? 1 : 2) || p.vni != config[from_net].vni)
		abort();
	check_tos(f, &p);
	if (f->hdr.gso_type || (f->hdr.flags & VNET_HDR_F_NEEDS_CSUM &&
	                        f->hdr.csum_start + f->hdr.csum_offset + 2u > f->len))
		abort();
}

static unsigned to_wire(struct vnet_port *port, struct vnet_core *core,
                        struct vnet_frame *const *frames, unsigned n)
{
	(void)port, (void)core;
	for (unsigned i = 0; i < n; i++) {
		touch(frames[i]);
		if (!from_wire && from_net > 0)
			read_back(frames[i]);
	}
	return n;
}

static const struct vnet_port_ops guest_ops = {.egress = to_guest}, wire_ops = {.egress = to_wire};

/* An outer packet as a peer would send it. */
static void well_formed(uint8_t *p, uint32_t len, unsigned net)
{
	const struct vnet_link_config *c = &config[net];
	const struct encap_path path = {c->kind, HIS_MAC, PEER,
	                                US,      c->vni,  c->kind == VNET_LINK_VXLAN ? 4789 : 9000};
	unsigned bytes = encap_bytes(c->kind);
	uint8_t template[ENCAP_MAX], head[ENCAP_MAX];

	encap_template(template, &path);
	encap_build(head, template, bytes,
	            &(struct encap_outer){US_MAC, len > bytes ? len - bytes : 0, 50000, 0, 0});
	memcpy(p, head, bytes < len ? bytes : len);
}

static void ip_sum(uint8_t *p, uint32_t len)
{
	struct sum s = {0, false};

	if (len < 34)
		return;
	put_be16(p + 24, 0);
	sum_bytes(&s, p + 14, 20);
	sum_store(&s, p + 24);
}

/* A TCP segment, to be cut. */
static void large(uint8_t *p, uint32_t len, struct vnet_hdr *hdr)
{
	static const uint8_t head[] = {0x08, 0x00, 0x45, 0,  0, 0, 0, 0,  0x40, 0, 64,
	                               6,    0,    0,    10, 0, 0, 1, 10, 0,    0, 2};

	if (len < 60)
		return;
	memcpy(p + 12, head, sizeof head);
	p[46] = 0x50;
	*hdr = (struct vnet_hdr){VNET_HDR_F_NEEDS_CSUM, VNET_GSO_TCPV4, 0, 100, 34, 16, 0};
}

static void send(struct input *in)
{
	struct vnet_core *core = vnet_core(v, 0);
	struct vnet_batch *b = vnet_core_batch(core);
	unsigned shape = next(in), count = 1 + next(in) % 8, net = next(in) % NETS;
	uint8_t *kept[8 * 60];
	unsigned pieces = 0;

	b->n = b->nseg = 0;
	from_wire = shape & 1;
	from_net = (int)net;
	for (unsigned k = 0; k < count; k++) {
		uint32_t len = next(in) * (shape & 2 ? 16 : 1), step = 1 + next(in) * 8, at = 0;
		struct vnet_frame *f = &b->frame[b->n++];
		uint8_t whole[4096] = {0};

		*f = (struct vnet_frame){.seg = &b->seg[b->nseg], .len = len};
		if (from_wire && net)
			well_formed(whole, len, net);
		else
			mac_write(whole, shape & 8 ? 0x30052 : US_MAC);
		whole[6] |= 2;
		if (!from_wire && shape & 16)
			large(whole, len, &f->hdr);
		for (unsigned flips = next(in) % 8; flips; flips--) {
			unsigned where = next(in);

			if (where < len)
				whole[where] = (uint8_t)next(in);
		}
		if (shape & 4)
			ip_sum(whole, len);
		if (step < len / 50)
			step = len / 50 + 1;
		for (; at < len; at += step, pieces++) {
			uint32_t part = len - at < step ? len - at : step;

			kept[pieces] = malloc(part);
			memcpy(kept[pieces], whole + at, part);
			b->seg[b->nseg++] = (struct vnet_seg){kept[pieces], part};
			f->nseg++;
		}
		f->contiguous_head = f->nseg && f->seg->len >= VNET_FRAME_MIN;
		if (shape & 32)
			f->hdr = (struct vnet_hdr){
			    (uint8_t)next(in),  (uint8_t)next(in),  0, (uint16_t)(next(in) * 8),
			    (uint16_t)next(in), (uint16_t)next(in), 0};
	}
	vnet_input(core, from_wire ? edge : guest[net], b);
	while (pieces)
		free(kept[--pieces]);
}

/* The peer answers, so that links send. */
static void resolve(void)
{
	const struct arp a = {ARP_REPLY, HIS_MAC, US_MAC, PEER, US};
	struct vnet_batch *b = vnet_core_batch(vnet_core(v, 0));
	uint8_t frame[ARP_FRAME];

	from_wire = true;
	vnet_port_ready(vnet_core(v, 0), edge);
	arp_write(frame, US_MAC, &a);
	b->n = b->nseg = 1;
	b->seg[0] = (struct vnet_seg){frame, sizeof frame};
	b->frame[0] = (struct vnet_frame){
	    .seg = b->seg, .nseg = 1, .len = sizeof frame, .contiguous_head = true};
	vnet_input(vnet_core(v, 0), edge, b);
}

/* The switch that each input begins with: links whose peer answered. */
static void build(void)
{
	const struct vnet_underlay_config under = {US, 24, 0, US_MAC, 1500};
	static const char *const name[NETS] = {"g0", "g1", "g2"};
	struct vnet_link_info info;
	char err[100];

	v = vnet_create(&arena_mem, 1);
	for (unsigned net = 0; net < NETS; net++) {
		vnet_net_set(v, net, VNET_LEARN);
		guest[net] = vnet_port_add(v, name[net], net, &guest_ops, (void *)(size_t)net, 0);
		guest[net]->up = true;
	}
	edge = vnet_port_add(v, "edge", 0, &wire_ops, NULL, VNET_EDGE);
	edge->up = true;
	if (!vnet_underlay_set(edge, &under, err, sizeof err) ||
	    !vnet_link_add(v, "one", 1, edge, &config[1], err, sizeof err) ||
	    !vnet_link_add(v, "two", 2, edge, &config[2], err, sizeof err))
		abort();
	resolve();
	if (!vnet_link_get(vnet_port_find(v, "one"), &info) || info.next_mac != HIS_MAC)
		abort();
	arena_keep();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	if (!v)
		build();
	else
		arena_restore();
	while (in.left)
		send(&in);
	return 0;
}
