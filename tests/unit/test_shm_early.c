/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_shm_early.c: a member that sends a buffer which is about to become its own, from another
 * core than the one that gives it, guessing its number; and one that leaves while another core has
 * just found it.  Includes the files whose steps it takes one by one.
 */
#include <pthread.h>
#include "tests/unit/rig/shm_nodes.h"
#include "drivers/shm/shm_in.c"
#include "drivers/shm/shm_out.c"
#include "vnet/walk.h"

static atomic_uint waits;    /* for the walks of other cores ... */
static atomic_uint unlisted; /* ... which find no ben, if they begin now */

static void wait_and_count(struct vnet_core *core)
{
	atomic_store(&unlisted, !atomic_load(&group->member[1]));
	atomic_fetch_add(&waits, 1);
	vnet_wait_for_walks(core);
}

static struct shm_member *rings; /* whose other vCPU rings while it starts; NULL: nobody's */

static void set_up_and_ring(struct vnet_port *p, struct vnet_core *core, bool up)
{
	vnet_port_set_up(p, core, up);
	if (rings)
		shm_member_kick(rings);
}

#define vnet_wait_for_walks wait_and_count
#define vnet_port_set_up    set_up_and_ring
#include "drivers/shm/shm_group.c"
#undef vnet_port_set_up
#undef vnet_wait_for_walks

#define ANN member[0]
#define BEN member[1]

static struct shm_desc early; /* what ben sends */

static void *send_early(void *arg)
{
	(void)arg;
	this_core_id = 1;
	member_write_out(&BEN, early);
	return NULL;
}

/* Ann's core takes her one frame out of the ring, as in send_batch(). */
static struct vnet_batch *begin_walk(struct shm_member *ann, const struct netlib_frame *f)
{
	struct vnet_batch *b = vnet_core_batch(vnet_this_core());
	enum shm_error why;

	assert_true(vgate_enter(&ann->gate));
	atomic_store(&ANN.shared->out.event, atomic_load(&ANN.shared->out.head) + 0x80000000u);
	assert_int_equal(netlib_send(&ANN.lib, f, 1), 1);
	ann->ntaken = ann->nhanded = ann->nback = ann->ndirect = 0;
	assert_int_equal(gather_batch(ann, b, VNET_BATCH, &why), 1);
	atomic_store(&ann->walking, b);
	return b;
}

/* The frame is given to ben; before that is undone, since another one of the batch cannot be, his
 * other core has sent the buffer.  Nobody has it twice, and nobody one less. */
static void sent_early(uint8_t action)
{
	struct shm_member *ann = ANN.device, *ben = BEN.device;
	struct netlib_frame f;
	const struct vnet_frame *frame;
	pthread_t other;
	uint32_t buffer;

	members_introduce();
	f = member_compose(&ANN, member_mac_of(1), 60, 1);
	frame = begin_walk(ann, &f)->frame;
	buffer = ann->taken[0] / SHM_BUFFER;
	spin_lock(&ben->lock);
	assert_int_equal(shm_receivable(ben, 2), 2);
	assert_int_equal(exchange(ann, ben, (struct vnet_frame *const *)&frame, 1), 1);
	assert_int_equal(shm_owner(group, buffer), shm_id(ben));
	early = (struct shm_desc){.at = ann->taken[0], .length = 60, .action = action};
	early.to = action == SHM_TO ? 2 : 0; /* cat */
	assert_int_equal(pthread_create(&other, NULL, send_early, NULL), 0);
	while (shm_owner(group, buffer) == shm_id(ben))
		sched_yield();
	exchange_undo(ann, ben, 1);
	spin_unlock(&ben->lock);
	pthread_join(other, NULL);
	atomic_store(&ann->walking, NULL);
	finish_batch(ann, 1);
	vgate_unlock(&ann->gate);
	check_shares();
	assert_true(netlib_running(&BEN.lib));
	for (unsigned i = 0; i < 3; i++) {
		guest_out(member[i].g, member[i].io + SHM_IO_STATUS, 4, 0);
		member_start(&member[i]);
	}
	check_shares();
}

static void dropped_early(void **state)
{
	(void)state;
	sent_early(SHM_DROP);
}

static void given_on_early(void **state)
{
	(void)state;
	sent_early(SHM_TO);
}

/* Ben's core has seen the buffer in his name before the undo, and takes it after that. */
static void *take_late(void *arg)
{
	uint32_t buffer = ANN.device->taken[0] / SHM_BUFFER;

	(void)arg;
	while (shm_owner(group, buffer) != (SHM_IN_WALK | shm_id(ANN.device)))
		sched_yield();
	shm_set_owner(group, buffer, SHM_IN_WALK | shm_id(BEN.device));
	atomic_store(&BEN.device->gathers, false);
	return NULL;
}

