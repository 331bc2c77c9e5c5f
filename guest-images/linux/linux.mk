# The Linux guest image: Debian's cloud kernel as it is, an initramfs, and the probe program.
# Included by the root Makefile; run from the root.
#   linux-guest        build/linux/vmlinuz, build/linux/initrd.cpio.gz, build/linux/netprobe
#   check-linux-guest  the initramfs twice, bit for bit; the probe against itself and sha256sum

LINUX_SRC := guest-images/linux
LINUX_OUT := build/linux
NETPROBE_SRC := $(sort $(wildcard $(LINUX_SRC)/*.c))
NETPROBE_CC ?= gcc
NETPROBE_CFLAGS := -std=gnu11 -O2 -Wall -Wextra -Werror -static -s

.PHONY: linux-guest check-linux-guest
linux-guest: $(LINUX_OUT)/vmlinuz $(LINUX_OUT)/initrd.cpio.gz $(LINUX_OUT)/netprobe

$(LINUX_OUT)/netprobe: $(NETPROBE_SRC) $(wildcard $(LINUX_SRC)/*.h) $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -o $@.$$$$ $(NETPROBE_SRC) && mv $@.$$$$ $@

# One stamp stands for the whole unpacked package: its files keep the package's own dates.
$(LINUX_OUT)/kernel.stamp: $(LINUX_SRC)/fetch-kernel
	$(LINUX_SRC)/fetch-kernel $(LINUX_OUT)/kernel
	@touch $@

$(LINUX_OUT)/vmlinuz: $(LINUX_OUT)/kernel.stamp
	cp $(LINUX_OUT)/kernel/vmlinuz $@.$$$$ && mv $@.$$$$ $@

$(LINUX_OUT)/initrd.cpio.gz: $(addprefix $(LINUX_SRC)/,make-initrd init shrc modules.list) \
		$(LINUX_OUT)/kernel.stamp $(LINUX_OUT)/netprobe
	$(LINUX_SRC)/make-initrd $(LINUX_OUT)/kernel/root $(LINUX_OUT)/netprobe $@

check-linux-guest: linux-guest
	$(LINUX_SRC)/check-image $(LINUX_OUT)
