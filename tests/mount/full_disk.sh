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
		truncate -s 32m "$work/image"
		mkfs.ext4 -q -F -m 0 "$work/image"
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

full()
{
	local kind=$1

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

	it "$kind: it can be restarted although full"
	daemon_stop
	daemon_spawn
	local end=$((SECONDS + 20 * TIME_SCALE))
	until daemon_answers || ! daemon_alive; do
		((SECONDS < end)) || fail "it neither starts nor ends"
		sleep 0.05
	done
	if ! daemon_alive; then
		daemon_wait
		tail -3 "$LOG" | grep -Eqi 'space|full' ||
			fail "no clear text: $(tail -3 "$LOG")"
		rm -f "$work"/disk/state/pods/*/volumes/*/data/fill*
		fail "it does not start on a full disk"
	fi
	expect_eq "content" "$(cat "$V/file")" kept

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

on_disk tmpfs
full tmpfs
if on_disk ext4; then
	full ext4
else
	echo "(no loop devices here: ext4 is left out)"
fi
