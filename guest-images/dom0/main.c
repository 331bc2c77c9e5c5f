/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small Dom0: owns the physical NIC and bridges it to its port of Patio's switch.
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
	      nic_irqs(), port_irqs(), b->port.rx.kicks + b->port.tx.kicks,
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

/* Sets the NIC's MTU to the port's, and reports when the NIC cannot receive such frames. */
static void follow_mtu(struct e1000 *n, uint32_t mtu)
{
	uint32_t can;

	if (mtu <= E1000_MTU)
		return;
	can = e1000_set_mtu(n, mtu);
	if (can < mtu)
		print("dom0: mtu %u is too much for the nic: longer frames than %u carries do not "
		      "come in\n",
		      mtu, can);
	else
		print("dom0: mtu %u\n", mtu);
}

static void exit_on_error(const char *error)
{
	if (!error)
		return;
	print("dom0: %s\n", error);
	guest_exit(1);
}

static _Noreturn void run_bridge(struct bridge *b, uint64_t every)
{
	uint64_t next = every;

	for (;;) {
		if (!bridge_poll(b))
			bridge_sleep(b);
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

	if (!mem_init(MEM_DMA_FLOOR))
		exit_on_error("no memory above 16 MiB, where the NIC can reach it");
	lapic_init(false);
	exit_on_error(nic_start(&b->nic, mb_number("promisc", 1), (uint16_t)mb_number("itr", 0)));
	exit_on_error(port_start(&b->port, e1000_tso6(&b->nic)));
	follow_mtu(&b->nic, b->port.mtu);
	exit_on_error(bridge_start(b));
	stamps_start(&b->in);
	stamps_start(&b->out);
	wait_for_link(&b->nic);
	print_nic(&b->nic);
	print("dom0: bridge ready\n");
	run_bridge(b, mb_number("stats", 0));
}
