/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daxchannel: uses the memory that a Linux guest has in common with others, by its devdax
 * (docs/groups.md).
 *
 *   daxchannel DEVICE write OFFSET          standard input, into the memory
 *   daxchannel DEVICE read OFFSET BYTES     from the memory, to standard output
 *   daxchannel DEVICE receive N BYTES       N messages of so many bytes, each checked
 *   daxchannel DEVICE send N BYTES          the other side of `receive`, which is started first
 *   daxchannel DEVICE answer N BYTES        sends each of N messages back
 *   daxchannel DEVICE ask N BYTES           the other side of `answer`, which is started first
 *   daxchannel DEVICE serve                 the other side of the measurements, and never ends
 *   daxchannel DEVICE trips N BYTES WARM    measures N round trips, after WARM that do not count
 *   daxchannel DEVICE stream N BYTES        measures N messages, one behind the other
 *
 * Messages go through the channels of guest-images/netlib: one at the start of the memory, the one
 * back in the next 2 MiB.  Polls, and makes no system call meanwhile.  `receive`, `answer` and
 * `serve` make the channels anew and say "ready" then; the others wait for that a minute
 * or two.  The last line is JSON; the status is 0 if all went well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "guest-images/linux/channel/daxchannel.h"
#include "guest-images/linux/channel/measure.h"

#define AREA    (2ul << 20) /* of a channel */
#define LOOK_US 100u
#define LOOKS   (60u * 1000000 / LOOK_US) /* a minute of them, or more */

static uint8_t *memory;
static size_t memory_size;
static uint8_t message[CHANNEL_MESSAGE_MAX];

void give_up(const char *what, const char *why)
{
	fprintf(stderr, "daxchannel: %s: %s\n", what, why);
	exit(1);
}

static uint64_t number(const char *text, uint64_t max)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end || text[0] == '-' || !*text || n > max)
		give_up(text, "no such number");
	return n;
}

/* Its size is where the kernel tells what it knows of the device. */
static size_t size_of(const char *device)
{
	char path[256], text[32] = "";
	const char *slash = strrchr(device, '/');
	FILE *f;

	snprintf(path, sizeof path, "/sys/bus/dax/devices/%s/size", slash ? slash + 1 : device);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof text, f))
		give_up(path, strerror(errno));
	fclose(f);
	text[strcspn(text, "\n")] = 0;
	return number(text, SIZE_MAX);
}

void look_later(void)
{
	const struct timespec t = {.tv_nsec = LOOK_US * 1000};

	nanosleep(&t, NULL);
}

/* Linux makes the device's file before its driver has the device, and opening it fails until then.
 */
static int open_device(const char *device)
{
	unsigned looks = 0;
	int fd;

	while ((fd = open(device, O_RDWR)) < 0) {
		if (errno != ENXIO || ++looks > LOOKS)
			give_up(device, strerror(errno));
		look_later();
	}
	return fd;
}

static void map(const char *device)
{
	int fd = open_device(device);

	memory_size = size_of(device);
	memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		give_up(device, strerror(errno));
	close(fd);
}

/* ---- plain bytes ---- */

static void write_bytes(uint64_t offset)
{
	ssize_t n;

	while ((n = read(0, message, sizeof message)) > 0) {
		if (offset > memory_size || (size_t)n > memory_size - offset)
			give_up("write", "beyond the memory");
		memcpy(memory + offset, message, (size_t)n);
		offset += (uint64_t)n;
	}
}

static void read_bytes(uint64_t offset, uint64_t bytes)
{
	if (offset > memory_size || bytes > memory_size - offset)
		give_up("read", "beyond the memory");
	if (fwrite(memory + offset, 1, bytes, stdout) != bytes || fflush(stdout))
		give_up("read", strerror(errno));
}

/* ---- messages ---- */

static uint8_t *area(unsigned i)
{
	if ((i + 1) * AREA > memory_size)
		give_up("channel", "the memory is too small");
	return memory + i * AREA;
}

static void make(unsigned i)
{
	if (!channel_make(area(i), AREA))
		give_up("channel", "cannot be made");
}

/* The other side may begin. */
static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* Opens a side of channel i, as soon as the other side has made it. */
static struct channel opened(unsigned i, bool (*open_side)(struct channel *, void *, size_t))
{
	struct channel c;

	for (unsigned looks = 0; !open_side(&c, area(i), AREA); looks++) {
		if (looks == LOOKS)
			give_up("channel", "the other side has made none");
		look_later();
	}
	return c;
}

static struct channel sender(unsigned i)
{
	return opened(i, channel_open_sender);
}

static struct channel receiver(unsigned i)
{
	return opened(i, channel_open_receiver);
}

void send_one(struct channel *c, const uint8_t *from, uint32_t bytes)
{
	enum channel_result r;

	while ((r = channel_send(c, from, bytes)) == CHANNEL_WAIT)
		__builtin_ia32_pause();
	if (r == CHANNEL_BROKEN)
		give_up("channel", "broken");
}

static void receive_by(struct channel *c, uint8_t *to, uint32_t bytes, void (*between)(void))
{
	enum channel_result r;
	uint32_t length;

	while ((r = channel_receive(c, to, CHANNEL_MESSAGE_MAX, &length)) == CHANNEL_WAIT)
		between();
	if (r == CHANNEL_BROKEN || length != bytes)
		give_up("channel", r == CHANNEL_BROKEN ? "broken" : "another length");
}

