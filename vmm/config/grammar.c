/* SPDX-License-Identifier: BSD-2-Clause */
/* The grammar: every statement and its terms.  Parser and help are both driven by this table. */
#include "vmm/config/parse.h"

#define MIB (1024ull * 1024)
#define LAST_TERM                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}

static const struct term guest_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {"cpus", "N", TERM_NUMBER, .optional = true, .min = 1, .max = CONFIG_CPUS},
    {"memory", "SIZE", TERM_SIZE, .optional = true, .min = MIB, .max = 4096 * 1024 * MIB},
    {"kernel", "MODULE", TERM_STRING, .min = 1, .max = CONFIG_MODULE - 1},
    {"initrd", "MODULE", TERM_STRING, .optional = true, .min = 1, .max = CONFIG_MODULE - 1},
    {"cmdline", "\"TEXT\"", TERM_STRING, .optional = true, .max = CONFIG_CMDLINE - 1},
    {"module", "MODULE", TERM_STRING, true, true, .min = 1, .max = CONFIG_MODULE - 1},
    {"args", "\"TEXT\"", TERM_STRING, true, true, .max = CONFIG_ARGS - 1},
    {"pci", "BB:DD.F", TERM_PCI, .optional = true},
    {"core", "N[,N..]", TERM_CORES, .optional = true},
    {"debug-exit", .kind = TERM_FLAG, .optional = true},
    {"debug-absent", "HOW", TERM_CHOICE, .optional = true, .choice = config_absent_words},
    {"control", .kind = TERM_FLAG, .optional = true},
    {"ism", "DOMAIN", TERM_NAME, .optional = true},
    {"autostart", "YES", TERM_CHOICE, .optional = true, .choice = config_yes_words},
    {"restart", "WHEN", TERM_CHOICE, .optional = true, .choice = config_restart_words},
    LAST_TERM,
};

static const struct term network_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {"mode", "MODE", TERM_CHOICE, .optional = true, .choice = config_mode_words},
    {"mtu", "BYTES", TERM_NUMBER, .optional = true, .min = 68, .max = 65535},
    {"link-local", "HOW", TERM_CHOICE, .optional = true, .choice = config_link_local_words},
    LAST_TERM,
};

static const struct term port_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {"guest", "GUEST", TERM_GUEST, .optional = true},
    {"network", "NET", TERM_NET, .optional = true},
    {"mac", "MAC", TERM_MAC, .optional = true},
    {"edge", .kind = TERM_FLAG, .optional = true},
    {"group", "GROUP", TERM_NAME, .optional = true},
    {"model", "MODEL", TERM_CHOICE, .optional = true, .choice = config_model_words},
    {"mtu", "BYTES", TERM_NUMBER, .optional = true, .min = 68, .max = 65535},
    {"addresses", "N", TERM_NUMBER, .optional = true, .max = VNET_LEARN_MAX},
    {"move", "MODE", TERM_CHOICE, .optional = true, .choice = config_move_words},
    LAST_TERM,
};

static const struct term underlay_terms[] = {
    {.arg = "PORT", .kind = TERM_NIC},
    {"address", "A.B.C.D/N", .kind = TERM_PREFIX},
    {"gateway", "A.B.C.D", TERM_ADDRESS, .optional = true},
    {"mac", "MAC", TERM_MAC, .optional = true},
    {"mtu", "BYTES", TERM_NUMBER, .optional = true, .min = VNET_UNDERLAY_MTU_MIN,
     .max = VNET_UNDERLAY_MTU_MAX},
    {"path-mtu", "HOW", TERM_CHOICE, .optional = true, .choice = config_path_mtu_words},
    LAST_TERM,
};

static const struct term link_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {.arg = "KIND", .kind = TERM_CHOICE, .choice = config_link_words},
    {"vni", "N", TERM_NUMBER, .optional = true, .max = VNET_VNI_MAX},
    {"remote", "A.B.C.D", TERM_ADDRESS, .optional = true},
    {"local", "A.B.C.D", TERM_ADDRESS, .optional = true},
    {"udp-port", "N", TERM_NUMBER, .optional = true, .min = 1, .max = 65535},
    {"network", "NET", TERM_NET, .optional = true},
    {"edge", "PORT", TERM_NIC, .optional = true},
    {"addresses", "N", TERM_NUMBER, .optional = true, .max = VNET_LEARN_MAX},
    {"path-mtu", "HOW", TERM_CHOICE, .optional = true, .choice = config_path_mtu_words},
    {"dscp", "copy|N", TERM_DSCP, .optional = true, .max = VNET_DSCP_COPY - 1},
    LAST_TERM,
};

