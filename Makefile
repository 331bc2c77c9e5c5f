# SPDX-License-Identifier: BSD-2-Clause
# Patio: `make run` boots the demonstration, `make test` proves it, `make help` says the rest.

SHELL := /bin/bash
CC    ?= gcc
B     := build
# For the programs in tools/ and tests/.
export PATIO_BUILD := $(B)

# Of everything that is C.
WARNINGS := -Wall -Wextra -Wdeclaration-after-statement -Werror

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
$(V).SILENT:	# V=1 shows the commands

include vmm/vmm.mk guest-images/guests.mk guest-images/linux/linux.mk tools/kvm/kvm.mk tools/tools.mk tests/tests.mk

# --- the image -------------------------------------------------------------------------------

VMM_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) -Ilib/include -I. \
	-mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie -fno-stack-protector \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fcf-protection=none \
	-fstack-clash-protection -MMD -MP

# Each folder is a room (tests/check-layers); the VMM is all files of its rooms.
VMM_ROOMS := arch/x86_64 arch/x86_64/hvm arch/x86_64/insn arch/x86_64/iommu drivers/bus drivers/ism drivers/shm \
	drivers/virtio lib vmm vmm/config vmm/control vmm/control/show vmm/devices vmm/load vmm/passthrough \
	vnet vnet/chain vnet/frame vnet/link vnet/lookup
VMM_C   := $(filter-out %/asm-offsets.c,$(wildcard $(VMM_ROOMS:%=%/*.c) drivers/e1000/model*.c)) \
	$(VMM_GENERATED) $(B)/version.c
VMM_ASM := $(wildcard $(VMM_ROOMS:%=%/*.asm))
VMM_OBJ := $(patsubst %,$(B)/vmm/%.o,$(VMM_C) $(VMM_ASM))

.PHONY: all
all: $(B)/patio.elf $(B)/patio-check $(B)/patio-trace $(B)/patio-capture $(B)/replay $(PRELOADS)

$(B)/asm-offsets.inc: arch/x86_64/asm-offsets.c
	@mkdir -p $(@D)
	$(CC) $(VMM_CFLAGS) -MF $(B)/asm-offsets.d -MT $@ -S -o $(B)/asm-offsets.s $<
	sed -n 's/.*"@@ \([A-Z0-9_]*\) \(.*\)".*/\1 equ \2/p' $(B)/asm-offsets.s > $@

$(B)/vmm/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(VMM_CFLAGS) -c -o $@ $<

$(B)/vmm/%.asm.o: %.asm $(B)/asm-offsets.inc $(wildcard arch/x86_64/*/*.inc)
	@mkdir -p $(@D)
	nasm -f elf64 -I$(B)/ -o $@ $<

# Linked twice: the names for a back-trace come from the first time.  Code does not move, because
# the table lies behind it.
LINK = $(LD) -T linker.ld -nostdlib -static -z max-page-size=4096 -z noexecstack

$(B)/ksyms0.c: tools/mksyms
	@mkdir -p $(@D)
	tools/mksyms --empty > $@

$(B)/patio.elf.tmp: $(VMM_OBJ) $(B)/vmm/$(B)/ksyms0.c.o linker.ld
	$(LINK) -o $@ $(filter %.o,$^)

$(B)/ksyms.c: $(B)/patio.elf.tmp tools/mksyms
	tools/mksyms $< > $@

$(B)/patio.elf64: $(VMM_OBJ) $(B)/vmm/$(B)/ksyms.c.o linker.ld
	$(LINK) -o $@ $(filter %.o,$^)

# QEMU's -kernel takes a multiboot image as ELF32 only; GRUB takes both.
$(B)/patio.elf: $(B)/patio.elf64
	objcopy -O elf32-i386 $< $@

-include $(VMM_OBJ:.o=.d) $(B)/asm-offsets.d

# What clangd and other editors' tools read.  They are clang, so the headers are clang's.
.PHONY: compile_commands.json
compile_commands.json:
	+$(MAKE) --no-print-directory -nB CC=clang UNIT_CC=clang NETPROBE_CC=clang all guests unit fuzzers \
		$(LINUX_OUT)/netprobe $(LINUX_OUT)/vnetctl $(LINUX_OUT)/kexec $(LINUX_OUT)/daxchannel $(LINUX_OUT)/netfunction | tools/compile-commands $@

.PHONY: clean help
help:
	echo 'make                    the image: build/patio.elf'
	echo 'tools/patio-check FILE  what a node would say of a patio.conf (--help)'
	echo 'make run                the demonstration; on a terminal it ends in the monitor'
	echo 'make run NODES=svm,vmx  two nodes, two vendors, one wire'
	echo 'make guest GUEST=file   one kernel of your own (ARGS="..." CPUS=n MEM=size INITRD=file)'
	echo 'make test [T=name]      all checks and tests, or those whose name contains name'
	echo 'make check              lint and unit tests only'
	echo 'make soak [T=name] [RUNS=10]  the system tests, again and again, on a machine made busy;'
	echo '                        TARGET=name: all of them on that one'
	echo 'TARGET=name             for guest and test: qemu-svm (default), qemu-vmx (KVM), bochs-vmx;'
	echo '                        kvm-svm, kvm-vmx: under Linux and KVM, inside an emulator'
	echo 'make fuzz [TIME=1h]     the fuzzers side by side; what they find is kept'
	echo 'make lint               format, static checks, gcc and clang'
	echo 'make coverage           coverage by the unit tests, into docs/testing.md'
	echo 'make iso netboot        a node of your own on a disk, or by network: CONF=patio.conf MODULES="..."'
	echo 'make bench [BENCH=name] rtt, tcp, ring, boot, exits, paths, walk, steps, memory, channel, dom0 or mpi; all without a name'
	echo 'make report             the experiments as one HTML page: build/report/ (REPORT="rtt noise" FROM=file)'
	echo 'make compile_commands.json  for clangd and editors'
	echo 'make guests linux-guest our own guests; the Linux guest image'
	echo 'make clean              removes build/'
	echo 'B=folder                builds there instead of in build/'
	echo 'V=1                     shows the commands'

clean:
	rm -rf $(B)
