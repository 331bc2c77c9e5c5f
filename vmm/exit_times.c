/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of the time that exits take; see exit_times.h. */
#include "lib/mem.h"
#include "vmm/exit_times.h"

struct exit_times {
	struct hist kind[VMEXIT_COUNT];
	uint64_t began; /* the exit that has not ended yet; 0: there is none */
	enum vmexit_kind last;
};

/* The lock is held for a few instructions: control takes it to change the pointer alone, so that no
 * core is at the histograms that it then frees. */
static struct exit_times *replace(struct vcpu *v, struct exit_times *t)
{
	struct exit_times *was;

	spin_lock(&v->times_lock);
	was = atomic_exchange(&v->times, t);
	spin_unlock(&v->times_lock);
	return was;
}

bool exit_times_make(struct vcpu *v)
{
	struct exit_times *t;

	if (atomic_load(&v->times))
		return true;
	t = mem_zalloc(sizeof *t);
	if (t)
		replace(v, t);
	return t;
}

void exit_times_free(struct vcpu *v)
{
	struct exit_times *t = replace(v, NULL);

	if (t)
		mem_zfree(t, sizeof *t);
}

bool exit_times_read(const struct vcpu *v, enum vmexit_kind kind, struct hist *sum)
{
	const struct exit_times *t = atomic_load(&v->times);

	for (unsigned k = 0; t && k < VMEXIT_COUNT; k++)
		if (kind == VMEXIT_COUNT || kind == k)
			hist_merge(sum, &t->kind[k]);
	return t;
}

uint64_t exit_times_bytes(void)
{
	return sizeof(struct exit_times);
}

void exit_times_began(struct vcpu *v, enum vmexit_kind kind, uint64_t tsc)
{
	struct exit_times *t;

	spin_lock(&v->times_lock);
	t = atomic_load(&v->times);
	if (t) {
		t->began = tsc;
		t->last = kind;
	}
	spin_unlock(&v->times_lock);
}

void exit_times_ended(struct vcpu *v, uint64_t tsc)
{
	struct exit_times *t;

	spin_lock(&v->times_lock);
	t = atomic_load(&v->times);
	if (t && t->began) {
		hist_add(&t->kind[t->last], tsc - t->began, 1);
		t->began = 0;
	}
	spin_unlock(&v->times_lock);
}

void exit_times_forget(struct vcpu *v)
{
	struct exit_times *t;

	spin_lock(&v->times_lock);
	t = atomic_load(&v->times);
	if (t)
		t->began = 0;
	spin_unlock(&v->times_lock);
}
