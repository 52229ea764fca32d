#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path_usage.sh - podvols.io/usage: what a hostPath holds is looked up now
# and then, by walks that hold up nobody
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

# usage_yaml NAME VALUE VOLUME=PATH...: see annotated_yaml.
usage_yaml()
{
	annotated_yaml podvols.io/usage "$@"
}

usage_pod()
{
	usage_yaml "$@" | ctl apply -f -
}

# volume POD/VOLUME FILTER: of its status.
volume()
{
	ctl get volumes "$1" -o json | jq -r ".status$2"
}

# What the API says, and what du says: bytes and inodes.
shown()
{
	volume "$1" '| "\(.usedBytes) \(.usedInodes)"'
}

counted() # DIRECTORY [DU OPTIONS]
{
	local dir=$1

	shift
	echo "$(du -s -x -B1 "$@" "$dir" | cut -f1)" \
		"$(du -s -x --inodes "$@" "$dir" | cut -f1)"
}

agrees() # POD/VOLUME DIRECTORY [DU OPTIONS]
{
	local volume=$1

	shift
	[[ $(shown "$volume") == "$(counted "$@")" ]]
}

of_stats() # POD VOLUME FILTER
{
	jq -r ".volumes[] | select(.pod == \"$1\" and .volume == \"$2\")$3" \
		"$M/.podvols/stats.json"
}

