/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.h: the state of the switch, and how cores read it without locks (private to vnet/).
 *
 * A core announces by an odd epoch that it is in the walk: walk_enter() and walk_leave() in
 * forward.c.  Whoever replaces something that walks read publishes the new one first, then waits
 * with vnet_sync() until each core has left the walk that it was in; nobody can hold the old one
 * after that.  Control operations exclude each other by one lock, which no walk ever takes.
 */
#ifndef VNET_STATE_H
#define VNET_STATE_H
#include <stdatomic.h>
#include "lib/count.h"
#include "lib/spinlock.h"
#include "lib/hash.h"
#include "vnet/lookup/cache.h"
#include "vnet/lookup/policy.h"
#include "vnet/lookup/table.h"
#include "vnet/vnet.h"

struct chain_core;
struct vnet_trials;

/*
 * The ingress stage of a port: what is done with its frames before the look-up.
 * ingress: takes n frames from the port, at most VNET_BATCH, already counted in in_frames, and
 *          passes those that it accepts to walk_frames().  Returns the number of deliveries.
 * refuses: the enum vnet_drop that ingress() would count at the port for a frame with these
 *          addresses and no content; -1: none.
 * ready:   the port takes frames now (vnet_port_ready()); in the walk.  NULL: not needed.
 */
struct vnet_stage {
	unsigned (*ingress)(struct vnet_core *core, struct vnet_port *from,
	                    struct vnet_frame *frame, unsigned n);
	int (*refuses)(struct vnet_port *from, mac_t src, mac_t dst);
	void (*ready)(struct vnet_core *core, struct vnet_port *port);
};

#define MEMBER_MACS  (2 * VNET_PORTS)         /* slots of a hash that is at most half full */
#define GUARD_HEAD   64                       /* bytes of a copied head */
#define SCRATCH_SEGS (VNET_SEGS + VNET_BATCH) /* a batch, and a header for each frame */

/* Which ports there are: snapshots for flooding, polling and declared addresses.  A port is freed
 * only when no walk has a snapshot with it. */
struct vnet_members {
	uint16_t start[VNET_NETS + 1]; /* network n has port[start[n]] .. port[start[n + 1] - 1] */
	struct vnet_port *port[VNET_PORTS];
	struct vnet_port *poll[VNET_PORTS]; /* the ports that are polled */
	unsigned npoll, nspin;     /* how many those are, and how many of them without pause */
	uint64_t mac[MEMBER_MACS]; /* declared, and in the upper 16 bits the network; 0: free */
	struct vnet_port *mac_port[MEMBER_MACS]; /* the port of each; NULL: free */
};

/* Frames that a core builds, outer packets and answers, to hand to a port. */
struct vnet_scratch {
	unsigned n, nseg;
	uint64_t bytes;
	struct vnet_frame frame[VNET_BATCH];
	struct vnet_frame *list[VNET_BATCH];
	struct vnet_seg seg[SCRATCH_SEGS];
	uint8_t head[VNET_BATCH][320]; /* the headers in front of each */
};

/* Copies of the first bytes of frames, and the lists of pieces that begin with them. */
struct vnet_heads {
	unsigned n, nseg;
	uint8_t head[VNET_BATCH][GUARD_HEAD];
	struct vnet_seg seg[SCRATCH_SEGS];
};

