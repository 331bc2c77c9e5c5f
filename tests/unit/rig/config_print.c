/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/rig/config_print.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/address_text.h"
#include "vmm/config/parse.h"

struct writer {
	config_put *put;
	void *ctx;
};

/* Writes a short formatted text; long texts go through print_quoted(). */
__attribute__((format(printf, 2, 3))) static void print_format(const struct writer *w,
                                                               const char *fmt, ...)
{
	char piece[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(piece, sizeof piece, fmt, ap);
	va_end(ap);
	w->put(w->ctx, piece, strlen(piece));
}

static void print_quoted(const struct writer *w, const char *keyword, const char *text)
{
	print_format(w, " %s \"", keyword);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			w->put(w->ctx, "\\", 1);
		w->put(w->ctx, text, 1);
	}
	w->put(w->ctx, "\"", 1);
}

static void print_node(const struct writer *w, const struct node_config *n)
{
	if (n->name[0])
		print_format(w, "node %s\n", n->name);
	print_format(w, "log %s\n", config_word_of(config_log_words, n->log));
	print_format(w, "move %s", config_word_of(config_move_words, n->move));
	if (n->poll_core >= 0)
		print_format(w, " core %d", (int)n->poll_core);
	if (n->poll_us != CONFIG_POLL_US)
		print_format(w, " for %uus", (unsigned)n->poll_us);
	print_format(w, "\n");
	if (n->iommu != CONFIG_IOMMU_USE)
		print_format(w, "iommu %s\n", config_word_of(config_iommu_words, n->iommu));
	if (n->smt != CONFIG_SMT_ISOLATE)
		print_format(w, "smt %s\n", config_word_of(config_smt_words, n->smt));
	if (n->panic != CONFIG_PANIC_UNSET)
		print_format(w, "panic %s", config_word_of(config_panic_words, n->panic));
	if (n->panic == CONFIG_PANIC_RESET)
		print_format(w, " %us", (unsigned)n->panic_seconds);
	if (n->panic != CONFIG_PANIC_UNSET)
		print_format(w, "\n");
}

static void print_net(const struct writer *w, const struct net_config *net)
{
	print_format(w, "network %s mode %s", net->name,
	             config_word_of(config_mode_words, net->mode));
	if (net->mtu_given)
		print_format(w, " mtu %u", (unsigned)net->mtu);
	if (net->link_local != VNET_LINK_LOCAL_BY_MODE)
		print_format(w, " link-local %s",
		             config_word_of(config_link_local_words, net->link_local));
	print_format(w, "\n");
}

static void print_memory(const struct writer *w, uint64_t bytes)
{
	const uint64_t mib = 1024ull * 1024, gib = 1024 * mib;

	if (bytes % gib == 0)
		print_format(w, " memory %lluG", (unsigned long long)(bytes / gib));
	else
		print_format(w, " memory %lluM", (unsigned long long)(bytes / mib));
}

/* Long texts get lines of their own, so that no line exceeds CONFIG_LINE, escapes included. */
static void print_guest(const struct writer *w, const struct guest_config *g)
{
	print_format(w, "guest %s cpus %u", g->name, g->cpus);
	print_memory(w, g->memory);
	print_quoted(w, "kernel", g->kernel);
	if (g->initrd[0])
		print_quoted(w, "initrd", g->initrd);
	if (g->has_pci)
		print_format(w, " pci %02x:%02x.%x", g->pci >> 8u, (g->pci >> 3u) & 31u,
		             g->pci & 7u);
	for (unsigned i = 0; i < g->cores; i++)
		print_format(w, "%s%u", i ? "," : " core ", g->core[i]);
	print_format(w, "%s", g->debug_exit ? " debug-exit" : "");
	if (g->absent_stops)
		print_format(w, " debug-absent %s", config_word_of(config_absent_words, true));
	print_format(w, "%s autostart %s restart %s", g->control ? " control" : "",
	             config_word_of(config_yes_words, g->autostart),
	             config_word_of(config_restart_words, g->restart));
	if (g->ism[0])
		print_format(w, " ism %s", g->ism);
	for (unsigned i = 0; i < g->modules; i++) {
		print_format(w, " \\\n   ");
		print_quoted(w, "module", g->module[i].name);
		if (g->module[i].args[0])
			print_quoted(w, "args", g->module[i].args);
	}
	if (g->cmdline[0]) {
		print_format(w, " \\\n   ");
		print_quoted(w, "cmdline", g->cmdline);
	}
	print_format(w, "\n");
}

