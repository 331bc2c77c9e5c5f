# SPDX-License-Identifier: BSD-2-Clause
# The Linux guest image: Debian's cloud kernel as it is, an initramfs, and the probe program.
# Included by the root Makefile; run from the root.
#   linux-guest        build/linux/vmlinuz, build/linux/initrd.cpio.gz, build/linux/netprobe, build/linux/kexec
#   linux-group        build/linux/group.cpio.gz: the guest's for members of groups
#   linux-dom0         build/linux/dom0-vmlinuz, build/linux/dom0.cpio.gz: the same for a Dom0
#   linux-ism          build/linux/ism.cpio.gz: the guest's with SMC-D over Patio's ISM device
#   linux-mpi          build/linux/mpi.cpio.gz: that with Open MPI and a table of latency and bandwidth
#   linux-evpn         build/linux/evpn.cpio.gz: Dom0's with FRR, for networks over many nodes
#   check-linux-guest  each initramfs twice, bit for bit; the probe against itself and sha256sum

LINUX_SRC := guest-images/linux
LINUX_OUT := $(B)/linux
NETPROBE_SRC := $(sort $(wildcard $(LINUX_SRC)/*.c))
NETPROBE_CC ?= gcc
NETPROBE_CFLAGS := -std=gnu11 -O2 $(WARNINGS) -static -s

.PHONY: linux-guest linux-dom0 linux-evpn linux-group linux-ism linux-mpi check-linux-guest
linux-guest: $(LINUX_OUT)/vmlinuz $(LINUX_OUT)/initrd.cpio.gz $(LINUX_OUT)/netprobe $(LINUX_OUT)/kexec
linux-dom0: $(LINUX_OUT)/dom0-vmlinuz $(LINUX_OUT)/dom0.cpio.gz
linux-group: $(LINUX_OUT)/vmlinuz $(LINUX_OUT)/group.cpio.gz
linux-ism: $(LINUX_OUT)/vmlinuz $(LINUX_OUT)/ism.cpio.gz
linux-mpi: $(LINUX_OUT)/vmlinuz $(LINUX_OUT)/mpi.cpio.gz
linux-evpn: $(LINUX_OUT)/dom0-vmlinuz $(LINUX_OUT)/evpn.cpio.gz

$(LINUX_OUT)/netprobe: $(NETPROBE_SRC) $(wildcard $(LINUX_SRC)/*.h) $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -o $@.$$$$ $(NETPROBE_SRC) -lmd && mv $@.$$$$ $@

# Called as patio-trace it is that program.
VNETCTL_SRC := $(sort $(wildcard $(LINUX_SRC)/vnetctl/*.c tools/trace/*.c)) lib/trace.c
$(LINUX_OUT)/vnetctl: $(VNETCTL_SRC) $(wildcard $(LINUX_SRC)/vnetctl/*.h tools/trace/*.h) lib/trace.h \
		lib/window.h $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -I. -o $@.$$$$ $(VNETCTL_SRC) && mv $@.$$$$ $@

# patio-capture: its rule is in tools/tools.mk.

# For tests: it is in no image.
$(LINUX_OUT)/kexec: $(LINUX_SRC)/kexec/kexec.c $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -o $@.$$$$ $< && mv $@.$$$$ $@

# One stamp stands for the whole unpacked package: its files keep the package's own dates.
$(LINUX_OUT)/kernel.stamp: $(LINUX_SRC)/fetch-kernel
	$(LINUX_SRC)/fetch-kernel $(LINUX_OUT)/kernel
	@touch $@

$(LINUX_OUT)/vmlinuz: $(LINUX_OUT)/kernel.stamp
	cp $(LINUX_OUT)/kernel/vmlinuz $@.$$$$ && mv $@.$$$$ $@

INITRD_SRC := $(addprefix $(LINUX_SRC)/,make-initrd init shrc modules.list)
$(LINUX_OUT)/initrd.cpio.gz: $(INITRD_SRC) \
		$(LINUX_OUT)/kernel.stamp $(LINUX_OUT)/netprobe $(LINUX_OUT)/vnetctl $(LINUX_OUT)/patio-capture
	$(LINUX_SRC)/make-initrd $(LINUX_OUT)/kernel/root $(LINUX_OUT)/netprobe $@

# The cloud kernel drives no physical NIC: a Dom0 gets Debian's ordinary one.
$(LINUX_OUT)/dom0-kernel.stamp: $(LINUX_SRC)/fetch-kernel
	KERNEL_DEB='$(DOM0_KERNEL_DEB)' $(LINUX_SRC)/fetch-kernel $(LINUX_OUT)/dom0-kernel linux-image-amd64
	@touch $@

$(LINUX_OUT)/dom0-vmlinuz: $(LINUX_OUT)/dom0-kernel.stamp
	cp $(LINUX_OUT)/dom0-kernel/vmlinuz $@.$$$$ && mv $@.$$$$ $@

$(LINUX_OUT)/dom0.cpio.gz: $(INITRD_SRC) $(addprefix $(LINUX_SRC)/,dom0 dom0-modules.list) \
		$(LINUX_OUT)/dom0-kernel.stamp $(LINUX_OUT)/netprobe $(LINUX_OUT)/vnetctl $(LINUX_OUT)/patio-capture
	$(LINUX_SRC)/make-initrd -d $(LINUX_OUT)/dom0-kernel/root $(LINUX_OUT)/netprobe $@

check-linux-guest: linux-guest linux-dom0 $(wildcard $(LINUX_OUT)/evpn.cpio.gz)
	$(LINUX_SRC)/check-image $(LINUX_OUT)

# FRR out of Debian's package, with the libraries that it needs.
$(LINUX_OUT)/frr.stamp: $(LINUX_SRC)/fetch-packages
	$(LINUX_SRC)/fetch-packages $(LINUX_OUT)/frr frr
	@touch $@

$(LINUX_OUT)/evpn.cpio.gz: $(addprefix $(LINUX_SRC)/,make-evpn image evpn bgpd.conf) \
		$(LINUX_OUT)/frr.stamp $(LINUX_OUT)/dom0.cpio.gz
	$(LINUX_SRC)/make-evpn $(LINUX_OUT)/frr/root $(LINUX_OUT)/dom0.cpio.gz $@

# --- modules for the guest's kernel, built with Debian's headers
# The kernel's release and its package's version, as in `linux-image-6.1.0-1-cloud-amd64 6.1.1-1`.
KERNEL_RELEASE = $(shell sed 's/^linux-image-\([^ ]*\) .*/\1/' $(LINUX_OUT)/kernel/version)
KERNEL_VERSION = $(shell sed 's/^[^ ]* //' $(LINUX_OUT)/kernel/version)
KERNEL_COMMON = $(KERNEL_RELEASE:%-cloud-amd64=%-common)

$(LINUX_OUT)/headers.stamp: $(LINUX_SRC)/fetch-packages $(LINUX_OUT)/kernel.stamp
	$(LINUX_SRC)/fetch-packages $(LINUX_OUT)/headers linux-headers-$(KERNEL_RELEASE)=$(KERNEL_VERSION) \
		linux-headers-$(KERNEL_COMMON)=$(KERNEL_VERSION) linux-kbuild-$(basename $(firstword $(subst -, ,$(KERNEL_RELEASE))))
	@touch $@

# $(call MODULE,FOLDER,WORDS): builds the module in FOLDER.  The makefile of Debian's headers includes the other part
# by its place in /usr/src: here that part is called itself, in the first one's folder.  Kbuild builds beside the
# sources, so FOLDER has copies.
HEADERS = $(abspath $(LINUX_OUT)/headers/root/usr/src)/linux-headers-
MODULE = env -i PATH="$$PATH" HOME="$$HOME" make -s -f $(HEADERS)$(KERNEL_COMMON)/Makefile -C $(HEADERS)$(KERNEL_RELEASE) \
	M=$(abspath $(1)) $(2) modules

# --- groups: programs and a module for members
# Uses memory in common with other guests, through the library of guest-images/netlib.
CHANNEL_SRC := $(wildcard $(LINUX_SRC)/channel/*.c) $(LINUX_SRC)/probe.c guest-images/netlib/channel.c
$(LINUX_OUT)/daxchannel: $(CHANNEL_SRC) $(wildcard $(LINUX_SRC)/channel/*.h) $(LINUX_SRC)/probe.h \
		guest-images/netlib/channel.h $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -I. -o $@.$$$$ $(CHANNEL_SRC) && mv $@.$$$$ $@

# A network function over the same library.
FUNCTION_SRC := $(sort $(wildcard $(LINUX_SRC)/function/*.c)) lib/address_text.c vnet/frame/headers.c vnet/frame/sum.c \
	$(filter-out %/channel.c, $(wildcard guest-images/netlib/*.c))
$(LINUX_OUT)/netfunction: $(FUNCTION_SRC) $(wildcard $(LINUX_SRC)/function/*.h guest-images/netlib/*.h) \
		drivers/shm/shm_abi.h $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -I. -o $@.$$$$ $(FUNCTION_SRC) && mv $@.$$$$ $@

SHM_OUT := $(LINUX_OUT)/shm
$(SHM_OUT)/patio_shm.ko: $(addprefix $(LINUX_SRC)/shm/,patio_shm.c Kbuild) drivers/shm/shm_abi.h $(LINUX_OUT)/headers.stamp
	@mkdir -p $(SHM_OUT)/drivers/shm
	cp $(LINUX_SRC)/shm/patio_shm.c $(LINUX_SRC)/shm/Kbuild $(SHM_OUT)
	cp drivers/shm/shm_abi.h $(SHM_OUT)/drivers/shm
	$(call MODULE,$(SHM_OUT))
	strip -g $@

$(LINUX_OUT)/group.cpio.gz: $(addprefix $(LINUX_SRC)/,make-group image group-modules.list) \
		$(LINUX_OUT)/kernel.stamp $(LINUX_OUT)/initrd.cpio.gz $(LINUX_OUT)/daxchannel $(LINUX_OUT)/netfunction \
		$(SHM_OUT)/patio_shm.ko
	$(LINUX_SRC)/make-group $(LINUX_OUT)/kernel/root $(LINUX_OUT)/initrd.cpio.gz $(LINUX_OUT) $@

# --- SMC-D: a module, and programs to try it with
ISM_SRC := $(LINUX_SRC)/ism
ISM_OUT := $(LINUX_OUT)/ism
$(ISM_OUT)/patio_ism.ko: $(addprefix $(ISM_SRC)/,patio_ism.c Kbuild member-offset) lib/ism_format.h $(LINUX_OUT)/headers.stamp
	@mkdir -p $(ISM_OUT)/lib
	cp $(ISM_SRC)/patio_ism.c $(ISM_SRC)/Kbuild $(ISM_OUT)
	cp lib/ism_format.h $(ISM_OUT)/lib
	smc=$$(find $(LINUX_OUT)/kernel/root -name smc.ko) && \
	offset=$$($(ISM_SRC)/member-offset "$$smc" smc_connection peer_token alert_token_local rmbe_size_comp) && \
	$(call MODULE,$(ISM_OUT),PEER_TOKEN_OFFSET=$$offset)
	strip -g $@

$(ISM_OUT)/smc $(ISM_OUT)/many: $(ISM_OUT)/%: $(ISM_SRC)/%.c $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -o $@.$$$$ $< && mv $@.$$$$ $@

$(ISM_OUT)/smc-preload.so: $(ISM_SRC)/preload.c $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) -std=gnu11 -O2 $(WARNINGS) -shared -fPIC -s -o $@.$$$$ $< && mv $@.$$$$ $@

# The probe again, for the preload: a static program has none.
$(ISM_OUT)/netprobe: $(NETPROBE_SRC) $(wildcard $(LINUX_SRC)/*.h) $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(filter-out -static,$(NETPROBE_CFLAGS)) -o $@.$$$$ $(NETPROBE_SRC) -Wl,-Bstatic -lmd -Wl,-Bdynamic && \
		mv $@.$$$$ $@

$(LINUX_OUT)/programs.stamp: $(LINUX_SRC)/fetch-packages
	$(LINUX_SRC)/fetch-packages $(LINUX_OUT)/programs iperf3 busybox
	@touch $@

$(LINUX_OUT)/ism.cpio.gz: $(addprefix $(LINUX_SRC)/,make-ism image) $(ISM_SRC)/smc-run $(addprefix $(ISM_OUT)/,patio_ism.ko smc many smc-preload.so netprobe) \
		$(LINUX_OUT)/programs.stamp $(LINUX_OUT)/initrd.cpio.gz
	$(LINUX_SRC)/make-ism $(LINUX_OUT) $@

# --- MPI over SMC-D: Debian's Open MPI, of which only what TCP needs is fetched, and a program
MPI_SRC := $(LINUX_SRC)/mpi
MPI_ROOT := $(LINUX_OUT)/openmpi/root/usr/lib/x86_64-linux-gnu/openmpi
$(LINUX_OUT)/openmpi.stamp: $(LINUX_SRC)/fetch-packages
	$(LINUX_SRC)/fetch-packages -a $(LINUX_OUT)/openmpi openmpi-bin openmpi-common libopenmpi3 libopenmpi-dev libpmix2 libmunge2 \
		libhwloc15 libevent-core-2.1-7 libevent-pthreads-2.1-7 libudev1 zlib1g libc6 libgcc-s1
	@touch $@

$(LINUX_OUT)/mpi/table: $(MPI_SRC)/table.c $(LINUX_OUT)/openmpi.stamp $(LINUX_SRC)/linux.mk
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(filter-out -static,$(NETPROBE_CFLAGS)) -isystem $(MPI_ROOT)/include -o $@.$$$$ $< \
		-L$(MPI_ROOT)/lib -Wl,--allow-shlib-undefined -lmpi && mv $@.$$$$ $@

$(LINUX_OUT)/mpi.cpio.gz: $(addprefix $(LINUX_SRC)/,make-mpi image) $(wildcard $(MPI_SRC)/*) $(LINUX_OUT)/mpi/table \
		$(LINUX_OUT)/ism.cpio.gz
	$(LINUX_SRC)/make-mpi $(LINUX_OUT) $@
