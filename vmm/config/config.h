/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h: what the node shall be, in plain data, and the one language that says it.
 *
 * patio.conf (a boot module) and the serial monitor speak the same language (docs/control.md).  A
 * text is applied to a staged copy of the description and taken whole or not at all: the caller
 * looks at the staged copy, checks it against the machine, and commits it, or lets it fall.
 *
 * A statement's way: config/lex.c cuts a line into words, config/parse.c fits the words to a row
 * of the table in config/grammar.c, config/value.c turns each into a number, an address or an
 * index, and config/node.c, config/link.c, config/route.c or config/action.c does what the
 * statement says.  config/mtu.c then settles who may send how much, and config/lint.c looks for
 * what is taken but can hardly be meant.
 */
#ifndef VMM_CONFIG_CONFIG_H
#define VMM_CONFIG_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/words.h"
#include "vnet/vnet.h"

#define CONFIG_GUESTS    64
#define CONFIG_NETS      VNET_NETS
#define CONFIG_PORTS     VNET_PORTS
#define CONFIG_ROUTES    VNET_ROUTES
#define CONFIG_CPUS      64   /* vCPUs of a guest, at most */
#define CONFIG_CORES     256  /* core numbers are below this */
#define CONFIG_MODULES   4    /* extra modules of a guest, at most */
#define CONFIG_NAME      32   /* bytes of a name, its NUL included */
#define CONFIG_MODULE    64   /* bytes of a boot module's name, its NUL included */
#define CONFIG_ARGS      128  /* bytes of an extra module's arguments, their NUL included */
#define CONFIG_CMDLINE   2040 /* bytes of a command line, its NUL included */
#define CONFIG_LINE      4096 /* bytes of a line */
#define CONFIG_STATEMENT 8192 /* bytes of a statement, all its continued lines together */
#define CONFIG_TEXT      (1024 * 1024) /* bytes of a whole text */

/* A multiboot module that a guest gets besides its kernel. */
struct module_config {
	char name[CONFIG_MODULE];
	char args[CONFIG_ARGS];
};

/*
 * `line` of a guest, network, port or underlay is the line of the text being staged that declared
 * it, and 0 for one that was there before: for the messages of checks that come after the parser's.
 * An empty name marks a free slot.
 */
struct guest_config {
	char name[CONFIG_NAME];
	uint32_t line;
	uint16_t cpus;
	uint16_t cores;             /* 0: choose for it; else equal to cpus */
	uint16_t core[CONFIG_CPUS]; /* core of each vCPU */
	uint64_t memory;            /* bytes, a multiple of 1 MiB */
	char kernel[CONFIG_MODULE];
	char initrd[CONFIG_MODULE]; /* "" for none */
	char cmdline[CONFIG_CMDLINE];
	struct module_config module[CONFIG_MODULES];
	uint16_t modules;
	uint16_t pci; /* bus << 8 | device << 3 | function, if has_pci */
	bool has_pci;
	bool debug_exit;   /* port 0xF4 ends the guest with a status */
	bool control;      /* a second console, on which it speaks this language */
	bool absent_stops; /* an access to memory where nothing is stops it */
	bool autostart;
	enum config_restart restart;
};

