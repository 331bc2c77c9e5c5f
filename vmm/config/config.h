/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h: the description of the node, as plain data, and the control language that states it.
 *
 * patio.conf (a boot module) and the serial monitor use the same language (docs/control.md).  A
 * text is applied to a staged copy of the description, whole or not at all: the caller checks the
 * staged copy against the machine, then commits or discards it.
 *
 * How a statement is processed: config/lex.c splits a line into words, config/parse.c matches the
 * words to a row of the table in config/grammar.c, config/value.c converts each to a number, an
 * address or an index, and config/node.c, config/link.c, config/route.c, config/chain.c or
 * config/action.c applies the statement.  Then config/mtu.c derives the MTUs, and config/lint.c
 * warns of what is accepted but probably a mistake.
 */
#ifndef VMM_CONFIG_CONFIG_H
#define VMM_CONFIG_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/address_text.h"
#include "vmm/config/words.h"
#include "vnet/chain/chain.h"
#include "vnet/vnet.h"

#define CONFIG_GUESTS     64
#define CONFIG_NETS       VNET_NETS
#define CONFIG_PORTS      VNET_PORTS
#define CONFIG_ROUTES     VNET_ROUTES
#define CONFIG_CPUS       64  /* vCPUs of a guest, at most */
#define CONFIG_CORES      256 /* core numbers are below this */
#define CONFIG_POLL_US    50  /* the default of poll_us */
#define CONFIG_MODULES    4   /* extra modules of a guest, at most */
#define CONFIG_PINS       4 /* ports of model e1000 of a guest, at most: each has a pin of its own */
#define CONFIG_MIRRORS    CAPTURE_MIRRORS
#define CONFIG_SERVICES   VNET_SERVICES
#define CONFIG_FLOWS      VNET_FLOWS
#define CONFIG_GROUPS     8            /* groups with memory in common */
#define CONFIG_JOINED     4            /* groups of one guest, at most */
#define CONFIG_GROUP_UNIT (2ull << 20) /* a group's memory is a multiple: large pages map it */
#define CONFIG_GROUP_MIN  (2 * CONFIG_GROUP_UNIT)
#define CONFIG_GROUP_MAX  (32ull << 30)
#define CONFIG_FRAMES_MAX (32ull << 20) /* of a group's memory for frames, at most */
#define CONFIG_FRAMES_BUF 2048u         /* bytes of a buffer there */
#define CONFIG_FRAMES_MTU 1902u         /* ... in whose buffers a frame of this MTU fits */
#define CONFIG_NAME       32            /* bytes of a name, its NUL included */
#define CONFIG_MODULE     64            /* bytes of a boot module's name, its NUL included */
#define CONFIG_ARGS       128  /* bytes of an extra module's arguments, their NUL included */
#define CONFIG_CMDLINE    2040 /* bytes of a command line, its NUL included */
#define CONFIG_LINE       4096 /* bytes of a line */
#define CONFIG_STATEMENT  8192 /* bytes of a statement, all its continued lines together */
#define CONFIG_TEXT       (1024 * 1024) /* bytes of a whole text */

/* A multiboot module that a guest gets besides its kernel. */
struct module_config {
	char name[CONFIG_MODULE];
	char args[CONFIG_ARGS];
};

/*
 * `line` of a guest, network, port, underlay, mirror or group: the line of the staged text that
 * declared it, for errors found after parsing; 0: declared before.  An empty name marks a free
 * slot.
 */
struct guest_config {
	char name[CONFIG_NAME];
	uint32_t line;
	uint16_t cpus;
	uint16_t cores;             /* 0: any cores; else equal to cpus */
	uint16_t core[CONFIG_CPUS]; /* core of each vCPU */
	uint64_t memory;            /* bytes, a multiple of 1 MiB */
	char kernel[CONFIG_MODULE];
	char initrd[CONFIG_MODULE]; /* "" for none */
	char cmdline[CONFIG_CMDLINE];
	struct module_config module[CONFIG_MODULES];
	uint16_t modules;
	uint16_t pci; /* bus << 8 | device << 3 | function, if has_pci */
	bool has_pci;
	bool debug_exit;       /* I/O port 0xf4 ends the guest with a status */
	bool control;          /* has a second console for this language */
	char ism[CONFIG_NAME]; /* the domain of its ISM device; "": it has none */
	bool absent_stops;     /* an access to unassigned memory stops it */
	bool autostart;
	enum config_restart restart;
};

struct net_config {
	char name[CONFIG_NAME];
	uint32_t line;
	enum vnet_policy mode;
	uint32_t mtu;   /* bytes; given to the guests */
	bool mtu_given; /* else derived: what fits the links, or 1500 */
	enum vnet_link_local link_local;
};

/* The node's own address behind an edge port.  IPv4 addresses are in host order. */
struct underlay_config {
	uint32_t line;
	enum config_path_mtu path_mtu;
	uint32_t prefix;           /* bits; 0: the port has no underlay */
	uint32_t address, gateway; /* gateway 0: none */
	uint32_t mtu;              /* bytes of an IP packet on the wire */
	mac_t mac;
};

