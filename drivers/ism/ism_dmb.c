/* SPDX-License-Identifier: BSD-2-Clause */
/* ism_dmb.c: the buffers that guests register, and who may write there. */
#include <string.h>
#include "drivers/ism/ism_parts.h"

#define PAGE 4096u

static bool fits(uint32_t length)
{
	return length >= ISM_DMB_MIN && length <= ISM_DMB_MAX && !(length & (length - 1));
}

static void talk(struct ism *a, struct ism *b)
{
	atomic_fetch_or(&a->talks, 1ull << b->member);
	atomic_fetch_or(&b->talks, 1ull << a->member);
}

/* Another one each time, so that the token of a DMB that is gone names no new one; never 0. */
static uint64_t new_token(struct ism *d, unsigned index)
{
	uint32_t half = d->member + index * ISM_MEMBERS;

	do
		half =
		    half % (ISM_MEMBERS * ISM_DMBS) + d->token_count++ * (ISM_MEMBERS * ISM_DMBS);
	while (!half);
	return ism_name(half);
}

/* What does not depend on the memory. */
static enum ism_status check(const struct ism *d, const struct ism_command *c)
{
	if (!fits(c->length))
		return ISM_bad_length;
	if (c->index >= ISM_DMBS || c->vector >= ISM_VECTORS ||
	    atomic_load(&d->dmb[c->index].state))
		return ISM_bad_index;
	return c->gpa % PAGE ? ISM_bad_address : ISM_OK;
}

enum ism_status ism_dmb_register(struct ism *d, struct ism_command *c)
{
	enum ism_status status = check(d, c);
	struct ism *peer;
	struct ism_dmb *b;
	uint8_t *memory;

	if (status != ISM_OK)
		return status;
	memory = gmem_ptr(d->mem, c->gpa, c->length);
	if (!memory)
		return ISM_bad_address;
	peer = ism_find(d, c->gid);
	if (!peer)
		return ISM_no_peer;
	/* Before the second look: a peer that switches off after it sees whom to tell. */
	talk(d, peer);
	if (ism_find(d, c->gid) != peer)
		return ISM_no_peer;
	memset(memory, 0, ISM_HEADER);
	b = &d->dmb[c->index];
	b->memory = memory;
	b->length = c->length;
	b->vector = c->vector;
	b->window = c->flags & ISM_DMB_WINDOW;
	c->token = new_token(d, c->index);
	atomic_store_explicit(&b->token, c->token, memory_order_relaxed);
	atomic_store_explicit(&b->peer, c->gid, memory_order_relaxed);
	atomic_store_explicit(&b->state, ISM_DMB_LIVE, memory_order_release);
	return ISM_OK;
}

/* The visit that is under way copies at most ISM_VISIT bytes, and no other begins. */
static void wait_and_free(struct ism_dmb *b)
{
	while (atomic_load_explicit(&b->state, memory_order_acquire) & ISM_DMB_BUSY)
		SPIN_WAIT();
	atomic_store_explicit(&b->state, 0, memory_order_release);
}

enum ism_status ism_dmb_unregister(struct ism *d, unsigned index)
{
	if (index >= ISM_DMBS || !atomic_load(&d->dmb[index].state))
		return ISM_bad_index;
	atomic_fetch_or(&d->dmb[index].state, ISM_DMB_GONE);
	wait_and_free(&d->dmb[index]);
	return ISM_OK;
}

/* All are forbidden before the first is waited for: together they take no longer than one visit. */
void ism_dmb_clear(struct ism *d)
{
	for (unsigned i = 0; i < ISM_DMBS; i++)
		if (atomic_load(&d->dmb[i].state))
			atomic_fetch_or(&d->dmb[i].state, ISM_DMB_GONE);
	for (unsigned i = 0; i < ISM_DMBS; i++)
		if (atomic_load(&d->dmb[i].state))
			wait_and_free(&d->dmb[i]);
}

unsigned ism_dmbs(const struct ism *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ISM_DMBS; i++)
		n += atomic_load_explicit(&d->dmb[i].state, memory_order_relaxed) != 0;
	return n;
}

unsigned ism_peers(const struct ism *d)
{
	uint64_t talks = atomic_load(&d->talks);
	unsigned n = 0;

	for (; talks; talks &= talks - 1)
		n++;
	return n;
}

static enum ism_status check_names(const struct ism *from, const struct ism_dmb *b, uint64_t token)
{
	if (atomic_load_explicit(&b->token, memory_order_relaxed) != token)
		return ISM_bad_token;
	if (atomic_load_explicit(&b->peer, memory_order_relaxed) != atomic_load(&from->gid))
		return ISM_not_peer;
	return ISM_OK;
}

/* The names are compared before the state is touched, so that nobody can keep others' DMBs busy by
 * tokens that are not for him, and once more after it, when they do not change any more. */
enum ism_status ism_dmb_enter(const struct ism *from, uint64_t token, struct ism **owner,
                              struct ism_dmb **dmb)
{
	struct ism *d = atomic_load(&from->fabric->member[ISM_NAME_MEMBER(token)]);
	enum ism_status status;
	uint32_t live = ISM_DMB_LIVE;
	struct ism_dmb *b;

	if (!d || d->domain != from->domain || token != ism_name((uint32_t)token))
		return ISM_bad_token;
	b = &d->dmb[ISM_NAME_INDEX(token)];
	if (!(atomic_load_explicit(&b->state, memory_order_acquire) & ISM_DMB_LIVE))
		return ISM_bad_token;
	status = check_names(from, b, token);
	if (status != ISM_OK)
		return status;
	if (!atomic_compare_exchange_strong_explicit(&b->state, &live, ISM_DMB_LIVE | ISM_DMB_BUSY,
	                                             memory_order_acquire, memory_order_relaxed))
		return live == (ISM_DMB_LIVE | ISM_DMB_BUSY) ? ISM_dmb_busy : ISM_bad_token;
	status = check_names(from, b, token);
	if (status != ISM_OK) {
		ism_dmb_leave(b);
		return status;
	}
	*owner = d;
	*dmb = b;
	return ISM_OK;
}