struct vnet {
	struct vnet_mem mem;
	unsigned cores;
	struct spinlock control;
	_Atomic(struct vnet_table *) table; /* never NULL */
	_Atomic(struct vnet_members *) members;
	struct vnet_members member_space[2]; /* the one published, and the next */
	_Atomic(struct vnet_port *) port[VNET_PORTS];
	_Atomic(struct policy *) policy[VNET_NETS]; /* never NULL */
	bool net[VNET_NETS];                        /* the network was set */
	_Atomic uint8_t link_local[VNET_NETS];      /* enum vnet_link_local */
	_Atomic(struct underlay *) underlays;       /* all of them, by their `next` */
	uint64_t secret[2];                         /* as vnet_secret_set() set it */
	_Atomic uint64_t seconds;                   /* as vnet_clock_set() set it */
	_Atomic uint64_t quanta;    /* of the ages of learned addresses, passed in all: learn.h */
	struct vnet_trials *trials; /* see trial.h */
	atomic_bool resting;        /* the polling core sleeps, or is about to */
	_Atomic(struct vnet_core *) poller;
	void (*_Atomic wake)(unsigned core); /* as vnet_poller_set() set both */
	_Atomic uint64_t rests, wakes;
	struct vnet_trace_filter filter; /* of what is traced; changed while tracing is off */
	_Atomic uint32_t capture_cut;    /* bytes of a frame that are captured, at most */
	bool measuring;                  /* ports and routes have histograms: measure.h */
	struct vnet_core *core[VNET_CORES];
	/* What the mode of each network says; policy[] has the same, or flows in front of it. */
	_Atomic(struct policy *) base[VNET_NETS];
	uint64_t chains; /* how many states tables of flows have had: vnet/chain/ */
};

/* What is recorded of a core's walks: bits of `watched` and `watch`. */
enum watch { WATCH_TRACE = 1, WATCH_CAPTURE = 2, WATCH_TIMES = 4 };

/* Frames that the switch made, or that waited, while a port takes them (vnet/mirror.c). */
struct vnet_handed {
	struct vnet_handed *outer; /* while that one's port handed these on */
	struct vnet_frame *const *frames;
	unsigned n;
	uint8_t cause[VNET_BATCH]; /* why they were refused, as records have it */
};

/* A core's capture, private to vnet/mirror.c. */
struct vnet_capture {
	struct capture_writer to;
	uint64_t tsc;               /* when the group began */
	uint64_t have;              /* frames of the batch whose bytes it has, one bit each */
	uint64_t refused;           /* frames of the batch that the visited port refused */
	struct vnet_handed *handed; /* NULL: no port takes frames that the switch made */
	unsigned frames;            /* of the walk */
	uint16_t from;              /* number of the port where the walk's frames came in */
	bool walk_due;              /* the walk has no record yet */
};

struct vnet_core {
	struct vnet_core_open open;                          /* first: vnet_core_batch() */
	_Atomic uint64_t epoch __attribute__((aligned(64))); /* odd: in the walk */
	unsigned depth; /* nested walks: vnet_poll() and, in it, vnet_input() */
	unsigned id;
	struct vnet *vnet;
	struct vnet_cache cache;
	uint64_t pending[VNET_PORTS]; /* per destination, the frames of this batch, one bit each */
	/* destinations with pending frames, in order of appearance */
	struct vnet_port *touched[VNET_PORTS];
	unsigned ntouched;
	struct vnet_port *from; /* where the frames of this walk came in */
	/* The port whose batch is in the walk and leaves its chains; NULL: none. */
	struct vnet_port *leaving;
	struct vnet_frame *visit[VNET_BATCH];
	struct vnet_scratch scratch;
	struct vnet_heads guard;          /* checked by guard_stage */
	struct vnet_heads marks;          /* changed by ecn_carry() */
	_Atomic unsigned watched;         /* what is to be recorded of its walks: enum watch */
	unsigned watch;                   /* what is, of the walk in progress */
	const struct vnet_frame *stamped; /* the batch of such a walk; NULL: there is none */
	struct vnet_capture capture;
	/* The trace, private to vnet/trace.c and the walk. */
	struct trace_ring *trace;
	uint64_t taken;             /* when the batch was taken */
	uint32_t position;          /* of the first one, as struct vnet_batch has it */
	uint16_t entry;             /* the port in whose ring they lay */
	uint64_t ticks[VNET_PORTS]; /* with WATCH_TIMES, of each destination that the walk has
	                             * visited: how long it took; 0: nothing was delivered */
	uint32_t walk;              /* number of this core's last traced walk */
	/* What networks with flows need (vnet/chain/), `chain_bytes` long; NULL: none ever had
	 * any. */
	_Atomic(struct chain_core *) chain;
	size_t chain_bytes;
};

