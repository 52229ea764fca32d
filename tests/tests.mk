# Part of the Makefile: everything that tests.

CHECK_PROGRAMS = $(BUILD)/podvolsd $(BUILD)/podvolctl $(BUILD)/run-tests $(BUILD)/posix-suite $(HELPERS)

check-programs: $(CHECK_PROGRAMS)

.PHONY: check-programs
