#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# exec_closes.sh - programs that are executed and close files hold up nobody

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web

for n in 1 2 8; do
	it "$n processes at a time"
	within 60 "$BUILD/execer" "$V" "$n" $((2000 / n)) || fail "they hang, or fail"
done
rm "$V"/*
daemon_stop
