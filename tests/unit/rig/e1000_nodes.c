/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/e1000_nodes.h"
#include "tests/unit/rig/host_memory.h"
#include "tests/unit/rig/virtio_nodes.h"
#include "vnet/frame/view.h"

/* virtio_nodes.h has the switch, and which of its cores this thread is. */
struct station station[STATIONS];
struct far_port far_port;

mac_t station_mac(unsigned i)
{
	return 0x200000005452ull | (mac_t)i << 40;
}

uint32_t nic_rd(struct station *s, uint32_t reg)
{
	return guest_mmio(s->g, s->regs + reg);
}

void nic_wr(struct station *s, uint32_t reg, uint32_t v)
{
	guest_mmio_set(s->g, s->regs + reg, v);
}

/* ---- how the driver reaches it ---- */

static uint32_t op_read(void *ctx, uint32_t reg)
{
	return nic_rd(ctx, reg);
}

static void op_write(void *ctx, uint32_t reg, uint32_t v)
{
	nic_wr(ctx, reg, v);
}

static uint64_t op_dma(void *ctx, const void *p)
{
	const struct station *s = ctx;

	return HIGH_GPA + (uint64_t)((const uint8_t *)p - s->g->high);
}

static void op_delay(void *ctx, unsigned us)
{
	(void)ctx, (void)us;
}

static const struct e1000_ops ops = {op_read, op_write, op_dma, op_delay};

void station_up(struct station *s, uint32_t mtu)
{
	struct e1000_config c = {.device = s->m->pci.cfg[2] | s->m->pci.cfg[3] << 8};
	void *rings = guest_at(s->g, guest_alloc(s->g, E1000_RING_BYTES));

	guest_cfg_set(s->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER);
	assert_null(e1000_start(&s->driver, &ops, s, &c, rings));
	if (mtu)
		assert_int_equal(e1000_set_mtu(&s->driver, mtu), mtu);
	for (unsigned i = 0; i < E1000_RX_RING - 1; i++)
		assert_true(
		    e1000_rx_give(&s->driver, guest_at(s->g, s->buffers + i * s->driver.rx_bytes)));
	e1000_rx_flush(&s->driver);
}

/* ---- the third port ---- */

static unsigned far_egress(struct vnet_port *port, struct vnet_core *core,
                           struct vnet_frame *const *frames, unsigned n)
{
	(void)port, (void)core;
	for (unsigned i = 0; i < n; i++) {
		unsigned k = far_port.n++;

		assert_true(k < FAR_GOT);
		far_port.got[k].data = malloc(frames[i]->len);
		far_port.got[k].len = frames[i]->len;
		far_port.got[k].hdr = frames[i]->hdr;
		assert_int_equal(view_read(frames[i], far_port.got[k].data, frames[i]->len),
		                 frames[i]->len);
	}
	return n;
}

static const struct vnet_port_ops far_ops = {.egress = far_egress};

void far_send(const uint8_t *data, uint32_t len, const struct vnet_hdr *hdr)
{
	struct vnet_batch *b = vnet_core_batch(vnet_this_core());

	b->n = b->nseg = 1;
	b->seg[0] = (struct vnet_seg){(uint8_t *)(uintptr_t)data, len};
	b->frame[0] = (struct vnet_frame){
	    .seg = b->seg, .nseg = 1, .len = len, .contiguous_head = true, .hdr = *hdr};
	vnet_input(vnet_this_core(), far_port.port, b);
}

void far_forget(void)
{
	while (far_port.n)
		free(far_port.got[--far_port.n].data);
}

/* ---- setup ---- */

static const uint16_t devices[STATIONS] = {E1000_82574L, E1000_82574L, E1000_82540EM};

static void pin_set(void *ctx, bool asserted)
{
	struct station *s = ctx;

	assert_int_not_equal(s->pin, asserted);
	s->pin = asserted;
	s->pin_rises += asserted;
}

static void station_make(struct station *s, unsigned i)
{
	struct e1000_model_config c = {"nic", station_mac(i), 1500,       NULL, devices[i],
	                               20,    pin_set,        &station[i]};
	char name[8];

	s->g = guest_new();
	c.mem = &s->g->mem;
	s->m = calloc(1, sizeof *s->m);
	e1000_model_init(s->m, &c);
	snprintf(name, sizeof name, "n%u", i);
	s->port = vnet_port_add(net, name, 0, e1000_model_nic.port, &s->m->pci, 0);
	assert_non_null(s->port);
	assert_true(vnet_port_set_mac(s->port, c.mac));
	e1000_model_nic.attach(&s->m->pci, s->port);
	assert_true(vpci_add(&s->g->pci, &s->m->pci, 1));
	s->p = guest_probe(s->g, 1);
	s->regs = guest_cfg(s->g, 1, 0x10, 4);
	s->buffers = guest_alloc(s->g, (E1000_RX_RING - 1) * 16384u);
	s->big = guest_at(s->g, guest_alloc(s->g, VNET_FRAME_MAX + 4096));
}

int stations_setup(void **state)
{
	static const struct vnet_mem mem = {host_alloc, host_release};

	(void)state;
	net = vnet_create(&mem, NODE_CORES);
	assert_true(vnet_net_set(net, 0, VNET_EXACT));
	for (unsigned i = 0; i < STATIONS; i++)
		station_make(&station[i], i);
	far_port.port = vnet_port_add(net, "far", 0, &far_ops, NULL, 0);
	assert_true(vnet_port_set_mac(far_port.port, station_mac(9)));
	vnet_port_set_up(far_port.port, vnet_this_core(), true);
	return 0;
}

int stations_teardown(void **state)
{
	(void)state;
	far_forget();
	vnet_destroy(net);
	for (unsigned i = 0; i < STATIONS; i++) {
		guest_free(station[i].g);
		free(station[i].m);
		memset(&station[i], 0, sizeof station[i]);
	}
	return 0;
}

uint64_t nic_counter(const struct station *s, const char *name)
{
	char found[64];
	uint64_t value;

	for (unsigned i = 0; e1000_model_nic.counter(&s->m->pci, i, found, sizeof found, &value);
	     i++)
		if (strcmp(found, name) == 0)
			return value;
	fail_msg("no counter %s", name);
	return 0;
}
