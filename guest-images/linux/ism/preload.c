/* SPDX-License-Identifier: BSD-2-Clause */
/* preload.c: socket() for smc-run: a TCP socket becomes an SMC socket, which falls back to TCP by
 * itself where the other end or the way between knows no SMC. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TYPES 0xf /* the other bits of a type are flags */

int socket(int domain, int type, int protocol)
{
	int fd = -1;

	if ((domain == AF_INET || domain == AF_INET6) && (type & TYPES) == SOCK_STREAM &&
	    (protocol == 0 || protocol == IPPROTO_TCP))
		fd = (int)syscall(SYS_socket, AF_SMC, type, domain == AF_INET6);
	return fd >= 0 ? fd : (int)syscall(SYS_socket, domain, type, protocol);
}
