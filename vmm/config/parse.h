/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h: declarations shared by the files of this folder: words, the grammar's table, the work
 * space.
 */
#ifndef VMM_CONFIG_PARSE_H
#define VMM_CONFIG_PARSE_H
#include "vmm/config/config.h"

#define CONFIG_WORDS 256                 /* words of one line, at most */
#define CONFIG_TERMS 32                  /* terms of one line, at most */
#define CONFIG_INDEX (2 * CONFIG_ROUTES) /* entries of the route index; a power of two */

/* A word of a line, NUL-terminated, its escapes resolved. */
struct word {
	const char *text;
	uint32_t line, column; /* of its first byte, from 1 */
	bool quoted;
};

/* The reading position in a text. */
struct lexer {
	const char *text;
	size_t len, at;
	size_t line_start; /* offset of the physical line that `at` is in */
	uint32_t line;     /* its number, from 1 */
	uint32_t bytes;    /* of the statement, all its lines, so far */
	size_t used;       /* bytes used of store[] */
	char store[CONFIG_STATEMENT + CONFIG_WORDS];
};

/* The type of a term's value. */
enum term_kind {
	TERM_FLAG,    /* the keyword alone */
	TERM_NUMBER,  /* min .. max */
	TERM_SIZE,    /* bytes: 64M, 1G; min .. max */
	TERM_SECONDS, /* 10s; min .. max */
	TERM_TIME,    /* 50us, 2ms; min .. max microseconds */
	TERM_NAME,    /* a name, looked up by the statement */
	TERM_GUESTS,  /* names of existing guests, up to the statement's next keyword */
	TERM_GUEST,   /* the name of an existing guest; likewise the next four */
	TERM_NET,
	TERM_NIC,      /* a guest's NIC */
	TERM_LINK,     /* a link */
	TERM_PORT,     /* either */
	TERM_ADDRESS,  /* A.B.C.D */
	TERM_PREFIX,   /* A.B.C.D/N */
	TERM_MAC,      /* one station's address */
	TERM_DST_MAC,  /* any address */
	TERM_QUAL,     /* MAC, not MAC, any, none */
	TERM_CLASSIC,  /* MAC, not-MAC, any, none */
	TERM_FROM,     /* [port|link] NAME */
	TERM_TO,       /* port PORT, link LINK */
	TERM_STRING,   /* up to max bytes */
	TERM_DSCP,     /* a number, or `copy` */
	TERM_PCI,      /* BB:DD.F */
	TERM_CORES,    /* N[,N..] */
	TERM_IP,       /* an IPv4 or IPv6 address */
	TERM_SUBNET,   /* likewise, with /N, or as /32 or /128 */
	TERM_PROTOCOL, /* of IP, by name or number */
	TERM_LIST,     /* min .. max words, up to the next keyword; read by the statement */
	TERM_CHOICE,   /* one of choice[] */
};

/* A term of a statement: with a keyword, in any order; without, by position. */
struct term {
	const char *word; /* keyword, or NULL */
	const char *arg;  /* the value's name in the help; for a choice its words are shown */
	enum term_kind kind;
	bool optional, repeat;
	uint64_t min, max;
	const struct config_word *choice;
};

/* A term that was given, with its checked value. */
struct arg {
	const struct term *term;
	const struct word *word; /* the value's word, or the keyword of a flag */
	uint64_t number; /* number, bytes, choice, slot, set of slots, address (| prefix << 32),
	                  * function; of a list: how many words */
	struct vnet_qual qual;
	struct vnet_prefix prefix;
};

struct parser;

struct statement {
	const char *word, *second; /* `second` for statements of two words, else NULL */
	const struct term *term;   /* ends with a term without word, arg and choice */
	/* Applies the statement; returns false after config_fail(). */
	bool (*apply)(struct parser *p);
	bool run_time;         /* only at the monitor; the description does not change */
	enum config_verb verb; /* of a run-time statement */
	const char *help;
};

/* The grammar; ends with an entry whose word is NULL. */
extern const struct statement config_statement[];

/* The parser's work space. */
struct parser {
	struct lexer lexer;
	struct node_config *node; /* staged */
	const struct node_config *live;
	struct config_action *action; /* NULL for a whole text */
	struct config_report *report;
	const struct statement *statement;
	struct word word[CONFIG_WORDS + 1]; /* the last one is the line's end, text "" */
	uint32_t words;
	uint32_t at; /* index of the present word */
	struct arg arg[CONFIG_TERMS];
	uint32_t args;
	uint32_t route_line[CONFIG_ROUTES]; /* the line of the text that gave the route; 0: none */
	uint32_t service_line[CONFIG_SERVICES], flow_line[CONFIG_FLOWS]; /* likewise */
	bool acts;    /* the statement filled in `action` and left the description alone */
	bool indexed; /* the index below holds all routes */
	uint16_t index[CONFIG_INDEX]; /* 1 + number of a route; 0: free */
};

struct config {
	struct node_config node[2];
	unsigned live; /* index of the live one in node[] */
	struct parser parser;
};

/* config/lex.c */
void lexer_init(struct lexer *lx, const char *text, size_t len);
/* Reads the next line that has words into p->word; false at the text's end or after a failure. */
bool config_next_line(struct parser *p, bool *failed);

/* config/parse.c: matches the line in p->word to the grammar and applies it. */
bool config_statement_read(struct parser *p);
/* The first given term with this keyword or, if positional, this arg; NULL: it was left out. */
const struct arg *config_arg(const struct parser *p, const char *name);

