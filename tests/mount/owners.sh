#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# owners.sh - mode, owner and fsGroup of emptyDirs, and never of hostPaths

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start

# owned METADATA SPEC VOLUME...: pod "own" with these volumes.
owned()
{
	local metadata=$1 spec=$2

	shift 2
	pod_yaml own "$@" | sed "s|^  name: own|&\n$metadata|; s|^spec:|&\n$spec|" |
		ctl apply -f - >/dev/null || fail "cannot apply"
	O=$M/default/own
}

root_of()
{
	stat -c '%a %u %g' "$O/$1"
}

over()
{
	ctl delete pod own --force >/dev/null
}

it "mode is exact, on disk and in memory, whatever the umask"
owned "" "" 'a=emptyDir: {mode: 01777}' 'b=emptyDir: {mode: 0750}' \
	'c=emptyDir: {mode: 0}' 'd=emptyDir: {medium: Memory, mode: 0750}' \
	'e=emptyDir: {medium: Memory}'
expect_eq "01777" "$(root_of a)" "1777 0 0"
expect_eq "0750" "$(root_of b)" "750 0 0"
expect_eq "0" "$(root_of c)" "0 0 0"
expect_eq "0750 in memory" "$(root_of d)" "750 0 0"
expect_eq "default in memory" "$(root_of e)" "1777 0 0"
over

it "annotations name the owner"
owned '  annotations: {podvols.io/uid: "1001", podvols.io/gid: "2002"}' "" \
	'a=emptyDir: {mode: 0700}' 'b=emptyDir: {medium: Memory}'
expect_eq "on disk" "$(root_of a)" "700 1001 2002"
expect_eq "in memory" "$(root_of b)" "1777 1001 2002"
as_user 1001 touch "$O/a/mine"
expect_error 'ermission' as_user 1002 touch "$O/a/other"
expect_error 'annotations.*uid.*may not change' ctl apply -f - \
	<<<"$(pod_yaml own 'a=emptyDir: {mode: 0700}' 'b=emptyDir: {medium: Memory}')"
over

it "annotations that are no ids are refused by name"
expect_error 'podvols.io/uid.*between 0 and 2147483647' ctl apply -f - <<'END'
apiVersion: v1
kind: Pod
metadata: {name: own, annotations: {podvols.io/uid: me}}
spec: {containers: [{name: c}]}
END

it "fsGroup owns the roots, with setgid: files get it, too"
owned "" '  securityContext: {fsGroup: 123, fsGroupChangePolicy: OnRootMismatch}' \
	'a=emptyDir: {}' 'b=emptyDir: {medium: Memory}' 'c=emptyDir: {mode: 0700}'
expect_eq "on disk" "$(root_of a)" "2777 0 123"
expect_eq "in memory" "$(root_of b)" "3777 0 123"
expect_eq "with a mode" "$(root_of c)" "2770 0 123"
for v in a b; do
	as_user 1001 sh -c "umask 0; touch '$O/$v/f' && chmod 0660 '$O/$v/f'; mkdir '$O/$v/d'"
	expect_eq "file in $v" "$(stat -c '%a %u %g' "$O/$v/f")" "660 1001 123"
	expect_eq "directory in $v" "$(stat -c '%a %u %g' "$O/$v/d")" "2777 1001 123"
done
over

it "a missing subPath has group, setgid and sticky of the root"
owned "" '  securityContext: {fsGroup: 123}' 'b=emptyDir: {medium: Memory}'
ctl delete pod own >/dev/null
pod_yaml own 'b=emptyDir: {medium: Memory}' |
	sed "s|mountPath: /b|&, subPath: sub|; s|^spec:|&\n  securityContext: {fsGroup: 123}|" |
	ctl apply -f - >/dev/null
ctl mounts own >/dev/null
expect_eq "subPath" "$(root_of b/sub)" "3777 0 123"
over

it "a hostPath stays as it is"
mkdir -m 0750 "$work/host"
owned '  annotations: {podvols.io/uid: "1001", podvols.io/gid: "2002"}' \
	'  securityContext: {fsGroup: 123}' "h=hostPath: {path: $work/host}"
expect_eq "hostPath" "$(stat -c '%a %u %g' "$work/host")" "750 0 0"
over
daemon_stop
