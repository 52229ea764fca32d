#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# size_limit.sh - never a byte past the limit of a volume, whichever way it comes

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

LIMIT=$((4 << 20))

tree_of()
{
	echo "$S"/pods/*/volumes/kubernetes.io~empty-dir/"$1"
}

allocated()
{
	du -s -B1 "$(tree_of "$1")" | cut -f1
}

every_way()
{
	it "$1: every way to write ends exactly at the limit, with ENOSPC"
	"$BUILD/limitcheck" "$M/default/web/a" "$LIMIT" >"$work/ways" ||
		fail "after: $(tr '\n' ' ' <"$work/ways")"
	(($(allocated a) <= LIMIT)) || fail "$(allocated a) bytes are there"
}

daemon_start
apply_pod web 'a=emptyDir: {sizeLimit: 4Mi}' 'b=emptyDir: {sizeLimit: 4Mi}' \
	'c=emptyDir: {}'
A=$M/default/web/a
B=$M/default/web/b

every_way passthrough

it "a full volume leaves its neighbour alone"
expect_error 'No space left' dd if=/dev/zero of="$A/fill" bs=64k
dd if=/dev/zero of="$B/fill" bs=1M count=3 status=none
expect_eq "size beside it" "$(stat -c %s "$B/fill")" $((3 << 20))

it "df shows the limit, what is used and what is left"
expect_eq "size" "$(df -B1 --output=size "$A" | tail -1 | tr -d ' ')" "$LIMIT"
expect_eq "used" "$(df -B1 --output=used "$A" | tail -1 | tr -d ' ')" "$LIMIT"
expect_eq "left" "$(df -B1 --output=avail "$A" | tail -1 | tr -d ' ')" 0
expect_eq "left of b" "$(df -B1 --output=avail "$B" | tail -1 | tr -d ' ')" \
	$((LIMIT - $(allocated b)))
expect_eq "inodes of b" "$(df --output=iused "$B" | tail -1 | tr -d ' ')" 2
(($(df -B1 --output=size "$M/default/web/c" | tail -1) > 100 * LIMIT)) ||
	fail "a volume without limit has one"

it "removing gives the room back at once"
rm "$A/fill"
dd if=/dev/zero of="$A/fill" bs=1M count=3 status=none

it "get volumes says who keeps the limit"
expect_match "a" "$(ctl get volumes web/a -o wide | tail -1)" ' podvols '
expect_match "c" "$(ctl get volumes web/c -o wide | tail -1)" ' none '

it "a limit of inodes holds"
pod_yaml few 'v=emptyDir: {}' |
	sed "s|^  name: few|  name: few\n  annotations: {podvols.io/inode-limit: '5'}|" |
	ctl apply -f - >/dev/null
touch "$M"/default/few/v/{1,2,3,4}
expect_error 'No space left' touch "$M/default/few/v/5"
rm "$M/default/few/v/1"
touch "$M/default/few/v/5"
expect_eq "inodes left" "$(df --output=iavail "$M/default/few/v" | tail -1 | tr -d ' ')" 0
pod_yaml bad 'v=emptyDir: {}' |
	sed "s|^  name: bad|  name: bad\n  annotations: {podvols.io/inode-limit: many}|" >"$work/bad.yaml"
expect_error 'podvols.io/inode-limit' ctl apply -f "$work/bad.yaml"

it "the ephemeral-storage of the containers limits all volumes of the pod"
pod_yaml both 'v=emptyDir: {}' 'w=emptyDir: {sizeLimit: 1Gi}' |
	sed 's|image: busybox|image: busybox\n    resources: {limits: {ephemeral-storage: 4Mi}}|' |
	ctl apply -f - >/dev/null
dd if=/dev/zero of="$M/default/both/v/x" bs=1M count=3 status=none
expect_error 'No space left' dd if=/dev/zero of="$M/default/both/w/x" bs=1M count=2
expect_eq "both together" "$(du -s -c -B1 "$M"/default/both/{v,w} | tail -1 | cut -f1)" "$LIMIT"

it "a limit can change while the volume is in use"
rm "$A"/*
pod_yaml web 'a=emptyDir: {sizeLimit: 8Mi}' 'b=emptyDir: {sizeLimit: 1Mi}' \
	'c=emptyDir: {}' | ctl apply -f - >/dev/null
dd if=/dev/zero of="$A/fill" bs=1M count=7 status=none
expect_error 'No space left' dd if=/dev/zero of="$A/more" bs=1M count=2

it "a limit below what is used refuses until there is less"
expect_error 'No space left' dd if=/dev/zero of="$B/more" bs=4k count=1
rm "$B/fill"
dd if=/dev/zero of="$B/more" bs=4k count=1 status=none
daemon_stop

daemon_use two
daemon_start --disable-features=passthrough
apply_pod web 'a=emptyDir: {sizeLimit: 4Mi}'
every_way "without passthrough"
daemon_stop