static void taken_late(void **state)
{
	struct shm_member *ann = ANN.device, *ben = BEN.device;
	const struct vnet_frame *frame;
	struct netlib_frame f;
	pthread_t other;
	uint32_t buffer;

	(void)state;
	members_introduce();
	f = member_compose(&ANN, member_mac_of(1), 60, 1);
	frame = begin_walk(ann, &f)->frame;
	buffer = ann->taken[0] / SHM_BUFFER;
	assert_true(vgate_enter(&ben->gate));
	atomic_store(&ben->gathers, true);
	spin_lock(&ben->lock);
	assert_int_equal(exchange(ann, ben, (struct vnet_frame *const *)&frame, 1), 1);
	assert_int_equal(pthread_create(&other, NULL, take_late, NULL), 0);
	exchange_undo(ann, ben, 1);
	spin_unlock(&ben->lock);
	pthread_join(other, NULL);
	assert_int_equal(ann->nback, 1);
	atomic_store(&ann->walking, NULL);
	finish_batch(ann, 1);
	vgate_unlock(&ann->gate);
	shm_set_owner(group, buffer, shm_id(ben)); /* ben's walk is over, too */
	vgate_unlock(&ben->gate);
	check_shares();
}

/* Nobody was early: all is as it was. */
static void undone(void **state)
{
	struct shm_member *ann = ANN.device, *ben = BEN.device;
	const struct vnet_frame *frame;
	struct netlib_frame f;
	uint32_t spare;

	(void)state;
	members_introduce();
	spare = ben->nspare;
	f = member_compose(&ANN, member_mac_of(1), 60, 1);
	frame = begin_walk(ann, &f)->frame;
	spin_lock(&ben->lock);
	assert_int_equal(exchange(ann, ben, (struct vnet_frame *const *)&frame, 1), 1);
	exchange_undo(ann, ben, 1);
	spin_unlock(&ben->lock);
	assert_int_equal(ann->nback, 0);
	assert_int_equal(ben->nspare, spare);
	atomic_store(&ann->walking, NULL);
	finish_batch(ann, 1);
	vgate_unlock(&ann->gate);
	check_shares();
}

/* ---- a member that leaves ---- */

#define MOMENTS 2000

static atomic_bool left;

static void *leave(void *arg)
{
	this_core_id = 0;
	shm_member_leave(arg);
	atomic_store(&left, true);
	return NULL;
}

/* A core that walks another device's batch reads each member's `walking`: ben must not be freed
 * before it has. */
static void who_leaves_is_there_for_walks(void **state)
{
	struct shm_member *ben = BEN.device;
	struct vnet_core *other = vnet_core(net, 1);
	pthread_t leaver;
	bool too_soon;

	(void)state;
	assert_true(vnet_port_remove(BEN.port));
	atomic_store(&left, false);
	atomic_store(&waits, 0);
	walk_enter(other);
	assert_ptr_equal(atomic_load(&group->member[1]), ben);
	assert_int_equal(pthread_create(&leaver, NULL, leave, ben), 0);
	while (!atomic_load(&waits) && !atomic_load(&left))
		sched_yield();
	for (unsigned i = 0; i < MOMENTS && !atomic_load(&left); i++)
		sched_yield();
	too_soon = atomic_load(&left);
	walk_leave(other);
	pthread_join(leaver, NULL);
	guest_free(BEN.g);
	free(BEN.device);
	free(BEN.shared);
	memset(&BEN, 0, sizeof BEN);
	assert_false(too_soon);
	assert_true(atomic_load(&unlisted));
	check_shares();
}

/* What rings while the port starts is served by a visit. */
static void a_doorbell_during_the_start(void **state)
{
	(void)state;
	guest_out(BEN.g, BEN.io + SHM_IO_STATUS, 4, 0);
	assert_int_equal(atomic_load(&BEN.g->pci.left), 0);
	rings = BEN.device;
	member_start(&BEN);
	rings = NULL;
	assert_int_not_equal(atomic_load(&BEN.g->pci.left), 0);
	vpci_work(&BEN.g->pci);
	assert_int_equal(atomic_load(&BEN.g->pci.left), 0);
	check_shares();
}

#define T(f) cmocka_unit_test_setup_teardown(f, members_setup, members_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(dropped_early),
	                                   T(given_on_early),
	                                   T(taken_late),
	                                   T(undone),
	                                   T(who_leaves_is_there_for_walks),
	                                   T(a_doorbell_during_the_start)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
