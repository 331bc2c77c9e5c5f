/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h: what the parser's files share: words, the grammar's table, the work space.
 * Only the files of this folder include it.
 */
#ifndef VMM_CONFIG_PARSE_H
#define VMM_CONFIG_PARSE_H
#include "vmm/config/config.h"

#define CONFIG_WORDS 256                 /* words of one line, at most */
#define CONFIG_TERMS 32                  /* terms of one line, at most */
#define CONFIG_INDEX (2 * CONFIG_ROUTES) /* places of the route index; a power of two */

/* A word of a line, NUL-terminated, its escapes resolved. */
struct word {
	const char *text;
	uint32_t line, column; /* of its first byte, from 1 */
	bool quoted;
};

/* Where the reader stands in a text. */
struct lexer {
	const char *text;
	size_t len, at;
	size_t line_start; /* offset of the physical line that `at` is in */
	uint32_t line;     /* its number, from 1 */
	uint32_t bytes;    /* of the statement, all its lines */
	size_t used;       /* of store[] */
	char store[CONFIG_STATEMENT + CONFIG_WORDS];
};

/* What may stand at a place of a statement. */
enum term_kind {
	TERM_FLAG,    /* the keyword alone */
	TERM_NUMBER,  /* min .. max */
	TERM_SIZE,    /* bytes: 64M, 1G; min .. max */
	TERM_SECONDS, /* 10s; min .. max */
	TERM_NAME,    /* a name; who it belongs to is the statement's to say */
	TERM_GUEST,   /* the name of a guest that exists; likewise the next four */
	TERM_NET,
	TERM_NIC,     /* a port that is no link */
	TERM_LINK,    /* a link */
	TERM_PORT,    /* either */
	TERM_ADDRESS, /* A.B.C.D */
	TERM_PREFIX,  /* A.B.C.D/N */
	TERM_MAC,     /* one station's address */
	TERM_DST_MAC, /* any address */
	TERM_QUAL,    /* MAC, not MAC, any, none */
	TERM_CLASSIC, /* MAC, not-MAC, any, none */
	TERM_FROM,    /* [port|link] NAME */
	TERM_TO,      /* port PORT, link LINK */
	TERM_STRING,  /* up to max bytes */
	TERM_DSCP,    /* a number, or `copy` */
	TERM_PCI,     /* BB:DD.F */
	TERM_CORES,   /* N[,N..] */
	TERM_CHOICE,  /* one of choice[] */
};

/* A place of a statement: with a keyword, in any order; without, by position. */
struct term {
	const char *word; /* keyword, or NULL */
	const char *arg;  /* how the help calls the value; a choice is shown as what it offers */
	enum term_kind kind;
	bool optional, repeat;
	uint64_t min, max;
	const struct config_word *choice;
};

/* A term that was given, its value checked. */
struct arg {
	const struct term *term;
	const struct word *word; /* the value's word, or the keyword of a flag */
	uint64_t number; /* number, bytes, choice, slot, address (| prefix << 32), function */
	struct vnet_qual qual;
};

struct parser;

struct statement {
	const char *word, *second; /* `second` for statements of two words, else NULL */
	const struct term *term;   /* ends with a term without word, arg and choice */
	/* Does it; returns false after config_fail(). */
	bool (*apply)(struct parser *p);
	bool run_time;         /* taken from the monitor only; the description does not change */
	enum config_verb verb; /* of a run-time statement */
	const char *help;
};

/* Ends with one whose word is NULL. */
extern const struct statement config_statement[];

/* The work space of one reading. */
struct parser {
	struct lexer lexer;
	struct node_config *node; /* staged */
	const struct node_config *live;
	struct config_action *action; /* NULL for a whole text */
	struct config_report *report;
	const struct statement *statement;
	struct word word[CONFIG_WORDS + 1]; /* the last one marks the line's end, text "" */
	uint32_t words;
	uint32_t at; /* the word that is looked at */
	struct arg arg[CONFIG_TERMS];
	uint32_t args;
	uint32_t route_line[CONFIG_ROUTES]; /* the line of the text that gave the route; 0: none */
	bool acts;    /* the statement filled in `action` and left the description alone */
	bool indexed; /* the index below holds all routes */
	uint16_t index[CONFIG_INDEX]; /* 1 + number of a route; 0: free */
};

struct config {
	struct node_config node[2];
	unsigned live; /* which of the two */
	struct parser parser;
};

/* config/lex.c */
void lexer_init(struct lexer *lx, const char *text, size_t len);
/* Reads the next line that has words into p->word; false at the text's end or after a failure. */
bool config_next_line(struct parser *p, bool *failed);

