/*
 * state.h: what the switch keeps, and how its cores read it without locks (private to vnet/).
 *
 * A core announces that it is in the walk by an odd epoch.  Whoever replaces something that walks
 * read publishes the new one first, then waits with vnet_sync() until each core has left the walk
 * that it was in; nobody can hold the old one after that.  Control operations exclude each other by
 * one lock, which no walk ever takes.
 */
#ifndef VNET_STATE_H
#define VNET_STATE_H
#include <stdatomic.h>
#include "vnet/cache.h"
#include "vnet/table.h"
#include "vnet/vnet.h"

struct vnet_learn;

/* Which ports there are: snapshots for flooding and polling. */
struct vnet_members {
	uint16_t start[VNET_NETS + 1]; /* network n has port[start[n]] .. port[start[n + 1] - 1] */
	uint16_t port[VNET_PORTS];
	uint16_t poll[VNET_PORTS]; /* the ports in poll mode */
	unsigned npoll;
};

struct vnet {
	struct vnet_mem mem;
	unsigned cores;
	atomic_flag control;
	_Atomic(struct vnet_table *) table; /* never NULL */
	_Atomic(struct vnet_members *) members;
	struct vnet_members member_space[2]; /* the one published, and the next */
	_Atomic(struct vnet_port *) port[VNET_PORTS];
	_Atomic(struct vnet_learn *) learn[VNET_NETS]; /* NULL: the network has routes */
	bool net[VNET_NETS];                           /* the network was set */
	uint64_t seconds;                              /* as vnet_tick() said last */
	struct vnet_core *core[VNET_CORES];
};

struct vnet_core {
	_Atomic uint64_t epoch __attribute__((aligned(64))); /* odd: in the walk */
	unsigned depth; /* walks within each other: poll, input */
	unsigned id;
	struct vnet *vnet;
	struct vnet_cache cache;
	uint64_t pending[VNET_PORTS]; /* per destination, the frames of this batch, one bit each */
	uint16_t touched[VNET_PORTS]; /* destinations with pending frames, in order of appearance */
	unsigned ntouched;
	struct vnet_frame *visit[VNET_BATCH];
	struct vnet_batch batch;
};

_Static_assert(VNET_BATCH <= 64, "pending has one bit for each frame of a batch");
_Static_assert(VNET_ROUTES < TABLE_END, "route numbers fit the chains");

static inline void walk_enter(struct vnet_core *c)
{
	/* Sequentially consistent: the epoch is out before the first table is read. */
	if (c->depth++ == 0)
		atomic_store(&c->epoch, atomic_load_explicit(&c->epoch, memory_order_relaxed) + 1);
}

static inline void walk_leave(struct vnet_core *c)
{
	if (--c->depth == 0)
		atomic_store_explicit(&c->epoch,
		                      atomic_load_explicit(&c->epoch, memory_order_relaxed) + 1,
		                      memory_order_release);
}

/* Waits until no core is in a walk that began before this call. */
void vnet_sync(struct vnet *v);

/* The lock of control operations. */
void control_lock(struct vnet *v);
void control_unlock(struct vnet *v);

/* Builds and publishes the members anew from v->port; on return nobody uses the old ones. */
void members_publish(struct vnet *v);

/* Publishes a table that replaces the present one, which is freed; hits of equal routes go over. */
void table_publish(struct vnet *v, struct vnet_table *t);

/* Counts `n` drops at once. */
static inline void count_drop(struct vnet_core *c, struct vnet_port *port, enum vnet_drop why,
                              unsigned n)
{
	port->count[c->id].drop[why] += n;
}

/* The port with this number, for a walk; NULL when it is gone. */
static inline struct vnet_port *port_at(struct vnet *v, unsigned number)
{
	return atomic_load_explicit(&v->port[number], memory_order_acquire);
}

#endif
