#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# many_files.sh - ten million files known at once: 160 bytes for each, few
# descriptors, and the last is found as fast as the first
# time limit: 300
#
# FILES= so many (100,000; with SOAK=1 ten million, which need 3 GB of disk, ten
# million inodes there, and 16 GB of memory: nearly all of it the kernel's).

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

[[ -z ${SOAK:-} ]] || : "${FILES:=10000000}"
: "${FILES:=100000}"
BYTES_PER_FILE=160
SPARE_KIB=16384 # more threads, each with a buffer of 1 MiB

daemon_start
apply_web
tree=$(ctl get pod web -o json | jq -r '.status.volumes[0].hostPath')

# All memory of the daemon and its helpers, the table in shared memory too.
memory_kib()
{
	local pids

	pids=$(server_pid),$(pgrep -d, -P "$(server_pid)" || :)
	ps -o rss= -p "${pids%,}" | awk '{ sum += $1 } END { print sum }'
}

known()
{
	jq .fuse.inodes "$M/.podvols/stats.json"
}

expect_small()
{
	local kib fds

	kib=$(memory_kib)
	fds=$(find "/proc/$(server_pid)/fd" -mindepth 1 | wc -l)
	echo "  $(known) known, $kib KiB, of which the table has" \
		"$(($(jq .fuse.tableBytes "$M/.podvols/stats.json") / 1024)), $fds descriptors"
	(($(known) >= FILES)) || fail "they are not known"
	((kib <= start_kib + SPARE_KIB + FILES * BYTES_PER_FILE / 1024)) ||
		fail "$kib KiB, $start_kib KiB at the start"
	((fds <= 1024)) || fail "$fds descriptors"
}

# What is dirty cannot go.
forget_all()
{
	sync -f "$S"
	echo 2 >/proc/sys/vm/drop_caches
}

is_small_again()
{
	(($(memory_kib) <= start_kib + SPARE_KIB))
}

need_kib=$((FILES * 3 / 2))
free_kib=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
((free_kib > need_kib)) ||
	skip_always "$FILES files need $need_kib KiB of memory, $free_kib are free"
free_inodes=$(df --output=iavail "$work" | tail -1)
((free_inodes > FILES + FILES / 500)) ||
	skip_always "$FILES files need as many inodes, $free_inodes are free"

"$BUILD/manyfiles" "$tree" "$FILES"
forget_all
start_kib=$(memory_kib)

it "$FILES files are known at once"
mkfifo "$work/in"
"$BUILD/manyfiles" -k "$V" "$FILES" <>"$work/in" >"$work/ns" &
keeper=$!
while [[ ! -s $work/ns ]]; do
	kill -0 "$keeper" 2>/dev/null || fail "not all of them are found"
	sleep 0.1
done
expect_small

it "the last was found as fast as the first"
read -r first last <"$work/ns"
echo "  $first ns for one of the first, $last ns for one of the last"
[[ -z ${SOAK:-} ]] || ((last <= 2 * first)) ||
	fail "$first ns at first, $last ns at last"

it "a walk of all of them, with their attributes, needs no more"
n=$(find "$V" -type f -links 1 | wc -l)
expect_eq "files" "$n" "$FILES"
expect_small

it "the memory comes back when they are forgotten"
let_go "$keeper"
forget_all
# The kernel tells what it forgot in the background.
wait_until 60 is_small_again
echo "  $(known) known, $(memory_kib) KiB, $start_kib KiB at the start"
daemon_stop
