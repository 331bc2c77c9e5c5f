/* SPDX-License-Identifier: BSD-2-Clause */
/* measure.c: see measure.h. */
#include <stdio.h>
#include <string.h>
#include "guest-images/linux/channel/daxchannel.h"
#include "guest-images/linux/channel/measure.h"
#include "guest-images/linux/probe.h"

static const char kind[] = "channel";

/* The first message of a measurement; a byte comes back when the other side has it, and polls. */
struct request {
	uint64_t messages;  /* that follow */
	uint32_t bytes;     /* of each */
	uint32_t come_back; /* 0: another byte does behind the last one */
};

static uint8_t out[CHANNEL_MESSAGE_MAX], in[CHANNEL_MESSAGE_MAX];

static void ask_for(struct channel *there, struct channel *back, uint64_t messages, uint32_t bytes,
                    bool come_back)
{
	const struct request r = {messages, bytes, come_back};

	send_one(there, (const uint8_t *)&r, sizeof r);
	receive_asleep(back, in, 1);
}

void measure_answer(struct channel *there, struct channel *back)
{
	struct request r;

	receive_asleep(there, in, sizeof r);
	memcpy(&r, in, sizeof r);
	if (!r.bytes || r.bytes > CHANNEL_MESSAGE_MAX)
		give_up("request", "no such length");
	send_one(back, in, 1);
	for (uint64_t i = 0; i < r.messages; i++) {
		receive_one(there, in, r.bytes);
		if (r.come_back)
			send_one(back, in, r.bytes);
	}
	if (!r.come_back)
		send_one(back, in, 1);
}

/* The first bytes of message i, by which it is known when it comes back. */
static void stamp(uint64_t i, uint32_t bytes)
{
	memcpy(out, &i, bytes < sizeof i ? bytes : sizeof i);
}

static void check(uint32_t bytes)
{
	if (memcmp(out, in, bytes) != 0)
		give_up("trips", "a message came back changed");
}

/* Calls until the message is there; returns when the last call began. */
static uint64_t await(struct channel *back, uint32_t bytes)
{
	enum channel_result r;
	uint64_t began;
	uint32_t length;

	for (;;) {
		began = now_tsc();
		r = channel_receive(back, in, sizeof in, &length);
		if (r == CHANNEL_DONE && length == bytes)
			return began;
		if (r != CHANNEL_WAIT)
			give_up("channel", r == CHANNEL_DONE ? "another length" : "broken");
		__builtin_ia32_pause();
	}
}

void measure_trips(struct channel *there, struct channel *back, uint64_t n, uint32_t bytes,
                   uint64_t warm)
{
	uint64_t *trip = samples_new(kind, n), *send = samples_new(kind, n);
	uint64_t *receive = samples_new(kind, n);

	memset(out, 0x5a, bytes);
	ask_for(there, back, warm + n, bytes, true);
	for (uint64_t i = 0; i < warm + n; i++) {
		uint64_t start, sent, last, done, k = i < warm ? 0 : i - warm;

		stamp(i, bytes);
		start = now_tsc();
		send_one(there, out, bytes);
		sent = now_tsc();
		last = await(back, bytes);
		done = now_tsc();
		check(bytes);
		trip[k] = done - start;
		send[k] = sent - start;
		receive[k] = done - last;
	}
	printf("{\"kind\":\"%s\",\"n\":%llu,\"size\":%u", kind, (unsigned long long)n, bytes);
	samples_print("tsc", trip, n);
	samples_print("send", send, n);
	samples_print("receive", receive, n);
	puts("}");
}

void measure_stream(struct channel *there, struct channel *back, uint64_t n, uint32_t bytes)
{
	uint64_t start;

	memset(out, 0x5a, bytes);
	ask_for(there, back, n, bytes, false);
	start = now_tsc();
	for (uint64_t i = 0; i < n; i++)
		send_one(there, out, bytes);
	await(back, 1);
	printf("{\"kind\":\"%s\",\"n\":%llu,\"size\":%u,\"tsc_per_mib\":%.0f}\n", kind,
	       (unsigned long long)n, bytes,
	       (double)(now_tsc() - start) * 1048576.0 / ((double)n * bytes));
}
