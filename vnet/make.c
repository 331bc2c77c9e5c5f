/* SPDX-License-Identifier: BSD-2-Clause */
/* make.c: making the switch and its networks; waiting for walks to end; the clock. */
#include "vnet/lookup/trial.h"

void control_lock(struct vnet *v)
{
	spin_lock(&v->control);
}

void control_unlock(struct vnet *v)
{
	spin_unlock(&v->control);
}

void vnet_sync(struct vnet *v)
{
	for (unsigned i = 0; i < v->cores; i++) {
		uint64_t seen = atomic_load(&v->core[i]->epoch);

		while (seen & 1 && atomic_load(&v->core[i]->epoch) == seen)
			__builtin_ia32_pause();
	}
}

void vnet_wait_for_walks(struct vnet_core *core)
{
	vnet_sync(core->vnet);
}

static void core_init(struct vnet *v, struct vnet_core *c, unsigned id)
{
	c->id = id;
	c->vnet = v;
	cache_flush(&c->cache);
}

static bool core_make(struct vnet *v, unsigned id)
{
	struct vnet_core *c = v->mem.alloc(sizeof *c);

	if (!c)
		return false;
	core_init(v, c, id);
	v->core[id] = c;
	return true;
}

static bool trials_make(struct vnet *v)
{
	v->trials = v->mem.alloc(sizeof *v->trials);
	if (v->trials)
		core_init(v, &v->trials->core, TABLE_TRIAL(v->cores));
	return v->trials;
}

static bool parts_make(struct vnet *v)
{
	char err[1];
	struct vnet_table *empty = table_make(&v->mem, v->cores, NULL, 0, err, sizeof err);

	atomic_store(&v->table, empty);
	for (unsigned i = 0; i < VNET_NETS; i++) {
		atomic_store(&v->base[i], &policy_routes);
		atomic_store(&v->policy[i], &policy_routes);
	}
	for (unsigned i = 0; i < v->cores; i++)
		if (!core_make(v, i))
			return false;
	return empty && trials_make(v);
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
	atomic_store(&v->members, &v->member_space[0]);
	if (parts_make(v))
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

static void policy_free(struct vnet *v, struct policy *p)
{
	if (p && p->ops->destroy)
		p->ops->destroy(p, &v->mem);
}

static void policies_free(struct vnet *v)
{
	for (unsigned i = 0; i < VNET_NETS; i++) {
		if (v->policy[i] != v->base[i])
			policy_free(v, v->policy[i]);
		policy_free(v, v->base[i]);
	}
}

static void core_free(struct vnet *v, struct vnet_core *c)
{
	struct chain_core *chain = atomic_load(&c->chain);

	if (chain)
		v->mem.free(chain, c->chain_bytes);
}

void vnet_destroy(struct vnet *v)
{
	struct vnet_mem mem = v->mem;

	/* Links first: freeing one needs its edge's underlay. */
	ports_free(v, true);
	ports_free(v, false);
	policies_free(v);
	if (v->trials) {
		core_free(v, &v->trials->core);
		mem.free(v->trials, sizeof *v->trials);
	}
	for (unsigned i = 0; i < v->cores; i++) {
		if (!v->core[i])
			continue;
		core_free(v, v->core[i]);
		mem.free(v->core[i], sizeof(struct vnet_core));
	}
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

/* A policy of that kind for a network; the present one if it is of that kind.  NULL: no memory. */
static struct policy *policy_for(struct vnet *v, unsigned net, enum vnet_policy kind)
{
	struct policy *now = atomic_load(&v->base[net]);

	if (kind == VNET_ROUTE)
		return &policy_routes;
	if (kind == VNET_EXACT)
		return &policy_exact;
	return now->ops == &policy_learned ? now : policy_learn(&v->mem, v->secret, net);
}

/* Replaces what the network's mode says; flows in front of it stay. */
static void base_set(struct vnet *v, unsigned net, struct policy *p)
{
	struct policy *old = atomic_exchange(&v->base[net], p);

	if (old == p)
		return;
	if (atomic_load(&v->policy[net]) == old)
		atomic_store(&v->policy[net], p);
	vnet_sync(v);
	policy_free(v, old);
}

bool vnet_net_set(struct vnet *v, unsigned net, enum vnet_policy kind)
{
	struct policy *p;

	if (net >= VNET_NETS)
		return false;
	control_lock(v);
	p = policy_for(v, net, kind);
	if (p) {
		v->net[net] = true;
		base_set(v, net, p);
	}
	control_unlock(v);
	return p != NULL;
}

void vnet_net_set_link_local(struct vnet *v, unsigned net, enum vnet_link_local how)
{
	if (net < VNET_NETS)
		atomic_store(&v->link_local[net], (uint8_t)how);
}

void vnet_clock_set(struct vnet_core *core, uint64_t seconds)
{
	struct vnet *v = core->vnet;
	uint64_t before = atomic_load_explicit(&v->seconds, memory_order_relaxed);

	/* Of two callers the one that read the clock first may come here last. */
	if (seconds == before || (seconds < before && before - seconds <= VNET_CLOCK_LATE))
		return;
	/* Of two that come at once one does it. */
	if (!atomic_compare_exchange_strong(&v->seconds, &before, seconds))
		return;
	atomic_fetch_add(&v->quanta, learn_quanta(before, seconds));
	if (__builtin_expect(atomic_load_explicit(&core->watched, memory_order_relaxed) != 0, 0))
		capture_clock(core, seconds);
}
