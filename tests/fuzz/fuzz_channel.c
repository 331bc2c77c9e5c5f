/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_channel.c: a channel whose memory a hostile peer writes at any time.
 *
 * The input alternates between sending, receiving, and writing any byte of the memory.  Nothing
 * outside of the memory and the buffers is touched (the address sanitizer), the lengths that are
 * reported are within bounds, a broken side stays broken, and while the memory was left alone each
 * message arrives as it was sent.
 */
#include <stdlib.h>
#include <string.h>
#include "guest-images/netlib/channel.h"

#define RING   512u
#define BYTES  (3 * CHANNEL_LINE + RING)
#define LARGER 4000u /* the longest message here: longer than the ring */
#define WAITS  64    /* messages that were sent and have not come */

static void check(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t *memory, *out, *in;
static struct channel tx, rx;
static bool has_tx, has_rx, touched;
static uint32_t sending; /* length of the present message; 0: none */
static uint32_t waiting[WAITS];
static unsigned sent, came;

static uint8_t byte_of(unsigned message, uint32_t at)
{
	return (uint8_t)(message * 31 + at * 7);
}

static void begin(void)
{
	check(channel_make(memory, BYTES));
	has_tx = channel_open_sender(&tx, memory, BYTES);
	has_rx = channel_open_receiver(&rx, memory, BYTES);
	check(has_tx && has_rx);
	touched = false;
	sending = 0;
	sent = came = 0;
}

static void send(uint32_t length)
{
	bool was = tx.broken;
	enum channel_result r;

	if (!has_tx || (!touched && sent - came == WAITS))
		return;
	if (!sending) {
		sending = 1 + length % LARGER;
		for (uint32_t i = 0; i < sending; i++)
			out[i] = byte_of(sent, i);
	}
	r = channel_send(&tx, out, sending);
	check(!was || r == CHANNEL_BROKEN);
	check(touched || r != CHANNEL_BROKEN);
	if (r != CHANNEL_DONE)
		return;
	waiting[sent++ % WAITS] = sending;
	sending = 0;
}

static void receive(uint32_t room)
{
	bool was = rx.broken;
	uint32_t length = 0;
	enum channel_result r;

	if (!has_rx)
		return;
	room = touched ? 1 + (room - 1) % LARGER : LARGER;
	r = channel_receive(&rx, in + LARGER - room, room, &length); /* up to the buffer's end */
	check(!was || r == CHANNEL_BROKEN);
	check(touched || r != CHANNEL_BROKEN);
	if (r != CHANNEL_DONE)
		return;
	check(length && length <= LARGER);
	if (touched)
		return;
	check(length == waiting[came % WAITS]);
	for (uint32_t i = 0; i < length; i++)
		check(in[i] == byte_of(came, i));
	came++;
}

static void step(const uint8_t *b)
{
	uint32_t value = b[2] | (uint32_t)b[3] << 8;

	switch (b[0] & 7) {
	case 0:
		begin();
		break;
	case 1: /* a byte; by most inputs one of the numbers that matter */
		memory[b[1] & 1 ? value % BYTES : (b[1] >> 1 & 3) * CHANNEL_LINE + b[2] % 8] = b[3];
		touched = true;
		break;
	case 2: /* a header anywhere in the ring */
		memcpy(memory + 3 * CHANNEL_LINE + (b[1] & 63u) * 8, &value, sizeof value);
		touched = true;
		break;
	case 3:
		has_tx = channel_open_sender(&tx, memory, BYTES);
		has_rx = channel_open_receiver(&rx, memory, BYTES);
		touched = true;
		break;
	case 4:
	case 5:
		send(b[0] & 8 ? value : value & 63);
		break;
	default:
		receive(1 + value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memory = aligned_alloc(CHANNEL_LINE, BYTES);
	out = malloc(LARGER);
	in = malloc(LARGER);
	memset(memory, 0, BYTES);
	begin();
	for (; size >= 4; data += 4, size -= 4)
		step(data);
	free(memory);
	free(out);
	free(in);
	return 0;
}