static const struct term route_terms[] = {
    {"network", "NET", TERM_NET, .optional = true},
    {"src", "QUAL", .kind = TERM_QUAL},
    {"dst", "QUAL", .kind = TERM_QUAL},
    {"from", "[port|link] NAME", TERM_FROM, .optional = true},
    {"to", "port|link NAME", .kind = TERM_TO},
    {"reflect", .kind = TERM_FLAG, .optional = true},
    LAST_TERM,
};

static const struct term service_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {"network", "NET", TERM_NET, .optional = true},
    {"ports", "PORT..", .kind = TERM_LIST, .min = 1, .max = VNET_REPLICAS},
    {"fail", "HOW", TERM_CHOICE, .optional = true, .choice = config_fail_words},
    {"may-leave", .kind = TERM_FLAG, .optional = true},
    LAST_TERM,
};

static const struct term flow_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {"before", "FLOW", TERM_NAME, .optional = true},
    {"network", "NET", TERM_NET, .optional = true},
    {"src", "PREFIX", TERM_SUBNET, .optional = true},
    {"dst", "PREFIX", TERM_SUBNET, .optional = true},
    {"proto", "tcp|udp|sctp|icmp|icmp6|N", TERM_PROTOCOL, .optional = true},
    {"ports", "N|A-B..", TERM_LIST, .optional = true, .min = 1, .max = VNET_FLOW_RANGES},
    {"from", "[port|link] NAME", TERM_FROM, .optional = true},
    {"chain", "SERVICE..", TERM_LIST, .optional = true, .min = 1, .max = VNET_CHAIN},
    {"to", "[port|link] NAME", TERM_FROM, .optional = true},
    {"out", .kind = TERM_FLAG, .optional = true},
    {"drop", .kind = TERM_FLAG, .optional = true},
    LAST_TERM,
};

static const struct term classic_terms[] = {
    {.arg = "SRC-MAC", .kind = TERM_CLASSIC},
    {.arg = "DST-MAC", .kind = TERM_CLASSIC},
    {.arg = "DST-TYPE", .kind = TERM_CHOICE, .choice = config_classic_dst_words},
    {.arg = "DST-PORT", .kind = TERM_PORT},
    {.arg = "SRC-TYPE", .kind = TERM_CHOICE, .choice = config_classic_src_words},
    {.arg = "SRC-PORT", .kind = TERM_PORT, .optional = true},
    LAST_TERM,
};

static const struct term move_terms[] = {
    {.arg = "MODE", .kind = TERM_CHOICE, .choice = config_move_words},
    {"core", "N", TERM_NUMBER, .optional = true, .max = CONFIG_CORES - 1},
    {"for", "TIME", TERM_TIME, .optional = true, .min = 1, .max = 1000000},
    LAST_TERM,
};

static const struct term smt_terms[] = {
    {.arg = "MODE", .kind = TERM_CHOICE, .choice = config_smt_words},
    LAST_TERM,
};

static const struct term iommu_terms[] = {
    {.arg = "MODE", .kind = TERM_CHOICE, .choice = config_iommu_words},
    LAST_TERM,
};

static const struct term idle_terms[] = {
    {.arg = "WHAT", .kind = TERM_CHOICE, .choice = config_idle_words},
    {.arg = "GUEST", .kind = TERM_GUEST, .optional = true},
    LAST_TERM,
};

static const struct term panic_terms[] = {
    {.arg = "WHAT", .kind = TERM_CHOICE, .choice = config_panic_words},
    {.arg = "SECONDS", .kind = TERM_SECONDS, .optional = true, .max = 3600},
    LAST_TERM,
};

static const struct term trace_terms[] = {
    {.arg = "STATE", .kind = TERM_CHOICE, .choice = config_switch_words},
    {"port", "PORT", TERM_PORT, .optional = true},
    {"mac", "MAC", TERM_MAC, .optional = true},
    LAST_TERM,
};

static const struct term mirror_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {.arg = "KIND", .kind = TERM_CHOICE, .choice = config_object_words},
    {.arg = "OBJECT", .kind = TERM_NAME},
    {"cut", "BYTES", TERM_NUMBER, .optional = true, .min = VNET_FRAME_MIN, .max = VNET_FRAME_MAX},
    LAST_TERM,
};

static const struct term group_terms[] = {
    {.arg = "NAME", .kind = TERM_NAME},
    {"memory", "SIZE", TERM_SIZE, .min = CONFIG_GROUP_MIN, .max = CONFIG_GROUP_MAX},
    {"buffers", "SIZE", TERM_SIZE, .optional = true, .min = CONFIG_GROUP_UNIT,
     .max = CONFIG_FRAMES_MAX},
    {"members", "GUEST..", .kind = TERM_GUESTS},
    LAST_TERM,
};

static const struct term histogram_terms[] = {
    {.arg = "STATE", .kind = TERM_CHOICE, .choice = config_switch_words},
    LAST_TERM,
};

