# Part of the Makefile: everything that tests.
#
#   make check                 all of the quick suite; the last line has the counts
#   make check-unit            Criterion cases       make check-posix  the POSIX suite
#   make check-mount           a real mount          make check-crash  kill -9 at each step
#   make check-containers      docker, podman, runc  make check-scale  many of each, and much at once
#   make check-asan            under AddressSanitizer and UBSan
#   make check-tsan            the daemon under ThreadSanitizer
#   make lint                  everything that reads the sources
#   make fuzz FUZZ_SECONDS=30  each libFuzzer target for that long
#   make soak                  the long forms of mount, crash and scale, for an hour: ten million
#                              files known at once (16 GB of memory, 3 GB and as many inodes in
#                              /var/tmp), a directory of a million entries, 64 clients for three
#                              minutes, stress-ng in each kind of volume
#   make soak-model            the model checker, SOAK_SECONDS=600 in each form
#
# FILTER=regex chooses scripts; KEEP=1 keeps the scratch directory of a failure.

CHECK_PROGRAMS = $(BUILD)/podvolsd $(BUILD)/podvolctl $(BUILD)/run-tests $(BUILD)/posix-suite $(MODEL) $(HELPERS)
# What can run under ThreadSanitizer: Criterion cannot.
MOUNT_PROGRAMS = $(BUILD)/podvolsd $(BUILD)/podvolctl $(BUILD)/posix-suite $(MODEL) $(HELPERS)

