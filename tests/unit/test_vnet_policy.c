/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vnet_policy.c: a further look-up policy can be added to a network. */
#include "tests/unit/rig/vnet_rig.h"
#include "vnet/lookup/trial.h"

static struct {
	unsigned looked_up, explained, forgotten, destroyed;
} seen;

/* All frames go to port 3. */
static void look_up(struct walk *w, struct policy *p)
{
	uint64_t bit = 1;

	(void)p;
	seen.looked_up++;
	for (unsigned i = 0; i < w->n; i++, bit <<= 1)
		if (admit(w, &w->frame[i]))
			mark(w->core, port_at(w->core->vnet, 3), bit);
}

static void explain(struct trial *t, struct policy *p)
{
	const struct vnet_verdict say = {-1, 0, true, 3, -1, NULL, NULL};

	seen.explained++;
	look_up(&t->w, p);
	if (t->w.core->pending[3])
		t->line(t->ctx, &say);
}

static void forget(struct policy *p, unsigned port)
{
	(void)p;
	seen.forgotten = port;
}

static void destroy(struct policy *p, const struct vnet_mem *mem)
{
	(void)p, (void)mem;
	seen.destroyed++;
}

static const struct vnet_policy_ops ops = {
    .look_up = look_up, .explain = explain, .forget = forget, .destroy = destroy};
static struct policy fourth = {&ops};

static int setup(void **state)
{
	struct rig *r;

	memset(&seen, 0, sizeof seen);
	rig_setup(state);
	r = *state;
	atomic_store(&r->v->base[0], &fourth);
	atomic_store(&r->v->policy[0], &fourth);
	return 0;
}

static void frames_go_where_it_says(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_reach_from(r, 0, B, A), 1u << 3);
	assert_int_equal(seen.looked_up, 1);
	assert_int_equal(rig_reach_from(r, 6, B, A), 0); /* another network's */
	assert_int_equal(seen.looked_up, 1);
}

static struct vnet_verdict said;

static void record_verdict(void *ctx, const struct vnet_verdict *v)
{
	(void)ctx;
	said = *v;
}

static void it_explains_itself(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_explain(r->v, ASK(0, A, B, 0), record_verdict, NULL));
	assert_int_equal(said.port, 3);
	assert_int_equal(seen.explained, 1);
	assert_int_equal(r->dev[3].n, 0);
	assert_int_equal(rig_reach_from(r, 0, B, A), 1u << 3); /* no mark of the trial is left */
}

static void it_forgets_ports_and_goes(void **state)
{
	struct rig *r = *state;

	assert_true(vnet_port_remove(r->dev[4].port));
	assert_int_equal(seen.forgotten, 4);
	assert_true(vnet_net_set(r->v, 0, VNET_LEARN));
	assert_int_equal(seen.destroyed, 1);
	assert_true(rig_reach_from(r, 0, B, A) & 1u << 5);
	assert_int_equal(seen.looked_up, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(frames_go_where_it_says),
	    T(it_explains_itself),
	    T(it_forgets_ports_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
