# SPDX-License-Identifier: BSD-2-Clause
# The Linux with KVM in which the targets kvm-svm and kvm-vmx run Patio (tools/patio/nested.py).
# Included by the root Makefile; run from the root.
#   kvm-host   build/linux/vmlinuz, build/kvm/initrd.cpio.lz4

KVM_OUT := $(B)/kvm

.PHONY: kvm-host
kvm-host: $(LINUX_OUT)/vmlinuz $(KVM_OUT)/initrd.cpio.lz4

$(KVM_OUT)/initrd.cpio.lz4: tools/kvm/make-initrd tools/kvm/init $(LINUX_OUT)/kernel.stamp
	@mkdir -p $(@D)
	tools/kvm/make-initrd $(LINUX_OUT)/kernel/root $@.$$$$ && mv $@.$$$$ $@
