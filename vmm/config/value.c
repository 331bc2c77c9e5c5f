/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts words to values; each kind of value is fully checked here, with its bounds. */
#include <stdio.h>
#include <string.h>
#include "lib/address_text.h"
#include "lib/bytes.h"
#include "vmm/config/parse.h"

#define KIB 1024ull

/* A term's name in messages: its keyword, or the help's name for it. */
static const char *label(const struct term *t)
{
	return t->word ? t->word : t->arg;
}

/* Reads `len` decimal digits, ten at most; false: another character is among them. */
static bool decimal(const char *s, size_t len, uint64_t *v)
{
	*v = 0;
	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(s[i] - '0');
	}
	return true;
}

static bool read_number(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	if (!decimal(w->text, strlen(w->text), &a->number))
		return config_fail(p, w, "%s \"%.40s\" is no number; write %llu to %llu", label(t),
		                   w->text, (unsigned long long)t->min, (unsigned long long)t->max);
	if (a->number < t->min || a->number > t->max)
		return config_fail(p, w, "%s %s is out of range; write %llu to %llu", label(t),
		                   w->text, (unsigned long long)t->min, (unsigned long long)t->max);
	return true;
}

static bool read_dscp(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	a->number = VNET_DSCP_COPY;
	if (strcmp(w->text, "copy") == 0)
		return true;
	if (!decimal(w->text, strlen(w->text), &a->number) || a->number > t->max)
		return config_fail(p, w, "%s \"%.40s\" is neither `copy` nor 0 to %llu", label(t),
		                   w->text, (unsigned long long)t->max);
	return true;
}

static bool read_size(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	size_t len = strlen(w->text);
	char unit = len ? w->text[len - 1] : '\0';
	bool large = t->max >= KIB * KIB * KIB;

	if ((unit != 'M' && unit != 'G') || !decimal(w->text, len - 1, &a->number))
		return config_fail(p, w, "%s \"%.40s\" is no size; write it as 64M or 1G", label(t),
		                   w->text);
	a->number *= unit == 'M' ? KIB * KIB : KIB * KIB * KIB;
	if (a->number < t->min || a->number > t->max)
		return config_fail(p, w, "%s %s is out of range; write %lluM to %llu%c", label(t),
		                   w->text, (unsigned long long)(t->min / (KIB * KIB)),
		                   (unsigned long long)(t->max / (KIB * KIB * (large ? KIB : 1))),
		                   large ? 'G' : 'M');
	return true;
}

static bool read_seconds(struct parser *p, const struct term *t, const struct word *w,
                         struct arg *a)
{
	size_t len = strlen(w->text);

	if (!len || w->text[len - 1] != 's' || !decimal(w->text, len - 1, &a->number))
		return config_fail(p, w, "%s \"%.40s\" is no time; write it as 10s", label(t),
		                   w->text);
	if (a->number < t->min || a->number > t->max)
		return config_fail(p, w, "%s %s is out of range; write %llus to %llus", label(t),
		                   w->text, (unsigned long long)t->min, (unsigned long long)t->max);
	return true;
}

