/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h: services and flows, compiled for look-ups (private to this folder).
 *
 * A table does not change, but for ports that are removed: their numbers become CHAIN_GONE, so that
 * another port that gets such a number is nobody's replica.
 */
#ifndef VNET_CHAIN_TABLE_H
#define VNET_CHAIN_TABLE_H
#include "vnet/chain/chain.h"
#include "vnet/chain/key.h"
#include "vnet/walk.h"

#define CHAIN_GONE VNET_PORTS /* the number of a port that was removed */
#define NO_SERVICE 0xff
#define NO_FLOW    0xffffu

#ifndef CHAIN_SETS_BITS
#define CHAIN_SETS_BITS 9 /* fewer in the fuzzers */
#endif
#define CHAIN_SETS   (1u << CHAIN_SETS_BITS)
#define CHAIN_SPARED 64 /* of so many new entries of a port, one takes another port's place */

/*
 * A service with several replicas has its flows in shares, by their hash: each share is with one
 * replica.  While frames come it stays there, so that none overtakes those that the replica still
 * has.  It goes to the replica that is highest for it now when its own is down, whose ring is lost,
 * or when no frame came for CHAIN_QUIET seconds of the switch's clock, so one whole second at
 * least, in which a function is to give back what it has.  A share is a word: the replica plus 1 in
 * the low byte, 0: none yet; above it the second of its last frame.
 */
#define CHAIN_SHARE_BITS 10
#define CHAIN_SHARES     (1u << CHAIN_SHARE_BITS)
#define CHAIN_QUIET      2

_Static_assert(VNET_SERVICES <= 64, "a flow has one bit for each service");
_Static_assert(VNET_FLOWS <= NO_FLOW, "flows have 16 bits");

/* What a flow takes, as words. */
struct flow_rule {
	uint64_t address[4], mask[4];
	uint64_t services; /* those of its chain, one bit each */
	_Atomic int32_t from;
	int16_t protocol;
	uint8_t version, ranges;
	struct vnet_port_range range[VNET_FLOW_RANGES];
};

/* A flow that was found, and where in its chain the frame is. */
struct flow_place {
	uint16_t flow; /* NO_FLOW: none */
	uint8_t step;  /* so many services are behind it */
	uint8_t next;  /* the next service; NO_SERVICE: none is left */
};

/* A flow key that a core has looked up lately; valid with the table's present generation only. */
struct flow_cached {
	struct flow_key key;
	uint64_t generation;
	uint16_t from;
	struct flow_place place;
};

/* What a core needs: its cache, and copies of the heads that it has looked at.  The sender may
 * write to its memory at any time, so what was read is what goes on. */
struct chain_core {
	struct flow_cached set[CHAIN_SETS][2];
	struct policy *base; /* in trials, what stands for the network's own look-up; else NULL */
	unsigned used;       /* of seg */
	uint8_t head[VNET_BATCH][KEY_HEAD];
	/* Stages before the look-up may have put a head of theirs in front. */
	struct vnet_seg seg[VNET_SEGS + 3 * VNET_BATCH];
};

/* The policy of one network: flows in front of its own look-up. */
struct chain_policy {
	struct policy policy; /* first */
	struct vnet_chains *table;
	unsigned first, end; /* its flows */
	bool there;          /* it has flows or services */
};

struct vnet_chains {
	size_t size;                 /* bytes of this allocation */
	unsigned users;              /* networks that use it */
	_Atomic uint64_t generation; /* changes when a port is removed, too */
	unsigned flows, services, cores;
	struct mix_key mix;
	struct chain_policy net[VNET_NETS];
	struct vnet *vnet;
	_Atomic uint8_t service_of[VNET_PORTS]; /* NO_SERVICE: the port is no replica */
	struct vnet_service service[VNET_SERVICES];
	_Atomic uint16_t replica[VNET_SERVICES][VNET_REPLICAS]; /* numbers of ports */
	uint64_t weigh[VNET_SERVICES][VNET_REPLICAS];           /* the key of each */
	_Atomic uint32_t *share[VNET_SERVICES]; /* CHAIN_SHARES; NULL: it has one replica */
	struct flow_rule *rule; /* of all networks, each network's together and in order */
	struct vnet_flow *flow; /* likewise, as given */
	uint16_t *given;        /* flow number i, as given, is rule given[i] */
	_Atomic uint16_t *to;
	/* cores + 2 rows: one for each core, what older tables have counted, and that of trials. */
	struct vnet_flow_count *count;
	uint64_t *hits; /* of a row: services times VNET_REPLICAS */
};

extern const struct vnet_policy_ops policy_flows;

static inline struct vnet_flow_count *chain_count(const struct vnet_chains *t, unsigned core,
                                                  unsigned flow)
{
	return &t->count[(size_t)core * t->flows + flow];
}

static inline uint64_t *chain_hits(const struct vnet_chains *t, unsigned core, unsigned service)
{
	return &t->hits[((size_t)core * t->services + service) * VNET_REPLICAS];
}

/* The service whose port this is, or NO_SERVICE. */
static inline unsigned chain_service(const struct vnet_chains *t, unsigned port)
{
	return atomic_load_explicit(&t->service_of[port], memory_order_relaxed);
}

/* Compiles what a flow takes. */
void rule_compile(struct flow_rule *rule, const struct vnet_flow *flow);

/* Whether a rule takes frames with this key, wherever they come from. */
bool rule_matches(const struct flow_rule *r, const struct flow_key *k);

#endif