/* Where a link leads; a direct link has only `edge`. */
struct link_config {
	uint32_t remote, vni;
	uint16_t udp_port;
	uint16_t edge; /* slot of the edge port that it goes through */
	enum config_path_mtu path_mtu;
	uint8_t dscp; /* DSCP of outer packets; VNET_DSCP_COPY: copied from the inner ones */
};

/* A switch port: a guest's NIC, or a link, which shares the names and slots of ports. */
struct port_config {
	char name[CONFIG_NAME];
	uint32_t line;
	enum config_kind kind;
	uint16_t guest, net; /* slots; a link has no guest */
	mac_t mac;           /* of a NIC */
	uint32_t mtu;        /* bytes; of a link: the largest that fits */
	bool mtu_given;      /* else derived from the network's */
	bool edge;           /* an edge port, which leads out of the node: Dom0's uplink */
	uint8_t group;       /* slot + 1 of the group whose frames it moves; 0: a virtio device */
	enum config_model model;
	uint32_t addresses; /* how many may be learned from it */
	enum config_move move;
	struct underlay_config underlay; /* of an edge */
	struct link_config link;
};

/* Which frames are traced (vnet/trace.h). */
struct trace_config {
	bool stated; /* there was a statement: rings are made, even if it is off */
	bool on;
	int32_t port; /* slot; -1: any */
	mac_t mac;    /* 0: any */
};

/* Copies the frames of a port, a link or all ports of a network. */
struct mirror_config {
	char name[CONFIG_NAME];
	uint32_t line;
	enum config_object kind;
	uint16_t object; /* slot */
	uint32_t cut;    /* bytes of a frame that are copied, at most; 0: all */
};

/* Memory in common: these guests, and no others, read and write it. */
struct group_config {
	char name[CONFIG_NAME];
	uint32_t line;
	uint64_t memory;  /* bytes, a multiple of CONFIG_GROUP_UNIT */
	uint64_t members; /* bit n: the guest of slot n */
	uint64_t frames;  /* bytes, the last ones, for frames of members' ports; a multiple, too */
};

/*
 * The node.  An object keeps its slot as long as it exists.  Routes refer to networks and ports by
 * slot; they have no gaps and keep the order in which they were given.  So do flows, which refer to
 * services by slot, too; `from` and `to` of flows, and the ports of services, are slots of ports.
 */
struct node_config {
	char name[CONFIG_NAME]; /* "": none was given */
	enum config_log log;
	enum config_move move; /* not NODE */
	int32_t poll_core;     /* the poll core; -1: none was given */
	uint32_t poll_us;    /* how long it polls after the last frame, if all ports allow a rest */
	enum config_smt smt; /* may threads of one physical core have different owners? */
	enum config_iommu iommu;
	enum config_panic panic;
	uint32_t panic_seconds; /* before the reset */
	enum config_idle idle;
	int32_t exit_guest; /* whose status ends the node (EXIT_WITH), else -1 */
	struct trace_config trace;
	bool histogram;  /* times are measured: of frames by port and route, and of exits */
	int32_t console; /* whose console the terminal shows first, or -1 for the monitor */
	uint32_t guests, nets, ports; /* slots in use, some of them free */
	uint32_t routes;
	uint32_t services, flows; /* services: slots in use, some of them free */
	struct mirror_config mirror[CONFIG_MIRRORS];
	struct group_config group[CONFIG_GROUPS];
	struct guest_config guest[CONFIG_GUESTS];
	struct net_config net[CONFIG_NETS]; /* slot 0 is `default` */
	struct port_config port[CONFIG_PORTS];
	struct vnet_route route[CONFIG_ROUTES];
	struct vnet_service service[CONFIG_SERVICES];
	struct vnet_flow flow[CONFIG_FLOWS];
};

/* An error or a warning.  Line and column count from 1 and are the offending word's; line 0: not
 * about a place in the text. */
struct config_message {
	uint32_t line, column;
	char word[CONFIG_NAME * 2]; /* the offending word, truncated; "" at the end of a line */
	char text[256];             /* what is wrong with it, and what was expected */
};

#define CONFIG_WARNINGS 8

struct config_report {
	struct config_message error; /* valid when the text was refused */
	uint32_t warnings;           /* total number; the first CONFIG_WARNINGS are kept */
	struct config_message warning[CONFIG_WARNINGS];
};

/* What a run-time statement asks for; it does not change the description. */
enum config_verb {
	CONFIG_SHOW,    /* what, json; guest, net or port when one was named */
	CONFIG_METRICS, /* metrics: the form */
	CONFIG_START,   /* guest */
	CONFIG_STOP,    /* guest */
	CONFIG_RESTART, /* guest */
	CONFIG_ENTER,   /* guest: put its console on the terminal */
	CONFIG_EXPLAIN, /* src, dst, port, packet, json */
	CONFIG_LINT,    /* json: answer with config_lint() */
	CONFIG_HELP,    /* word ("" for all): answer with config_help() */
	CONFIG_POWEROFF,
	CONFIG_REBOOT,
	CONFIG_LOAD, /* word: config_read() this boot module; "": gather lines up to one that says
	              * `end`, then config_read() them as one text */
};

