#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path_loop.sh - a hostPath that contains the mount ends where it begins

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_pod loop "all=hostPath: {path: $work}"
V=$M/default/loop/all

it "there is no way into the mount through itself, for many at once"
inside=$V${M#"$work"}/default/loop/all
pids=()
for _ in 1 2 3 4 5 6 7 8; do
	within 10 ls "$inside" >/dev/null 2>&1 &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	! wait "$pid" || fail "the mount is inside itself"
done

it "the rest of the directory is there, and the daemon answers"
within 5 ls "$V" >/dev/null
expect_eq "pods" "$(within 5 ls "$M/default")" loop

daemon_stop
