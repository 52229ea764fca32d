# Part of the Makefile: packages, running from the checkout, installing.
#
#   make deps          install the Debian packages that building needs
#   make check-deps    and those that the tests need; both ask the network only for what is missing
#   make run stop      the daemon of this checkout; RUN_ARGS: further options of podvolsd
#   make install uninstall     below $(DESTDIR)$(PREFIX)

DEPS_BUILD := gcc make pkg-config libc6-dev libfuse3-dev fuse3 libsqlite3-dev libjansson-dev libyaml-dev \
              uuid-dev libmount-dev libmicrohttpd-dev libsystemd-dev libcurl4-openssl-dev uthash-dev \
              libcap-ng-dev liburing-dev scdoc
DEPS_CHECK := libcriterion-dev attr acl bc curl docker.io podman runc crun \
              busybox-static clang clang-tidy clang-format libclang-rt-dev cppcheck shellcheck codespell \
              mandoc strace fio stress-ng util-linux procps psmisc e2fsprogs btrfs-progs git rsync python3 sqlite3 jq systemd

RUN_ARGS ?=

deps:
	$(Q)tools/install/deps.sh $(DEPS_BUILD)

check-deps:
	$(Q)tools/install/deps.sh $(DEPS_BUILD) $(DEPS_CHECK)

# The packages come first: what follows is made by a make that can see them.
run: deps
	+$(Q)$(MAKE) --no-print-directory $(if $(V),,-s) all
	$(Q)tools/install/run.sh $(BUILD) $(RUN_ARGS)

stop:
	$(Q)tools/install/stop.sh $(BUILD)

sbindir := $(PREFIX)/sbin
bindir  := $(PREFIX)/bin
mandir  := $(PREFIX)/share/man
docdir  := $(PREFIX)/share/doc/podvols
compdir := $(PREFIX)/share/bash-completion/completions
unitdir := $(PREFIX)/lib/systemd/system

SAMPLES := $(notdir $(wildcard tools/install/samples/*.yaml))
page_path = $(mandir)/man$(subst .,,$(suffix $(1)))/$(1)

INSTALLED = $(sbindir)/podvolsd $(bindir)/podvolctl $(compdir)/podvolctl $(unitdir)/podvolsd.service \
            $(foreach p,$(notdir $(PAGES)),$(call page_path,$(p))) \
            $(docdir)/README.md $(docdir)/LICENSE $(addprefix $(docdir)/examples/,$(SAMPLES))

install: all
	$(Q)install -Dm755 $(BUILD)/podvolsd $(DESTDIR)$(sbindir)/podvolsd
	$(Q)install -Dm755 $(BUILD)/podvolctl $(DESTDIR)$(bindir)/podvolctl
	$(Q)$(BUILD)/podvolctl completion bash >$(BUILD)/podvolctl.bash
	$(Q)install -Dm644 $(BUILD)/podvolctl.bash $(DESTDIR)$(compdir)/podvolctl
	$(Q)sed 's|@sbindir@|$(sbindir)|g' tools/install/podvolsd.service.in >$(BUILD)/podvolsd.service
	$(Q)install -Dm644 $(BUILD)/podvolsd.service $(DESTDIR)$(unitdir)/podvolsd.service
	$(Q)$(foreach p,$(PAGES),install -Dm644 $(p) $(DESTDIR)$(call page_path,$(notdir $(p))) &&) true
	$(Q)install -Dm644 -t $(DESTDIR)$(docdir) README.md LICENSE
	$(Q)install -Dm644 -t $(DESTDIR)$(docdir)/examples $(addprefix tools/install/samples/,$(SAMPLES))
	@echo "Installed below $(DESTDIR)$(PREFIX)."
	$(if $(DESTDIR),,@echo "To start it: systemctl daemon-reload; systemctl enable --now podvolsd")

# Only files of ours, then the folders that are ours alone; never data in /var/lib/podvols.
uninstall:
	$(Q)rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	$(Q)rmdir $(DESTDIR)$(docdir)/examples $(DESTDIR)$(docdir) 2>/dev/null || true
	@echo "Removed.  Data stays in /var/lib/podvols, configuration in /etc/podvols."

# The client's sources, but main, have unit tests as well.
$(BUILD)/run-tests: $(CTL_TESTED)
$(BUILD)/run-tests: DEPS += libcurl

.PHONY: deps check-deps run stop install uninstall