struct net_config {
	char name[CONFIG_NAME];
	uint32_t line;
	enum vnet_policy mode;
	uint32_t mtu;  /* bytes; what guests are told */
	bool mtu_said; /* else it is what fits the links, or 1500 */
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

/* Where a link leads; of a direct link only `edge` counts. */
struct link_config {
	uint32_t remote, vni;
	uint16_t udp_port;
	uint16_t edge; /* slot of the edge port that it goes through */
	enum config_path_mtu path_mtu;
	uint8_t dscp; /* of outer packets; VNET_DSCP_COPY: the inner ones' */
};

/* A port of the switch: a guest's NIC or, with the same names and slots, a link. */
struct port_config {
	char name[CONFIG_NAME];
	uint32_t line;
	enum config_kind kind;
	uint16_t guest, net; /* slots; a link has no guest */
	mac_t mac;           /* of a NIC */
	uint32_t mtu;        /* bytes; of a link: the largest that fits */
	bool mtu_said;       /* else it follows the network's */
	bool edge;           /* leads out of the node: Dom0's uplink */
	uint32_t addresses;  /* that may be learned of it at once */
	enum config_move move;
	struct underlay_config underlay; /* of an edge */
	struct link_config link;
};

/*
 * The node.  A slot's index never changes while its object lives; routes name networks and ports by
 * slot, and lie dense, in the order in which they were given.
 */
struct node_config {
	enum config_log log;
	enum config_move move; /* KICK or POLL */
	int32_t poll_core;     /* the core that polls; -1 while none was named */
	enum config_smt smt;   /* may threads of one physical core have different owners? */
	enum config_panic panic;
	uint32_t panic_seconds; /* before the reset */
	enum config_idle idle;
	int32_t exit_guest; /* whose status ends the node (EXIT_WITH), else -1 */
	int32_t console;    /* whose console the terminal shows first, or -1 for the monitor */
	uint32_t guests, nets, ports; /* slots to look at; some may be free */
	uint32_t routes;
	struct guest_config guest[CONFIG_GUESTS];
	struct net_config net[CONFIG_NETS]; /* slot 0 is `default` */
	struct port_config port[CONFIG_PORTS];
	struct vnet_route route[CONFIG_ROUTES];
};

/* A refusal or a warning; line and column count from 1, the column is the offending word's.  Line
 * 0: it is of no place in the text. */
struct config_message {
	uint32_t line, column;
	char word[CONFIG_NAME * 2]; /* the offending word, cut to fit; "" at the end of a line */
	char text[256];             /* what is wrong with it, and what was expected */
};

#define CONFIG_WARNINGS 8

struct config_report {
	struct config_message error; /* valid when the text was refused */
	uint32_t warnings;           /* how many there were; the first CONFIG_WARNINGS are kept */
	struct config_message warning[CONFIG_WARNINGS];
};

/* What a run-time statement asks for; the description does not change by it. */
enum config_verb {
	CONFIG_SHOW,    /* what, json; guest, net or port when one was named */
	CONFIG_START,   /* guest */
	CONFIG_STOP,    /* guest */
	CONFIG_RESTART, /* guest */
	CONFIG_ENTER,   /* guest: put its console on the terminal */
	CONFIG_EXPLAIN, /* src, dst, port, json */
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
	int32_t guest, net, port; /* slots in the live description, or -1 */
	mac_t src, dst;
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

/* Bytes that a struct config takes; the caller gives them, 16-byte aligned, for good. */
size_t config_size(void);

/* Starts with an empty node: the network `default`, no guest; mem holds config_size()
 * bytes, zeroed. */
struct config *config_init(void *mem);

const struct node_config *config_live(const struct config *c);
const struct node_config *config_staged(const struct config *c);

/*
 * Applies a whole text (a boot file, or what `load` gathered; `len` bytes, no NUL needed, not kept)
 * to a fresh staged copy of the live description.  Run-time statements are refused in it.
 * Returns REFUSED, NOTHING or CHANGED; the live description is as it was in every case.
 */
enum config_outcome config_read(struct config *c, const char *text, size_t len,
                                struct config_report *report);

/* The same for one line of the monitor, where run-time statements are taken too (ACTION). */
enum config_outcome config_read_line(struct config *c, const char *text, size_t len,
                                     struct config_action *action, struct config_report *report);

/* The staged description becomes the live one; after CHANGED only.  No copy is made. */
void config_commit(struct config *c);

/* The slot of the object with this name, or -1. */
int config_find_guest(const struct node_config *n, const char *name);
int config_find_net(const struct node_config *n, const char *name);
int config_find_port(const struct node_config *n, const char *name);

/* True for a link whose frames travel in UDP. */
static inline bool config_is_tunnel(const struct port_config *port)
{
	return port->kind == CONFIG_VXLAN || port->kind == CONFIG_UDP;
}

/* Whether a link learns its path's MTU: as it says, else as its underlay does. */
bool config_learns_path_mtu(const struct node_config *n, const struct port_config *link);

/* What the switch calls the kind of a link whose frames travel in UDP. */
static inline enum vnet_link_kind config_link_kind(const struct port_config *port)
{
	return port->kind == CONFIG_VXLAN ? VNET_LINK_VXLAN : VNET_LINK_UDP;
}

/* The slot of the port that frames for this port or link go to: of a direct link, its edge. */
unsigned config_port_slot(const struct node_config *n, unsigned slot);

/* Writes one side of a route as it is said, with its NUL. */
void config_format_qual(const struct vnet_qual *q, char text[24]);

/* Writes an IPv4 address (host order) with its NUL: 16 bytes at most. */
void config_format_ip(uint32_t ip, char text[16]);

/*
 * Looks through the live description for what was taken but can hardly be meant, and tells each
 * finding to `warn`.  Its time grows with the number of routes, and with that of links squared.
 */
typedef void config_warning(void *ctx, const char *text);
void config_lint(struct config *c, config_warning *warn, void *ctx);

/* Writes "SOURCE:LINE:COLUMN: TEXT" (no line end, always NUL-terminated), cut to `size` bytes. */
void config_format(const struct config_message *m, const char *source, char *buf, size_t size);

typedef void config_put(void *ctx, const char *text, size_t len);

/* Writes the description as text that config_read() takes and that gives the same description. */
void config_print(const struct node_config *n, config_put *put, void *ctx);

/* Writes the help: every statement on one line, or one statement in full; from the grammar. */
void config_help(const char *word, config_put *put, void *ctx);

#endif
