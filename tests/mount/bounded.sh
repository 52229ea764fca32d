#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bounded.sh - descriptors and memory do not grow with files, opens or time

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
mkdir "$work/host"
apply_pod web 'data=emptyDir: {}' "host=hostPath: {path: $work/host}"
V=$M/default/web/data

fds()
{
	find "/proc/$(server_pid)/fd" -mindepth 1 | wc -l
}

it "30,000 known files and directories need no descriptors each"
"$BUILD/manyfiles" "$V" 20000
"$BUILD/manyfiles" "$work/host" 10000
find "$M" -ls >/dev/null
n=$(fds)
((n <= 1024)) || fail "$n descriptors"

it "memory follows what the kernel knows: forgotten files cost nothing"
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$(server_pid)/status"; }
echo 2 >/proc/sys/vm/drop_caches
before=$(rss)
for _ in 1 2 3; do
	find "$M" -ls >/dev/null
	echo 2 >/proc/sys/vm/drop_caches
done
after=$(rss)
echo "  $before KiB before, $after KiB after"
((after - before < 20000 * TIME_SCALE)) || fail "it grew from $before to $after KiB"

it "files opened and closed leave nothing behind"
base=$(fds)
for i in {1..500}; do
	: >"$V/f$i"
	cat "$V/f$i"
done
rm "$V"/f*
(($(fds) <= base + 64)) || fail "from $base to $(fds) descriptors"

it "2,000 files open at once are served"
# shellcheck disable=SC2016 # for the inner shell
bash -c 'ulimit -n 4096; for i in {1..2000}; do
	exec {fd}>"$1/open$i"; echo "$i" >&$fd; done; ls "$1" >/dev/null' _ "$V" ||
	fail "they are not"
expect_eq "files" "$(find "$V" -maxdepth 1 -name 'open*' -size -2 | wc -l)" 2000

it "a hundred pods that come and go leave nothing behind"
base=$(fds)
for i in {1..100}; do
	apply_pod "p$i" 'a=emptyDir: {}' "h=hostPath: {path: $work/host}"
	: >"$M/default/p$i/a/file"
	ctl delete pod "p$i" >/dev/null
done
(($(fds) <= base + 16)) || fail "from $base to $(fds) descriptors"
wait_until 20 trash_is_empty
daemon_stop
