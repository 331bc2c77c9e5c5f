/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.h: the language's keywords for values of enumerations.
 *
 * Each list of value and text is declared once: the grammar offers its words, the parser converts
 * text to value, output converts value to text.  A new word is one line here.
 */
#ifndef VMM_CONFIG_WORDS_H
#define VMM_CONFIG_WORDS_H
#include "vnet/vnet.h"

#define CONFIG_LOG_WORDS(X)                                                                        \
	X(CONFIG_LOG_ERROR, "error")                                                               \
	X(CONFIG_LOG_WARN, "warn") X(CONFIG_LOG_INFO, "info") X(CONFIG_LOG_DEBUG, "debug")

#define CONFIG_MOVE_WORDS(X)                                                                       \
	X(CONFIG_MOVE_KICK, "kick")                                                                \
	X(CONFIG_MOVE_POLL, "poll") X(CONFIG_MOVE_ADAPTIVE, "adaptive")

/* What a guest's network device is, unless it is a group's port. */
#define CONFIG_MODEL_WORDS(X)                                                                      \
	X(CONFIG_MODEL_VIRTIO, "virtio")                                                           \
	X(CONFIG_MODEL_E1000E, "e1000e") /* Intel's 82574L, emulated */                            \
	X(CONFIG_MODEL_E1000, "e1000")   /* Intel's 82540EM, emulated */

#define CONFIG_SMT_WORDS(X) X(CONFIG_SMT_ISOLATE, "isolate") X(CONFIG_SMT_SHARE, "share")

/* Are devices of guests confined by an IOMMU? */
#define CONFIG_IOMMU_WORDS(X)                                                                      \
	X(CONFIG_IOMMU_USE, "use") X(CONFIG_IOMMU_REQUIRE, "require") X(CONFIG_IOMMU_OFF, "off")

#define CONFIG_IDLE_WORDS(X)                                                                       \
	X(CONFIG_IDLE_STAY, "stay")                                                                \
	X(CONFIG_IDLE_POWEROFF, "poweroff") X(CONFIG_IDLE_EXIT_WITH, "exit-with")

#define CONFIG_PANIC_WORDS(X) X(CONFIG_PANIC_RESET, "reset") X(CONFIG_PANIC_HALT, "halt")

#define CONFIG_RESTART_WORDS(X) X(CONFIG_RESTART_NEVER, "never") X(CONFIG_RESTART_ALWAYS, "always")

#define CONFIG_LINK_WORDS(X)                                                                       \
	X(CONFIG_VXLAN, "vxlan")   /* Ethernet in UDP by RFC 7348 */                               \
	X(CONFIG_UDP, "udp")       /* plain Ethernet in UDP */                                     \
	X(CONFIG_DIRECT, "direct") /* a name for the edge port of its network; no port of its own  \
	                            */

#define CONFIG_PATH_MTU_WORDS(X)                                                                   \
	X(CONFIG_PATH_MTU_LEARN, "learn") X(CONFIG_PATH_MTU_IGNORE, "ignore")

#define CONFIG_CLASSIC_WORDS(X)                                                                    \
	X(CONFIG_CLASSIC_INTERFACE, "interface")                                                   \
	X(CONFIG_CLASSIC_EDGE, "edge") X(CONFIG_CLASSIC_LINK, "link")

#define CONFIG_SHOW_WORDS(X)                                                                       \
	X(CONFIG_SHOW_GUESTS, "guests")                                                            \
	X(CONFIG_SHOW_VCPUS, "vcpus")                                                              \
	X(CONFIG_SHOW_PORTS, "ports")                                                              \
	X(CONFIG_SHOW_LINKS, "links")                                                              \
	X(CONFIG_SHOW_UNDERLAYS, "underlays")                                                      \
	X(CONFIG_SHOW_NETWORKS, "networks")                                                        \
	X(CONFIG_SHOW_ROUTES, "routes")                                                            \
	X(CONFIG_SHOW_SERVICES, "services")                                                        \
	X(CONFIG_SHOW_FLOWS, "flows")                                                              \
	X(CONFIG_SHOW_MIRRORS, "mirrors")                                                          \
	X(CONFIG_SHOW_GROUPS, "groups")                                                            \
	X(CONFIG_SHOW_EXITS, "exits")                                                              \
	X(CONFIG_SHOW_COUNTERS, "counters")                                                        \
	X(CONFIG_SHOW_MEMORY, "memory")                                                            \
	X(CONFIG_SHOW_MACHINE, "machine")                                                          \
	X(CONFIG_SHOW_ALL, "all") /* all tables above */                                           \
	X(CONFIG_SHOW_HISTOGRAM, "histogram")                                                      \
	X(CONFIG_SHOW_ISM, "ism")                                                                  \
	X(CONFIG_SHOW_TRACE, "trace")                                                              \
	X(CONFIG_SHOW_BOOT, "boot")                                                                \
	X(CONFIG_SHOW_LAST_PANIC, "last-panic")

