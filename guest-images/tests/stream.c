/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows of UDP to an echo (echo.c): flows= (16) source ports, n= (320) datagrams in turn, at most
 * window= (16) of them on their way, from ip= to to= at peer=.  Each flow's answers come in order,
 * and all come.
 */
#include <string.h>
#include "guest-images/lib/check.h"
#include "guest-images/lib/console.h"
#include "guest-images/lib/cpu.h"
#include "guest-images/lib/multiboot.h"
#include "guest-images/lib/netguest.h"
#include "lib/net_formats.h"

#define FLOWS      256
#define FIRST_PORT 1000
#define IP         14
#define UDP        34
#define NUMBER     42
#define BYTES      60

static struct vnic nic;
static struct packet_host me, to;
static uint8_t frame[VNIC_FRAME];
static uint32_t due[FLOWS]; /* the number of each flow's next answer */
static unsigned flows;

static void write_datagram(uint32_t number)
{
	memset(frame, 0, BYTES);
	memcpy(frame, to.mac, 6);
	memcpy(frame + 6, me.mac, 6);
	put_be16(frame + 12, ETHER_IPV4);
	frame[IP] = 0x45;
	put_be16(frame + IP + 2, BYTES - IP);
	frame[IP + 8] = 64;
	frame[IP + 9] = IP_UDP;
	memcpy(frame + IP + 12, me.ip, 4);
	memcpy(frame + IP + 16, to.ip, 4);
	put_be16(frame + IP + 10, packet_sum(frame + IP, 20, 0));
	put_be16(frame + UDP, FIRST_PORT + number % flows);
	put_be16(frame + UDP + 2, 7);
	put_be16(frame + UDP + 4, BYTES - UDP);
	put_be32(frame + NUMBER, number);
}

/* Takes an answer; false: it is none, or not the next one of its flow. */
static bool take_answer(unsigned len)
{
	unsigned flow;

	if (len < NUMBER + 4 || be16(frame + 12) != ETHER_IPV4 || frame[IP + 9] != IP_UDP)
		return false;
	flow = be16(frame + UDP + 2) - FIRST_PORT;
	if (flow >= flows || be32(frame + NUMBER) != due[flow])
		return false;
	due[flow] += flows;
	return true;
}

/* The next answer; 0: none came in time. */
static unsigned wait_answer(uint64_t patience)
{
	uint64_t start = rdtsc();
	unsigned len;

	while (!(len = vnic_receive(&nic, frame)) && rdtsc() - start < patience)
		vnic_wait(&nic);
	return len;
}

void guest_main(void)
{
	uint32_t n, window, sent = 0, got = 0, wrong = 0;
	uint64_t patience;
	unsigned len = 1;

	netguest_start(&nic, &me);
	flows = (unsigned)mb_number("flows", 16);
	n = (uint32_t)mb_number("n", 320);
	window = (uint32_t)mb_number("window", 16);
	patience = netguest_patience();
	if (!check(mb_mac("peer", to.mac) && mb_ip("to", to.ip) && flows && flows <= FLOWS,
	           "options", "peer=, to= or flows="))
		done();
	for (unsigned i = 0; i < flows; i++)
		due[i] = i;
	while (len && got + wrong < n) {
		for (; sent < n && sent - got - wrong < window; sent++) {
			write_datagram(sent);
			check(vnic_send(&nic, frame, BYTES), "ring", "full");
		}
		vnic_flush(&nic);
		len = wait_answer(patience);
		if (len && take_answer(len))
			got++;
		else if (len)
			wrong++;
	}
	print("stream: sent=%u got=%u wrong=%u\n", sent, got, wrong);
	check(got == n, "answers", "%u of %u, %u others", got, n, wrong);
	done();
}
