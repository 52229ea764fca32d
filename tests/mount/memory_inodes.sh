#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# memory_inodes.sh - podvols.io/inode-limit on an emptyDir in memory: exact, shown
# by df, changed while it is in use

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

# few_yaml [N [N_OF_W]]: pod "few" with two Memory volumes and these limits.
few_yaml()
{
	local text=${1:+"podvols.io/inode-limit: '$1'"}

	text+=${2:+", podvols.io/inode-limit.w: '$2'"}
	pod_yaml few 'v=emptyDir: {medium: Memory, sizeLimit: 4Mi}' \
		'w=emptyDir: {medium: Memory, sizeLimit: 4Mi}' |
		sed "s|^  name: few|  name: few\n  annotations: {$text}|"
}

apply_few()
{
	few_yaml "$@" | ctl apply -f -
}

inodes() # total|used|avail DIRECTORY
{
	df --output="i$1" "$2" | tail -1 | tr -d ' '
}

V=$M/default/few/v
W=$M/default/few/w
daemon_start

it "a limit of N lets N inodes be, the root with them, as on disk"
apply_few 5 >/dev/null
touch "$V"/{1,2,3,4}
expect_error 'No space left' touch "$V/5"
expect_error 'No space left' mkdir "$V/5"
expect_error 'No space left' ln -s x "$V/5"

it "df -i shows it, and what is left"
expect_eq "inodes" "$(inodes total "$V")" 5
expect_eq "used" "$(inodes used "$V")" 5
expect_eq "left" "$(inodes avail "$V")" 0
expect_eq "left of w" "$(inodes avail "$W")" 4
expect_eq "usedInodes" "$(ctl get pod few -o json |
	jq '.status.volumes[0].usedInodes')" 5

it "what is removed gives room back"
rm "$V/1"
expect_eq "left" "$(inodes avail "$V")" 1
touch "$V/5"

it "applying the manifest with another limit changes it while it is in use"
exec {fd}<"$V/2"
expect_match "answer" "$(apply_few 8)" configured
expect_eq "inodes" "$(inodes total "$V")" 8
touch "$V"/{6,7,8}
expect_error 'No space left' touch "$V/9"
expect_match "again" "$(apply_few 8)" unchanged
exec {fd}<&-

it "fewer than there are is refused with the number, and nothing changes"
expect_error "spec.volumes.0..emptyDir.*to 7 inodes: 8 are used" ctl apply -f - \
	<<<"$(few_yaml 7)"
expect_eq "inodes" "$(inodes total "$V")" 8
expect_eq "annotation" "$(ctl get pod few -o json |
	jq -r '.metadata.annotations."podvols.io/inode-limit"')" 8

it "it can be of one volume alone"
apply_few 8 2 >/dev/null
expect_eq "inodes" "$(inodes total "$V") $(inodes total "$W")" "8 2"
touch "$W/1"
expect_error 'No space left' touch "$W/2"

it "it stays after kill -9, and after a restart with its mount gone"
daemon_kill
daemon_start
expect_eq "inodes" "$(inodes total "$V") $(inodes total "$W")" "8 2"
tree=$(ctl get pod few -o json | jq -r '.status.volumes[1].hostPath')
daemon_stop
umount "$tree"
daemon_start
expect_eq "inodes" "$(inodes total "$V") $(inodes total "$W")" "8 2"

it "without the annotation it is what tmpfs gives by itself"
apply_few >/dev/null
mkdir "$work/plain"
mount -t tmpfs tmpfs "$work/plain"
expect_eq "inodes" "$(inodes total "$V")" "$(inodes total "$work/plain")"
umount "$work/plain"
touch "$V/9"
apply_few 20 >/dev/null
expect_eq "inodes" "$(inodes total "$V")" 20

it "a limit that is none is refused by name"
expect_error 'podvols.io/inode-limit\].*number of inodes' ctl apply -f - \
	<<<"$(few_yaml many)"
daemon_stop