MODEL    := $(if $(wildcard tests/model/*.c),$(BUILD)/fsmodel)
JOBS     ?= $(shell nproc)
ASAN      = $(BUILD)-asan
TSAN      = $(BUILD)-tsan
FUZZ      = $(BUILD)-fuzz
RUN_TESTS = BUILD=$(BUILD) tests/run

$(BUILD)/fsmodel: $(call obj,tests/model/*.c)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

check-programs: $(CHECK_PROGRAMS) man
mount-programs: $(MOUNT_PROGRAMS)

# Packages first: only the second make may ask pkg-config.
check: check-deps
	+$(Q)$(MAKE) --no-print-directory -j$(JOBS) check-programs
	$(Q)$(RUN_TESTS) unit mount crash containers scale

check-unit: check-programs
	$(Q)$(RUN_TESTS) unit
check-posix: mount-programs
	$(Q)$(RUN_TESTS) tests/mount/posix.sh
check-mount check-crash check-containers check-scale: check-%: mount-programs
	$(Q)$(RUN_TESTS) $*

# Everything that is ours and can be slow under a sanitizer waits longer.  What
# only repeats others, or counts time, is left to the plain build and to soak.
# The two run side by side: what sets something in the kernel is run by one, or
# by neither (BESIDE).
SLOW_EXCLUDE = damaged_record|transports|million_files|socket_crowd|bounded|appears_at_once|sub_path_race
ASAN_EXCLUDE = $(SLOW_EXCLUDE)|exec_closes|host_path_usage|host_path_watch|usage_random|once|holder|takeover_uring|crash/(model|resize|random|recount)
TSAN_EXCLUDE = $(SLOW_EXCLUDE)|posix|tools|readme|cli|hugepages

check-asan: check-deps
	+$(Q)$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(ASAN) SANITIZE=address,undefined check-programs
	$(Q)BUILD=$(ASAN) TIME_SCALE=4 EXCLUDE='$(ASAN_EXCLUDE)' tests/run unit mount crash

check-tsan: check-deps
	+$(Q)$(MAKE) --no-print-directory -j$(JOBS) mount-programs
	+$(Q)$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(TSAN) SANITIZE=thread $(TSAN)/podvolsd
	$(Q)BESIDE=1 DAEMON_BUILD=$(TSAN) TIME_SCALE=8 EXCLUDE='$(TSAN_EXCLUDE)' $(RUN_TESTS) mount

soak: mount-programs
	$(Q)SOAK=1 TIME_SCALE=20 $(RUN_TESTS) mount crash scale

# The model checker for SOAK_SECONDS in each form: plain, and the daemon under
# each sanitizer.
SOAK_SECONDS ?= 600
MODEL_ENV     = MODEL_SECONDS=$(SOAK_SECONDS) MODEL_PROCESSES=8 MODEL_SEED=$$RANDOM TIME_SCALE=20 BUILD=$(BUILD)

soak-model: mount-programs
	+$(Q)$(MAKE) --no-print-directory BUILD=$(ASAN) SANITIZE=address,undefined $(ASAN)/podvolsd
	+$(Q)$(MAKE) --no-print-directory BUILD=$(TSAN) SANITIZE=thread $(TSAN)/podvolsd
	$(Q)$(MODEL_ENV) tests/run tests/mount/model.sh
	$(Q)$(MODEL_ENV) DAEMON_BUILD=$(ASAN) tests/run tests/mount/model.sh
	$(Q)$(MODEL_ENV) DAEMON_BUILD=$(TSAN) tests/run tests/mount/model.sh

# --- reading the sources ---------------------------------------------------

SOURCES := $(wildcard fuse/*.c store/*.c store/*/*.c tools/*/*.c tests/*/*.c)
HEADERS := $(wildcard fuse/*.h store/*.h store/*/*.h tools/*/*.h tests/*/*.h)
SCRIPTS  = $(shell grep -lE '^\#! ?/bin/(ba)?sh|^\# shellcheck shell=' .ci/* tests/run tests/lint-layers tests/bench/* \
             $(wildcard tests/*/*.sh tools/*/* tools/*/*/*) 2>/dev/null)
TIDIED  := $(SOURCES:%=$(BUILD)/tidy/%.ok)

lint: lint-format lint-tidy lint-cppcheck lint-shell lint-words lint-layers lint-man

lint-format:
	@echo "  FORMAT"
	$(Q)clang-format --dry-run -Werror $(SOURCES) $(HEADERS)

# One stamp for each source, so that a second run looks at what changed only.
lint-tidy:
	+$(Q)$(MAKE) --no-print-directory -k -j$(JOBS) $(TIDIED)
$(TIDIED): $(BUILD)/tidy/%.ok: % $(HEADERS) .clang-tidy tests/.clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	$(Q)clang-tidy --quiet $< -- -std=gnu17 -pthread $(CPPFLAGS) $(DEP_CFLAGS) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@rm -f $@.log; touch $@

# It knows no cleanup attributes, and no libc whose readdir() is safe by stream.
lint-cppcheck:
	@echo "  CPPCHECK"
	$(Q)cppcheck --quiet --std=c11 --language=c -j $(JOBS) --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability \
		--suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=memleak --suppress=resourceLeak --suppress=readdirCalled \
		--suppress=uninitvar:fuse/locks.c --suppress=uninitvar:store/account.c \
		--suppress=uninitvar:store/recount.c \
		$(CPPFLAGS) fuse store tools

lint-shell:
	@echo "  SHELLCHECK"
	$(Q)printf '%s\n' $(SCRIPTS) | xargs -n 10 -P $(JOBS) shellcheck -x

lint-words:
	@echo "  CODESPELL"
	$(Q)codespell --ignore-words-list nd,aply --skip './build*,./tests/data/*,./.git' .

lint-layers:
	@echo "  LAYERS"
	$(Q)CC="$(CC)" CPPFLAGS='$(CPPFLAGS) $(DEP_CFLAGS)' tests/lint-layers

lint-man: man
	@echo "  MANDOC"
	$(Q)$(if $(PAGES),mandoc -T lint -W error $(PAGES))

# --- fuzzing ---------------------------------------------------------------

FUZZ_SECONDS ?= 30

fuzz: check-deps
	+$(Q)$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(FUZZ) CC=clang \
		SANITIZE=address,undefined,fuzzer-no-link fuzzers
	+$(Q)$(MAKE) --no-print-directory BUILD=$(FUZZ) CC=clang FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz-run

fuzzers: $(FUZZERS)

# The corpus grows in the build folder; what is worth keeping goes to tests/data.
fuzz-run: $(FUZZERS:%=%.run)
%.run: %
	$(Q)name=$(patsubst fuzz_%,%,$(notdir $*)); mkdir -p $*.corpus tests/data/fuzz/$$name && \
	echo "  FUZZ $$name" && \
	$* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -artifact_prefix=$*.crash- \
		-print_final_stats=0 -verbosity=0 $*.corpus tests/data/fuzz/$$name

$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(DAEMON_TESTED) $(BUILD)/libpvfuse.a $(BUILD)/libpvstore.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)clang -fsanitize=fuzzer,address,undefined $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ \
		$(call libs_of,$(FUSE_DEPS) $(STORE_DEPS) libmicrohttpd libsystemd) $(LDLIBS)

.PHONY: check check-programs mount-programs check-unit check-posix check-mount check-crash
.PHONY: check-containers check-scale check-asan check-tsan soak soak-model fuzz fuzzers fuzz-run
.PHONY: lint lint-format lint-tidy lint-cppcheck lint-shell lint-words lint-layers lint-man
