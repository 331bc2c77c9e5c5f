# SPDX-License-Identifier: BSD-2-Clause
# What people run: make run, make guest, make bench, make report.  Included by the root Makefile.
#   make run                 the demonstration; on a terminal it ends in Patio's monitor
#   make run NODES=svm,vmx   two nodes on one wire: QEMU with AMD SVM and Bochs with Intel VT-x
#   make run NODES=3 EVPN=1  three nodes with Linux as Dom0, whose FRR joins them by BGP EVPN
#   make guest GUEST=file    a kernel of one's own (ARGS="..." CPUS=n MEM=size INITRD=file TARGET=name)
#   tools/patio-check FILE   what a node would say of a patio.conf (--help)
#   make bench BENCH=rtt     benchmarks: rtt, tcp, boot, ring, exits, paths, walk, steps or repeat; all without BENCH;
#                            PEER=1 CLOCK=name EXIT_CYCLES=n LATE=x AT_ONCE=n WRITE=1: see tests/bench/bench
#   make report              experiments as one HTML page and JSON, build/report/; REPORT="rtt noise": only these
#                            parts; FROM=file: an old report.json; CLOCK, PEER, EXIT_CYCLES, LATE, AT_ONCE as above

#   make iso CONF=patio.conf MODULES="FILE ..." [OPTIONS="..."] [NODES=table]      build/patio.iso
#   make netboot, with the same words: build/netboot/, to serve by TFTP or HTTP (docs/deploy.md)

JOBS  ?= $(shell nproc)
BENCH ?= all

# Libraries preloaded into Bochs.  Part of `all`, so that every program that starts it finds them.
PRELOADS := $(B)/tools/bochs_recvfrom.so $(B)/tools/bochs_vmentry.so

$(B)/tools/%.so: tools/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 $(WARNINGS) -fPIC -shared -o $@ $<

