#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# empty_dir.sh - emptyDir on disk: 0777, root's, empty, as old as its pod

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

it "its root is exactly 0777 and root's, whatever the umask"
umask 0077
daemon_start
umask 0022
apply_web
expect_eq "mode and owner" "$(stat -c '%a %u %g' "$V")" "777 0 0"
expect_eq "content" "$(ls -A "$V")" ""

it "files belong to who makes them, with the modes asked for"
for uid in 0 1001; do
	for mode in 0644 0666 0777; do
		as_user "$uid" sh -c "umask 0; echo text-$uid >'$V/f-$uid-$mode' &&
			chmod $mode '$V/f-$uid-$mode'"
		expect_eq "mode and owner" \
			"$(stat -c '%04a %u %g' "$V/f-$uid-$mode")" \
			"$mode $uid $uid"
		expect_eq "content" "$(as_user "$uid" cat "$V/f-$uid-$mode")" \
			"text-$uid"
	done
done

it "an unchanged manifest changes nothing"
before=$(ctl get pod web -o json | jq -r '.metadata.uid, .metadata.resourceVersion')
expect_match "answer" "$(pod_yaml web 'data=emptyDir: {}' | ctl apply -f -)" unchanged
after=$(ctl get pod web -o json | jq -r '.metadata.uid, .metadata.resourceVersion')
expect_eq "UID and version" "$after" "$before"
expect_exists "$V/f-0-0644"

it "other volumes of a live pod are refused by field, and all stays"
expect_error 'spec' ctl apply -f - <<<"$(pod_yaml web 'data=emptyDir: {}' 'more=emptyDir: {}')"
expect_error 'spec' ctl apply -f - <<<"$(pod_yaml web 'other=emptyDir: {}')"
expect_missing "$M/default/web/more" "$M/default/web/other"
expect_exists "$V/f-0-0644"

it "it survives a restart of the daemon"
ls -ln --time-style=full-iso "$V" >"$work/before"
daemon_restart
ls -ln --time-style=full-iso "$V" >"$work/after"
diff "$work/before" "$work/after" || fail "something changed"
expect_eq "mode and owner" "$(stat -c '%a %u %g' "$V")" "777 0 0"

it "it survives a kill -9 with everything that was synced"
echo synced >"$V/synced"
expect_fsop ok fsync "$V/synced"
daemon_kill
daemon_start
expect_eq "content" "$(cat "$V/synced")" synced

it "df shows the filesystem below, and counts"
expect_eq "type" "$(stat -f -c %T "$V")" "$(stat -f -c %T "$M")"
[[ $(df --output=size "$V" | tail -1) -gt 0 ]] || fail "df shows nothing"

it "it is gone with the pod, and an applied-again pod starts empty"
tree=$(ctl get pod web -o json | jq -r '.status.volumes[0].hostPath // empty')
[[ -z $tree ]] || expect_exists "$tree/synced"
ctl delete pod web >/dev/null
expect_missing "$M/default/web" ${tree:+"$tree"}
wait_until 10 trash_is_empty
apply_web
expect_eq "content" "$(ls -A "$V")" ""
expect_eq "mode and owner" "$(stat -c '%a %u %g' "$V")" "777 0 0"

it "a new pod of the same name is another pod"
uid=$(ctl get pod web -o json | jq -r .metadata.uid)
[[ $uid != "$(head -1 <<<"$before")" ]] || fail "the UID was given twice"

it "a file open while its pod is deleted by force can still be used"
echo kept >"$V/open"
exec {fd}<>"$V/open"
ctl delete pod web --force >/dev/null
expect_missing "$M/default/web"
expect_eq "content" "$(cat <&"$fd")" kept
echo more >&"$fd" || fail "the open file cannot be written"
exec {fd}>&-
daemon_stop
