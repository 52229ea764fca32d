#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path_vanishes.sh - a host directory that goes away while in use

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
H=$work/host
mkdir -p "$H/dir"
echo text >"$H/file"
apply_pod web "host=hostPath: {path: $H}" 'data=emptyDir: {}'
V=$M/default/web/host
expect_eq "listing" "$(list "$M/default/web")" "data host"

it "open files go on, new looks get an error, nothing hangs"
exec {fd}<>"$V/file"
exec {dirfd}<"$V/dir"
cat "$V/file" >/dev/null
rm -r "$H"
expect_eq "the open file" "$(within 5 cat <&"$fd")" text
! within 5 cat "$V/file" 2>/dev/null || fail "the file is still there"
! within 5 ls "$V" >/dev/null 2>&1 || fail "the directory is still there"
within 5 touch "$M/default/web/data/file"
within 5 ls "$M/default" >/dev/null
exec {fd}>&- {dirfd}<&-

it "its name goes from the listing of the pod, and comes back"
expect_eq "listing" "$(list "$M/default/web")" data
mkdir "$H"
expect_eq "listing" "$(list "$M/default/web")" "data host"

it "when it comes back it is served again"
echo back >"$H/file"
expect_eq "content" "$(within 5 cat "$V/file")" back

it "the daemon starts although a host directory is missing"
rm -r "$H"
announce 'host|hostPath'
daemon_restart
expect_exists "$M/default/web/data"
! within 5 ls "$V/" >/dev/null 2>&1 || fail "there is something"
mkdir "$H"
echo again >"$H/file"
expect_eq "content" "$(within 5 cat "$V/file")" again

it "a filesystem unmounted under it is no harm"
mount -t tmpfs none "$H"
echo ram >"$H/file"
expect_eq "content" "$(within 5 cat "$V/file")" ram
umount "$H" 2>/dev/null || umount -l "$H"
expect_eq "content" "$(within 5 cat "$V/file")" again

it "the pod can be deleted while its host directory is missing"
rm -r "$H"
ctl delete pod web >/dev/null
expect_missing "$M/default/web" "$H"
daemon_stop