/* What a mirror copies. */
#define CONFIG_OBJECT_WORDS(X)                                                                     \
	X(CONFIG_OBJECT_PORT, "port")                                                              \
	X(CONFIG_OBJECT_LINK, "link") X(CONFIG_OBJECT_NETWORK, "network")

#define CONFIG_METRICS_WORDS(X)                                                                    \
	X(CONFIG_METRICS_OPEN, "openmetrics")      /* OpenMetrics 1.0 */                           \
	X(CONFIG_METRICS_PROMETHEUS, "prometheus") /* Prometheus's text format 0.0.4 */

/* Words for enumerations that are declared elsewhere. */
#define CONFIG_MODE_WORDS(X) X(VNET_ROUTE, "route") X(VNET_LEARN, "learn") X(VNET_EXACT, "exact")
#define CONFIG_LINK_LOCAL_WORDS(X)                                                                 \
	X(VNET_LINK_LOCAL_FORWARD, "forward") X(VNET_LINK_LOCAL_DROP, "drop")
#define CONFIG_YES_WORDS(X)    X(false, "no") X(true, "yes")
#define CONFIG_SWITCH_WORDS(X) X(false, "off") X(true, "on")
#define CONFIG_ABSENT_WORDS(X) X(false, "ones") X(true, "stop")
#define CONFIG_FAIL_WORDS(X)   X(false, "closed") X(true, "open")
/* Protocols of IP with names (IANA's registry); the version of IP that they belong to, if to one,
 * is in the upper byte. */
#define CONFIG_PROTOCOL_WORDS(X)                                                                   \
	X(0x401, "icmp") X(6, "tcp") X(17, "udp") X(132, "sctp") X(0x63a, "icmp6")

#define CONFIG_WORD_VALUE(value, text) value,
enum config_log { CONFIG_LOG_WORDS(CONFIG_WORD_VALUE) };
enum config_move { CONFIG_MOVE_WORDS(CONFIG_WORD_VALUE) CONFIG_MOVE_NODE /* as the node does */ };
enum config_model { CONFIG_MODEL_WORDS(CONFIG_WORD_VALUE) };
enum config_smt { CONFIG_SMT_WORDS(CONFIG_WORD_VALUE) };
enum config_iommu { CONFIG_IOMMU_WORDS(CONFIG_WORD_VALUE) };
enum config_idle { CONFIG_IDLE_WORDS(CONFIG_WORD_VALUE) };
enum config_panic { CONFIG_PANIC_UNSET, CONFIG_PANIC_WORDS(CONFIG_WORD_VALUE) };
enum config_restart { CONFIG_RESTART_WORDS(CONFIG_WORD_VALUE) };
enum config_metrics { CONFIG_METRICS_WORDS(CONFIG_WORD_VALUE) };
enum config_what { CONFIG_SHOW_WORDS(CONFIG_WORD_VALUE) };
enum config_object { CONFIG_OBJECT_WORDS(CONFIG_WORD_VALUE) };
/* A port's type in the classic positional form of a route. */
enum config_classic { CONFIG_CLASSIC_WORDS(CONFIG_WORD_VALUE) CONFIG_CLASSIC_ANY };
/* The kind of a switch port: a guest's NIC, or a kind of link. */
enum config_kind { CONFIG_NIC, CONFIG_LINK_WORDS(CONFIG_WORD_VALUE) };
/* Do links accept a smaller path MTU from routers? */
enum config_path_mtu {
	CONFIG_PATH_MTU_UNDERLAY, /* for a link: as its underlay */
	CONFIG_PATH_MTU_WORDS(CONFIG_WORD_VALUE)
};
#undef CONFIG_WORD_VALUE

struct config_word {
	const char *text; /* NULL ends a list */
	unsigned value;
};

extern const struct config_word config_log_words[], config_move_words[], config_model_words[],
    config_smt_words[], config_iommu_words[], config_idle_words[], config_panic_words[],
    config_restart_words[], config_link_words[], config_path_mtu_words[],
    config_classic_dst_words[], config_classic_src_words[], config_show_words[],
    config_mode_words[], config_link_local_words[], config_yes_words[], config_absent_words[],
    config_object_words[], config_switch_words[], config_metrics_words[], config_fail_words[],
    config_protocol_words[];

/* The word for this value; NULL: the list has none. */
const char *config_word_of(const struct config_word *words, unsigned value);

/* The entry with this text; NULL: none. */
const struct config_word *config_word_find(const struct config_word *words, const char *text);
#endif
