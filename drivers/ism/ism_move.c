/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ism_move.c: messages.
 *
 * A slot is read once.  The message is checked whole before its first byte is copied; where it
 * takes more than one visit, the DMB is looked up and the header checked again for the last one,
 * because between visits the receiver may have taken the DMB away.
 */
#include <string.h>
#include "drivers/ism/ism_parts.h"
#include "lib/count.h"

/* ---- checks ---- */

/* The sender's side: reads the slot, and checks its pieces.  The driver may write there at any
 * time: each word is read once. */
static enum ism_status take_slot(const struct ism *d, struct ism_job *j)
{
	const volatile struct ism_slot *slot = j->slot;

	j->token = slot->token;
	j->pieces = slot->pieces;
	for (unsigned i = 0; i < ISM_WORD_READ; i++)
		j->header[i] = slot->header[i];
	j->next = j->total = 0;
	if (j->pieces > ISM_PIECES)
		return ISM_bad_request;
	for (unsigned i = 0; i < j->pieces; i++) {
		struct ism_part *p = &j->part[i];

		p->length = slot->piece[i].length;
		p->offset = slot->piece[i].offset;
		if (p->length > ISM_DMB_MAX)
			return ISM_out_of_bounds;
		p->source = gmem_ptr(d->mem, slot->piece[i].gpa, p->length);
		if (!p->source)
			return ISM_bad_address;
		j->total += p->length;
	}
	return ISM_OK;
}

/* The receiver's side: the DMB is busy for the caller. */
static enum ism_status check_against(const struct ism_job *j, const struct ism_dmb *dmb)
{
	for (unsigned i = 0; i < j->pieces; i++) {
		const struct ism_part *p = &j->part[i];

		if (p->offset < ISM_HEADER || p->offset > dmb->length ||
		    p->length > dmb->length - p->offset)
			return ISM_out_of_bounds;
	}
	if (j->total > dmb->length - ISM_HEADER)
		return ISM_out_of_bounds;
	return ism_header_check(dmb, j->header, j->total);
}

/* ---- a visit ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Copies the next ISM_VISIT bytes, or what is left; true: nothing is left. */
static bool copy(struct ism_job *j, const struct ism_dmb *dmb)
{
	uint32_t room = ISM_VISIT;

	for (; j->next < j->pieces; j->next++) {
		struct ism_part *p = &j->part[j->next];
		uint32_t n = least(p->length, room);

		/* A guest may send to itself, from where it sends to. */
		memmove(dmb->memory + p->offset, p->source, n);
		room -= n;
		if (n < p->length) {
			*p = (struct ism_part){p->source + n, p->length - n, p->offset + n};
			return false;
		}
	}
	return true;
}

/* The cursors last, each at once. */
static void write_header(const struct ism_dmb *dmb, const uint64_t header[ISM_WORD_READ])
{
	uint64_t *to = (uint64_t *)dmb->memory;

	__atomic_store_n(&to[ISM_WORD_TYPE], header[ISM_WORD_TYPE], __ATOMIC_RELEASE);
	__atomic_store_n(&to[ISM_WORD_CONSUMED], header[ISM_WORD_CONSUMED], __ATOMIC_RELEASE);
	__atomic_store_n(&to[ISM_WORD_PRODUCED], header[ISM_WORD_PRODUCED], __ATOMIC_RELEASE);
}

/* The receiver sees the message; the DMB is still busy, so that it is taken away only after the
 * interrupt. */
static void announce(struct ism_job *j, struct ism *to, const struct ism_dmb *dmb)
{
	unsigned index = ISM_NAME_INDEX(j->token);
	uint64_t bit = 1ull << index % 64;

	write_header(dmb, j->header);
	if (__atomic_fetch_or(&to->area->dmb_bits[index / 64], bit, __ATOMIC_ACQ_REL) & bit)
		count_add(&j->count[ISM_COUNT_coalesced], 1);
	else
		vpci_msix_send(&to->pci, dmb->vector);
	count_add(&j->count[ISM_COUNT_messages], 1);
	count_add(&j->count[ISM_COUNT_data], j->total);
}