# The host program that checks a patio.conf, from the node's own sources.  It uses only a few functions of
# the switch; the linker leaves out what these do not reach.
CHECK_C := tools/patio-check.c $(wildcard vmm/config/*.c vmm/load/*.c) vmm/fit.c drivers/bus/gpa.c \
	lib/address_text.c lib/mem.c \
	vmm/place_policy.c vmm/vm_images.c vmm/vm_memory.c vnet/chain/rule.c vnet/link/link.c vnet/lookup/route.c
CHECK_O := $(CHECK_C:%.c=$(B)/check/%.o)

$(CHECK_O): $(B)/check/%.o: %.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARNINGS) -ffunction-sections -fdata-sections -I. -MMD -MP -c -o $@ $<

$(B)/patio-check: $(CHECK_O)
	$(CC) -Wl,--gc-sections -o $@ $^

-include $(CHECK_O:.o=.d)

# Packages first, in a make of its own, so that the next one sees what was installed.  Standard input and
# output are the guest's.
PREPARE = tools/install run >&2 </dev/null && $(MAKE) --no-print-directory -j$(JOBS) </dev/null

.PHONY: run guest bench
run:
	$(PREPARE) all guests linux-guest $(if $(EVPN),linux-evpn) >&2
	tools/run $(if $(EVPN),--evpn) $${NODES:+"$$NODES"}

# The variables are read from the environment, unchanged: make exports those of its command line.
guest:
	[ -n "$$GUEST" ] || { echo >&2 \
		'make guest GUEST=file [ARGS="..."] [CPUS=n] [MEM=size] [INITRD=file] [TARGET=name]'; exit 2; }
	$(PREPARE) all $(if $(filter kvm-%,$(TARGET)),kvm-host) >&2
	tools/guest --args="$$ARGS" --cpus="$${CPUS:-1}" --mem="$${MEM:-256M}" \
		$${INITRD:+--initrd="$$INITRD"} $${TARGET:+--target="$$TARGET"} -- "$$GUEST"

# What tools/deploy copies, and what it asks about each text: build/patio-check.
DEPLOY_NEEDS = all $(if $(CONF),,guests linux-guest)
DEPLOY_OUT = $(if $(filter iso,$@),$(B)/patio.iso,$(B)/netboot)
.PHONY: iso netboot
iso netboot:
	tools/install deploy >&2 && $(MAKE) --no-print-directory -j$(JOBS) $(DEPLOY_NEEDS) >&2
	tools/deploy $@ $${CONF:+--conf "$$CONF"} $${NODES:+--nodes "$$NODES"} --options="$$OPTIONS" \
		-- $(DEPLOY_OUT) $$MODULES

bench:
	$(PREPARE) all guests linux-guest $(BENCH_MORE) >&2
	tests/bench/bench $(BENCH)

# Only measuring needs the guests: FROM without REPORT shows old figures.
.PHONY: report
report:
	tools/install report >&2 </dev/null
	$(if $(FROM),$(if $(REPORT),$(REPORT_NEEDS)),$(REPORT_NEEDS))
	tests/bench/report/run $${FROM:+--from "$$FROM"} $(REPORT)

REPORT_NEEDS = $(PREPARE) all guests linux-guest $(PEER_MORE) >&2

# The Linux of BENCH=paths: Dom0's, and one probe more.  The kernel unpacks both archives.  The peer: a
# Linux with KVM, in a QEMU that delivers what KVM injects once.
BENCH_MORE = $(if $(filter paths all,$(BENCH)),linux-dom0 $(BENCH_OUT)/paths.cpio.gz) \
	$(if $(filter dom0,$(BENCH)),linux-dom0) \
	$(if $(filter memory all,$(BENCH)),linux-dom0 linux-ism $(BENCH_OUT)/root/bin/hop) \
	$(if $(filter memory channel all,$(BENCH)),linux-group) \
	$(if $(filter mpi all,$(BENCH)),linux-mpi) $(PEER_MORE)
PEER_MORE = $(if $(filter 1,$(PEER)),kvm-host $(BENCH_OUT)/qemu-system-x86_64)
BENCH_OUT := $(B)/bench
STREAM_SRC := tests/bench/udpstream.c guest-images/linux/probe.c

$(BENCH_OUT)/qemu-system-x86_64: tests/bench/peer/mend-qemu $(shell command -v qemu-system-x86_64)
	@mkdir -p $(@D)
	$< $(lastword $^) $@

$(BENCH_OUT)/root/bin/udpstream: $(STREAM_SRC) guest-images/linux/probe.h
	@mkdir -p $(@D)
	gcc -std=gnu11 -O2 $(WARNINGS) -static -s -I. -o $@ $(STREAM_SRC)

$(BENCH_OUT)/root/bin/hop: tests/bench/hop.c
	@mkdir -p $(@D)
	gcc -std=gnu11 -O2 $(WARNINGS) -static -s -o $@ $<

$(BENCH_OUT)/paths.cpio.gz: $(BENCH_OUT)/root/bin/udpstream $(LINUX_OUT)/dom0.cpio.gz
	(cat $(LINUX_OUT)/dom0.cpio.gz && cd $(BENCH_OUT)/root && find bin | cpio -o -H newc --quiet | \
		gzip -9) >$@.$$$$ && mv $@.$$$$ $@

# Reads the node's trace: on the host; the same is in the Linux guests' vnetctl.
TRACE_C := tools/patio-trace.c $(wildcard tools/trace/*.c) lib/trace.c
TRACE_FLAGS := -std=gnu11 -O2 -g $(WARNINGS) -I.

$(B)/patio-trace: $(TRACE_C) tools/trace/trace.h lib/trace.h lib/window.h
	@mkdir -p $(@D)
	$(CC) $(TRACE_FLAGS) -o $@ $(TRACE_C)

# Writes what mirrors copy as pcapng: on the host, and as a static program in Linux guests.
CAPTURE_C := $(wildcard tools/capture/*.c) tools/trace/source.c lib/capture.c lib/trace.c
CAPTURE_H := tools/capture/reader.h tools/trace/trace.h lib/capture.h lib/trace.h lib/window.h vnet/vnet.h

$(B)/patio-capture: $(CAPTURE_C) $(CAPTURE_H)
	@mkdir -p $(@D)
	$(CC) $(TRACE_FLAGS) -o $@ $(CAPTURE_C)

$(LINUX_OUT)/patio-capture: $(CAPTURE_C) $(CAPTURE_H)
	@mkdir -p $(@D)
	$(NETPROBE_CC) $(NETPROBE_CFLAGS) -I. -o $@.$$$$ $(CAPTURE_C) && mv $@.$$$$ $@

# Plays a capture again, through the switch's and the language's own sources.
REPLAY_C := $(wildcard tools/replay/*.c vmm/config/*.c vnet/*.c vnet/*/*.c) lib/address_text.c lib/capture.c lib/hist.c
REPLAY_O := $(REPLAY_C:%.c=$(B)/replay.o/%.o)

$(REPLAY_O): $(B)/replay.o/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(TRACE_FLAGS) -MMD -MP -c -o $@ $<

$(B)/replay: $(REPLAY_O)
	$(CC) -o $@ $^

-include $(REPLAY_O:.o=.d)
