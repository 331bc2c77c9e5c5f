# SPDX-License-Identifier: BSD-2-Clause
# What vmm/ generates: the guests' DSDT as a C source.

VMM_GENERATED := $(B)/dsdt.c

$(B)/dsdt.aml: vmm/devices/dsdt.asl
	@mkdir -p $(@D)
	iasl -p $(B)/dsdt $< >$(B)/dsdt.log || { cat $(B)/dsdt.log; exit 1; }

$(B)/dsdt.c: $(B)/dsdt.aml
	{ printf '#include "vmm/devices/dsdt.h"\n\nconst uint8_t guest_dsdt[] = {\n'; \
	  od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; \
	  printf '};\nconst unsigned guest_dsdt_size = sizeof guest_dsdt;\n'; } >$@
