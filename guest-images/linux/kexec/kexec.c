/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kexec [-p] KERNEL INITRD LINE: loads another kernel (kexec_file_load(2)) and starts it at once.
 * With -p the kernel is only loaded, into the memory reserved by crashkernel=, for a later panic.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long flags = argc > 1 && !strcmp(argv[1], "-p") ? KEXEC_FILE_ON_CRASH : 0;
	char **word = argv + (flags ? 2 : 1);
	int kernel, initrd;

	if (argc != (flags ? 5 : 4)) {
		fprintf(stderr, "usage: kexec [-p] KERNEL INITRD LINE\n");
		return 2;
	}
	kernel = open(word[0], O_RDONLY);
	initrd = open(word[1], O_RDONLY);
	if (kernel < 0 || initrd < 0)
		return fail("kexec: open");
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(word[2]) + 1, word[2], flags))
		return fail("kexec: load");
	if (flags)
		return 0;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return fail("kexec: start");
}
