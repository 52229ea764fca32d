#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# large_directory.sh - a directory of a million entries is listed bit by bit,
# each of them once, whatever comes and goes meanwhile
# time limit: 300
#
# ENTRIES= so many (50,000; with SOAK=1 a million).

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

[[ -z ${SOAK:-} ]] || : "${ENTRIES:=1000000}"
: "${ENTRIES:=50000}"
GROWTH_KIB=4096 # that a listing may cost the daemon

mkdir -p "$work/host/dir"
daemon_start
apply_pod web 'data=emptyDir: {}' "host=hostPath: {path: $work/host}"
tree=$(ctl get pod web -o json |
	jq -r '.status.volumes[] | select(.name == "data").hostPath')
mkdir "$tree/dir"
D=$M/default/web/data/dir
H=$M/default/web/host/dir

bigdir()
{
	"$BUILD/bigdir" "$1" "$2" "$ENTRIES" "${@:3}" || fail "$1 $2"
}

listings()
{
	jq '[.fuse.operations | .readdir.requests // 0, .readdirplus.requests // 0] | add' \
		"$M/.podvols/stats.json"
}

memory_of() # VmRSS|VmHWM
{
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$(server_pid)/status"
}

it "the first entries come with the first request"
bigdir make "$tree/dir"
bigdir make "$work/host/dir"
for dir in "$D" "$H"; do
	before=$(listings)
	n=$(bigdir first "$dir")
	asked=$(($(listings) - before))
	echo "  $n entries with $asked requests"
	((n > 0 && asked <= 2)) || fail "$n entries after $asked requests"
done

it "ls -f lists each once, and the daemon keeps nothing of it"
for dir in "$D" "$H"; do
	before=$(memory_of VmRSS)
	echo 5 >"/proc/$(server_pid)/clear_refs" # the highest from now on
	ls -f "$dir" >"$work/names"
	highest=$(memory_of VmHWM)
	echo "  $before KiB before, $highest KiB at most"
	expect_eq "lines" "$(wc -l <"$work/names")" $((ENTRIES + 2))
	expect_eq "names" "$(sort -u "$work/names" | wc -l)" $((ENTRIES + 2))
	((highest - before <= GROWTH_KIB)) ||
		fail "it grew from $before to $highest KiB"
done

it "whoever lists does not wait for the whole"
if [[ -n ${SOAK:-} ]]; then
	# New to the mount, not to the disk, whose time is not ours.
	echo 2 >/proc/sys/vm/drop_caches
	find "$tree/dir" "$work/host/dir" -type f -links +1
fi
for dir in "$D" "$H"; do
	read -r first whole < <(bigdir list "$dir")
	echo "  the first after $first us, all after $whole us"
	[[ -z ${SOAK:-} ]] || ((first * 10 < whole)) ||
		fail "the first came after $first of $whole us"
done

it "what stays is listed once while others come and go"
bigdir change "$D" "$D"
bigdir change "$H" "$H"
bigdir change "$H" "$work/host/dir"
expect_eq "names" "$(ls -f "$D" | sort -u | wc -l)" $((ENTRIES + 2))
expect_eq "names" "$(ls -f "$H" | sort -u | wc -l)" $((ENTRIES + 2))

it "one can go back to where one was"
bigdir seek "$D"
bigdir seek "$H"
daemon_stop
