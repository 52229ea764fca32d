#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# memory.sh - emptyDir in memory: a tmpfs of its own, sized, kept, resized

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
memory=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)

# apply_memory LIMIT: pod "mem" with one Memory volume "v".
apply_memory()
{
	apply_pod mem "v=emptyDir: {medium: Memory${1:+, sizeLimit: $1}}"
	V=$M/default/mem/v
	tree=$(ctl get pod mem -o json | jq -r '.status.volumes[0].hostPath')
}

size_of()
{
	df --output=size "$1" | tail -1 | tr -d ' '
}

used_of() # bytes that the API shows
{
	ctl get pod mem -o json | jq ".status.volumes[0].$1"
}

fill() # FILE MEBIBYTES
{
	dd if=/dev/zero of="$1" bs=1M count="$2" status=none
}

it "it is a tmpfs on the host: rwxrwxrwt, root's, of exactly its sizeLimit"
apply_memory 10Mi
expect_eq "type" "$(findmnt -nro FSTYPE "$tree")" tmpfs
expect_eq "mode and owner" "$(stat -c '%a %u %g' "$V")" "1777 0 0"
expect_eq "blocks of 1024" "$(size_of "$V")" 10240
expect_eq "content" "$(ls -A "$V")" ""
if unshare -m mount -t tmpfs -o noswap tmpfs /mnt 2>/dev/null; then
	expect_match "options" "$(findmnt -nro OPTIONS "$tree")" '(^|,)noswap'
fi

it "it never holds a byte more, and has room again when something goes"
expect_error 'No space left' fill "$V/big" 11
[[ $(stat -c %s "$V/big") -le $((10 << 20)) ]] || fail "more than 10 MiB"
rm "$V/big"
expect_eq "used bytes" "$(used_of usedBytes)" 0
fill "$V/some" 4
expect_eq "used bytes" "$(used_of usedBytes)" $((4 << 20))
expect_eq "used inodes" "$(used_of usedInodes)" 2

it "whatever touches files works there: links, modes, mmap, attributes"
mkdir "$V/dir"
as_user 1001 sh -c "umask 0; echo mine >'$V/f' && chmod 0644 '$V/f'"
expect_eq "file" "$(stat -c '%a %u %g' "$V/f")" "644 1001 1001"
ln "$V/f" "$V/dir/hard" && ln -s ../f "$V/dir/soft"
expect_eq "through the link" "$(cat "$V/dir/soft")" mine
expect_error 'not permitted' as_user 1002 rm "$V/f"
mv "$V/dir/hard" "$V/moved" && expect_eq "names" "$(stat -c %h "$V/f")" 2

it "kill -9 takes nothing away: the mount is not the daemon's"
dev=$(stat -c %d "$tree")
daemon_kill
expect_exists "$tree/some"
daemon_start
expect_eq "content" "$(cat "$V/f")" mine
expect_eq "device" "$(stat -c %d "$tree")" "$dev"
expect_eq "size" "$(size_of "$V")" 10240

it "a clean restart takes nothing away either"
daemon_restart
expect_eq "content" "$(cat "$V/f")" mine
expect_eq "mounts at its place" "$(findmnt -nro TARGET "$tree" | wc -l)" 1

it "it grows while it is in use"
exec {fd}<"$V/f"
expect_match "answer" "$(ctl resize mem/v 20Mi)" '^volume/mem/v resized$'
expect_eq "size" "$(size_of "$V")" 20480
fill "$V/more" 12
expect_eq "sizeLimit" "$(ctl get pod mem -o json |
	jq -r '.spec.volumes[0].emptyDir.sizeLimit')" 20Mi
expect_match "again" "$(ctl resize volume/mem/v 20Mi)" unchanged
exec {fd}>&-

it "it shrinks to what is used and no further, and the message has the number"
expect_error '16388Ki \(16781312 bytes\) are used' ctl resize mem/v 15Mi
expect_eq "size" "$(size_of "$V")" 20480
expect_match "dry run" "$(ctl resize mem/v 17Mi --dry-run)" '^volume/mem/v resized \(dry run\)$'
expect_match "limit" "$(ctl get volumes mem/v --no-headers)" ' 20Mi '
ctl resize mem/v 17Mi >/dev/null
expect_eq "size" "$(size_of "$V")" $((17 << 10))

