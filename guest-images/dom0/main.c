/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small Dom0: owns the physical NIC and bridges it to its port of Patio's switch: the one in a
 * trust group, if it has such a port, else a virtio device.
 *
 * Options: promisc=0|1 (1), itr=N (0, in 256 ns), stats=N (prints all counters about every N
 * frames).
 */
#include "guest-images/dom0/bridge.h"
#include "guest-images/dom0/nic.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/delay.h"
#include "guest-images/lib/lapic.h"
#include "guest-images/lib/mem.h"
#include "guest-images/lib/multiboot.h"
#include "lib/address_text.h"
#include "vnet/frame/mac.h"

#define LINK_WAIT_MS 3000

static struct bridge bridge;

static void print_nic(struct e1000 *n)
{
	char mac[MAC_TEXT];

	mac_to_text(mac_read(n->mac), mac);
	print("dom0: nic %s mac %s link %s\n", e1000_name(n->config.device), mac,
	      e1000_link(n) ? "up" : "down");
}

static void wait_for_link(struct e1000 *n)
{
	for (unsigned i = 0; i < LINK_WAIT_MS && !e1000_link(n); i++)
		delay_us(1000);
}

static void print_counters(struct bridge *b)
{
	const char *name;
	uint32_t v;

	print("dom0: counters nic_irqs=%lu port_irqs=%lu port_kicks=%lu port_bad_used=%lu",
	      nic_irqs(), port_irqs() + group_port_irqs(),
	      b->port.rx.kicks + b->port.tx.kicks + b->group.lib.rings,
	      b->port.rx.bad_used + b->port.tx.bad_used);
	for (unsigned i = 0; i < BRIDGE_COUNTER_COUNT; i++)
		print(" %s=%lu", bridge_counter_name[i], b->count[i]);
	for (unsigned i = 0; i < E1000_COUNTER_COUNT; i++)
		print(" %s=%lu", e1000_counter_name[i], b->nic.count[i]);
	for (unsigned i = 0; (name = e1000_stat(&b->nic, i, &v)); i++)
		if (v)
			print(" nic.%s=+%u", name, v);
	print("\n");
}

/* Sets the NIC's MTU to the port's, and reports when such frames cannot be received. */
static void follow_mtu(struct bridge *b)
{
	uint32_t can;

	if (b->mtu <= E1000_MTU)
		return;
	can = b->mtu_most ? b->mtu_most : e1000_set_mtu(&b->nic, b->mtu);
	if (can < b->mtu)
		print("dom0: mtu %u is too much for the nic: longer frames than %u carries do not "
		      "come in\n",
		      b->mtu, can);
	else
		print("dom0: mtu %u\n", b->mtu);
}

static void exit_on_error(const char *error)
{
	if (!error)
		return;
	print("dom0: %s\n", error);
	guest_exit(1);
}

static _Noreturn void run_bridge(struct bridge *b, const struct bridge_kind *kind, uint64_t every)
{
	bool (*const poll)(struct bridge *) = kind->poll;
	void (*const sleep)(struct bridge *) = kind->sleep;
	uint64_t next = every;

	for (;;) {
		if (!poll(b))
			sleep(b);
		if (nic_link_changed())
			print_nic(&b->nic);
		if (every && b->count[BRIDGE_in_frames] + b->count[BRIDGE_out_frames] >= next) {
			print_counters(b);
			next += every;
		}
	}
}

void guest_main(void)
{
	struct bridge *b = &bridge;
	const struct bridge_kind *kind = &bridge_virtio;

	if (!mem_init(MEM_DMA_FLOOR))
		exit_on_error("no memory above 16 MiB, where the NIC can reach it");
	lapic_init(false);
	exit_on_error(nic_start(&b->nic, mb_number("promisc", 1), (uint16_t)mb_number("itr", 0)));
	if (group_port_found())
		kind = &bridge_group;
	exit_on_error(kind->open(b));
	follow_mtu(b);
	exit_on_error(kind->start(b));
	stamps_start(&b->in);
	stamps_start(&b->out);
	wait_for_link(&b->nic);
	print_nic(&b->nic);
	if (kind == &bridge_group)
		print("dom0: in a group: the nic receives into %u of its buffers\n",
		      b->group.nic_most);
	print("dom0: bridge ready\n");
	run_bridge(b, kind, mb_number("stats", 0));
}