static void print_port(const struct writer *w, const struct node_config *n,
                       const struct port_config *p)
{
	char mac[MAC_TEXT];

	mac_to_text(p->mac, mac);
	print_format(w, "port %s guest %s network %s", p->name, n->guest[p->guest].name,
	             n->net[p->net].name);
	print_format(w, " mac %s", mac);
	if (p->mtu_given)
		print_format(w, " mtu %u", (unsigned)p->mtu);
	if (p->addresses != (p->edge ? VNET_QUOTA_OUTSIDE : VNET_QUOTA))
		print_format(w, " addresses %u", (unsigned)p->addresses);
	print_format(w, "%s", p->edge ? " edge" : "");
	if (p->group)
		print_format(w, " group %s", n->group[p->group - 1].name);
	if (p->model != CONFIG_MODEL_VIRTIO)
		print_format(w, " model %s", config_word_of(config_model_words, p->model));
	if (p->move != CONFIG_MOVE_NODE)
		print_format(w, " move %s", config_word_of(config_move_words, p->move));
	print_format(w, "\n");
}

static void print_path_mtu(const struct writer *w, enum config_path_mtu how)
{
	print_format(w, " path-mtu %s", config_word_of(config_path_mtu_words, how));
}

static void print_underlay(const struct writer *w, const struct port_config *p)
{
	const struct underlay_config *u = &p->underlay;
	char ip[IP_TEXT], mac[MAC_TEXT];

	ip_to_text(u->address, ip);
	print_format(w, "underlay %s address %s/%u", p->name, ip, (unsigned)u->prefix);
	ip_to_text(u->gateway, ip);
	if (u->gateway)
		print_format(w, " gateway %s", ip);
	mac_to_text(u->mac, mac);
	print_format(w, " mac %s mtu %u", mac, (unsigned)u->mtu);
	if (u->path_mtu != CONFIG_PATH_MTU_LEARN)
		print_path_mtu(w, u->path_mtu);
	print_format(w, "\n");
}

static void print_link(const struct writer *w, const struct node_config *n,
                       const struct port_config *p)
{
	char ip[IP_TEXT];

	print_format(w, "link %s %s", p->name, config_word_of(config_link_words, p->kind));
	if (p->kind == CONFIG_VXLAN)
		print_format(w, " vni %u", (unsigned)p->link.vni);
	if (p->kind != CONFIG_DIRECT) {
		ip_to_text(p->link.remote, ip);
		print_format(w, " remote %s udp-port %u edge %s", ip, p->link.udp_port,
		             n->port[p->link.edge].name);
		if (p->link.path_mtu != CONFIG_PATH_MTU_UNDERLAY)
			print_path_mtu(w, p->link.path_mtu);
		if (p->addresses != VNET_QUOTA_OUTSIDE)
			print_format(w, " addresses %u", (unsigned)p->addresses);
		if (p->link.dscp == VNET_DSCP_COPY)
			print_format(w, " dscp copy");
		else if (p->link.dscp)
			print_format(w, " dscp %u", p->link.dscp);
	}
	print_format(w, " network %s\n", n->net[p->net].name);
}

/* Edges, underlays and links come first: they limit the MTUs of the others. */
static void print_ports(const struct writer *w, const struct node_config *n)
{
	for (uint32_t i = 0; i < n->ports; i++) {
		if (n->port[i].edge)
			print_port(w, n, &n->port[i]);
		if (n->port[i].underlay.prefix)
			print_underlay(w, &n->port[i]);
	}
	for (uint32_t i = 0; i < n->ports; i++) {
		if (n->port[i].kind != CONFIG_NIC)
			print_link(w, n, &n->port[i]);
	}
	for (uint32_t i = 0; i < n->ports; i++) {
		const struct port_config *p = &n->port[i];

		if (p->name[0] && p->kind == CONFIG_NIC && !p->edge)
			print_port(w, n, p);
	}
}

static void print_route(const struct writer *w, const struct node_config *n,
                        const struct vnet_route *r)
{
	char src[24], dst[24];

	config_format_qual(&r->src, src);
	config_format_qual(&r->dst, dst);
	print_format(w, "route network %s src %s dst %s", n->net[r->net].name, src, dst);
	if (r->from >= 0)
		print_format(w, " from %s %s", config_kind_word(&n->port[r->from]),
		             n->port[r->from].name);
	print_format(w, " to %s %s%s\n", config_kind_word(&n->port[r->to]), n->port[r->to].name,
	             r->reflect ? " reflect" : "");
}

