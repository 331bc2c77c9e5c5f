/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into Bochs by tools/bochs-run: recvfrom() with the length of its address buffer set.
 *
 * Bochs 2.7's `ethmod=vde` passes recvfrom() an address length that it never initialised
 * (bx_vde_pktmover_c::rx_timer(), iodev/network/eth_vde.cc).  POSIX has the caller set it to the
 * buffer's size.  Whatever an earlier call or a signal frame left on the stack is taken instead,
 * and where that is negative, Linux takes the datagram off the queue and then returns EINVAL: the
 * frame is lost.  The garbage stays until something else is written there, so often every frame
 * into the NIC is lost for a second, from one SIGALRM of Bochs's speed display to the next.
 *
 * vde's addresses are of AF_UNIX.  Those of Bochs's other modules are shorter, and Linux writes no
 * more than an address has, so this length is safe for their buffers too.
 */
#define _DEFAULT_SOURCE /* syscall() */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

ssize_t recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from, socklen_t *len)
{
	if (from && len)
		*len = sizeof(struct sockaddr_un);
	return syscall(SYS_recvfrom, fd, buf, size, flags, from, len);
}
