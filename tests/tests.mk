# SPDX-License-Identifier: BSD-2-Clause
# The tests.  Included by the root Makefile, run from the root.
#   make test            everything, item by item; the last line says `N passed, N failed`
#   make test T=NAME     the items whose name contains NAME
#   make test TARGET=... the system tests on that target (docs/testing.md), all of them
#   make test PYTEST="--lf"  options of pytest for the system tests: -k, --lf, --durations=10, -x
#   make check           lint and the unit tests: what each commit passes
#   make soak            the system tests RUNS=10 times, under two busy loops for each core; T=, TARGET=
#   make lint            the part of it that only reads and compiles
#   make coverage        coverage by the unit tests, a row for each room, into docs/testing.md
#   make unit fuzzers    builds the programs without running them
#   make fuzz [TIME=1h] [T=NAME]   fuzzers side by side for that long; finds go to tests/fuzz/corpus/
# UNIT_CC (gcc) and FUZZ_CC (clang) choose the compilers.

UNIT_OUT := $(B)/unit
FUZZ_OUT := $(B)/fuzz
TSAN_OUT := $(B)/tsan
UNIT_CC  ?= gcc
FUZZ_CC  ?= clang
TSAN_CC  ?= clang

# PYTEST comes by the environment, as make exports its variables: it may have quotes.
TESTS_RUN = tests/run $(if $(TARGET),--target '$(TARGET)') $(if $(PYTEST),--pytest="$$PYTEST") \
	$(if $(T),'$(T)')

.PHONY: test check soak lint unit tsan fuzzers fuzz coverage
test:
	tools/install test
	+$(TESTS_RUN)

check:
	tools/install test
	+$(TESTS_RUN) --check

soak:
	tools/install test
	+$(TESTS_RUN) --soak $(or $(RUNS),10)

fuzz:
	tools/install test
	+$(MAKE) fuzzers
	tests/fuzz/campaign $(if $(TIME),--time '$(TIME)') $(if $(T),'$(T)')

# --- programs for the host ---------------------------------------------------------------------

# All sources that need neither the CPU nor the rest of the VMM: whole rooms, and these files of others.
HOST_ROOMS := arch/x86_64/insn drivers/bus drivers/e1000 drivers/ism drivers/shm drivers/virtio guest-images/netlib \
	vmm/config vmm/load vnet vnet/chain vnet/frame vnet/link vnet/lookup
