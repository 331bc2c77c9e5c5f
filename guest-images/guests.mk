# SPDX-License-Identifier: BSD-2-Clause
# Our own multiboot guests.  Included by the root Makefile, run from the root.
#   make guests              build/guests/NAME.elf (ELF32: loads everywhere) and NAME.elf64
# CC may be gcc or clang.

GUEST_OUT    := $(B)/guests
GUEST_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -nostdinc \
		-isystem $(shell $(CC) -print-file-name=include) -Ilib/include -I. \
		-mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie -fcf-protection=none \
		-fno-stack-protector -fno-asynchronous-unwind-tables -MMD -MP

GUEST_LIB   := $(patsubst %,$(GUEST_OUT)/%.o,$(wildcard guest-images/lib/*.asm guest-images/lib/*.c) \
		lib/address_text.c lib/string.c lib/printf.c)
GUEST_NIC   := $(patsubst %,$(GUEST_OUT)/%.o,$(wildcard drivers/e1000/e1000*.c))
GUEST_TESTS := $(patsubst guest-images/tests/%.c,%,$(filter-out \
		%/apic_checks.c %/frame_kind.c %/tso_frame.c, $(wildcard guest-images/tests/*.c)))
GUEST_NAMES := $(GUEST_TESTS) $(if $(wildcard guest-images/dom0/*.c),dom0)

.PHONY: guests
guests: $(GUEST_NAMES:%=$(GUEST_OUT)/%.elf)

$(GUEST_OUT)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OUT)/%.asm.o: %.asm
	@mkdir -p $(@D)
	nasm -f elf64 -o $@ $<

$(GUEST_TESTS:%=$(GUEST_OUT)/%.elf64): $(GUEST_OUT)/%.elf64: \
		$(GUEST_OUT)/guest-images/tests/%.c.o
$(GUEST_OUT)/xapic.elf64 $(GUEST_OUT)/x2apic.elf64: \
		$(GUEST_OUT)/guest-images/tests/apic_checks.c.o
$(GUEST_OUT)/nic.elf64: $(GUEST_OUT)/guest-images/tests/tso_frame.c.o \
		$(GUEST_OUT)/guest-images/dom0/nic.c.o $(GUEST_OUT)/vnet/frame/headers.c.o $(GUEST_NIC)
$(GUEST_OUT)/headers.elf64: $(GUEST_OUT)/guest-images/tests/tso_frame.c.o \
		$(GUEST_OUT)/guest-images/tests/frame_kind.c.o
$(GUEST_OUT)/group.elf64: $(GUEST_OUT)/guest-images/netlib/channel.c.o
$(GUEST_OUT)/member.elf64: $(patsubst %,$(GUEST_OUT)/%.o,$(wildcard guest-images/netlib/*.c) \
		vnet/frame/headers.c vnet/frame/sum.c)
$(GUEST_OUT)/dom0.elf64: $(patsubst %,$(GUEST_OUT)/%.o,$(wildcard guest-images/dom0/*.c \
		guest-images/netlib/netlib.c vnet/frame/*.c)) $(GUEST_NIC)

$(GUEST_OUT)/%.elf64: guest-images/lib/guest.ld $(GUEST_LIB)
	$(LD) -static -nostdlib -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
		-T guest-images/lib/guest.ld -o $@ $(filter %.o,$^)

# QEMU's -kernel takes a multiboot kernel as ELF32 only.
$(GUEST_OUT)/%.elf: $(GUEST_OUT)/%.elf64
	objcopy -O elf32-i386 $< $@

-include $(shell find $(GUEST_OUT) -name '*.d' 2>/dev/null)