_Static_assert(offsetof(struct vnet_core, open) == 0, "as vnet_core_batch() has it");
_Static_assert(VNET_BATCH <= 64, "pending has one bit for each frame of a batch");
_Static_assert(VNET_ROUTES < TABLE_END, "route numbers fit the chains");

/* Waits until no core is in a walk that began before this call. */
void vnet_sync(struct vnet *v);

/* The lock of control operations. */
void control_lock(struct vnet *v);
void control_unlock(struct vnet *v);

/*
 * Looks up and delivers n frames, at most VNET_BATCH, as coming from `from`, which has counted them
 * in in_frames.  In the walk.  Returns the number of deliveries.
 */
unsigned walk_frames(struct vnet_core *core, struct vnet_port *from, struct vnet_frame *frame,
                     unsigned n);

/* vnet/held.c: as vnet_port_recall(), for a port that is removed; nothing is counted.  Control lock
 * held. */
void held_abandon(struct vnet_port *port);

/* Frees a port that no walk uses any more, with the link or underlay that it has. */
void port_free(struct vnet_port *port);

/* Delivers n frames, `bytes` in all, to a port that is up, and counts them there.  In the walk. */
void port_hand(struct vnet_core *core, struct vnet_port *port, struct vnet_frame *const *frames,
               unsigned n, uint64_t bytes);

/* The same for one frame that is one piece and needs no offload. */
void port_send(struct vnet_core *core, struct vnet_port *port, uint8_t *bytes, unsigned len);

/*
 * Makes a port that nobody sees before port_publish().  NULL, and *why says why.  The caller sets
 * ops, dev, flags and up.  Control lock held.
 */
struct vnet_port *port_make(struct vnet *v, const char *name, unsigned net, const char **why);
void port_publish(struct vnet_port *port);

/* vnet/measure.c: the histograms of a new port, or table, if the switch measures; control lock
 * held.  False: no memory, or too much. */
bool measure_port(struct vnet_port *port);
bool measure_table(struct vnet *v, struct vnet_table *t, char *err, size_t size);
/* Frees a port's. */
void measure_port_end(struct vnet_port *port);
/* Route i takes over what the same route had in the old table, which no walk uses any more. */
void measure_keep(const struct vnet_table *t, unsigned i, const struct vnet_table *old,
                  unsigned before);

/* The slot of a declared address, or the free one for it.  `key`: the address and, in the upper 16
 * bits, the network. */
static inline unsigned mac_slot(const struct vnet_members *m, uint64_t key)
{
	unsigned i = (unsigned)(hash_spread(key) >> 32) % MEMBER_MACS;

	while (m->mac[i] && m->mac[i] != key)
		i = (i + 1) % MEMBER_MACS;
	return i;
}

/* The port of a network that declared the address; NULL: none did. */
static inline struct vnet_port *member_mac(const struct vnet_members *m, unsigned net, mac_t mac)
{
	return m->mac_port[mac_slot(m, mac | (uint64_t)net << 48)];
}

/* Builds and publishes the members anew from v->port; on return nobody uses the old ones. */
void members_publish(struct vnet *v);

/* As table_make(), with histograms if the switch measures. */
struct vnet_table *table_make_measured(struct vnet *v, const struct vnet_route *routes, unsigned n,
                                       char *err, size_t size);

/* Publishes a table that replaces the present one, which is freed; equal routes keep their hits. */
void table_publish(struct vnet *v, struct vnet_table *t);

/* Whether an address is one of the groups that no bridge forwards. */
static inline bool is_link_local(mac_t mac)
{
	return (mac & ~(0xfull << 40)) == 0xc28001; /* 01:80:c2:00:00:0x */
}

/* Whether the network drops frames to this address as link-local; `by_mode`: its mode's default. */
static inline bool link_local_drops(struct vnet *v, unsigned net, mac_t dst, bool by_mode)
{
	uint8_t how;

	if (!is_link_local(dst))
		return false;
	how = atomic_load_explicit(&v->link_local[net], memory_order_relaxed);
	return how == VNET_LINK_LOCAL_BY_MODE ? by_mode : how == VNET_LINK_LOCAL_DROP;
}

