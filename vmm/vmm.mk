# SPDX-License-Identifier: BSD-2-Clause
# What vmm/ generates, as C sources: the guests' DSDT, and the version.

VMM_GENERATED := $(B)/dsdt.c

$(B)/dsdt.aml: vmm/devices/dsdt.asl
	@mkdir -p $(@D)
	iasl -p $(B)/dsdt $< >$(B)/dsdt.log || { cat $(B)/dsdt.log; exit 1; }

$(B)/dsdt.c: $(B)/dsdt.aml
	{ printf '#include "vmm/devices/dsdt.h"\n\nconst uint8_t guest_dsdt[] = {\n'; \
	  od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; \
	  printf '};\nconst unsigned guest_dsdt_size = sizeof guest_dsdt;\n'; } >$@

# The git repository is that of this folder alone, not one that it lies in.  Written only when it
# differs, so that nothing is built again for it.
.PHONY: version
version:
$(B)/version.c: version
	@mkdir -p $(@D)
	{ printf '#include "vmm/version.h"\n\nconst char patio_version[64] = "%.63s";\n' \
	  "$$(git --git-dir=.git describe --tags --always --dirty 2>/dev/null || echo unknown)"; } >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi
