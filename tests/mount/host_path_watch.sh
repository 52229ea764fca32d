#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path_watch.sh - podvols.io/host-cache: the kernel keeps what it saw of a
# hostPath, and soon shows what the host changed
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

# What is shown late is shown within this time; after many changes, a promise
# that is not taken back would last for a minute.
limit=$((5000 * TIME_SCALE))
limit_race=$((10000 * TIME_SCALE))
race_seconds=${SOAK:+300}
race_seconds=${race_seconds:-10}

# cached_yaml NAME VALUE VOLUME=PATH...: see annotated_yaml.
cached_yaml()
{
	annotated_yaml podvols.io/host-cache "$@"
}

cached_pod()
{
	cached_yaml "$@" | ctl apply -f - >/dev/null
}

cache_of() # POD/VOLUME
{
	ctl get volumes "$1" -o json | jq -r .status.cache
}

# Requests about files so far, with what asking for them costs.
requests()
{
	jq '[.fuse.operations | .lookup, .getattr, .statx | .requests // 0] | add' \
		"$M/.podvols/stats.json"
}

# How many requests a command costs.
cost() # COMMAND...
{
	local before asking

	before=$(requests)
	asking=$(($(requests) - before))
	before=$(requests)
	"$@" >/dev/null
	echo $(($(requests) - before - asking))
}

sizes() # DIRECTORY
{
	find "$1" -type f -printf '%s %m\n'
}

# Marks that the daemon has.
marks()
{
	cat /proc/"$(server_pid)"/fdinfo/* 2>/dev/null | grep -c '^fanotify ino' || :
}

no_marks()
{
	(($(marks) == 0))
}

# sysctl_set NAME VALUE: until the end of the case.
sysctl_set()
{
	local old

	old=$(cat "/proc/sys/fs/fanotify/$1")
	at_end "echo $old >/proc/sys/fs/fanotify/$1"
	echo "$2" >"/proc/sys/fs/fanotify/$1"
}

check() # WHAT [N]: with a fresh directory of the host and its view
{
	local dir ms=$limit

	[[ $1 != race ]] || ms=$limit_race
	dir=$(mktemp -d "$H/XXXXXX")
	"$BUILD/watchcheck" "$1" "$dir" "$V/${dir##*/}" "$ms" "${@:2}" ||
		fail "the views differ"
}

H=$work/host
mkdir -p "$H/many"
for i in {1..300}; do
	echo "$i" >"$H/many/$i"
done
daemon_start
cached_pod web watch "h=$H"
V=$M/default/web/h