static void print_service(const struct writer *w, const struct node_config *n,
                          const struct vnet_service *s)
{
	print_format(w, "service %s network %s ports", s->name, n->net[s->net].name);
	for (unsigned i = 0; i < s->replicas; i++)
		print_format(w, " %s", n->port[s->port[i]].name);
	print_format(w, "%s%s\n", s->fail_open ? " fail open" : "",
	             s->may_leave ? " may-leave" : "");
}

static void print_match(const struct writer *w, const struct vnet_flow *f)
{
	char prefix[CONFIG_PREFIX], protocol[8], ranges[CONFIG_RANGES];

	config_format_prefix(&f->src, prefix);
	if (f->src.version)
		print_format(w, " src %s", prefix);
	config_format_prefix(&f->dst, prefix);
	if (f->dst.version)
		print_format(w, " dst %s", prefix);
	config_format_protocol(f, protocol);
	if (f->protocol >= 0)
		print_format(w, " proto %s", protocol);
	config_format_ranges(f, ranges);
	if (f->ranges)
		print_format(w, " ports %s", ranges);
}

static void print_flow(const struct writer *w, const struct node_config *n,
                       const struct vnet_flow *f)
{
	print_format(w, "flow %s network %s", f->name, n->net[f->net].name);
	print_match(w, f);
	if (f->from >= 0)
		print_format(w, " from %s", n->port[f->from].name);
	for (unsigned i = 0; i < f->services; i++)
		print_format(w, "%s %s", i ? "" : " chain", n->service[f->service[i]].name);
	if (f->end == VNET_FLOW_TO)
		print_format(w, " to %s\n", n->port[f->to].name);
	else
		print_format(w, " %s\n", f->end == VNET_FLOW_OUT ? "out" : "drop");
}

static void print_trace(const struct writer *w, const struct node_config *n)
{
	char mac[MAC_TEXT];

	if (!n->trace.stated)
		return;
	print_format(w, "trace %s", config_word_of(config_switch_words, n->trace.on));
	if (n->trace.port >= 0)
		print_format(w, " port %s", n->port[n->trace.port].name);
	mac_to_text(n->trace.mac, mac);
	if (n->trace.mac)
		print_format(w, " mac %s", mac);
	print_format(w, "\n");
}

static void print_mirror(const struct writer *w, const struct node_config *n,
                         const struct mirror_config *m)
{
	print_format(w, "mirror %s %s %s", m->name, config_word_of(config_object_words, m->kind),
	             config_mirror_object(n, m));
	if (m->cut)
		print_format(w, " cut %u", (unsigned)m->cut);
	print_format(w, "\n");
}

static void print_group(const struct writer *w, const struct node_config *n,
                        const struct group_config *g)
{
	print_format(w, "group %s", g->name);
	print_memory(w, g->memory);
	if (g->frames)
		print_format(w, " buffers %lluM", (unsigned long long)(g->frames >> 20));
	print_format(w, " members");
	for (unsigned i = 0; i < n->guests; i++)
		if (config_is_member(g, i))
			print_format(w, " %s", n->guest[i].name);
	print_format(w, "\n");
}

static void print_end(const struct writer *w, const struct node_config *n)
{
	if (n->console >= 0)
		print_format(w, "console %s\n", n->guest[n->console].name);
	print_format(w, "idle %s", config_word_of(config_idle_words, n->idle));
	if (n->idle == CONFIG_IDLE_EXIT_WITH)
		print_format(w, " %s", n->guest[n->exit_guest].name);
	print_format(w, "\n");
}

void config_print(const struct node_config *n, config_put *put, void *ctx)
{
	struct writer w = {put, ctx};

	print_node(&w, n);
	for (uint32_t i = 0; i < n->nets; i++) {
		if (n->net[i].name[0])
			print_net(&w, &n->net[i]);
	}
	for (uint32_t i = 0; i < n->guests; i++)
		print_guest(&w, &n->guest[i]);
	for (unsigned i = 0; i < CONFIG_GROUPS; i++)
		if (n->group[i].name[0])
			print_group(&w, n, &n->group[i]);
	print_ports(&w, n);
	for (uint32_t i = 0; i < n->routes; i++)
		print_route(&w, n, &n->route[i]);
	for (uint32_t i = 0; i < n->services; i++)
		if (n->service[i].name[0])
			print_service(&w, n, &n->service[i]);
	for (uint32_t i = 0; i < n->flows; i++)
		print_flow(&w, n, &n->flow[i]);
	print_trace(&w, n);
	for (unsigned i = 0; i < CONFIG_MIRRORS; i++)
		if (n->mirror[i].name[0])
			print_mirror(&w, n, &n->mirror[i]);
	if (n->histogram)
		print_format(&w, "histogram on\n");
	print_end(&w, n);
}
