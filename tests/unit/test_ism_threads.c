/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ism_threads.c: a guest sends on two vCPUs while the receiver registers and takes away its
 * buffers, either switches its device off and on, signals fly, and counters are read.  What was
 * taken away is written no more.  Under the thread sanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rig/ism_guest.h"

#define SENDERS 2
#define ROUNDS  300
#define LENGTH  (ISM_VISIT * 4)
#define RING    (LENGTH - ISM_HEADER)
#define MESSAGE 100000u /* more than a visit */

static struct ism_fabric fabric;
static struct ism_guest *a, *b;
static _Atomic uint64_t token[SENDERS], gid_a;
static atomic_uint arrived;
static atomic_bool over;

/* Sends one message from slot `n`; true: it was done. */
static bool send_one(unsigned n, uint64_t to, uint32_t bytes, uint64_t produced)
{
	struct ism_slot *s = &a->area->slot[n];
	uint32_t status = ISM_PENDING;

	s->token = to;
	s->pieces = 1;
	s->piece[0] = (struct ism_piece){DATA_GPA, bytes, ISM_HEADER};
	s->header[0] = ISM_TYPE_CDC;
	s->header[1] = produced;
	s->header[2] = 0;
	__atomic_store_n(&s->status, ISM_PENDING, __ATOMIC_RELEASE);
	ism_guest_out(a, ISM_REG_SUBMIT, n);
	for (unsigned i = 0; i < 1000 && status == ISM_PENDING; i++) {
		vpci_work(&a->bus);
		status = __atomic_load_n(&s->status, __ATOMIC_ACQUIRE);
		sched_yield();
	}
	return status == ISM_OK;
}

/* A vCPU of a's; the position in the ring is 0 with each new DMB. */
static void *sender(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg, wrap = 0;
	uint64_t now = 0;
	uint32_t count = 0;

	while (!atomic_load(&over)) {
		uint64_t to = atomic_load(&token[n]);
		uint32_t next, bytes = n ? 64 : MESSAGE;

		if (to != now)
			count = wrap = 0;
		now = to;
		next = count + bytes;
		if (to && send_one(n, to, bytes, ism_cursor(wrap + next / RING, next % RING, 0))) {
			wrap += next / RING;
			count = next % RING;
			atomic_fetch_add(&arrived, 1);
		}
	}
	return NULL;
}

/* Nothing is written where a DMB was. */
static void untouched(unsigned n)
{
	uint8_t *memory = ism_guest_at(b, DMB_GPA + n * ISM_DMB_MAX);

	memset(memory, 0xa7, LENGTH);
	for (unsigned i = 0; i < 20; i++)
		sched_yield();
	for (unsigned i = 0; i < LENGTH; i++)
		if (memory[i] != 0xa7)
			abort();
}

static void offer(unsigned n)
{
	uint64_t t =
	    ism_guest_register(b, n, atomic_load(&gid_a), DMB_GPA + n * ISM_DMB_MAX, LENGTH, 0);

	atomic_store(&token[n], t);
}

static void withdraw(unsigned n)
{
	struct ism_command c = {.code = ISM_UNREGISTER, .index = (uint16_t)n};

	ism_guest_command(b, &c);
	untouched(n);
}

/* Lets messages arrive in between. */
static void wait_for_some(void)
{
	unsigned before = atomic_load(&arrived);

	for (unsigned i = 0; i < 500 && atomic_load(&arrived) < before + 3; i++)
		sched_yield();
}

/* The receiver's driver. */
static void *receiver(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ism_command s = {.code = ISM_SIGNAL, .gid = atomic_load(&gid_a)};

		for (unsigned n = 0; n < SENDERS; n++)
			offer(n);
		wait_for_some();
		ism_guest_command(b, &s);
		__atomic_store_n(&b->area->dmb_bits[0], 0, __ATOMIC_RELEASE);
		if (i % 5 == 4) {
			ism_guest_out(b, ISM_REG_ENABLE, 0);
			untouched(0);
			untouched(1);
			ism_guest_on(b);
		} else {
			for (unsigned n = 0; n < SENDERS; n++)
				withdraw(n);
		}
	}
	atomic_store(&over, true);
	return NULL;
}

/* The sender's driver starts anew, while its other vCPUs submit. */
static void *restarter(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		wait_for_some();
		wait_for_some();
		ism_guest_out(a, ISM_REG_ENABLE, 0);
		atomic_store(&gid_a, ism_guest_on(a));
	}
	return NULL;
}

static void *reader(void *arg)
{
	const char *name;
	uint64_t value;

	(void)arg;
	while (!atomic_load(&over)) {
		for (unsigned i = 0; ism_counter(&a->d, i, &name, &value); i++)
			;
		ism_dmbs(&b->d);
		sched_yield();
	}
	return NULL;
}

static void memory_that_was_taken_away_is_written_no_more(void **state)
{
	void *(*const part[])(void *) = {sender, sender, receiver, restarter, reader};
	pthread_t thread[5];

	(void)state;
	a = ism_guest_new(&fabric, 0, 1);
	b = ism_guest_new(&fabric, 63, 1);
	atomic_store(&gid_a, ism_guest_on(a));
	ism_guest_on(b);
	for (uintptr_t i = 0; i < 5; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, part[i], (void *)i), 0);
	for (unsigned i = 0; i < 5; i++)
		pthread_join(thread[i], NULL);
	assert_true(atomic_load(&arrived) > 100);
	assert_true(ism_guest_counter(a, "visits") > 0);
	ism_guest_free(a);
	ism_guest_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_that_was_taken_away_is_written_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
