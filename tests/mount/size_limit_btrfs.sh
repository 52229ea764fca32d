#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# size_limit_btrfs.sh - on btrfs with quotas the kernel keeps the limits

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

LIMIT=$((16 << 20))

command -v mkfs.btrfs >/dev/null || skip "no mkfs.btrfs"
mkdir -p "$work/disk"
truncate -s 512m "$work/image"
mkfs.btrfs -q "$work/image" >/dev/null 2>&1
mount -o loop "$work/image" "$work/disk" 2>/dev/null || skip "cannot mount btrfs"
btrfs quota enable "$work/disk" || skip "this btrfs has no quotas"
# New numbers are right when the first count is done.
btrfs quota rescan -w "$work/disk" >/dev/null
S=$work/disk/state

stats()
{
	jq -r "$1" "$M/.podvols/stats.json"
}

subvolumes()
{
	# What is deleted leaves the list when it is erased.
	btrfs subvolume list "$work/disk" | grep -c "kubernetes.io~empty-dir/$1" || :
}

trash_is_erased()
{
	trash_is_empty && [[ -z $(btrfs subvolume list "$work/disk" | grep trash/ || :) ]]
}

column() # FIELD PATH: a number of df
{
	df -B1 --output="$1" "$2" | tail -1 | tr -d ' '
}

# Sequential writes until there is no room: the bytes that fit.
fill()
{
	local out

	out=$(dd if=/dev/zero of="$1" bs=64k 2>&1 || :)
	expect_match "the end of a write" "$out" 'Disk quota exceeded|No space left'
	stat -c %s "$1"
}

daemon_start
apply_pod web 'a=emptyDir: {sizeLimit: 16Mi}' 'b=emptyDir: {sizeLimit: 16Mi}' \
	'c=emptyDir: {}'
A=$M/default/web/a
B=$M/default/web/b

it "get volumes says that the kernel keeps the limit, where there is one"
expect_match "a" "$(ctl get volumes web/a -o wide | tail -1)" ' kernel '
expect_match "c" "$(ctl get volumes web/c -o wide | tail -1)" ' none '
expect_eq "subvolumes" "$(subvolumes '[abc]')" 3

it "writers write past the daemon"
exec 5>"$A/open"
(($(stats .fuse.backingIds) > 0)) || fail "no file has a backing id"
before=$(stats '.fuse.operations.write.requests // 0')
dd if=/dev/zero of="$A/through" bs=4k count=256 status=none
expect_eq "write requests" "$(stats '.fuse.operations.write.requests // 0')" "$before"
exec 5>&-
rm "$A"/*

it "the limit holds, and nearly all of it can be used"
n=$(fill "$A/fill")
((n <= LIMIT)) || fail "$n bytes were written"
((n >= LIMIT - (1 << 20))) || fail "only $n bytes could be written"
(($(du -s -B1 "$S"/pods/*/volumes/kubernetes.io~empty-dir/a | cut -f1) <= LIMIT)) ||
	fail "more than the limit is there"

it "a full volume leaves its neighbour alone"
dd if=/dev/zero of="$B/fill" bs=1M count=8 status=none conv=fsync
expect_eq "size beside it" "$(stat -c %s "$B/fill")" $((8 << 20))

it "df shows the limit, what is used and what is left"
expect_eq "size" "$(column size "$A")" "$LIMIT"
(($(column avail "$A") < 1 << 20)) || fail "a full volume has $(column avail "$A") left"
expect_eq "size of b" "$(column size "$B")" "$LIMIT"
(($(column used "$B") >= 8 << 20 && $(column used "$B") < 9 << 20)) ||
	fail "b uses $(column used "$B")"
(($(column size "$M/default/web/c") > 10 * LIMIT)) || fail "c has a limit"

it "usage is known"
used=$(ctl get pod web -o json | jq '.status.volumes[] | select(.name == "b").usedBytes')
expect_eq "used of b" "$used" "$(du -s -B1 "$S"/pods/*/volumes/kubernetes.io~empty-dir/b | cut -f1)"
expect_eq "limit of b" "$(ctl get pod web -o json |
	jq '.status.volumes[] | select(.name == "b").limitBytes')" "$LIMIT"

it "removing gives the room back at once"
rm "$A/fill"
n=$(fill "$A/fill")
((n >= LIMIT - (1 << 20))) || fail "only $n bytes could be written"