struct config_action {
	enum config_verb verb;
	enum config_what what;
	enum config_metrics metrics;
	int32_t guest, net, port; /* slots in the live description, or -1 */
	mac_t src, dst;
	struct vnet_packet packet;
	bool json;
	char word[CONFIG_MODULE];
};

enum config_outcome {
	CONFIG_REFUSED, /* report->error says why; nothing changed */
	CONFIG_NOTHING, /* an empty line or text */
	CONFIG_CHANGED, /* config_staged() is the new description: check it, then config_commit() */
	CONFIG_ACTION,  /* a run-time statement: do what the action says */
};

/* Two descriptions (live and staged) and the parser's work space; see config/parse.h. */
struct config;

/* Size of a struct config in bytes; the caller allocates it, 16-byte aligned, for good. */
size_t config_size(void);

/* Initialises to an empty node: the network `default`, no guest; mem has config_size() bytes,
 * zeroed. */
struct config *config_init(void *mem);

const struct node_config *config_live(const struct config *c);
const struct node_config *config_staged(const struct config *c);

/*
 * Applies a whole text (a boot file, or what `load` collected; `len` bytes, no NUL needed, not
 * kept) to a fresh staged copy of the live description.  Run-time statements are refused.  Returns
 * REFUSED, NOTHING or CHANGED; the live description does not change.
 */
enum config_outcome config_read(struct config *c, const char *text, size_t len,
                                struct config_report *report);

/* The same for one line of the monitor, where run-time statements are allowed (ACTION). */
enum config_outcome config_read_line(struct config *c, const char *text, size_t len,
                                     struct config_action *action, struct config_report *report);

/* Makes the staged description the live one, without a copy; only after CHANGED. */
void config_commit(struct config *c);

/* The slot of the object with this name, or -1. */
int config_find_guest(const struct node_config *n, const char *name);
int config_find_net(const struct node_config *n, const char *name);
int config_find_port(const struct node_config *n, const char *name);

/* True: the guest of this slot is a member of the group, which may be a free slot. */
static inline bool config_is_member(const struct group_config *g, unsigned guest)
{
	return g->name[0] && g->members >> guest & 1;
}

/* True for a link whose frames travel in UDP. */
static inline bool config_is_tunnel(const struct port_config *port)
{
	return port->kind == CONFIG_VXLAN || port->kind == CONFIG_UDP;
}

/* Does a link learn its path's MTU: by its own setting, else by its underlay's. */
bool config_learns_path_mtu(const struct node_config *n, const struct port_config *link);

/* The switch's kind of a link whose frames travel in UDP. */
static inline enum vnet_link_kind config_link_kind(const struct port_config *port)
{
	return port->kind == CONFIG_VXLAN ? VNET_LINK_VXLAN : VNET_LINK_UDP;
}

/* The slot of the port to which frames for this port or link are sent; for a direct link, its
 * edge. */
unsigned config_port_slot(const struct node_config *n, unsigned slot);

/* The name of what a mirror copies; does it copy the frames of this port or link? */
const char *config_mirror_object(const struct node_config *n, const struct mirror_config *m);
bool config_mirror_sees(const struct node_config *n, const struct mirror_config *m, unsigned slot);

/* The services and flows with the switch's numbers of ports in place of slots, which number()
 * gives; `service` and `flow` have room for all. */
void config_number_chains(const struct node_config *n, unsigned (*number)(void *ctx, unsigned slot),
                          void *ctx, struct vnet_service *service, struct vnet_flow *flow);

/* Writes a flow's prefix, its protocol or its ranges of ports in the language, with a NUL; "any" if
 * it does not have them. */
#define CONFIG_PREFIX (IP6_TEXT + 4)
#define CONFIG_RANGES (VNET_FLOW_RANGES * 12)
void config_format_prefix(const struct vnet_prefix *p, char text[CONFIG_PREFIX]);
void config_format_protocol(const struct vnet_flow *f, char text[8]);
void config_format_ranges(const struct vnet_flow *f, char text[CONFIG_RANGES]);

/* Writes a route's source or destination in the language, with its NUL. */
void config_format_qual(const struct vnet_qual *q, char text[24]);

/*
 * Checks the live description for what was accepted but is probably a mistake, and calls `warn` for
 * each finding.  Time: linear in routes, quadratic in links.
 */
typedef void config_warning(void *ctx, const char *text);
void config_lint(struct config *c, config_warning *warn, void *ctx);

/* Writes "SOURCE:LINE:COLUMN: TEXT" (no newline, always NUL-terminated), truncated to `size`
 * bytes. */
void config_format(const struct config_message *m, const char *source, char *buf, size_t size);

typedef void config_put(void *ctx, const char *text, size_t len);

/* Writes the help, from the grammar: of every statement, or of the one named `word`. */
void config_help(const char *word, config_put *put, void *ctx);

#endif
