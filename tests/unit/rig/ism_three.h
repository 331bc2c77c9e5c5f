/* SPDX-License-Identifier: BSD-2-Clause */
/* ism_three.h: two guests of an ISM domain, of which b has a DMB for a, and one of another domain.
 */
#ifndef TESTS_UNIT_RIG_ISM_THREE_H
#define TESTS_UNIT_RIG_ISM_THREE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rig/ism_guest.h"

#define LEN  ISM_DMB_MIN
#define RING (LEN - ISM_HEADER)
#define AT   ISM_HEADER /* where the ring begins */

static struct ism_fabric fabric;
static struct ism_guest *a, *b, *c; /* c is in another domain */
static uint64_t gid_a, gid_b, gid_c, token;

static inline int setup(void **state)
{
	(void)state;
	memset(&fabric, 0, sizeof fabric);
	a = ism_guest_new(&fabric, 3, 1);
	b = ism_guest_new(&fabric, 9, 1);
	c = ism_guest_new(&fabric, 0, 2);
	gid_a = ism_guest_on(a);
	gid_b = ism_guest_on(b);
	gid_c = ism_guest_on(c);
	/* No two visits' data are the same. */
	for (unsigned i = 0; i < ISM_DMB_MAX; i++)
		((uint8_t *)ism_guest_at(a, DATA_GPA))[i] =
		    (uint8_t)(i * 7 + i / 256 + i / ISM_VISIT);
	token = ism_guest_register(b, 70, gid_a, DMB_GPA, LEN, 0);
	assert_int_not_equal(token, 0);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	ism_guest_free(a);
	ism_guest_free(b);
	ism_guest_free(c);
	return 0;
}

static inline uint64_t *header_of_b(void)
{
	return ism_guest_at(b, DMB_GPA);
}

/* One message of a's; its data are the first of DATA_GPA, where the header says that they end. */
static inline uint32_t sent(uint32_t length, uint32_t offset, uint64_t produced)
{
	ism_guest_message(a, token, length, offset, produced);
	return ism_guest_submit(a, 0);
}

/* Exactly this counter of g is not 0, of all refusals. */
static inline void only_refusal(struct ism_guest *g, const char *name, uint64_t times)
{
	static const char *const refusals[] = {
#define X(refusal, help) #refusal,
	    ISM_REFUSALS(X)
#undef X
	};

	for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		assert_int_equal(ism_guest_counter(g, refusals[i]),
		                 name && !strcmp(refusals[i], name) ? times : 0);
}

/* The message is refused with this status, counted by its name, and b has seen nothing of it. */
#define REFUSED(what, name)                                                                        \
	do {                                                                                       \
		unsigned before = atomic_load(&b->msis[3]);                                        \
		uint64_t was[4], bits = b->area->dmb_bits[1];                                      \
                                                                                                   \
		memcpy(was, header_of_b(), sizeof was);                                            \
		assert_int_equal(what, ISM_##name);                                                \
		assert_memory_equal(was, header_of_b(), sizeof was);                               \
		assert_int_equal(b->area->dmb_bits[1], bits);                                      \
		assert_int_equal(atomic_load(&b->msis[3]), before);                                \
		only_refusal(a, #name, 1);                                                         \
	} while (0)

#endif