it "and a new file has it, too"
for i in 1 2 3 4 5; do
	fill "$A/fill" >/dev/null
	for ((k = 0; k < 500; k++)); do
		touch "$A/empty$k" 2>/dev/null || break
	done
	rm "$A/fill"
	mkdir "$A/new$i"
done
rm -r "${A:?}"/*

it "and so has one that is open already"
within 60 "$BUILD/roomcheck" "$A" $((14 << 20)) 5 unlinked replaced ||
	fail "there was none"
fill "$A/fill" >/dev/null

it "a limit can change while the volume is in use"
ctl resize web/a 32Mi >/dev/null
expect_eq "size" "$(column size "$A")" $((2 * LIMIT))
dd if=/dev/zero of="$A/more" bs=1M count=14 status=none conv=fsync
ctl resize web/c 8Mi >/dev/null
expect_match "c" "$(ctl get volumes web/c -o wide | tail -1)" ' kernel '
n=$(fill "$M/default/web/c/fill")
((n <= 8 << 20)) || fail "$n bytes were written"
ctl resize web/c 0 >/dev/null
dd if=/dev/zero of="$M/default/web/c/more" bs=1M count=16 status=none conv=fsync
expect_match "c" "$(ctl get volumes web/c -o wide | tail -1)" ' none '

it "a limit below what is used refuses until there is less"
ctl resize web/a 8Mi >/dev/null
expect_error 'Disk quota exceeded|No space left' dd if=/dev/zero of="$A/x" bs=1M count=1
rm -f "$A/fill" "$A/more" "$A/x"
dd if=/dev/zero of="$A/x" bs=1M count=4 status=none conv=fsync

it "a limit of inodes holds, beside that of the kernel"
pod_yaml few 'v=emptyDir: {sizeLimit: 16Mi}' |
	sed "s|^  name: few|  name: few\n  annotations: {podvols.io/inode-limit: '5'}|" |
	ctl apply -f - >/dev/null
touch "$M"/default/few/v/{1,2,3,4}
expect_error 'No space left' touch "$M/default/few/v/5"
expect_eq "inodes left" "$(column iavail "$M/default/few/v")" 0

it "the limit of a pod is kept over its volumes"
pod_yaml both 'v=emptyDir: {}' 'w=emptyDir: {sizeLimit: 64Mi}' |
	sed 's|image: busybox|image: busybox\n    resources: {limits: {ephemeral-storage: 8Mi}}|' |
	ctl apply -f - >/dev/null
dd if=/dev/zero of="$M/default/both/v/x" bs=1M count=5 status=none
expect_error 'No space left' dd if=/dev/zero of="$M/default/both/w/x" bs=1M count=4
expect_match "w" "$(ctl get volumes both/w -o wide | tail -1)" ' podvols '

it "after a restart all is as before"
sum=$(sha256sum <"$B/fill")
daemon_restart
expect_eq "b" "$(sha256sum <"$B/fill")" "$sum"
expect_match "b" "$(ctl get volumes web/b -o wide | tail -1)" ' kernel '
expect_eq "size" "$(column size "$B")" "$LIMIT"
n=$(fill "$B/again")
((n < 8 << 20)) || fail "$n bytes more were written"

it "deleting a full volume erases its subvolume, also while a file is open"
exec 6<"$B/fill"
ctl delete pod web --force >/dev/null 2>&1
expect_missing "$A"
expect_eq "an open file" "$(sha256sum <&6)" "$sum"
exec 6<&-
wait_until 20 trash_is_erased
expect_eq "subvolumes" "$(subvolumes '[abc]')" 0
daemon_stop

it "when quotas are disabled, the next resize has the daemon count"
daemon_start
apply_pod later 'a=emptyDir: {sizeLimit: 16Mi}'
expect_match "a" "$(ctl get volumes later/a -o wide | tail -1)" ' kernel '
btrfs quota disable "$work/disk"
ctl resize later/a 4Mi >/dev/null
expect_match "a" "$(ctl get volumes later/a -o wide | tail -1)" ' podvols '
expect_error 'No space left' dd if=/dev/zero of="$M/default/later/a/x" bs=1M count=5
daemon_stop

it "without quotas the daemon counts, and keeps what it has"
daemon_use two
S=$work/disk/two
daemon_start
apply_pod web 'a=emptyDir: {sizeLimit: 4Mi}'
expect_match "a" "$(ctl get volumes web/a -o wide | tail -1)" ' podvols '
expect_error 'No space left' dd if=/dev/zero of="$M/default/web/a/x" bs=1M count=5
daemon_stop