/* True for the entry that ends a table of terms. */
static inline bool config_last_term(const struct term *t)
{
	return !t->word && !t->arg;
}

/* True: the unquoted word is a keyword of the statement that is being read. */
bool config_is_keyword(const struct parser *p, const struct word *w);

/* config/value.c: reads the term's value from p->word[p->at] on and advances p->at. */
bool config_value(struct parser *p, const struct term *t, struct arg *a);
/* Writes "write one of A, B, C" for a term of kind TERM_CHOICE, truncated to `size` bytes. */
void config_choices(const struct term *t, char *buf, size_t size);
/* Reads "N[,N..]" (already checked as TERM_CORES) into core[]; returns how many. */
unsigned config_cores(const char *text, uint16_t core[CONFIG_CPUS]);

/* config/error.c */
/* Reports an error at the word; returns false, so that a caller can `return config_fail(...)`. */
bool config_fail(struct parser *p, const struct word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void config_warn(struct parser *p, const struct word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The nearest of the candidates to an unknown word. */
struct nearest {
	const char *word; /* what was written */
	const char *best; /* NULL: none near enough yet */
	unsigned distance;
};
void nearest_init(struct nearest *n, const char *word);
void nearest_offer(struct nearest *n, const char *candidate);
/* Fails with `what "WORD"`, then `; did you mean "BEST"?` or, if nothing was near, `; HINT`. */
bool config_fail_unknown(struct parser *p, const struct word *w, const char *what,
                         const struct nearest *n, const char *hint);

/* The language's word for a port of this kind. */
static inline const char *config_kind_word(const struct port_config *port)
{
	return port->kind == CONFIG_NIC ? "port" : "link";
}

/* config/address.c */
/* The default MAC of a port: 52:54:00 and 24 bits of FNV-1a of its name. */
mac_t config_derive_mac(const char *name);
/* True when both addresses have the same first `prefix` bits (1 to 32). */
bool config_same_net(uint32_t a, uint32_t b, unsigned prefix);

/* config/mtu.c: derives the MTUs that were not given and checks those that were; an error is
 * reported at the word. */
bool config_settle_mtu(struct parser *p, const struct word *w);

/* config/route.c: fills the index with the routes of n; finds the route that sends the same frames
 * to the same port: its number, or -1. */
void config_index_routes(struct parser *p, const struct node_config *n);
int config_find_route(struct parser *p, const struct node_config *n, const struct vnet_route *r);

/* config/lint.c: warns about what this text declared. */
void config_lint_staged(struct parser *p);

/* config/node.c: reports 'port or link "NAME" exists already' at the word. */
bool config_fail_taken(struct parser *p, const struct word *w, const char *what, uint32_t line);
/* config/node.c: is the name legal for a port or link, and free?  Else false, with an error. */
bool config_check_port_name(struct parser *p, const struct word *name);
/* config/node.c: true if no link uses the port that is the argument's value; else false, with an
 * error. */
bool config_check_unlinked(struct parser *p, const struct arg *a);
/* config/mirror.c: true if no mirror names the network, or else the port or link, that is the
 * argument's value; else false, with an error. */
bool config_check_unmirrored(struct parser *p, const struct arg *a, bool net);
/* config/chain.c: true if no service or flow names the port or link (or is in the network) that is
 * the argument's value; else false, with an error. */
bool config_check_unchained(struct parser *p, const struct arg *a, bool net);
/* config/node.c: takes a free slot for a port or link; NULL after an error. */
struct port_config *config_new_port(struct parser *p, const struct word *name);

/* config/node.c: the guest that was given this core, or NULL. */
const struct guest_config *config_core_owner(const struct node_config *n, unsigned core);

/* config/node.c, config/link.c, config/route.c, config/chain.c, config/mirror.c, config/group.c,
 * config/action.c: apply one statement each. */
bool apply_guest(struct parser *p);
bool apply_network(struct parser *p);
bool apply_remove_network(struct parser *p);
bool apply_port(struct parser *p);
bool apply_remove_port(struct parser *p);
bool apply_underlay(struct parser *p);
bool apply_remove_underlay(struct parser *p);
bool apply_link(struct parser *p);
bool apply_remove_link(struct parser *p);
bool apply_mirror(struct parser *p);
bool apply_remove_mirror(struct parser *p);
bool apply_group(struct parser *p);
/* A port's option `group`: checked, and put into *port, whose guest and edge are set. */
bool config_set_group(struct parser *p, struct port_config *port);
bool apply_remove_group(struct parser *p);
bool apply_node(struct parser *p);
bool apply_move(struct parser *p);
bool apply_log(struct parser *p);
bool apply_console(struct parser *p);
bool apply_idle(struct parser *p);
bool apply_trace(struct parser *p);
bool apply_histogram(struct parser *p);
bool apply_smt(struct parser *p);
bool apply_iommu(struct parser *p);
bool apply_panic(struct parser *p);
bool apply_route(struct parser *p);
bool apply_classic(struct parser *p);
bool apply_remove_route(struct parser *p);
bool apply_service(struct parser *p);
bool apply_remove_service(struct parser *p);
bool apply_flow(struct parser *p);
bool apply_remove_flow(struct parser *p);
bool apply_explain(struct parser *p);
bool apply_show(struct parser *p);
bool apply_metrics(struct parser *p);
bool apply_help(struct parser *p);
bool apply_load(struct parser *p);
bool apply_verb(struct parser *p);

#endif
