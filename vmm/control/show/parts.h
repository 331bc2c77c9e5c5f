/* SPDX-License-Identifier: BSD-2-Clause */
/* parts.h: functions shared by the files of this folder. */
#ifndef VMM_CONTROL_SHOW_PARTS_H
#define VMM_CONTROL_SHOW_PARTS_H
#include "vmm/config/config.h"
#include "vmm/control/show/out.h"

#define TABLE(o, name, columns)                                                                    \
	out_begin_table(o, name, columns, sizeof columns / sizeof columns[0])

/* True unless the answer is for another guest. */
static inline bool wanted_guest(const struct config_action *a, unsigned slot)
{
	return a->guest < 0 || a->guest == (int)slot;
}

/* True unless the answer is for another network. */
static inline bool wanted_net(const struct config_action *a, unsigned net)
{
	return a->net < 0 || a->net == (int)net;
}

struct vm;

/* show/show.c: a guest's state, as people see it. */
enum guest_state {
	GUEST_NEW, /* never started */
	GUEST_STARTING,
	GUEST_RUNNING,
	GUEST_STOPPING,
	GUEST_ENDED,   /* by itself, with a status */
	GUEST_STOPPED, /* by a command or for an error */
	GUEST_STATES
};
extern const char *const guest_state_name[GUEST_STATES];
enum guest_state guest_state(const struct vm *vm);

/* show/net.c: a link's state, by its port; that of a direct link is its edge.  It is up if the
 * guest at its edge is there and the next hop has answered. */
enum link_state { LINK_UP, LINK_UNRESOLVED, LINK_DOWN, LINK_STATES };
extern const char *const link_state_name[LINK_STATES];
enum link_state link_state(const struct vnet_port *p);

/* show/net.c: the frames that the port has lost, for all causes. */
uint64_t lost_frames(const struct vnet_port_stats *s);

/* show/net.c: is this port or link wanted?  A link belongs to no guest. */
bool wanted_port(const struct config_action *a, unsigned slot);

/* show/net.c: the tables of the switch, for the objects that the action names. */
void show_ports(struct out *o, const struct config_action *a);
void show_links(struct out *o, const struct config_action *a);
void show_underlays(struct out *o, const struct config_action *a);
void show_networks(struct out *o, const struct config_action *a);
void show_routes(struct out *o, const struct config_action *a);

/* show/chains.c */
void show_services(struct out *o, const struct config_action *a);
void show_flows(struct out *o, const struct config_action *a);

/* show/mirrors.c */
void show_mirrors(struct out *o, const struct config_action *a);
void show_trace(struct out *o, const struct config_action *a);

/* show/groups.c */
void show_groups(struct out *o, const struct config_action *a);

/* show/net.c: is the route in the wanted network, and to or from the wanted port or link?  A
 * guest's name does not select routes. */
bool wanted_route(const struct config_action *a, const struct vnet_route *r);

/* show/counters.c: are the rows of the guest itself wanted?  By name, because a port or network may
 * have the same one. */
bool wanted_own(const struct config_action *a, unsigned guest);

/* show/histogram.c: how long frames and exits took. */
void show_histogram(struct out *o, const struct config_action *a);

/* show/ism.c: the guests' ISM devices. */
void show_ism(struct out *o, const struct config_action *a);

/* show/counters.c: every counter that is not 0. */
void show_counters(struct out *o, const struct config_action *a);
#endif