/* config/parse.c: fits the line in p->word to the grammar, then does it. */
bool config_statement_read(struct parser *p);
/* The first given term with this keyword or, by position, this arg; NULL when it was left out. */
const struct arg *config_arg(const struct parser *p, const char *name);

/* True for the entry that ends a table of terms. */
static inline bool config_last_term(const struct term *t)
{
	return !t->word && !t->arg;
}

/* config/value.c: reads the term's value from p->word[p->at] on, and moves on. */
bool config_value(struct parser *p, const struct term *t, struct arg *a);
/* Reads "N[,N..]" (checked before as TERM_CORES) into core[]; returns how many. */
unsigned config_cores(const char *text, uint16_t core[CONFIG_CPUS]);

/* config/error.c */
/* Notes the refusal of the word; returns false, so that a caller can `return config_fail(...)`. */
bool config_fail(struct parser *p, const struct word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void config_warn(struct parser *p, const struct word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The known word nearest to one that is not known, as candidates are shown to it. */
struct nearest {
	const char *word; /* what was written */
	const char *best; /* NULL while nothing was near enough */
	unsigned distance;
};
void nearest_init(struct nearest *n, const char *word);
void nearest_offer(struct nearest *n, const char *candidate);
/* Fails with `what "WORD"`, then `; did you mean "BEST"?` or, if nothing was near, `; HINT`. */
bool config_fail_unknown(struct parser *p, const struct word *w, const char *what,
                         const struct nearest *n, const char *hint);

/* What the language calls it. */
static inline const char *config_kind_word(const struct port_config *port)
{
	return port->kind == CONFIG_NIC ? "port" : "link";
}

/* config/mac.c */
/* Reads XX:XX:XX:XX:XX:XX (hexadecimal, either case), nothing after it; false if malformed. */
bool config_parse_mac(const char *text, mac_t *mac);
/* Writes it in lower case with its NUL: 18 bytes. */
void config_format_mac(mac_t mac, char text[18]);
/* The address of a port that was given none: 52:54:00 and 24 bits of FNV-1a of its name. */
mac_t config_derive_mac(const char *name);

/* config/ip.c */
/* Reads A.B.C.D up to `stop` into host order; false if malformed. */
bool config_parse_ip(const char *text, char stop, uint32_t *ip);
/* True when both addresses have the same first `prefix` bits (1 to 32). */
bool config_same_net(uint32_t a, uint32_t b, unsigned prefix);

/* config/mtu.c: settles the MTUs that follow from others, and checks those that were said; a
 * conflict is told of the word. */
bool config_settle_mtu(struct parser *p, const struct word *w);

/* config/route.c: makes the index hold the routes of n; the number of the one that sends the same
 * frames to the same port, or -1. */
void config_index_routes(struct parser *p, const struct node_config *n);
int config_find_route(struct parser *p, const struct node_config *n, const struct vnet_route *r);

/* config/lint.c: warnings of the staged description about what this text declared. */
void config_lint_staged(struct parser *p);

/* config/node.c: "port or link "NAME" exists already", said of the word. */
bool config_fail_taken(struct parser *p, const struct word *w, const char *what, uint32_t line);
/* config/node.c: a name that a port or link may bear and that is free; else false. */
bool config_check_port_name(struct parser *p, const struct word *name);
/* config/node.c: no link goes through the port that is the argument's value; else false. */
bool config_check_unlinked(struct parser *p, const struct arg *a);
/* config/node.c: a free slot for a port or link; NULL after a failure. */
struct port_config *config_new_port(struct parser *p, const struct word *name);

/* config/node.c: the guest that has this core for itself, or NULL. */
const struct guest_config *config_core_owner(const struct node_config *n, unsigned core);

/* config/node.c, config/route.c, config/action.c: what each statement does. */
bool apply_guest(struct parser *p);
bool apply_network(struct parser *p);
bool apply_remove_network(struct parser *p);
bool apply_port(struct parser *p);
bool apply_remove_port(struct parser *p);
bool apply_underlay(struct parser *p);
bool apply_remove_underlay(struct parser *p);
bool apply_link(struct parser *p);
bool apply_remove_link(struct parser *p);
bool apply_move(struct parser *p);
bool apply_log(struct parser *p);
bool apply_console(struct parser *p);
bool apply_idle(struct parser *p);
bool apply_smt(struct parser *p);
bool apply_panic(struct parser *p);
bool apply_route(struct parser *p);
bool apply_classic(struct parser *p);
bool apply_remove_route(struct parser *p);
bool apply_show(struct parser *p);
bool apply_help(struct parser *p);
bool apply_load(struct parser *p);
bool apply_verb(struct parser *p);

#endif
