/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two guests with emulated NICs send to each other on cores of their own, while another vCPU of the
 * second one pokes at its NIC's registers and resets it, a core polls, and control changes modes
 * and reads counters.  Under the thread sanitizer, which sees what no lock orders.
 *
 * The guests' memory is set up before, and looked at afterwards; meanwhile it is the NICs'.
 */
#include "tests/unit/rig/e1000_nodes.h"
#include "tests/unit/rig/virtio_nodes.h"
#include "vnet/frame/mac.h"
#include <pthread.h>
#include <sched.h>

#define ONE    (&station[0])
#define TWO    (&station[1])
#define DESCS  64u
#define BUFFER 2048u
#define SENDS  400u
#define RESETS 20u
#define LENGTH 200u
#define KICKS  100000u

static atomic_bool stop;
static atomic_uint senders;

/* Rings and filters, by registers alone: it may be done again. */
static void start(struct station *s, uint64_t rings)
{
	nic_wr(s, RDBAL, (uint32_t)rings);
	nic_wr(s, RDLEN, DESCS * 16);
	nic_wr(s, RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC);
	nic_wr(s, RDT, DESCS - 1);
	nic_wr(s, TDBAL, (uint32_t)rings + DESCS * 16);
	nic_wr(s, TDLEN, DESCS * 16);
	nic_wr(s, TCTL, TCTL_EN);
	nic_wr(s, IVAR, 0x8u | 0x9u << 8 | 0xau << 16);
	nic_wr(s, IMS, ~0u);
}

/* All transmit descriptors are of one frame, for the other guest. */
static uint64_t prepare(unsigned i)
{
	struct station *s = &station[i];
	uint64_t rings = guest_alloc(s->g, 2 * DESCS * 16);
	uint64_t buffers = guest_alloc(s->g, (DESCS + 1) * BUFFER);
	uint64_t *d = guest_at(s->g, rings);
	uint8_t *frame = guest_at(s->g, buffers + DESCS * BUFFER);

	memset(frame, (int)(i + 1), LENGTH);
	mac_write(frame, station_mac(!i));
	mac_write(frame + 6, station_mac(i));
	for (unsigned k = 0; k < DESCS; k++) {
		d[2 * k] = buffers + k * BUFFER;
		d[2 * (DESCS + k)] = buffers + DESCS * BUFFER;
		d[2 * (DESCS + k) + 1] = LENGTH | TXD_EOP | TXD_RS;
	}
	guest_cfg_set(s->g, 1, 4, 2, VPCI_CMD_MEM | VPCI_CMD_MASTER);
	msix_on(s->g, &s->p, 5, 0);
	start(s, rings);
	return rings;
}

/* Sends, and gives the receiver's buffers back. */
static void *sender(void *arg)
{
	struct station *s = arg;

	this_core_id = (unsigned)(s - station);
	for (unsigned i = 1; i <= SENDS; i++) {
		nic_wr(s, TDT, (nic_rd(s, TDH) + 1 + i % 7) % DESCS);
		while (vpci_work(&s->g->pci))
			;
		nic_wr(s, RDT, (nic_rd(s, RDH) + DESCS - 1) % DESCS);
		if (i % 16 == 0)
			sched_yield();
	}
	atomic_fetch_sub(&senders, 1);
	return NULL;
}

static uint64_t two_rings;

static void *pokes(void *arg)
{
	(void)arg;
	this_core_id = 2;
	for (unsigned i = 0; i < RESETS; i++) {
		for (unsigned k = 0; k < 20; k++) {
			nic_wr(TWO, RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC | (k & 1 ? RCTL_UPE : 0));
			nic_wr(TWO, MTA + 4 * k, k);
			nic_wr(TWO, CTRL, CTRL_SLU | (k & 1 ? CTRL_VME : 0));
			nic_rd(TWO, ICR);
			nic_wr(TWO, k & 1 ? IMS : IMC, ~0u);
			nic_rd(TWO, STATISTICS + 0x74 + 4 * (k % 8));
			nic_wr(TWO, MDIC, MDIC_READ | 1 << 21 | k << 16);
		}
		nic_wr(TWO, CTRL, CTRL_RST);
		start(TWO, two_rings);
		sched_yield();
	}
	return NULL;
}

