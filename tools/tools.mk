# What people run: make run, make guest, make bench.  Included by the root Makefile.
#   make run                 the demonstration; on a terminal it ends in Patio's monitor
#   make run NODES=svm,vmx   two nodes on one wire: QEMU with AMD SVM and Bochs with Intel VT-x
#   make run NODES=3 EVPN=1  three nodes with Linux as Dom0, whose FRR joins them by BGP EVPN
#   make guest GUEST=file    a kernel of one's own (ARGS="..." CPUS=n MEM=size INITRD=file TARGET=name)
#   make bench BENCH=rtt     instruction counts: rtt, tcp, boot, ring or exits; all of them without BENCH

JOBS  ?= $(shell nproc)
BENCH ?= all

# Packages first: what they bring is seen by the second make.  Standard output is the guest's.
PREPARE = tools/install run >&2 && $(MAKE) --no-print-directory -j$(JOBS)

.PHONY: run guest bench
run:
	$(PREPARE) all guests linux-guest $(if $(EVPN),linux-evpn) >&2
	tools/run $(if $(EVPN),--evpn) $${NODES:+"$$NODES"}

# The variables come by the environment, as they were given: make exports its command line's.
guest:
	[ -n "$$GUEST" ] || { echo >&2 \
		'make guest GUEST=file [ARGS="..."] [CPUS=n] [MEM=size] [INITRD=file] [TARGET=name]'; exit 2; }
	$(PREPARE) all >&2
	tools/guest --args="$$ARGS" --cpus="$${CPUS:-1}" --mem="$${MEM:-256M}" \
		$${INITRD:+--initrd="$$INITRD"} $${TARGET:+--target="$$TARGET"} -- "$$GUEST"

bench:
	$(PREPARE) all guests linux-guest >&2
	tests/bench/bench $(BENCH)