static const struct term show_terms[] = {
    {.arg = "WHAT", .kind = TERM_CHOICE, .choice = config_show_words},
    {.arg = "NAME", .kind = TERM_NAME, .optional = true},
    {"json", .kind = TERM_FLAG, .optional = true},
    LAST_TERM,
};

static const struct term metrics_terms[] = {
    {.arg = "FORM", .kind = TERM_CHOICE, .optional = true, .choice = config_metrics_words},
    LAST_TERM,
};

static const struct term explain_terms[] = {
    {.arg = "SRC-MAC", .kind = TERM_MAC},
    {.arg = "DST-MAC", .kind = TERM_DST_MAC},
    {.arg = "PORT", .kind = TERM_PORT},
    {"src", "ADDRESS", TERM_IP, .optional = true},
    {"dst", "ADDRESS", TERM_IP, .optional = true},
    {"proto", "tcp|udp|sctp|icmp|icmp6|N", TERM_PROTOCOL, .optional = true},
    {"ports", "SRC-PORT DST-PORT", TERM_LIST, .optional = true, .min = 2, .max = 2},
    {"json", .kind = TERM_FLAG, .optional = true},
    LAST_TERM,
};

static const struct term node_terms[] = {{.arg = "NAME", .kind = TERM_NAME}, LAST_TERM};

static const struct term log_terms[] = {
    {.arg = "LEVEL", .kind = TERM_CHOICE, .choice = config_log_words},
    LAST_TERM,
};
static const struct term help_terms[] = {
    {.arg = "WORD", .kind = TERM_NAME, .optional = true},
    LAST_TERM,
};
static const struct term one_guest[] = {{.arg = "GUEST", .kind = TERM_GUEST}, LAST_TERM};
static const struct term one_net[] = {{.arg = "NET", .kind = TERM_NET}, LAST_TERM};
static const struct term one_port[] = {{.arg = "PORT", .kind = TERM_NIC}, LAST_TERM};
static const struct term one_link[] = {{.arg = "LINK", .kind = TERM_LINK}, LAST_TERM};
static const struct term one_mirror[] = {{.arg = "MIRROR", .kind = TERM_NAME}, LAST_TERM};
static const struct term one_group[] = {{.arg = "GROUP", .kind = TERM_NAME}, LAST_TERM};
static const struct term one_service[] = {{.arg = "SERVICE", .kind = TERM_NAME}, LAST_TERM};
static const struct term one_flow[] = {{.arg = "FLOW", .kind = TERM_NAME}, LAST_TERM};
static const struct term lint_terms[] = {
    {"json", .kind = TERM_FLAG, .optional = true},
    LAST_TERM,
};
static const struct term load_terms[] = {
    {.arg = "MODULE", .kind = TERM_STRING, .optional = true, .min = 1, .max = CONFIG_MODULE - 1},
    LAST_TERM,
};
static const struct term nothing[] = {LAST_TERM};