static void *polls(void *arg)
{
	(void)arg;
	this_core_id = 3;
	while (!atomic_load(&stop)) {
		vnet_poll(vnet_this_core(), 16);
		sched_yield();
	}
	return NULL;
}

static void *control(void *arg)
{
	uint64_t value;
	char name[64];

	(void)arg;
	this_core_id = 4;
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		struct station *s = &station[i & 1];

		vnet_port_set_mode(s->port, (enum vnet_mode)(i / 2 % 3));
		e1000_model_nic.kick(&s->m->pci);
		e1000_model_nic.set_mtu(&s->m->pci, (uint16_t)(1400 + i % 100));
		e1000_model_nic.copied(&s->m->pci);
		for (unsigned k = 0;
		     e1000_model_nic.counter(&s->m->pci, k, name, sizeof name, &value); k++)
			;
		sched_yield();
	}
	return NULL;
}

/* Each receive buffer is as it was, or has the other's frame. */
static void check_buffers(unsigned i, uint64_t rings)
{
	const uint64_t *d = guest_at(station[i].g, rings);
	unsigned full = 0;

	for (unsigned k = 0; k < DESCS; k++) {
		const uint8_t *f = guest_at(station[i].g, d[2 * k]);

		if (!f[0])
			continue;
		full++;
		assert_int_equal(mac_read(f), station_mac(i));
		for (unsigned b = 12; b < LENGTH; b++)
			assert_int_equal(f[b], !i + 1);
	}
	assert_true(full > 0);
}

/* It never rests. */
static void wake(unsigned core)
{
	(void)core;
}

static void *sets_up(void *arg)
{
	(void)arg;
	this_core_id = 1;
	while (!atomic_load(&stop))
		nic_wr(ONE, CTRL, CTRL_SLU);
	return NULL;
}

/* While another vCPU writes to a register that sets the rings up again, no kick is lost. */
static void test_kicks(void **state)
{
	pthread_t t;

	(void)state;
	prepare(0);
	prepare(1);
	atomic_store(&stop, false);
	pthread_create(&t, NULL, sets_up, NULL);
	for (unsigned i = 1; i <= KICKS; i++) {
		nic_wr(ONE, TDT, i % DESCS);
		for (unsigned k = 0; nic_rd(ONE, TDH) != i % DESCS; k++) {
			assert_true(k < 10000);
			vpci_work(&ONE->g->pci);
			sched_yield();
		}
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
}

static void test_traffic(void **state)
{
	pthread_t t[5];
	uint64_t one_rings = prepare(0);

	(void)state;
	two_rings = prepare(1);
	atomic_store(&stop, false);
	atomic_store(&senders, 2);
	vnet_poller_set(net, vnet_core(net, 3), wake);
	pthread_create(&t[0], NULL, sender, ONE);
	pthread_create(&t[1], NULL, sender, TWO);
	pthread_create(&t[2], NULL, pokes, NULL);
	pthread_create(&t[3], NULL, polls, NULL);
	pthread_create(&t[4], NULL, control, NULL);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	atomic_store(&stop, true);
	pthread_join(t[3], NULL);
	pthread_join(t[4], NULL);
	this_core_id = 0;
	check_buffers(0, one_rings);
	check_buffers(1, two_rings);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = E1000_MODEL_OK + 1; k < E1000_MODEL_ERROR_COUNT; k++)
			assert_int_equal(station[i].m->violation[k], 0);
	assert_int_equal(nic_counter(TWO, "resets"), RESETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_traffic, stations_setup, stations_teardown),
	    cmocka_unit_test_setup_teardown(test_kicks, stations_setup, stations_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