it "applying the manifest with another sizeLimit resizes it"
expect_match "answer" "$(pod_yaml mem \
	'v=emptyDir: {medium: Memory, sizeLimit: 18Mi}' | ctl apply -f -)" \
	configured
expect_eq "size" "$(size_of "$V")" $((18 << 10))
expect_error 'spec.volumes.0..emptyDir.*are used' ctl apply -f - \
	<<<"$(pod_yaml mem 'v=emptyDir: {medium: Memory, sizeLimit: 1Mi}')"
expect_eq "size" "$(size_of "$V")" $((18 << 10))
expect_error 'emptyDir.medium' ctl apply -f - \
	<<<"$(pod_yaml mem 'v=emptyDir: {sizeLimit: 18Mi}')"

it "what was resized stays so after kill -9, and is told as an event"
daemon_kill
daemon_start
expect_eq "size" "$(size_of "$V")" $((18 << 10))
expect_match "events" "$(ctl describe pod mem)" "limits of volume 'v' have changed"

it "wrong sizes and names are refused with what is wrong"
expect_error 'sizeLimit.*"lots".*valid resource quantity' ctl resize mem/v lots
expect_error 'greater than or equal to 0' ctl resize mem/v -- -1
expect_error "no volume 'x'" ctl resize mem/x 1Mi
expect_error 'pods "none" not found' ctl resize none/v 1Mi
expect_error 'is no POD/VOLUME' ctl resize mem 1Mi
apply_pod host 'h=hostPath: {path: /etc}'
expect_error 'is no emptyDir' ctl resize host/h 1Mi
ctl delete pod host >/dev/null

it "a mount that is gone is made anew at start, empty, with an event"
daemon_stop
umount "$tree"
daemon_start
expect_eq "content" "$(ls -A "$V")" ""
expect_eq "size" "$(size_of "$V")" $((18 << 10))
expect_eq "mode" "$(mode_of "$V")" 1777
expect_match "events" "$(ctl describe pod mem)" "starts empty again"

it "its directory on disk is never taken for it"
umount -l "$tree"
echo x 2>/dev/null >"$V/wrong" || :
expect_eq "on disk" "$(ls -A "$tree")" ""

it "it ends with its pod, whoever has a file of it open by force"
ctl delete pod mem --force >/dev/null
apply_memory 10Mi
echo kept >"$V/open"
exec {fd}<>"$V/open"
expect_error 'in use' ctl delete pod mem
ctl delete pod mem --force >/dev/null
expect_missing "$M/default/mem" "$tree"
expect_eq "mounts left" "$(mounts_below "$S")" ""
expect_eq "content" "$(cat <&"$fd")" kept
exec {fd}>&-

it "without a sizeLimit it may use what the containers may, or the machine"
apply_memory ""
(($(size_of "$V") <= memory && $(size_of "$V") > memory - 8)) ||
	fail "$(size_of "$V") KiB, and the machine has $memory"
ctl delete pod mem >/dev/null
limits='{limits: {memory: 8Mi}}'
for v in "" ", sizeLimit: 0" ", sizeLimit: 64Mi"; do
	ctl apply -f - >/dev/null <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: mem}
		spec:
		  containers:
		  - {name: a, resources: $limits}
		  - {name: b, resources: $limits}
		  volumes: [{name: v, emptyDir: {medium: Memory$v}}]
	END
	expect_eq "size with '$v'" "$(size_of "$M/default/mem/v")" 16384
	ctl delete pod mem >/dev/null
done

it "what an unknown pod left mounted is taken away at start"
daemon_stop
stray=$S/pods/00000000-0000-4000-8000-000000000001/volumes/kubernetes.io~empty-dir/v
mkdir -p "$stray"
mount -t tmpfs -o size=1m tmpfs "$stray"
touch "$stray/file"
daemon_start
wait_until 10 trash_is_empty
expect_missing "$stray"
expect_eq "mounts left" "$(mounts_below "$S")" ""
daemon_stop