const struct statement config_statement[] = {
    {"guest", .term = guest_terms, .apply = apply_guest,
     .help = "declare a virtual machine; MODULE names a boot module (default: 1 CPU, 256M)"},
    {"network", .term = network_terms, .apply = apply_network,
     .help = "declare an isolated network, or change one; `default` always exists, in mode learn"},
    {"port", .term = port_terms, .apply = apply_port,
     .help = "give a guest a NIC; a new port needs its guest, on one that exists only `move` and "
             "`addresses` change"},
    {"underlay", .term = underlay_terms, .apply = apply_underlay,
     .help = "the node's own address behind an edge port, for links; a new one replaces it"},
    {"link", .term = link_terms, .apply = apply_link,
     .help =
         "connect to another node: a port of the switch whose frames travel in UDP (vxlan, udp), "
         "or a name for the network's edge (direct)"},
    {"route", .term = route_terms, .apply = apply_route,
     .help = "send matching frames to a port or link; QUAL is a MAC, not MAC, any or none"},
    {"add", .term = classic_terms, .apply = apply_classic,
     .help = "a route in the classic positional form; the MACs may be any, none or not-MAC"},
    {"remove", "route", route_terms, apply_remove_route,
     .help = "remove the route that was given with the same words"},
    {"remove", "port", one_port, apply_remove_port,
     .help = "remove a port that no route, link, mirror, service or flow names"},
    {"remove", "link", one_link, apply_remove_link,
     .help = "remove a link that no route, mirror or flow names"},
    {"remove", "underlay", one_port, apply_remove_underlay,
     .help = "remove the underlay of a port that no link goes through"},
    {"remove", "network", one_net, apply_remove_network,
     .help = "remove a network that has no port, link, mirror or flow"},
    {"service", .term = service_terms, .apply = apply_service,
     .help = "a network function: ports whose guests take frames and give them back; with several, "
             "each takes some of the flows (docs/chains.md)"},
    {"flow", .term = flow_terms, .apply = apply_flow,
     .help = "send the frames that match through services, then to a port, `out` by the network's "
             "own look-up, or nowhere; the first flow that matches has the frame"},
    {"remove", "service", one_service, apply_remove_service,
     .help = "remove a service that no flow names"},
    {"remove", "flow", one_flow, apply_remove_flow, .help = "remove a flow"},
    {"mirror", .term = mirror_terms, .apply = apply_mirror,
     .help = "copy the frames of a port, a link or a network, whole or cut, for a reader "
             "(docs/capture.md)"},
    {"remove", "mirror", one_mirror, apply_remove_mirror, .help = "copy no more for this mirror"},
    {"group", .term = group_terms, .apply = apply_group,
     .help = "give these guests memory in common, which no other guest can reach (docs/groups.md)"},
    {"remove", "group", one_group, apply_remove_group,
     .help = "remove a group that no port names, and its memory; no member may run"},
    {"move", .term = move_terms, .apply = apply_move,
     .help = "what moves frames: the sender's kick; a core that polls; or either: a core that "
             "polls until none came for TIME (50us unless said), then sleeps until a kick"},
    {"iommu", .term = iommu_terms, .apply = apply_iommu,
     .help =
         "confine the DMA and interrupts of guests' devices if the machine can (`use`), refuse a "
         "machine that cannot (`require`), or do not (`off`)"},
    {"smt", .term = smt_terms, .apply = apply_smt,
     .help = "whether the threads of one physical core go to one guest only, or to any"},
    {"node", .term = node_terms, .apply = apply_node,
     .help = "the node's own name, for those who watch several"},
    {"log", .term = log_terms, .apply = apply_log,
     .help = "which lines the node logs: this level and the more severe ones"},
    {"console", .term = one_guest, .apply = apply_console, .verb = CONFIG_ENTER,
     .help = "put this guest's console on the terminal; Ctrl-A returns to the monitor"},
    {"idle", .term = idle_terms, .apply = apply_idle,
     .help = "what the node does when all guests, or this one, have ended"},
    {"panic", .term = panic_terms, .apply = apply_panic,
     .help = "what the node does after a panic of its own: reset after a time (default 10s), or "
             "halt"},
    {"trace", .term = trace_terms, .apply = apply_trace,
     .help = "stamp the steps of frames that come from or go to PORT and MAC, or of all; a guest "
             "with `control` can read the stamps"},
    {"show", "metrics", metrics_terms, apply_metrics, true, CONFIG_METRICS,
     "counters and states for monitoring systems, as OpenMetrics, or as Prometheus's text for "
     "tools that read files"},
    {"histogram", .term = histogram_terms, .apply = apply_histogram,
     .help = "measure how long frames take, by port and route, and exits, by vCPU and kind; `show "
             "histogram` has them"},
    {"show", .term = show_terms, .apply = apply_show, .run_time = true, .verb = CONFIG_SHOW,
     .help = "show the node; NAME (a guest, network, port or link) narrows it"},
    {"explain", .term = explain_terms, .apply = apply_explain, .run_time = true,
     .verb = CONFIG_EXPLAIN,
     .help = "what the switch does with such a frame from this port, in a flow hop by "
             "hop"},
    {"lint", .term = lint_terms, .apply = apply_verb, .run_time = true, .verb = CONFIG_LINT,
     .help = "list warnings: what is accepted but probably a mistake"},
    {"start", .term = one_guest, .apply = apply_verb, .run_time = true, .verb = CONFIG_START,
     .help = "start a guest that has ended or was not started"},
    {"stop", .term = one_guest, .apply = apply_verb, .run_time = true, .verb = CONFIG_STOP,
     .help = "stop a guest at once"},
    {"restart", .term = one_guest, .apply = apply_verb, .run_time = true, .verb = CONFIG_RESTART,
     .help = "stop a guest and start it anew"},
    {"load", .term = load_terms, .apply = apply_load, .run_time = true, .verb = CONFIG_LOAD,
     .help = "apply this boot module, or the lines up to `end`, as a whole or not at all"},
    {"help", .term = help_terms, .apply = apply_help, .run_time = true, .verb = CONFIG_HELP,
     .help = "this list, or one statement"},
    {"poweroff", .term = nothing, .apply = apply_verb, .run_time = true, .verb = CONFIG_POWEROFF,
     .help = "stop all guests and power the node off"},
    {"reboot", .term = nothing, .apply = apply_verb, .run_time = true, .verb = CONFIG_REBOOT,
     .help = "stop all guests and restart the node"},
    {0},
};