/* The port with this number, for a walk; NULL when it is gone. */
static inline struct vnet_port *port_at(struct vnet *v, unsigned number)
{
	return atomic_load_explicit(&v->port[number], memory_order_acquire);
}

/* The port if it is up, else NULL. */
static inline struct vnet_port *if_up(struct vnet_port *port)
{
	return port && atomic_load_explicit(&port->up, memory_order_relaxed) ? port : NULL;
}

/* As member_mac(), but NULL unless that port is up: without a driver its guest may run on another
 * node now. */
static inline struct vnet_port *member_up(const struct vnet_members *m, unsigned net, mac_t mac)
{
	return if_up(member_mac(m, net, mac));
}

/* Whether `seen`, a port's sent_own or sent_other, is within the last VNET_AGE seconds. */
static inline bool seen_lately(struct vnet *v, uint32_t seen)
{
	uint32_t now = (uint32_t)atomic_load_explicit(&v->seconds, memory_order_relaxed) + 1;

	return seen && now - seen <= VNET_AGE;
}

/* Whether the port's guest uses its declared address, or is silent.  One that sends only with
 * others has given the declared one up, and a host outside may have it.  The first test is the
 * usual case: only the declared address was ever used. */
static inline bool mac_in_use(const struct vnet_port *port)
{
	uint32_t other = atomic_load_explicit(&port->sent_other, memory_order_relaxed);

	if (__builtin_expect(!other, 1))
		return true;
	return seen_lately(port->vnet,
	                   atomic_load_explicit(&port->sent_own, memory_order_relaxed)) ||
	       !seen_lately(port->vnet, other);
}

/* As member_up(), if the address is in use there. */
static inline struct vnet_port *member_in_use(const struct vnet_members *m, unsigned net, mac_t mac)
{
	struct vnet_port *port = member_up(m, net, mac);

	return port && mac_in_use(port) ? port : NULL;
}

/* The port's ingress stage; NULL: none. */
static inline const struct vnet_stage *stage_of(struct vnet_port *port)
{
	return atomic_load_explicit(&port->stage, memory_order_acquire);
}

/* vnet/mirror.c, while there are mirrors: a frame is dropped, and counted at the port. */
void capture_dropped(struct vnet_core *core, const struct vnet_port *port,
                     const struct vnet_frame *f, enum vnet_drop why);
/* A port that is given a frame of the batch keeps it for later: it is not out yet. */
void capture_kept(struct vnet_core *core, const struct vnet_frame *f);
/* Before and after a port gets frames that the switch made, in *handed, of which `frames` and `n`
 * are set. */
void capture_making(struct vnet_core *core, struct vnet_handed *handed);
void capture_made(struct vnet_core *core, const struct vnet_port *port, struct vnet_handed *handed);
/* The same as capture_dropped(), for a frame that the device drops before the walk; not in the
 * walk. */
void capture_early(struct vnet_core *core, const struct vnet_port *port, enum vnet_drop why);
/* The switch's clock was set; not in the walk. */
void capture_clock(struct vnet_core *core, uint64_t seconds);
/* In the walk: what vnet_port_ready() does is captured between these two.  False: it is not, as
 * nothing copies the port's frames. */
bool capture_ready(struct vnet_core *core, const struct vnet_port *port);
void capture_ready_end(struct vnet_core *core);

/* Lets a capture know of a drop. */
static inline void note_drop(struct vnet_core *c, const struct vnet_port *port,
                             const struct vnet_frame *f, enum vnet_drop why)
{
	if (__builtin_expect(c->watch != 0, 0))
		capture_dropped(c, port, f, why);
}

/* Counts the drop of a frame at a port. */
static inline void count_drop(struct vnet_core *c, struct vnet_port *port,
                              const struct vnet_frame *f, enum vnet_drop why)
{
	count_add(&port->count[c->id].drop[why], 1);
	note_drop(c, port, f, why);
}

#endif
