/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mpi-table: latency and bandwidth between two ranks, by size, as MPI benchmarks print them.
 *
 *   mpi-table [LARGEST [ROUNDS]]
 *     LARGEST  bytes: sizes are the powers of two up to it (1 MiB)
 *     ROUNDS   messages of a size (100); a tenth of that beyond 64 KiB
 *
 * Latency is half of a round trip's mean; bandwidth is of windows of messages that are on their way
 * together, each window answered by a byte.  Around that, known bytes are sent both ways, and the
 * last window is of known bytes, too: the ranks check all of these.  The last line is JSON, which
 * has the same figures in ticks of the time stamp counter; the status is 0 if every byte was right.
 */
#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#define DEFAULT_LARGEST (1 << 20)
#define MOST_LARGEST    (64 << 20)
#define ALL_ROUNDS      (64 << 10) /* a larger size has a tenth of them */
#define MOST_SIZES      27         /* powers of two from 1 to that */
#define WINDOW          16
#define HOST            64 /* bytes of a host's name that are shown */

/* A moment, on both clocks. */
struct moment {
	double seconds;
	uint64_t ticks;
};

/* What a message of a size takes: half a round trip, and its part of a window. */
struct figures {
	struct moment latency, each;
	int size;
};

static int rank;
static uint8_t *buffer;                 /* a window of the largest messages */
static uint64_t messages, bytes, wrong; /* that this rank sent; sent; found wrong */

static _Noreturn void give_up(const char *why)
{
	fprintf(stderr, "mpi-table: %s\n", why);
	MPI_Abort(MPI_COMM_WORLD, 2);
	exit(2);
}

static struct moment now(void)
{
	return (struct moment){MPI_Wtime(), __rdtsc()};
}

/* One of `count` equal parts of the time since a moment. */
static struct moment part_since(struct moment begin, int count)
{
	struct moment end = now();

	return (struct moment){(end.seconds - begin.seconds) / count,
	                       (end.ticks - begin.ticks) / (uint64_t)count};
}

static void send_message(int size)
{
	MPI_Send(buffer, size, MPI_BYTE, !rank, 0, MPI_COMM_WORLD);
	messages++;
	bytes += (uint64_t)size;
}

