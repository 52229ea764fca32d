# podvols: one Makefile, not recursive; objects go to $(BUILD), never beside the sources.
#
#   make run         install what is missing, build, mount /mnt/podvols, apply the sample pod
#   make stop        end that daemon
#   make check       install what the tests need, build, run the quick suite
#   make             build the daemon and the tools
#   make lint        formatter, static analysis, layer check
#   make check-unit check-posix check-mount check-crash check-containers     parts of check
#   make check-asan check-tsan       the suite under sanitizers
#   make fuzz        each fuzz target for FUZZ_SECONDS
#   make install     to $(DESTDIR)$(PREFIX); make uninstall takes it away
#
# Knobs: V=1 shows commands.  DEVELOPER=1 makes warnings errors.
#        SANITIZE=address,undefined or thread builds into a folder of its own.
#        CC=clang.  PREFIX=/usr/local.  DESTDIR=.

CC     ?= cc
PREFIX ?= /usr/local
comma  := ,
BUILD  ?= build$(if $(filter clang%,$(notdir $(CC))),-clang)$(if $(SANITIZE),-$(firstword $(subst $(comma), ,$(SANITIZE))))
Q      := $(if $(V),,@)

VERSION := 0.1.0

STORE_DEPS := sqlite3 jansson yaml-0.1 uuid mount
FUSE_DEPS  := fuse3 liburing
TOOL_DEPS  := libmicrohttpd libsystemd libcurl

CFLAGS   ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -DPODVOLS_VERSION='"$(VERSION)"'
WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
            -Wpointer-arith -Wwrite-strings -Wundef
ALL_CFLAGS := -std=gnu17 $(WARNINGS) $(if $(DEVELOPER),-Werror) \
              $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
              -pthread

# pkg-config is asked only where something is compiled: `make run` works before it is installed.
cflags_of = $(shell pkg-config --cflags $(1))
libs_of   = $(shell pkg-config --libs $(1))
DEP_CFLAGS = $(eval DEP_CFLAGS := $(call cflags_of,$(STORE_DEPS) $(FUSE_DEPS) $(TOOL_DEPS)))$(DEP_CFLAGS)

obj = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))

STORE_OBJ     := $(call obj,store/*.c store/*/*.c)
FUSE_OBJ      := $(call obj,fuse/*.c)
DAEMON_OBJ    := $(call obj,tools/podvolsd/*.c)
CTL_OBJ       := $(call obj,tools/podvolctl/*.c)
UNIT_OBJ      := $(call obj,tests/unit/*.c tests/contract/*.c)
POSIX_OBJ     := $(call obj,tests/posix/*.c)
# The daemon's sources that have unit tests: everything but main.
DAEMON_TESTED := $(filter-out $(BUILD)/tools/podvolsd/main.o,$(DAEMON_OBJ))
CTL_TESTED    := $(filter-out $(BUILD)/tools/podvolctl/main.o,$(CTL_OBJ))
HELPERS       := $(patsubst tests/lib/%.c,$(BUILD)/%,$(wildcard tests/lib/*.c))
FUZZERS       := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
PAGES         := $(patsubst tools/man/%.scd,$(BUILD)/man/%,$(wildcard tools/man/*.scd))

all: $(BUILD)/podvolsd $(BUILD)/podvolctl man

man: $(PAGES)

$(BUILD)/libpvstore.a: $(STORE_OBJ)
$(BUILD)/libpvfuse.a: $(FUSE_OBJ)
$(BUILD)/%.a:
	@mkdir -p $(@D)
	@echo "  AR   $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/podvolsd: $(DAEMON_OBJ) $(BUILD)/libpvfuse.a $(BUILD)/libpvstore.a
$(BUILD)/podvolsd: DEPS = $(FUSE_DEPS) $(STORE_DEPS) libmicrohttpd libsystemd
$(BUILD)/podvolctl: $(CTL_OBJ) $(BUILD)/libpvstore.a
$(BUILD)/podvolctl: DEPS = $(STORE_DEPS) libcurl
$(BUILD)/run-tests: $(UNIT_OBJ) $(DAEMON_TESTED) $(BUILD)/libpvfuse.a $(BUILD)/libpvstore.a
$(BUILD)/run-tests: DEPS = $(FUSE_DEPS) $(STORE_DEPS) libmicrohttpd libsystemd criterion
$(BUILD)/posix-suite: $(POSIX_OBJ)
$(BUILD)/posix-suite: DEPS =

$(BUILD)/podvolsd $(BUILD)/podvolctl $(BUILD)/run-tests $(BUILD)/posix-suite:
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(if $(DEPS),$(call libs_of,$(DEPS))) $(LDLIBS)

# Small programs that the shell tests use, one source each.
$(BUILD)/limitcheck: DEPS = liburing
$(HELPERS): $(BUILD)/%: $(BUILD)/tests/lib/%.o $(BUILD)/libpvstore.a
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call libs_of,$(STORE_DEPS) $(DEPS)) $(LDLIBS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(DEP_CFLAGS) $(ALL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/man/%: tools/man/%.scd
	@mkdir -p $(@D)
	@echo "  MAN  $@"
	$(Q)scdoc <$< >$@

.PHONY: all man clean
clean:
	rm -rf build build-*

.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

include tests/tests.mk
include tests/bench/bench.mk
include tools/install/install.mk
