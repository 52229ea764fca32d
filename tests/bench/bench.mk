# Part of the Makefile: benchmarks, side by side with other filesystems.
#
#   make bench         metadata and data, tables and plots in $(BUILD)/bench; at most 15 minutes
#   make bench-work    real work (tar, git, make, ...) in trees of 50,000 files; at most an hour
#   make bench-quota   volumes with a limit beside those without, native and bindfs
#   make bench-quick   a little of everything: that it works, not how fast
#   make bench-requests     FUSE requests and system calls of the daemon for each operation
#
# ROWS='create stat-*'      only these (patterns)        CLIENTS='1 8'
# TARGETS='ext4 podvols*'   only these                   ROUNDS=5
# BACKING=tmpfs             what is below all targets    WORK_FILES=50000   DATA_CLIENTS=1
# LIMIT=900                 seconds in which rounds may begin
#
# The target "floor" is no peer but the least that a FUSE server can do over
# /dev/fuse: in memory, with the requests of podvols and the same readers (floor.c).
# What it lacks to native is the kernel's part, and "to floor" is what a target keeps
# of it: where a peer does more than half as much as the floor, nobody has a server
# that does twice as much as the peer.  Rings may: with them a request costs less.
# The floor has no data of its own, and is left out of other groups than meta.

# An npm from elsewhere will do, and keeps the package from being installed.
DEPS_BENCH := fio bindfs mergerfs fuse-overlayfs gnuplot-nox strace git rsync sqlite3 jq e2fsprogs \
	$(if $(shell command -v npm),,npm)

FLOOR_OBJ   = $(call obj,tests/bench/floor.c tests/bench/ramfs*.c)
LOAD_OBJ    = $(filter-out $(FLOOR_OBJ),$(call obj,tests/bench/*.c))
RUN_BENCH   = BUILD=$(BUILD) tests/bench/run

$(BUILD)/bench-load: $(LOAD_OBJ)
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/bench-floor: $(FLOOR_OBJ) $(BUILD)/libpvfuse.a $(BUILD)/libpvstore.a
	@echo "  LD   $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call libs_of,fuse3) $(LDLIBS)

bench-deps:
	$(Q)tools/install/deps.sh $(DEPS_BUILD) $(DEPS_BENCH)
bench-programs: $(BUILD)/podvolsd $(BUILD)/podvolctl $(BUILD)/bench-load $(BUILD)/bench-floor

bench: bench-deps
	+$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)$(RUN_BENCH) meta data
bench-work: bench-deps
	+$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)LIMIT=3600 $(RUN_BENCH) work
bench-quota: bench-deps
	+$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)TARGETS="$${TARGETS:-native podvols podvols-limited bindfs}" DATA_CLIENTS="$${DATA_CLIENTS:-1 16}" \
		$(RUN_BENCH) quota
bench-quick: bench-deps
	+$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)QUICK=1 $(RUN_BENCH) meta data quota work
bench-requests: bench-deps
	+$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)BUILD=$(BUILD) tests/bench/requests

.PHONY: bench bench-work bench-quota bench-quick bench-requests bench-deps bench-programs