static bool read_time(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	size_t len = strlen(w->text);
	char unit = len > 2 && w->text[len - 1] == 's' ? w->text[len - 2] : 0;

	if ((unit != 'u' && unit != 'm') || !decimal(w->text, len - 2, &a->number))
		return config_fail(p, w, "%s \"%.40s\" is no time; write it as 50us or 2ms",
		                   label(t), w->text);
	a->number *= unit == 'm' ? 1000 : 1;
	if (a->number < t->min || a->number > t->max)
		return config_fail(p, w, "%s %s is out of range; write %lluus to %llums", label(t),
		                   w->text, (unsigned long long)t->min,
		                   (unsigned long long)(t->max / 1000));
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(const char *s)
{
	if (!is_letter(*s) || strnlen(s, CONFIG_NAME) == CONFIG_NAME)
		return false;
	while (is_letter(*s) || (*s >= '0' && *s <= '9') || *s == '.' || *s == '_' || *s == '-')
		s++;
	return !*s;
}

static bool read_name(struct parser *p, const struct word *w)
{
	if (!is_name(w->text))
		return config_fail(
		    p, w,
		    "\"%.40s\" is no name; write a letter, then letters, digits or . _ -, "
		    "%u at most",
		    w->text, CONFIG_NAME - 1);
	return true;
}

static bool read_guest(struct parser *p, const struct word *w, struct arg *a)
{
	struct nearest near;
	int slot = config_find_guest(p->node, w->text);

	a->number = (uint64_t)slot;
	if (slot >= 0)
		return true;
	nearest_init(&near, w->text);
	for (uint32_t i = 0; i < p->node->guests; i++)
		nearest_offer(&near, p->node->guest[i].name);
	return config_fail_unknown(p, w, "unknown guest", &near, "declare it first");
}

_Static_assert(CONFIG_GUESTS <= 64, "the guests of a list are the bits of a number");

/* The first word is a name even if it is also a keyword. */
static bool read_guests(struct parser *p, const struct word *w, struct arg *a)
{
	uint64_t guests = 0;

	for (;; w = &p->word[p->at++]) {
		if (w->quoted)
			return config_fail(p, w, "%s is written without quotes", a->term->word);
		if (!read_guest(p, w, a))
			return false;
		if (guests >> a->number & 1)
			return config_fail(p, w, "guest \"%s\" is listed twice", w->text);
		guests |= 1ull << a->number;
		if (p->at == p->words || config_is_keyword(p, &p->word[p->at]))
			break;
	}
	a->number = guests;
	return true;
}

static bool read_net(struct parser *p, const struct word *w, struct arg *a)
{
	struct nearest near;
	int slot = config_find_net(p->node, w->text);

	a->number = (uint64_t)slot;
	if (slot >= 0)
		return true;
	nearest_init(&near, w->text);
	for (uint32_t i = 0; i < p->node->nets; i++)
		nearest_offer(&near, p->node->net[i].name);
	return config_fail_unknown(p, w, "unknown network", &near, "declare it first");
}

/* May a term of this kind refer to this port or link? */
static bool may_name(enum term_kind kind, const struct port_config *port)
{
	return kind == TERM_PORT || (kind == TERM_LINK) == (port->kind != CONFIG_NIC);
}

static bool read_port(struct parser *p, enum term_kind kind, const struct word *w, struct arg *a)
{
	struct nearest near;
	int slot = config_find_port(p->node, w->text);
	bool link = kind == TERM_LINK;

	a->number = (uint64_t)slot;
	if (slot >= 0 && may_name(kind, &p->node->port[slot]))
		return true;
	if (slot >= 0)
		return config_fail(
		    p, w, link ? "\"%s\" is a port, not a link" : "\"%s\" is a link, not a port",
		    w->text);
	nearest_init(&near, w->text);
	for (uint32_t i = 0; i < p->node->ports; i++) {
		if (may_name(kind, &p->node->port[i]))
			nearest_offer(&near, p->node->port[i].name);
	}
	return config_fail_unknown(p, w, link ? "unknown link" : "unknown port", &near,
	                           "declare it first");
}

static bool read_address(struct parser *p, const struct term *t, const struct word *w,
                         struct arg *a)
{
	uint32_t ip;

	if (!ip_from_text(w->text, '\0', &ip))
		return config_fail(p, w, "%s \"%.40s\" is no IPv4 address; write it as 192.0.2.1",
		                   label(t), w->text);
	a->number = ip;
	return true;
}

static bool read_prefix(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	const char *slash = strchr(w->text, '/');
	uint32_t ip;
	uint64_t bits;

	if (!slash || !ip_from_text(w->text, '/', &ip) ||
	    !decimal(slash + 1, strlen(slash + 1), &bits) || bits < 1 || bits > 30)
		return config_fail(p, w,
		                   "%s \"%.40s\" is no address with its prefix; write it as "
		                   "192.0.2.1/24, prefix 1 to 30",
		                   label(t), w->text);
	a->number = ip | bits << 32;
	return true;
}

/* An address alone, or with its prefix; `subnet`: the latter may be. */
static bool address_from_text(const char *text, bool subnet, struct vnet_prefix *to)
{
	const char *slash = subnet ? strchr(text, '/') : NULL;
	char stop = slash ? '/' : '\0';
	uint64_t bits;
	uint32_t ip;

	*to = (struct vnet_prefix){.version = 6, .bits = 128};
	if (!ip6_from_text(text, stop, to->address)) {
		if (!ip_from_text(text, stop, &ip))
			return false;
		to->version = 4;
		to->bits = 32;
		put_be32(to->address, ip);
	}
	if (!slash)
		return true;
	if (!decimal(slash + 1, strlen(slash + 1), &bits) || bits > to->bits)
		return false;
	to->bits = (uint8_t)bits;
	return true;
}

/* Whether all bits behind the prefix are 0. */
static bool prefix_is_whole(const struct vnet_prefix *p)
{
	for (unsigned bit = p->bits; bit < (p->version == 4 ? 32u : 128u); bit++)
		if (p->address[bit / 8] >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool read_subnet(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	bool subnet = t->kind == TERM_SUBNET;

	if (!address_from_text(w->text, subnet, &a->prefix))
		return config_fail(p, w, "%s \"%.45s\" is no %s; write it as %s", label(t), w->text,
		                   subnet ? "prefix" : "address",
		                   subnet ? "10.0.0.0/8 or 2001:db8::/32"
		                          : "192.0.2.1 or 2001:db8::1");
	if (!prefix_is_whole(&a->prefix))
		return config_fail(
		    p, w, "%s %s has bits behind its prefix; write the network's own address",
		    label(t), w->text);
	return true;
}

static bool read_protocol(struct parser *p, const struct term *t, const struct word *w,
                          struct arg *a)
{
	const struct config_word *named = config_word_find(config_protocol_words, w->text);

	if (named)
		a->number = named->value;
	else if (!decimal(w->text, strlen(w->text), &a->number) || a->number > 255)
		return config_fail(p, w, "%s \"%.40s\" is no protocol; write %s, N being 0 to 255",
		                   label(t), w->text, t->arg);
	return true;
}

/* Words up to the next keyword; the first is read. */
static bool read_list(struct parser *p, const struct term *t, struct arg *a)
{
	if (config_is_keyword(p, a->word))
		return config_fail(p, a->word, "\"%s\" needs a value: %s", label(t), t->arg);
	a->number = 1;
	while (p->at < p->words && !config_is_keyword(p, &p->word[p->at])) {
		if (a->number == t->max)
			return config_fail(p, &p->word[p->at], "%s has more than %u values",
			                   label(t), (unsigned)t->max);
		if (p->word[p->at].quoted)
			return config_fail(p, &p->word[p->at], "%s is written without quotes",
			                   label(t));
		a->number++;
		p->at++;
	}
	if (a->number < t->min)
		return config_fail(p, &p->word[p->at], "%s needs %u values: %s", label(t),
		                   (unsigned)t->min, t->arg);
	return true;
}

static bool read_mac(struct parser *p, const struct term *t, const struct word *w, mac_t *mac)
{
	if (!mac_from_text(w->text, mac))
		return config_fail(p, w,
		                   "%s \"%.40s\" is no MAC address; write it as 52:54:00:00:00:01",
		                   label(t), w->text);
	return true;
}

/* A unicast address: the group bit (IEEE 802) is clear, and it is not zero. */
static bool read_station(struct parser *p, const struct term *t, const struct word *w, mac_t *mac)
{
	if (!read_mac(p, t, w, mac))
		return false;
	if (*mac & MAC_MULTICAST)
		return config_fail(
		    p, w, "%s %s is a group address; only a single station's is allowed here",
		    label(t), w->text);
	if (!*mac)
		return config_fail(p, w, "%s %s is not the address of a station", label(t),
		                   w->text);
	return true;
}

static bool is_source(const struct term *t)
{
	return strcmp(label(t), "src") == 0 || strcmp(label(t), "SRC-MAC") == 0;
}

/* A qualifier's MAC; for the source it must be a unicast address. */
static bool read_qual_mac(struct parser *p, const struct term *t, const struct word *w, mac_t *mac)
{
	return is_source(t) ? read_station(p, t, w, mac) : read_mac(p, t, w, mac);
}

static bool read_qual(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	a->qual = (struct vnet_qual){VNET_MAC_IS, 0};
	if (strcmp(w->text, "any") == 0) {
		a->qual.match = VNET_MAC_ANY;
		return true;
	}
	if (strcmp(w->text, "none") == 0) {
		a->qual.match = VNET_MAC_NONE;
		return true;
	}
	if (t->kind == TERM_QUAL && strcmp(w->text, "not") == 0) {
		a->qual.match = VNET_MAC_NOT;
		if (p->at == p->words)
			return config_fail(p, &p->word[p->at],
			                   "\"not\" needs a MAC address after it");
		return read_qual_mac(p, t, &p->word[p->at++], &a->qual.mac);
	}
	if (t->kind == TERM_CLASSIC && strncmp(w->text, "not-", 4) == 0) {
		struct word rest = {w->text + 4, w->line, w->column + 4, false};

		a->qual.match = VNET_MAC_NOT;
		return read_qual_mac(p, t, &rest, &a->qual.mac);
	}
	if (!mac_from_text(w->text, &a->qual.mac))
		return config_fail(
		    p, w,
		    "%s \"%.40s\" is no qualifier; write a MAC as 52:54:00:00:00:01, "
		    "%s, any or none",
		    label(t), w->text, t->kind == TERM_QUAL ? "not MAC" : "not-MAC");
	return read_qual_mac(p, t, w, &a->qual.mac);
}

/* Reads NAME after the word `port` or `link`. */
static bool read_after(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	bool link = strcmp(w->text, "link") == 0;

	if (p->at == p->words)
		return config_fail(p, &p->word[p->at], "\"%s %s\" needs a value: %s", t->word,
		                   w->text, link ? "LINK" : "PORT");
	a->word = &p->word[p->at++];
	return read_port(p, link ? TERM_LINK : TERM_NIC, a->word, a);
}

/* No port has such a name: see config_check_port_name(). */
static bool is_kind_word(const struct word *w)
{
	return strcmp(w->text, "port") == 0 || strcmp(w->text, "link") == 0;
}

static bool read_to(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	if (!is_kind_word(w))
		return config_fail(p, w,
		                   "\"%.40s\" is no kind of destination; write to port PORT or to "
		                   "link LINK",
		                   w->text);
	return read_after(p, t, w, a);
}

static bool read_from(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	return is_kind_word(w) ? read_after(p, t, w, a) : read_port(p, TERM_PORT, w, a);
}

static bool read_string(struct parser *p, const struct term *t, const struct word *w)
{
	size_t len = strlen(w->text);

	if (len < t->min)
		return config_fail(p, w, "%s is empty", label(t));
	if (len > t->max)
		return config_fail(p, w, "%s has %u bytes; %u at most", label(t), (unsigned)len,
		                   (unsigned)t->max);
	return true;
}

static int hex_digits(const char *s, size_t n, char stop)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		int digit = s[i] >= '0' && s[i] <= '9'   ? s[i] - '0'
		            : s[i] >= 'a' && s[i] <= 'f' ? s[i] - 'a' + 10
		            : s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 10
		                                         : -1;

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return s[n] == stop ? v : -1;
}

static bool read_pci(struct parser *p, const struct word *w, struct arg *a)
{
	int bus = hex_digits(w->text, 2, ':');
	int device = bus < 0 ? -1 : hex_digits(w->text + 3, 2, '.');
	int function = device < 0 ? -1 : hex_digits(w->text + 6, 1, '\0');

	if (function < 0 || device > 31 || function > 7)
		return config_fail(p, w,
		                   "pci \"%.40s\" is no PCI function; write BB:DD.F as in 00:03.0, "
		                   "device up to 1f, function up to 7",
		                   w->text);
	a->number = (uint64_t)(bus << 8 | device << 3 | function);
	return true;
}

unsigned config_cores(const char *text, uint16_t core[CONFIG_CPUS])
{
	unsigned n = 0;

	for (;;) {
		size_t len = 0;
		uint64_t v;

		while (text[len] && text[len] != ',')
			len++;
		if (n == CONFIG_CPUS || !decimal(text, len, &v) || v >= CONFIG_CORES)
			return 0;
		for (unsigned i = 0; i < n; i++) {
			if (core[i] == v)
				return 0;
		}
		core[n++] = (uint16_t)v;
		if (!text[len])
			return n;
		text += len + 1;
	}
}

static bool read_cores(struct parser *p, const struct word *w, struct arg *a)
{
	uint16_t core[CONFIG_CPUS];

	a->number = config_cores(w->text, core);
	if (!a->number)
		return config_fail(p, w,
		                   "core \"%.40s\" is no list of cores; write N or N,N.. without "
		                   "blanks, each 0 to %u, none twice, %u at most",
		                   w->text, CONFIG_CORES - 1, CONFIG_CPUS);
	return true;
}

void config_choices(const struct term *t, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "write one of");

	for (const struct config_word *c = t->choice; c->text && used < size; c++)
		used += (size_t)snprintf(buf + used, size - used, "%s %s",
		                         c == t->choice ? "" : ",", c->text);
}

static bool read_choice(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	struct nearest near;
	char hint[224];
	const struct config_word *found = config_word_find(t->choice, w->text);

	if (found) {
		a->number = found->value;
		return true;
	}
	nearest_init(&near, w->text);
	for (const struct config_word *c = t->choice; c->text; c++)
		nearest_offer(&near, c->text);
	config_choices(t, hint, sizeof hint);
	return config_fail_unknown(p, w, "unknown word", &near, hint);
}

static bool read_any(struct parser *p, const struct term *t, const struct word *w, struct arg *a)
{
	switch (t->kind) {
	case TERM_FLAG:
		return true;
	case TERM_NUMBER:
		return read_number(p, t, w, a);
	case TERM_SIZE:
		return read_size(p, t, w, a);
	case TERM_TIME:
		return read_time(p, t, w, a);
	case TERM_SECONDS:
		return read_seconds(p, t, w, a);
	case TERM_NAME:
		return read_name(p, w);
	case TERM_GUESTS:
		return read_guests(p, w, a);
	case TERM_GUEST:
		return read_guest(p, w, a);
	case TERM_NET:
		return read_net(p, w, a);
	case TERM_NIC:
	case TERM_LINK:
	case TERM_PORT:
		return read_port(p, t->kind, w, a);
	case TERM_ADDRESS:
		return read_address(p, t, w, a);
	case TERM_PREFIX:
		return read_prefix(p, t, w, a);
	case TERM_MAC:
		return read_station(p, t, w, &a->number);
	case TERM_DST_MAC:
		return read_mac(p, t, w, &a->number);
	case TERM_QUAL:
	case TERM_CLASSIC:
		return read_qual(p, t, w, a);
	case TERM_FROM:
		return read_from(p, t, w, a);
	case TERM_TO:
		return read_to(p, t, w, a);
	case TERM_STRING:
		return read_string(p, t, w);
	case TERM_DSCP:
		return read_dscp(p, t, w, a);
	case TERM_PCI:
		return read_pci(p, w, a);
	case TERM_CORES:
		return read_cores(p, w, a);
	case TERM_IP:
	case TERM_SUBNET:
		return read_subnet(p, t, w, a);
	case TERM_PROTOCOL:
		return read_protocol(p, t, w, a);
	case TERM_LIST:
		return read_list(p, t, a);
	case TERM_CHOICE:
		return read_choice(p, t, w, a);
	}
	return false;
}

bool config_value(struct parser *p, const struct term *t, struct arg *a)
{
	const struct word *w = &p->word[p->at];

	a->term = t;
	a->word = w;
	if (p->at == p->words)
		return config_fail(p, w, "\"%s\" needs a value: %s", label(t), t->arg);
	if (w->quoted && t->kind != TERM_STRING)
		return config_fail(p, w, "%s is written without quotes", label(t));
	p->at++;
	return read_any(p, t, w, a);
}
