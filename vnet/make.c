/* make.c: making the switch and its networks; how control waits for the walks. */
#include "vnet/lookup/learn.h"
#include "vnet/state.h"

void control_lock(struct vnet *v)
{
	while (atomic_flag_test_and_set_explicit(&v->control, memory_order_acquire))
		__builtin_ia32_pause();
}

static bool control_try(struct vnet *v)
{
	return !atomic_flag_test_and_set_explicit(&v->control, memory_order_acquire);
}

void control_unlock(struct vnet *v)
{
	atomic_flag_clear_explicit(&v->control, memory_order_release);
}

void vnet_sync(struct vnet *v)
{
	for (unsigned i = 0; i < v->cores; i++) {
		uint64_t seen = atomic_load(&v->core[i]->epoch);

		while (seen & 1 && atomic_load(&v->core[i]->epoch) == seen)
			__builtin_ia32_pause();
	}
}

static bool core_make(struct vnet *v, unsigned id)
{
	struct vnet_core *c = v->mem.alloc(sizeof *c);

	if (!c)
		return false;
	c->id = id;
	c->vnet = v;
	cache_flush(&c->cache);
	v->core[id] = c;
	return true;
}

static bool fill(struct vnet *v)
{
	char err[1];
	struct vnet_table *empty = table_make(&v->mem, v->cores, NULL, 0, err, sizeof err);

	atomic_store(&v->table, empty);
	for (unsigned i = 0; i < v->cores; i++)
		if (!core_make(v, i))
			return false;
	return empty != NULL;
}

struct vnet *vnet_create(const struct vnet_mem *mem, unsigned cores)
{
	struct vnet *v;

	if (cores == 0 || cores > VNET_CORES)
		return NULL;
	v = mem->alloc(sizeof *v);
	if (!v)
		return NULL;
	v->mem = *mem;
	v->cores = cores;
	atomic_flag_clear(&v->control);
	atomic_store(&v->members, &v->member_space[0]);
	if (fill(v))
		return v;
	vnet_destroy(v);
	return NULL;
}

static void ports_free(struct vnet *v, bool links)
{
	for (unsigned i = 0; i < VNET_PORTS; i++) {
		struct vnet_port *port = port_at(v, i);

		if (!port || links != !!(port->flags & VNET_LINK))
			continue;
		atomic_store(&v->port[i], NULL);
		port_free(port);
	}
}

void vnet_destroy(struct vnet *v)
{
	struct vnet_mem mem = v->mem;

	/* Links need their edge's underlay to the end. */
	ports_free(v, true);
	ports_free(v, false);
	for (unsigned i = 0; i < VNET_NETS; i++)
		if (v->learn[i])
			mem.free(v->learn[i], sizeof(struct vnet_learn));
	for (unsigned i = 0; i < v->cores; i++)
		if (v->core[i])
			mem.free(v->core[i], sizeof(struct vnet_core));
	if (v->table)
		table_free(&mem, v->table);
	mem.free(v, sizeof *v);
}

void vnet_secret_set(struct vnet *v, const uint64_t secret[2])
{
	v->secret[0] = secret[0];
	v->secret[1] = secret[1];
}

struct vnet_core *vnet_core(struct vnet *v, unsigned core)
{
	return core < v->cores ? v->core[core] : NULL;
}

struct vnet_batch *vnet_core_batch(struct vnet_core *core)
{
	return &core->batch;
}

unsigned vnet_core_id(const struct vnet_core *core)
{
	return core->id;
}

static bool net_learn(struct vnet *v, unsigned net)
{
	struct vnet_learn *l;

	if (v->learn[net])
		return true;
	l = v->mem.alloc(sizeof *l);
	if (!l)
		return false;
	l->key = mix_key_make(v->secret, net);
	atomic_store(&v->learn[net], l);
	return true;
}

/* A walk sees the old way or the new one: `exact` matters only where nothing is learned. */
static void net_unlearn(struct vnet *v, unsigned net)
{
	struct vnet_learn *old = atomic_exchange(&v->learn[net], NULL);

	if (!old)
		return;
	vnet_sync(v);
	v->mem.free(old, sizeof *old);
}

bool vnet_net_set(struct vnet *v, unsigned net, enum vnet_policy policy)
{
	bool done = true;

	if (net >= VNET_NETS)
		return false;
	control_lock(v);
	if (policy == VNET_LEARN)
		done = net_learn(v, net);
	if (done)
		atomic_store(&v->exact[net], policy == VNET_EXACT);
	if (policy != VNET_LEARN)
		net_unlearn(v, net);
	v->net[net] |= done;
	control_unlock(v);
	return done;
}

void vnet_net_set_link_local(struct vnet *v, unsigned net, enum vnet_link_local how)
{
	if (net < VNET_NETS)
		atomic_store(&v->link_local[net], (uint8_t)how);
}

/* Looks for old addresses in the next few buckets, network by network. */
static void sweep(struct vnet *v)
{
	if (v->learn[v->sweep_net]) {
		learn_sweep(v->learn[v->sweep_net], v->sweep_bucket, VNET_SWEEP / LEARN_WAYS);
		v->sweep_bucket += VNET_SWEEP / LEARN_WAYS;
		if (v->sweep_bucket < LEARN_BUCKETS)
			return;
	}
	v->sweep_bucket = 0;
	for (unsigned i = 0; i < VNET_NETS; i++) {
		v->sweep_net = (v->sweep_net + 1) % VNET_NETS;
		if (v->learn[v->sweep_net])
			return;
	}
}

/* Lock held: nobody changes the members. */
static void ports_tick(struct vnet_core *core)
{
	const struct vnet_members *m = atomic_load(&core->vnet->members);

	for (unsigned i = 0; i < m->ntick; i++) {
		struct vnet_port *port = port_at(core->vnet, m->tick[i]);

		stage_of(port)->tick(core, port);
	}
}

bool vnet_tick(struct vnet_core *core, uint64_t seconds)
{
	struct vnet *v = core->vnet;
	uint64_t before;

	if (!control_try(v))
		return false;
	/* The caller may have read the clock before another one did, and come here after it. */
	before = atomic_load(&v->seconds);
	if (seconds < before && before - seconds <= VNET_TICK_LATE)
		seconds = before;
	for (unsigned i = 0; i < VNET_NETS; i++)
		if (v->learn[i])
			learn_pass(v->learn[i], before, seconds);
	sweep(v);
	atomic_store(&v->seconds, seconds);
	ports_tick(core);
	control_unlock(v);
	return true;
}
