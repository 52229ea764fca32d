#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# million_files.sh - a full emptyDir goes in no time; the reaper does the rest
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

# The quick form proves the same: a walk of it takes far longer than allowed.
count=${SOAK:+1000000}
count=${count:-100000}

daemon_start
apply_web
tree=$(ctl get pod web -o json | jq -r '.status.volumes[0].hostPath // empty')
[[ -d $tree ]] || fail "status.volumes[0].hostPath is '$tree'"

it "$count files are made through the mount"
"$BUILD/manyfiles" "$V" 1000
"$BUILD/manyfiles" "$tree" "$count"
expect_eq "directories" "$(ls "$V" | wc -l)" $((count / 1000))
expect_eq "files" "$(find "$V" -type f | wc -l)" "$count"

it "the daemon knows them all with few descriptors"
fds=$(ls "/proc/$(server_pid)/fd" | wc -l)
((fds <= 1024)) || fail "$fds descriptors"

it "deleting the pod returns at once and its names are gone"
start=$(now_ms)
ctl delete pod web >/dev/null
took=$(($(now_ms) - start))
expect_missing "$M/default/web" "$tree"
echo "  deleted in $took ms"
((took < 500 * TIME_SCALE)) || fail "delete took $took ms"

it "the daemon serves while the reaper works"
apply_web
start=$(now_ms)
for i in {1..50}; do
	echo "$i" >"$V/$i"
done
((($(now_ms) - start) < 2000 * TIME_SCALE)) || fail "everybody waits"

it "a killed reaper goes on after the restart"
if (($(trash_entries) > 0)); then
	daemon_kill
	[[ -n $(find "$S/trash" -mindepth 1 -print -quit) ]] ||
		echo "  (the reaper was faster than the kill)"
	daemon_start
fi
wait_until 120 trash_is_empty
expect_eq "what the restart kept" "$(ls "$V" | wc -l)" 50
daemon_stop
