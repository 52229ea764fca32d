#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# thousand_pods.sh - a thousand pods of three volumes: the last is as fast as
# the first
# time limit: 400

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

count=${PODS:-1000}
mkdir "$work/host"
daemon_start

# timed LABEL COMMAND...: milliseconds of each call are kept by label.
timed()
{
	local label=$1 start

	shift
	start=${EPOCHREALTIME/./}
	"$@" >/dev/null || fail "'$*' fails"
	echo $((${EPOCHREALTIME/./} - start)) >>"$work/$label.us"
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# The time for a pod does not grow; a loaded machine is given some room.
not_slower()
{
	local first last
	first=$(head -100 "$work/$1.us" | median)
	last=$(tail -100 "$work/$1.us" | median)
	echo "  $1: $first us for the first, $last us for the last"
	((last <= 3 * first + 10000)) ||
		fail "$1: $first us for the first pods, $last us for the last"
}

it "$count pods are applied"
for ((i = 1; i <= count; i++)); do
	pod_yaml "pod-$i" 'a=emptyDir: {}' 'b=emptyDir: {}' \
		"h=hostPath: {path: $work/host}" >"$work/pod.yaml"
	timed apply ctl apply -f "$work/pod.yaml"
done
not_slower apply

it "they are listed"
start=$(now_ms)
expect_eq "listed" "$(ctl get pods -o name | wc -l)" "$count"
expect_eq "volumes" "$(ctl get volumes -o name | wc -l)" $((3 * count))
listed=$(($(now_ms) - start))
start=$(now_ms)
expect_eq "names" "$(ls "$M/default" | wc -l)" "$count"
echo "  get: $listed ms, ls: $(($(now_ms) - start)) ms"
expect_eq "directories" \
	"$(find "$M/default" -mindepth 2 -maxdepth 2 | wc -l)" $((3 * count))

it "they are used"
for ((i = 1; i <= count; i++)); do
	timed use cp "$work/pod.yaml" "$M/default/pod-$i/a/file"
done
not_slower use
expect_eq "files" "$(find "$M/default" -name file | wc -l)" "$count"

it "the daemon with all of them is small, and starts soon"
fds=$(find "/proc/$(server_pid)/fd" -mindepth 1 | wc -l)
((fds <= 1024)) || fail "$fds descriptors"
echo "  $(awk '/^VmRSS/ { print $2 }' "/proc/$(server_pid)/status") KiB, $fds descriptors"
daemon_stop
start=$(now_ms)
daemon_start
took=$(($(now_ms) - start))
echo "  started in $took ms"
((took < 5000 * TIME_SCALE)) || fail "the start took $took ms"
expect_eq "names" "$(ls "$M/default" | wc -l)" "$count"

it "they are deleted"
for ((i = 1; i <= count; i++)); do
	timed delete ctl delete pod "pod-$i"
done
not_slower delete
expect_missing "$M/default"
wait_until 60 trash_is_empty
daemon_stop
