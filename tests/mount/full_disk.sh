#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# full_disk.sh - no room where the state directory is

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

# on_disk KIND: S lies on a small filesystem of that kind.
on_disk()
{
	mkdir -p "$work/disk"
	case $1 in
	tmpfs)
		mount -t tmpfs -o size=16m,mode=755 none "$work/disk"
		;;
	ext4)
		# Blocks are smaller than a page: one may be there in part.
		truncate -s 32m "$work/image"
		mkfs.ext4 -q -F -m 0 -b 1024 "$work/image"
		mount -o loop "$work/image" "$work/disk" 2>/dev/null || return 1
		;;
	esac
	S=$work/disk/state
}

fill()
{
	head -c 64m /dev/zero >"$1" 2>/dev/null && fail "it does not get full"
	# The last blocks, which a large write leaves.
	while printf x >>"$1.more" 2>/dev/null; do
		head -c 4096 /dev/zero >>"$1.more" 2>/dev/null || break
	done
}

# leave SIZE: of what is free, only so much.
leave()
{
	fallocate -l "$1" "$work/disk/left"
	fill "$work/disk/fill"
	rm "$work/disk/left"
	sync -f "$work/disk"
}

full()
{
	local kind=$1 left=$2

	daemon_start
	apply_web
	echo kept >"$V/file"

	it "$kind: a full disk is ENOSPC to a container, and data stays"
	fill "$V/fill"
	expect_error 'No space left' dd if=/dev/zero of="$V/new" bs=64k count=9
	expect_eq "content" "$(cat "$V/file")" kept

	it "$kind: apply fails with a clear text or works; nothing in between"
	announce 'space|full'
	for i in {1..30}; do
		if out=$(pod_yaml "p$i" 'a=emptyDir: {}' 'b=emptyDir: {}' |
			ctl apply -f - 2>&1); then
			expect_exists "$M/default/p$i/a" "$M/default/p$i/b"
		else
			grep -Eqi 'space|full' <<<"$out" ||
				fail "'$out' does not speak of space"
			expect_missing "$M/default/p$i"
		fi
	done
	expect_eq "pods" "$(ls "$M/default" | wc -l)" \
		"$(ctl get pods -o name | wc -l)"

	it "$kind: it can be restarted although full, with $left left"
	truncate -s -64k "$V/fill"
	daemon_stop
	leave "$left"
	daemon_spawn
	local end=$((SECONDS + 20 * TIME_SCALE))
	until daemon_answers || ! daemon_alive; do
		((SECONDS < end)) || fail "it neither starts nor ends"
		sleep 0.05
	done
	if ! daemon_alive; then
		daemon_wait
		fail "it does not start on a full disk: $(tail -3 "$LOG")"
	fi
	expect_eq "content" "$(cat "$V/file")" kept
	rm "$work"/disk/fill*

	it "$kind: room made by a container serves at once"
	rm "$V"/fill*
	apply_pod after 'data=emptyDir: {}'
	echo text >"$M/default/after/data/file"

	it "$kind: deleting a pod on a full disk makes room"
	fill "$V/fill"
	ctl delete pod web >/dev/null || fail "a pod cannot be deleted"
	expect_missing "$M/default/web"
	wait_until 20 trash_is_empty
	apply_pod again 'data=emptyDir: {}'
	head -c 4m /dev/zero >"$M/default/again/data/file"
	daemon_stop
	umount "$work/disk"
}

for left in 4k 12k 24k; do
	on_disk tmpfs
	full tmpfs "$left"
	if on_disk ext4; then
		full ext4 "$left"
	else
		echo "(no loop devices here: ext4 is left out)"
	fi
done