files_of = $(patsubst %,$(1)/%.c,$(2))
HOST_C := $(wildcard $(HOST_ROOMS:%=%/*.c)) $(VMM_GENERATED) \
	$(call files_of,arch/x86_64,acpi_parse acpi_power barrier_policy multiboot serial_option topology) \
	$(call files_of,arch/x86_64/iommu,dmar ivrs pages tables) \
	$(call files_of,guest-images/lib,virtio vring) \
	$(call files_of,lib,address_text capture hist ksym terminal trace) \
	$(call files_of,tools/capture,groups itinerary pcapng stream) \
	$(call files_of,tools/replay,blocks network play) \
	$(call files_of,tools/trace,collect frames source split) \
	$(call files_of,vmm,cpuid_policy dax_label fit guest_paging panic_record place_policy) \
	$(call files_of,vmm/control,session) \
	$(call files_of,vmm/control/show,openmetrics out utf8) \
	$(call files_of,vmm/devices,absent_policy guest_acpi guest_smbios typed vioapic vpit vuart) \
	$(call files_of,vmm/passthrough,msix_table)

# What tests share: switches, nodes, guests and a NIC for them, and a second reader of headers.
RIG_C := $(wildcard tests/unit/rig/*.c)

HOST_FLAGS := -std=gnu11 -include sched.h -DSPIN_WAIT=sched_yield -g -O1 $(WARNINGS) -fno-omit-frame-pointer -I. -MMD -MP
UNIT_WATCH := -fsanitize=address,undefined -fno-sanitize-recover=undefined
UNIT_FLAGS := $(HOST_FLAGS) $(UNIT_WATCH)
# With small tables: else loops over all ports would take most of the time of an input.
FUZZ_FLAGS := $(HOST_FLAGS) -O2 -DVNET_PORTS=64 -DVNET_CORES=4 -DVNET_ROUTES=256 -DVNET_NEIGHBOURS=16 -DCACHE_BITS=6 \
	-DVNET_FLOWS=32 -DCHAIN_SETS_BITS=3 -DISM_VISIT=4096u \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

TSAN_FLAGS := $(HOST_FLAGS) -fsanitize=thread

UNIT_NAMES := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
TSAN_NAMES := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*_threads.c))
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

unit: $(UNIT_NAMES:%=$(UNIT_OUT)/%)
tsan: $(TSAN_NAMES:%=$(TSAN_OUT)/%)
fuzzers: $(FUZZ_NAMES:%=$(FUZZ_OUT)/%)

$(UNIT_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_FLAGS) -c -o $@ $<

$(TSAN_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(TSAN_CC) $(TSAN_FLAGS) -c -o $@ $<

$(FUZZ_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) -c -o $@ $<

# The language's words are in the fuzzer's own list, so tracing comparisons of letters would only cost time.
$(FUZZ_OUT)/vmm/config%.o: FUZZ_FLAGS += -fno-sanitize-coverage=trace-cmp

$(UNIT_OUT)/libpatio.a: $(HOST_C:%.c=$(UNIT_OUT)/%.o)
$(TSAN_OUT)/libpatio.a: $(HOST_C:%.c=$(TSAN_OUT)/%.o)
$(FUZZ_OUT)/libpatio.a: $(HOST_C:%.c=$(FUZZ_OUT)/%.o)
$(UNIT_OUT)/librig.a: $(RIG_C:%.c=$(UNIT_OUT)/%.o)
$(TSAN_OUT)/librig.a: $(RIG_C:%.c=$(TSAN_OUT)/%.o)
$(FUZZ_OUT)/librig.a: $(patsubst %.c,$(FUZZ_OUT)/%.o,$(RIG_C) tests/fuzz/arena.c)
%.a:
	rm -f $@
	ar qcs $@ $^

# The libraries of a folder, in the order in which one uses the other.
LIBS = $(addprefix $(1)/,librig.a libpatio.a)

$(UNIT_NAMES:%=$(UNIT_OUT)/%): $(UNIT_OUT)/%: $(UNIT_OUT)/tests/unit/%.o $(call LIBS,$(UNIT_OUT))
	$(UNIT_CC) $(UNIT_FLAGS) -o $@ $^ -lcmocka -lpthread

$(TSAN_NAMES:%=$(TSAN_OUT)/%): $(TSAN_OUT)/%: $(TSAN_OUT)/tests/unit/%.o $(call LIBS,$(TSAN_OUT))
	$(TSAN_CC) $(TSAN_FLAGS) -o $@ $^ -lcmocka -lpthread

$(FUZZ_NAMES:%=$(FUZZ_OUT)/%): $(FUZZ_OUT)/%: $(FUZZ_OUT)/tests/fuzz/%.o $(call LIBS,$(FUZZ_OUT))
	$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)

# The decoder that the instruction decoders are compared with.
$(FUZZ_OUT)/fuzz_insn_oracle: FUZZ_LIBS := -lZydis

-include $(shell find $(UNIT_OUT) $(FUZZ_OUT) $(TSAN_OUT) -name '*.d' 2>/dev/null)

# gcc's counters instead of the sanitizers.  At -O0 the pass of gcc 12 that warns of printf() crashes.
coverage:
	tools/install test
	+$(MAKE) UNIT_CC=gcc UNIT_OUT=$(B)/coverage UNIT_WATCH='--coverage -fprofile-update=atomic -O0 \
		-Wno-format-overflow -Wno-format-truncation' unit
	tests/coverage $(B)/coverage

# What reads metrics: programs of Debian's that a test runs, not installed.
.PHONY: prometheus
prometheus: $(B)/prometheus.stamp
$(B)/prometheus.stamp: tests/fetch-prometheus
	@mkdir -p $(@D)
	tests/fetch-prometheus $(B)/prometheus
	@touch $@

# --- lint --------------------------------------------------------------------------------------

# Sources: what git knows and what is new, without what git ignores.
LINT_FILES = $(shell git ls-files -co --exclude-standard -- $(1) | sort -u | \
	while read -r f; do [ -f "$$f" ] && echo "$$f"; done)
LINT_PARTS := lint-format lint-cppcheck lint-gcc lint-clang lint-callers lint-layers lint-counters lint-length lint-python \
	lint-shell lint-spdx

.PHONY: $(LINT_PARTS)
lint: $(LINT_PARTS)

# Digits of hexadecimal numbers are small letters, which clang-format does not check.
lint-format:
	clang-format --dry-run -Werror $(call LINT_FILES,'*.c' '*.h')
	! grep -nE '\b0x[0-9a-f]*[A-F]' $(call LINT_FILES,'*.c' '*.h')
	tests/check-declarations

# System headers are not given to it; messages to suppress are in tests/cppcheck.suppress.  What it found in a
# file is kept, and found again only when the file's tokens, headers included, have changed.
lint-cppcheck:
	@mkdir -p $(B)/cppcheck
	cppcheck -q -j $(shell nproc) --cppcheck-build-dir=$(B)/cppcheck --std=c11 --platform=unix64 --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
		--suppressions-list=tests/cppcheck.suppress -I. \
		$(call LINT_FILES,'arch/*.c' 'vmm/*.c' 'vnet/*.c' 'drivers/*.c' 'lib/*.c' 'guest-images/*.c' \
			'tests/*.c' 'tools/*.c')

# Both compilers, $(WARNINGS), on everything that is C.
lint-gcc:
	+$(MAKE) CC=gcc UNIT_CC=gcc all guests unit

# Whatever UNIT_CC is, the fuzzers are built by clang: they are not built twice.
CLANG := $(B)/clang
lint-clang: lint-gcc
	+$(MAKE) CC=clang UNIT_CC=clang NETPROBE_CC=clang B=$(CLANG) FUZZ_OUT=$(FUZZ_OUT) \
		all guests unit fuzzers $(CLANG)/linux/netprobe $(CLANG)/linux/vnetctl $(CLANG)/linux/daxchannel $(CLANG)/linux/netfunction

# Public names that nobody uses; it reads the objects.
lint-callers: lint-gcc
	tests/check-callers $(B)

# Includes between rooms, and names of the CPU's vendor outside of arch/.
lint-layers:
	tests/check-layers

# Each counter is explained to those who read it.
lint-counters:
	tests/check-counters

lint-length:
	wc -l $(call LINT_FILES,'*.c' '*.h' '*.asm' '*.py' '*.mk') | \
		awk '$$2 != "total" && $$1 > 600 {print $$2 ": " $$1 " lines, over 600"; bad = 1} END {exit bad}'
	[ $$(wc -l <README.md) -le 150 ] || { echo 'README.md: over 150 lines'; exit 1; }

# The programs whose first line names the interpreter $(1); the fuzzers' corpora are no text.
LINT_PROGRAMS = $(shell git grep --untracked -lE '^\#! ?/.*$(1)' -- . ':!tests/fuzz/corpus')

lint-python:
	pyflakes3 $(sort $(call LINT_FILES,'*.py') $(call LINT_PROGRAMS,python3$$))

# Three files are not programs but are read by the Linux image's shells.
lint-shell:
	shellcheck -x $(call LINT_PROGRAMS,[ /](ba)?sh$$) $(addprefix $(LINUX_SRC)/,dom0 evpn shrc)

lint-spdx:
	tests/check-spdx