static void look_at_once(void)
{
	__builtin_ia32_pause();
}

void receive_one(struct channel *c, uint8_t *to, uint32_t bytes)
{
	receive_by(c, to, bytes, look_at_once);
}

void receive_asleep(struct channel *c, uint8_t *to, uint32_t bytes)
{
	receive_by(c, to, bytes, look_later);
}

/* The words of message n; the last bytes may be less than a word. */
static void fill(uint64_t n, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes; at += 8) {
		uint64_t word = (n << 20 | at) * 0x9e3779b97f4a7c15ull;

		memcpy(message + at, &word, bytes - at < 8 ? bytes - at : 8);
	}
}

static bool is_filled(uint64_t n, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes; at += 8) {
		uint64_t word = (n << 20 | at) * 0x9e3779b97f4a7c15ull;

		if (memcmp(message + at, &word, bytes - at < 8 ? bytes - at : 8) != 0)
			return false;
	}
	return true;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void result(uint64_t n, uint32_t bytes, uint64_t ns, uint64_t wrong)
{
	printf("{\"n\":%llu,\"size\":%u,\"ns\":%llu,\"wrong\":%llu,\"ok\":%s}\n",
	       (unsigned long long)n, bytes, (unsigned long long)ns, (unsigned long long)wrong,
	       wrong ? "false" : "true");
	fflush(stdout);
	if (wrong)
		exit(1);
}

static void send_all(uint64_t n, uint32_t bytes)
{
	struct channel c = sender(0);
	uint64_t start = now();

	for (uint64_t i = 0; i < n; i++) {
		fill(i, bytes);
		send_one(&c, message, bytes);
	}
	result(n, bytes, now() - start, 0);
}

static void receive_all(uint64_t n, uint32_t bytes)
{
	struct channel c;
	uint64_t start = now(), wrong = 0;

	make(0);
	ready();
	c = receiver(0);
	for (uint64_t i = 0; i < n; i++) {
		receive_one(&c, message, bytes);
		wrong += !is_filled(i, bytes);
	}
	result(n, bytes, now() - start, wrong);
}

static void ask(uint64_t n, uint32_t bytes)
{
	struct channel there = sender(0), back = receiver(1);
	uint64_t start = now(), wrong = 0;

	for (uint64_t i = 0; i < n; i++) {
		fill(i, bytes);
		send_one(&there, message, bytes);
		memset(message, 0, bytes);
		receive_one(&back, message, bytes);
		wrong += !is_filled(i, bytes);
	}
	result(n, bytes, now() - start, wrong);
}

/* The side that is started first. */
static void open_both(struct channel *there, struct channel *back)
{
	make(1);
	make(0);
	ready();
	*there = receiver(0);
	*back = sender(1);
}

static void answer(uint64_t n, uint32_t bytes)
{
	struct channel there, back;
	uint64_t start = now();

	open_both(&there, &back);
	for (uint64_t i = 0; i < n; i++) {
		receive_one(&there, message, bytes);
		send_one(&back, message, bytes);
	}
	result(n, bytes, now() - start, 0);
}

static void exchange(const char *what, uint64_t n, uint32_t bytes)
{
	if (!bytes)
		give_up("0", "no such length");
	if (!strcmp(what, "send"))
		send_all(n, bytes);
	else if (!strcmp(what, "receive"))
		receive_all(n, bytes);
	else if (!strcmp(what, "ask"))
		ask(n, bytes);
	else if (!strcmp(what, "answer"))
		answer(n, bytes);
	else
		give_up(what, "is not known");
}

static void measure(const char *what, uint64_t n, uint32_t bytes, uint64_t warm)
{
	struct channel there = sender(0), back = receiver(1);

	if (!bytes || !n)
		give_up("0", "no such number");
	if (!strcmp(what, "trips"))
		measure_trips(&there, &back, n, bytes, warm);
	else
		measure_stream(&there, &back, n, bytes);
}

static _Noreturn void serve(void)
{
	struct channel there, back;

	open_both(&there, &back);
	for (;;)
		measure_answer(&there, &back);
}

/* The words of a command after the device's name; false: there is no such command. */
static bool command(const char *what, unsigned words, char **word)
{
	bool stream = words == 2 && !strcmp(what, "stream");

	if (!words && !strcmp(what, "serve"))
		serve();
	if (!stream && !(words == 3 && !strcmp(what, "trips")))
		return false;
	measure(what, number(word[0], MEASURE_MESSAGES),
	        (uint32_t)number(word[1], CHANNEL_MESSAGE_MAX),
	        stream ? 0 : number(word[2], MEASURE_MESSAGES));
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 6)
		give_up("usage",
		        "DEVICE write OFFSET | read OFFSET BYTES | serve | "
		        "trips N BYTES WARM | send, receive, ask, answer or stream N BYTES");
	map(argv[1]);
	if (command(argv[2], (unsigned)argc - 3, argv + 3))
		return 0;
	if (argc == 4 && !strcmp(argv[2], "write"))
		write_bytes(number(argv[3], SIZE_MAX));
	else if (argc == 5 && !strcmp(argv[2], "read"))
		read_bytes(number(argv[3], SIZE_MAX), number(argv[4], SIZE_MAX));
	else if (argc == 5)
		exchange(argv[2], number(argv[3], UINT64_MAX),
		         (uint32_t)number(argv[4], CHANNEL_MESSAGE_MAX));
	else
		give_up(argv[2], "needs another number of words");
	return 0;
}
