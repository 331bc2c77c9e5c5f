/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smc.c: what SMC sockets need of the kernel's netlink.
 *   smc eid NAME   adds a user-defined EID; two ends with one EID in common connect by SMC version
 * 2 smc list       a line for each connection: local and remote port, SMCD, SMCR or TCP, why
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/smc.h>
#include <linux/sock_diag.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EID_LENGTH 32 /* padded with spaces */
#define ROOM       65536

/* <linux/smc_diag.h> wants headers of RDMA. */
struct request {
	uint8_t family, pad[2], extensions;
	uint8_t id[48];
};

struct connection {
	uint8_t family, state, mode, shutdown;
	uint16_t local_port, remote_port; /* big-endian; addresses and more follow */
	uint8_t id[44];
	uint32_t uid;
	uint64_t inode;
};

#define FALLBACK 5 /* SMC_DIAG_FALLBACK: { reason, the peer's } */

static union {
	struct nlmsghdr head;
	uint8_t bytes[ROOM];
} message;

static void fail(const char *what)
{
	fprintf(stderr, "smc: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct nlattr *add_attribute(uint16_t type, const void *data, uint16_t length)
{
	struct nlattr *a = (struct nlattr *)(message.bytes + NLMSG_ALIGN(message.head.nlmsg_len));

	*a = (struct nlattr){(uint16_t)(NLA_HDRLEN + length), type};
	memcpy((uint8_t *)a + NLA_HDRLEN, data, length);
	message.head.nlmsg_len = NLMSG_ALIGN(message.head.nlmsg_len) + NLA_ALIGN(a->nla_len);
	return a;
}

static void begin(uint16_t type, uint16_t flags, const void *body, size_t size)
{
	memset(&message.head, 0, sizeof message.head);
	message.head.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	message.head.nlmsg_type = type;
	message.head.nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(NLMSG_DATA(&message.head), body, size);
}

/* Sends the message, and receives the first part of its answer; returns its length. */
static size_t ask(int fd)
{
	ssize_t n;

	if (send(fd, &message, message.head.nlmsg_len, 0) < 0)
		fail("send");
	n = recv(fd, &message, sizeof message, 0);
	if (n < (ssize_t)sizeof message.head)
		fail("receive");
	return (size_t)n;
}

/* The error of an answer or acknowledgement; 0: none. */
static int error_of(const struct nlmsghdr *h)
{
	return h->nlmsg_type == NLMSG_ERROR ? -((const struct nlmsgerr *)NLMSG_DATA(h))->error : 0;
}

/* The value of the attribute, or NULL. */
static const void *find_attribute(const uint8_t *from, const uint8_t *end, uint16_t type)
{
	while (end - from >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)from;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > end - from)
			break;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return from + NLA_HDRLEN;
		from += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static const uint8_t *end_of(const struct nlmsghdr *h)
{
	return (const uint8_t *)h + h->nlmsg_len;
}

static uint16_t family_number(int fd)
{
	struct genlmsghdr g = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	const uint8_t *attributes;
	const void *id;

	begin(GENL_ID_CTRL, 0, &g, sizeof g);
	add_attribute(CTRL_ATTR_FAMILY_NAME, SMC_GENL_FAMILY_NAME, sizeof SMC_GENL_FAMILY_NAME);
	ask(fd);
	errno = error_of(&message.head);
	attributes = (const uint8_t *)NLMSG_DATA(&message.head) + GENL_HDRLEN;
	id = errno ? NULL : find_attribute(attributes, end_of(&message.head), CTRL_ATTR_FAMILY_ID);
	if (!id)
		fail("the kernel knows no SMC");
	return *(const uint16_t *)id;
}

static int add_eid(const char *name)
{
	struct genlmsghdr g = {.cmd = SMC_NETLINK_ADD_UEID, .version = 1};
	char eid[EID_LENGTH + 1];
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);

	if (fd < 0)
		fail("netlink");
	snprintf(eid, sizeof eid, "%-*s", EID_LENGTH, name);
	begin(family_number(fd), NLM_F_ACK, &g, sizeof g);
	add_attribute(SMC_NLA_EID_TABLE_ENTRY, eid, sizeof eid);
	ask(fd);
	errno = error_of(&message.head);
	if (errno && errno != EEXIST)
		fail(name);
	return 0;
}

static void print_connection(const struct nlmsghdr *h)
{
	static const char *const mode[] = {"SMCR", "TCP", "SMCD"};
	const struct connection *c = NLMSG_DATA(h);
	const uint32_t *why = find_attribute((const uint8_t *)(c + 1), end_of(h), FALLBACK);

	printf("%u %u %s %x %x\n", ntohs(c->local_port), ntohs(c->remote_port),
	       c->mode < 3 ? mode[c->mode] : "?", why ? why[0] : 0, why ? why[1] : 0);
}

/* Prints the connections of a part of the answer; false: it was the last. */
static int print_part(size_t n)
{
	const struct nlmsghdr *h = &message.head;

	for (; n >= sizeof *h && h->nlmsg_len >= sizeof *h && h->nlmsg_len <= n;
	     n -= NLMSG_ALIGN(h->nlmsg_len),
	     h = (const struct nlmsghdr *)((const uint8_t *)h + NLMSG_ALIGN(h->nlmsg_len))) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		errno = error_of(h);
		if (errno)
			fail("list");
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct connection)))
			print_connection(h);
	}
	return 1;
}

static int list(void)
{
	struct request r = {.family = AF_SMC, .extensions = 1 << (FALLBACK - 1)};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	size_t n;

	if (fd < 0)
		fail("netlink");
	begin(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &r, sizeof r);
	for (n = ask(fd); print_part(n);) {
		ssize_t more = recv(fd, &message, sizeof message, 0);

		if (more < 0)
			fail("receive");
		n = (size_t)more;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "eid"))
		return add_eid(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	fprintf(stderr, "usage: smc eid NAME | smc list\n");
	return 2;
}
