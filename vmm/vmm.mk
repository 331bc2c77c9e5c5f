# What vmm/ generates: the guests' DSDT as a C source.

VMM_GENERATED := build/dsdt.c

build/dsdt.aml: vmm/devices/dsdt.asl
	@mkdir -p build
	iasl -p build/dsdt $< >build/dsdt.log || { cat build/dsdt.log; exit 1; }

build/dsdt.c: build/dsdt.aml
	{ printf '#include "vmm/devices/dsdt.h"\n\nconst uint8_t guest_dsdt[] = {\n'; \
	  od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; \
	  printf '};\nconst unsigned guest_dsdt_size = sizeof guest_dsdt;\n'; } >$@