# Threads of the daemon that walk.
walks()
{
	grep -lx census /proc/"$(server_pid)"/task/*/comm | wc -l
}

# Have walks begun, of which so many do not end.
hang() # NUMBER
{
	ctl get volumes >/dev/null
	(($(walks) >= $1))
}

H=$work/host
mkdir -p "$H/dir/sub" "$H/links" "$H/mounted" "$H/bound" "$work/outside"
for i in {1..50}; do
	head -c $((i * 700)) /dev/zero >"$H/dir/$i"
	ln "$H/dir/$i" "$H/links/a$i"
	ln "$H/dir/$i" "$H/links/b$i"
done
truncate -s 1G "$H/sparse"
dd if=/dev/zero of="$H/sparse" bs=4k count=3 seek=1000 conv=notrunc status=none
ln -s /etc "$H/etc"
mkfifo "$H/fifo"
(
	cd "$H"
	for i in {1..100}; do
		mkdir d
		cd d
	done
	echo deep >file
)
head -c 1M /dev/zero >"$work/outside/big"
sync -f "$H"
daemon_start

it "without the annotation nothing is said of a hostPath"
usage_pod web "'false'" "h=$H" >/dev/null
expect_eq "status" "$(volume web/h '| .usedBytes, .usedInodes, .usageTime, .recounting' |
	xargs)" "null null null null"
expect_eq "stats" "$(of_stats web h '')" ""
expect_match "row" "$(ctl get volumes web/h -o wide --no-headers)" \
	'hostPath +Ready +<unknown> +<none> +<unknown> '

it "with it, its blocks and inodes are what du says"
expect_match "answer" "$(usage_pod web "'true'" "h=$H")" configured
wait_until 30 agrees web/h "$H"
expect_match "events" "$(ctl describe pod web | grep -c 'have changed' || :)" '^0$'

it "it is shown with the time that it is of"
taken=$(volume web/h .usageTime)
expect_match "time" "$taken" '^20..-..-..T..:..:..Z$'
expect_eq "stats" "$(of_stats web h '| "\(.usedBytes) \(.usedInodes)"')" \
	"$(counted "$H")"
expect_match "time of stats" "$(of_stats web h .usageTime)" 'Z$'
expect_match "columns" "$(ctl get volumes web/h -o wide | head -1)" \
	' CHARGED +COUNTED +ENFORCED-BY '
expect_match "row" "$(ctl get volumes web/h -o wide | tail -1)" \
	'hostPath +Ready +[0-9.]+[KM]i +<none> +[0-9]+ +[0-9smh]+ +<unknown> +[0-9ms]+ +none '
expect_match "described" "$(ctl describe volume web/h)" 'Counted: +[0-9ms]+'
grep -q 'podvols_volume_used_bytes{.*pod="web",volume="h"} ' "$M/.podvols/metrics" ||
	fail "the metrics do not have it"

it "what changes is in a fresh number soon after somebody asks"
rm "$H/dir/50" "$H/links/a50" "$H/links/a49"
head -c 300k /dev/zero >"$H/dir/new"
echo x >"$M/default/web/h/through"
sync -f "$H"
wait_until 60 agrees web/h "$H"

it "what is mounted below is left out, and not even asked"
mount -t tmpfs -o size=1m tmpfs "$H/mounted"
head -c 500k /dev/zero >"$H/mounted/file"
mount --bind "$work/outside" "$H/bound"
: >"$H/covered"
mount --bind "$work/outside/big" "$H/covered"
wait_until 60 agrees web/h "$H" --exclude={mounted,bound,covered}
umount "$H/mounted" "$H/bound" "$H/covered"
wait_until 60 agrees web/h "$H"

it "a hostPath that is a file counts by itself"
usage_pod file "'true'" "f=$H/sparse" >/dev/null
wait_until 30 agrees file/f "$H/sparse"

it "where nothing can be looked up it says why"
usage_pod none "'true'" "v=$H/none" >/dev/null
has_message() { [[ $(volume none/v .message) == *"No such file or directory"* ]]; }
wait_until 30 has_message
expect_match "described" "$(ctl describe volume none/v)" 'Message: .*cannot look what it holds'
mkdir "$H/none"
wait_until 60 agrees none/v "$H/none"
expect_eq "message" "$(volume none/v .message)" null

it "a restart looks it up anew"
daemon_restart
wait_until 30 agrees web/h "$H"

it "taken away, the annotation leaves nothing"
usage_pod web "'false'" "h=$H" >/dev/null
expect_eq "status" "$(volume web/h '| .usedBytes, .usageTime, .recounting' | xargs)" \
	"null null null"
expect_eq "stats" "$(of_stats web h '')" ""

it "anything but true and false is refused by name"
for value in "'yes'" "'1'" "''"; do
	expect_error 'annotations\[podvols.io/usage\].*must be "true" or "false"' \
		ctl apply -f - <<<"$(usage_yaml bad "$value" "h=$H")"
done
expect_error 'podvols.io/usage' ctl apply -f - <<<"$(usage_yaml bad true "h=$H")"
ctl delete pod web file none >/dev/null

# What lies below these is served by another daemon, which can be stopped.
daemon_use two
daemon_start --transport=dev
apply_pod far 'a=emptyDir: {}' 'b=emptyDir: {}' 'c=emptyDir: {}'
F=$M/default/far
server=$(server_pid)
at_end "kill -CONT $server 2>/dev/null"
daemon_use one

it "a walk that hangs leaves its volume with the old number, and others alone"
usage_pod far "'true'" "a=$F/a" "b=$F/b" "c=$F/c" >/dev/null
usage_pod near "'true'" "h=$H" >/dev/null
for v in a b c; do
	wait_until 30 agrees far/$v "$F/$v"
done
wait_until 30 agrees near/h "$H"
old=$(shown far/a)
echo y >"$F/a/more"
kill -STOP "$server"
wait_until 60 hang 1
echo again >"$H/again"
sync -f "$H"
wait_until 60 agrees near/h "$H"
wait_until 60 hang 3
rm "$H/again"
sync -f "$H"
wait_until 60 agrees near/h "$H"
expect_eq "numbers" "$(shown far/a)" "$old"
within 20 "$BUILD/podvolctl" get volumes -A >/dev/null
within 20 cat "$M/.podvols/stats.json" >/dev/null

it "while there is no number yet it says so"
usage_pod far "'false'" "a=$F/a" "b=$F/b" "c=$F/c" >/dev/null
usage_pod far "'true'" "a=$F/a" "b=$F/b" "c=$F/c" >/dev/null
expect_eq "status" "$(volume far/a '| .usedBytes, .recounting' | xargs)" "null true"
expect_eq "stats" "$(of_stats far a .recounting)" true
expect_match "row" "$(ctl get volumes far/a -o wide --no-headers)" \
	'hostPath +Ready +<recounting> .* <none> +none '

it "when it answers again the number comes"
kill -CONT "$server"
wait_until 60 agrees far/a "$F/a"

it "nothing else waits for a walk that hangs: not deleting, not the end"
# But a search for leaks would: it has all threads stand still.
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
daemon_restart
kill -STOP "$server"
wait_until 60 hang 2
within 20 "$BUILD/podvolctl" delete pod far >/dev/null
expect_missing "$M/default/far"
(($(walks) >= 2)) || fail "$(walks) walks hang"
daemon_stop
kill -CONT "$server"
daemon_use two
daemon_stop