static void receive_message(int size)
{
	MPI_Recv(buffer, size, MPI_BYTE, !rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* What a rank sends at a place of its buffer, in messages of a size. */
static uint8_t known_byte(int sender, int size, int place)
{
	return (uint8_t)((uint32_t)(place + 7 * size + 101 * sender) * 2654435761u >> 24);
}

static void fill(int size, int length)
{
	for (int i = 0; i < length; i++)
		buffer[i] = known_byte(rank, size, i);
}

static void check(int size, int length)
{
	for (int i = 0; i < length; i++)
		wrong += buffer[i] != known_byte(!rank, size, i);
}

static void send_known(int size)
{
	fill(size, size);
	send_message(size);
}

static void check_known(int size)
{
	memset(buffer, 0, (size_t)size);
	receive_message(size);
	check(size, size);
}

static void exchange_known(int size)
{
	if (rank == 0) {
		send_known(size);
		check_known(size);
	} else {
		check_known(size);
		send_known(size);
	}
}

static struct moment latency(int size, int rounds)
{
	struct moment begin = now();

	for (int i = 0; i < rounds; i++) {
		if (rank == 0) {
			send_message(size);
			receive_message(size);
		} else {
			receive_message(size);
			send_message(size);
		}
	}
	return part_since(begin, 2 * rounds);
}

/* A window from rank 0 to rank 1, each message in a place of its own, and its answer. */
static void move_window(int size)
{
	MPI_Request request[WINDOW];
	uint8_t answer = 0;

	for (int i = 0; i < WINDOW; i++) {
		uint8_t *place = buffer + (size_t)i * (size_t)size;

		if (rank == 0)
			MPI_Isend(place, size, MPI_BYTE, 1, 1, MPI_COMM_WORLD, &request[i]);
		else
			MPI_Irecv(place, size, MPI_BYTE, 0, 1, MPI_COMM_WORLD, &request[i]);
	}
	MPI_Waitall(WINDOW, request, MPI_STATUSES_IGNORE);
	if (rank == 0) {
		MPI_Recv(&answer, 1, MPI_BYTE, 1, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		messages += WINDOW;
		bytes += (uint64_t)WINDOW * (uint64_t)size;
	} else {
		MPI_Send(&answer, 1, MPI_BYTE, 0, 2, MPI_COMM_WORLD);
		messages++;
		bytes++;
	}
}

/* Windows of messages; rank 1 checks what the last one left. */
static struct moment in_windows(int size, int rounds)
{
	int windows = (rounds + WINDOW - 1) / WINDOW;
	struct moment begin, each;

	if (rank == 0)
		fill(size, WINDOW * size);
	else
		memset(buffer, 0, (size_t)WINDOW * (size_t)size);
	begin = now();
	for (int i = 0; i < windows; i++)
		move_window(size);
	each = part_since(begin, windows * WINDOW);
	if (rank == 1)
		check(size, WINDOW * size);
	return each;
}

static struct figures measure(int size, int rounds)
{
	struct figures f = {.size = size};

	if (size > ALL_ROUNDS)
		rounds = (rounds + 9) / 10;
	exchange_known(size);
	f.latency = latency(size, rounds);
	f.each = in_windows(size, rounds);
	if (rank == 0)
		printf("%9d %12.2f %12.2f\n", size, f.latency.seconds * 1e6,
		       size / f.each.seconds / 1e6);
	fflush(stdout);
	return f;
}

static void print_json(const struct figures *row, int rows, uint64_t all_wrong,
                       char host[2][MPI_MAX_PROCESSOR_NAME])
{
	printf("{\"ranks\":[\"%.*s\",\"%.*s\"],\"messages\":%lu,\"bytes\":%lu,\"wrong\":%lu,\"ok\":"
	       "%s,\"sizes\":[",
	       HOST, host[0], HOST, host[1], messages, bytes, all_wrong,
	       all_wrong ? "false" : "true");
	for (int i = 0; i < rows; i++)
		printf("%s{\"size\":%d,\"latency_tsc\":%lu,\"message_tsc\":%lu}", i ? "," : "",
		       row[i].size, row[i].latency.ticks, row[i].each.ticks);
	printf("]}\n");
}

/* Prints the result at rank 0: the hosts of both ranks, and what either found wrong. */
static bool report(const struct figures *row, int rows)
{
	char name[MPI_MAX_PROCESSOR_NAME] = "", host[2][MPI_MAX_PROCESSOR_NAME];
	uint64_t all_wrong = 0;
	int length;

	MPI_Get_processor_name(name, &length);
	MPI_Gather(name, sizeof name, MPI_CHAR, host, sizeof name, MPI_CHAR, 0, MPI_COMM_WORLD);
	MPI_Allreduce(&wrong, &all_wrong, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	if (rank == 0)
		print_json(row, rows, all_wrong, host);
	return !all_wrong;
}

int main(int argc, char **argv)
{
	struct figures row[MOST_SIZES];
	int largest, rounds, ranks, rows = 0;
	bool ok;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	largest = argc > 1 ? atoi(argv[1]) : DEFAULT_LARGEST;
	rounds = argc > 2 ? atoi(argv[2]) : 100;
	if (ranks != 2 || largest < 1 || largest > MOST_LARGEST || rounds < 1 || rounds > 1 << 20)
		give_up("usage: mpirun -n 2 mpi-table [LARGEST [ROUNDS]]");
	buffer = calloc(WINDOW, (size_t)largest);
	if (!buffer)
		give_up("no memory");
	if (rank == 0)
		printf("#   bytes   latency us         MB/s\n");
	for (int size = 1; size <= largest; size *= 2)
		row[rows++] = measure(size, rounds);
	ok = report(row, rows);
	free(buffer);
	MPI_Finalize();
	return !ok;
}