it "to look again costs no request"
expect_eq "cache, before anybody looked" "$(cache_of web/h)" null
mkdir "$work/container"
mount --bind "$V" "$work/container"
C=$work/container
names=("$C"/many/*)
# Unless the machine drops its caches just then; one or two are for the file
# that has the numbers.
again_is_free()
{
	sizes "$C/many" && sizes "$C/many" &&
		(($(cost stat -c '%n %s %Y' "${names[@]}") <= 3))
}
wait_until 5 again_is_free
expect_eq "cache" "$(cache_of web/h)" watched
expect_match "columns" "$(ctl get volumes web/h -o wide)" \
	'ENFORCED-BY +CACHE +.* none +watched +localfs '
expect_match "described" "$(ctl describe volume web/h)" 'Cache: +watched'

it "a change costs a request for what was changed only"
touch "$C/many/7"
echo more >>"$H/many/8"
sleep 0.3
(($(cost stat -c '%n %s %Y' "${names[@]}") <= 6)) || fail "too many requests"
expect_eq "size" "$(stat -c %s "$C/many/8")" "$(stat -c %s "$H/many/8")"

it "one who writes all day is told of once for each look"
stat -c %s "$C/many/9" >/dev/null
marked=$(marks)
for i in {1..200}; do
	echo "$i" >>"$H/many/9"
done
fewer_marks() { (($(marks) < marked)); }
wait_until 10 fewer_marks
umount "$C"

it "changes of every kind are seen soon"
check kinds

it "what changes while it is looked at agrees in the end"
check race "$race_seconds"

it "changes through another pod are changes, too, whichever is cached"
apply_pod plain "h=hostPath: {path: $H}"
cached_pod other watch "h=$H"
mkdir "$H/one" "$H/two" "$H/three"
P=$M/default/plain/h O=$M/default/other/h
"$BUILD/watchcheck" kinds "$P/one" "$V/one" "$limit" || fail "the views differ"
"$BUILD/watchcheck" kinds "$V/two" "$P/two" "$limit" || fail "the views differ"
"$BUILD/watchcheck" kinds "$O/three" "$V/three" "$limit" || fail "the views differ"

it "what is mapped through the mount is looked at each time"
mkdir "$H/map"
echo text >"$H/map/file"
exec {fd}<>"$V/map/file"
stat "$V/map/file" >/dev/null
# Ten for the path of the volume, and ten for the file.
(($(cost stat -c %Y "$V/map/file"{,,,,,,,,,}) >= 15)) || fail "it is believed"
exec {fd}>&-

it "the directory itself may be replaced"
mkdir "$work/root"
echo old >"$work/root/file"
cached_pod root watch "r=$work/root"
expect_eq "content" "$(cat "$M/default/root/r/file")" old
mv "$work/root" "$work/root.old"
expect_missing "$M/default/root/r/file"
mkdir "$work/root"
echo new >"$work/root/file"
expect_eq "content" "$(cat "$M/default/root/r/file")" new
rm -r "$work/root"
expect_missing "$M/default/root/r"

it "what is mounted on a directory is seen, and that it is gone"
mkdir "$H/point"
# The path of the volume itself is a request each time.
believed() { (($(cd "$V" && cost stat -c %i point{,,,,,,,,,,}) <= 5)); }
wait_until 2 believed
mount -t tmpfs -o size=1m tmpfs "$H/point"
: >"$H/point/below"
wait_until 10 test -e "$V/point/below"
umount "$H/point" || umount -l "$H/point"
wait_until 10 test ! -e "$V/point/below"

it "it can be chosen, and given up, while the pod is there"
cached_pod plain watch "h=$H"
stat "$P/many/1" >/dev/null
expect_eq "cache" "$(cache_of plain/h)" watched
cached_pod plain none "h=$H"
expect_eq "cache" "$(cache_of plain/h)" none
expect_error 'annotations\[podvols.io/host-cache\].*must be "watch" or "none"' \
	ctl apply -f - <<<"$(cached_yaml plain always "h=$H")"

it "a pod that goes leaves no marks"
ctl delete pod web plain other root >/dev/null
wait_until 20 no_marks

it "where changes cannot be watched nothing is kept, and it says so"
mkdir "$work/lower" "$work/upper" "$work/work" "$work/over"
mount -t overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/work" \
	overlay "$work/over"
cached_pod over watch "o=$work/over"
echo one >"$work/over/file"
stat "$M/default/over/o/file" >/dev/null
expect_eq "cache" "$(cache_of over/o)" none
expect_eq "lines of the log" "$(grep -c "volume 'o' .* is not cached" "$LOG")" 1
echo longer >"$work/over/file"
expect_eq "size, at once" "$(stat -c %s "$M/default/over/o/file")" 7
ctl delete pod over >/dev/null
umount "$work/over" || umount -l "$work/over"
daemon_stop

it "it does not matter when the daemon is killed"
daemon_start
cached_pod web watch "h=$H"
for i in 1 2 3; do
	mkdir "$H/kill$i"
	"$BUILD/watchcheck" race "$H/kill$i" "$V/kill$i" 60000 60 >/dev/null 2>&1 &
	racer=$!
	sleep 1
	daemon_kill
	kill "$racer" 2>/dev/null || :
	wait "$racer" || :
	daemon_start
done
check kinds
daemon_stop

# What follows sets limits of the whole machine: not beside another suite.
[[ -z ${BESIDE:-} ]] || exit 0

it "when more is changed than is told of, all is looked at anew"
sysctl_set max_queued_events 4
daemon_start
cached_pod web watch "h=$H"
check race 3
check kinds
daemon_stop

it "what is too much to be watched is looked at each time"
sysctl_set max_user_marks 40
daemon_start
cached_pod web watch "h=$H"
sizes "$V/many" >/dev/null
sizes "$V/many" >/dev/null
(($(cost stat -c %s "${names[@]/#$C/$V}") >= 300)) || fail "they are believed"
for i in {1..300}; do
	echo "again" >>"$H/many/$i"
done
expect_eq "sizes, at once" "$(sizes "$V/many" | sort)" "$(sizes "$H/many" | sort)"
(($(marks) <= 40)) || fail "$(marks) marks"
ctl delete pod web >/dev/null
wait_until 20 no_marks
daemon_stop