/* ISM_PENDING: there is more to copy. */
static enum ism_status visit(struct ism *d, struct ism_job *j)
{
	enum ism_status status;
	struct ism_dmb *dmb;
	struct ism *to;

	status = ism_dmb_enter(d, j->token, &to, &dmb);
	if (status != ISM_OK)
		return status;
	status = check_against(j, dmb);
	if (status == ISM_OK) {
		if (copy(j, dmb))
			announce(j, to, dmb);
		else
			status = ISM_PENDING;
	}
	ism_dmb_leave(dmb);
	return status;
}

/* ---- jobs ---- */

/* The driver sees the status before the slot is free: one that submits it again at once finds it
 * ACTIVE for a moment, and waits. */
static void finish(struct ism *d, struct ism_job *j, enum ism_status status)
{
	ism_refuse(d, status);
	__atomic_store_n(&j->slot->status, status, __ATOMIC_RELEASE);
	atomic_store(&j->state, ISM_JOB_NONE);
}

static void run(struct ism *d, struct ism_job *j)
{
	enum ism_status status = visit(d, j);

	if (status != ISM_PENDING) {
		finish(d, j, status);
		return;
	}
	atomic_store(&j->state, ISM_JOB_QUEUED);
	atomic_fetch_or(&d->queued, 1ull << (j - d->job));
	vpci_schedule_work(&d->pci);
}

/* Makes the job ACTIVE for the caller.  Another core of this guest may be in its last steps. */
static bool begin(struct ism_job *j)
{
	for (;;) {
		uint32_t was = ISM_JOB_NONE;

		if (atomic_compare_exchange_strong(&j->state, &was, ISM_JOB_ACTIVE))
			return true;
		if (was == ISM_JOB_QUEUED)
			return false;
		SPIN_WAIT();
	}
}

/* The order of state and running is that of ism_jobs_end(). */
void ism_submit(struct ism *d, uint32_t slot)
{
	struct ism_job *j = &d->job[slot % ISM_SLOTS];
	enum ism_status status;

	if (slot >= ISM_SLOTS || !begin(j)) {
		ism_count(d, ISM_COUNT_bad_submit);
		return;
	}
	if (!atomic_load(&d->running)) {
		ism_count(d, ISM_COUNT_bad_submit);
		atomic_store(&j->state, ISM_JOB_NONE);
		return;
	}
	count_add(&j->count[ISM_COUNT_submits], 1);
	j->slot = &d->area->slot[slot];
	status = take_slot(d, j);
	if (status == ISM_OK)
		run(d, j);
	else
		finish(d, j, status);
}

/* A job that is no longer QUEUED was ended. */
void ism_continue(struct ism *d)
{
	uint64_t left = atomic_load(&d->queued);
	uint32_t queued = ISM_JOB_QUEUED;
	struct ism_job *j;
	unsigned n;

	if (!left)
		return;
	n = (unsigned)__builtin_ctzll(left);
	j = &d->job[n];
	if (left & (left - 1))
		vpci_schedule_work(&d->pci); /* for the others */
	if (!(atomic_fetch_and(&d->queued, ~(1ull << n)) >> n & 1) ||
	    !atomic_compare_exchange_strong(&j->state, &queued, ISM_JOB_ACTIVE))
		return;
	ism_count(d, ISM_COUNT_visits);
	run(d, j);
}

/* `running` was cleared first: a submission that made its job ACTIVE after this function looked
 * sees that, and one before it is waited for. */
void ism_jobs_end(struct ism *d)
{
	for (unsigned i = 0; i < ISM_SLOTS; i++) {
		struct ism_job *j = &d->job[i];
		uint32_t was;

		while ((was = atomic_load(&j->state)) != ISM_JOB_NONE) {
			if (was == ISM_JOB_QUEUED &&
			    atomic_compare_exchange_strong(&j->state, &was, ISM_JOB_ACTIVE))
				finish(d, j, ISM_stopped);
			else
				SPIN_WAIT();
		}
	}
	atomic_store(&d->queued, 0);
}
