#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# damaged_record.sh - one pod's record in the catalog is damaged: only that pod suffers

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

C=$S/catalog.db
damaged=default/web # what the pod is called that is damaged

# damage SQL: while no daemon looks, beside a pod that is well.
damage()
{
	daemon_start
	apply_web
	echo precious >"$V/file"
	apply_pod well 'data=emptyDir: {}'
	echo fine >"$M/default/well/data/file"
	uid=$(ctl get pod web -o json | jq -r .metadata.uid)
	daemon_stop
	number=$(sqlite3 "$C" "SELECT id FROM pod WHERE uid = '$uid'")
	sqlite3 "$C" "PRAGMA ignore_check_constraints = ON; $1"
	: >"$LOG"
	daemon_start
}

# The other pod works, and this one is shown with the reason, and kept.
expect_contained()
{
	local name=${damaged#*/} ns=${damaged%/*}

	expect_eq "the other pod's file" "$(cat "$M/default/well/data/file")" fine
	expect_eq "status" "$(ctl get pods -A -o json | jq -r '.items[] | "\(.metadata.namespace)/\(.metadata.name) \(.status.phase)"' | sort)" \
		"$(printf '%s\n' "$damaged Unknown" 'default/well Ready' | sort)"
	expect_match "table" "$(ctl get pods -A | grep " $name ")" '^[^ ]+ +[^ ]+ +[0-9]/[0-9] +Unknown '
	expect_match "description" "$(ctl describe pod "$name" -n "$ns")" \
		"Message: .*pod '$damaged' .*; delete the pod and apply it again"
	expect_eq "the data" "$(find "$S/pods/$uid" -name file -exec cat {} +)" precious
	expect_error "pod '$damaged' .*; delete the pod and apply it again|not found" ctl mounts "$name" -n "$ns"
	expect_eq "lines of the log" "$(grep -c "pod '$damaged'.* cannot be read; delete" "$LOG")" 1
}

# It can be deleted and made anew, and nothing of it is left.
expect_deletable()
{
	ctl delete pod "${damaged#*/}" -n "${damaged%/*}" >/dev/null
	expect_eq "pods" "$(ctl get pods -A -o name)" pod/well
	apply_web
	expect_eq "the new volume" "$(list "$V")" ""
	ctl delete pod web >/dev/null
	daemon_restart
	expect_eq "pods" "$(ctl get pods -A -o name)" pod/well
	expect_eq "the other pod's file" "$(cat "$M/default/well/data/file")" fine
	wait_until 10 test ! -e "$S/pods/$uid"
	ctl delete pod well >/dev/null
	daemon_stop
	expect_eq "data" "$(list "$S/pods")" ""
}

for document in '{' '[]' '7' '' '{}' '{"spec": 3}'; do
	it "the manifest '$document' is none: the pod is served, and shown as Unknown"
	damage "UPDATE pod SET document = '$document' WHERE name = 'web'"
	expect_eq "the file" "$(cat "$V/file")" precious
	expect_contained
	expect_error "; delete the pod and apply it again" ctl resize web/data 1Mi
	pod_yaml web 'data=emptyDir: {}' | expect_error "; delete the pod and apply it again" ctl apply -f -
	expect_deletable
done

it "what a volume is cannot be read: its data waits"
damage "UPDATE volume SET spec = '{' WHERE pod_id = (SELECT id FROM pod WHERE name = 'web')"
expect_contained
expect_missing "$V"
expect_deletable

it "so it does in memory"
daemon_start
apply_pod ram 'data=emptyDir: {medium: Memory}'
daemon_stop
damage "UPDATE volume SET spec = '{' WHERE pod_id IN (SELECT id FROM pod WHERE name IN ('ram', 'web'))"
expect_eq "mounts" "$(mounts_below "$S/pods" | wc -l)" 1
ctl delete pod ram >/dev/null
expect_eq "mounts" "$(mounts_below "$S/pods" | wc -l)" 0
expect_contained
expect_deletable

# A bit that flipped, a name that is too long, a number that leads nowhere.
for set in "phase = 'reedy'" "uid = 'no/uid'" "uid = '$(printf 'x%.0s' {1..99})'"; do
	it "a pod with $set is left alone"
	damage "UPDATE pod SET $set WHERE name = 'web'"
	expect_missing "$V"
	expect_contained
	expect_deletable
done

for column in name source phase; do
	it "a volume with another $column is left alone, with its pod"
	damage "UPDATE volume SET $column = CAST(x'FF' AS TEXT) WHERE pod_id = (SELECT id FROM pod WHERE name = 'web')"
	expect_missing "$V"
	expect_contained
	expect_deletable
done

it "a volume with an id that cannot be is left alone, with its pod"
damage "UPDATE volume SET id = 2000000000 WHERE pod_id = (SELECT id FROM pod WHERE name = 'web')"
expect_missing "$V"
expect_contained
expect_deletable

# reasons POD: of its events, in the list of all.
reasons()
{
	api GET "/api/v1/events?fieldSelector=involvedObject.name=$1"
	jq -r '.items[].reason' <<<"$api_body"
}

for set in "message = CAST(x'41FF' AS TEXT)" "message = CAST(x'410042' AS TEXT)" \
	"reason = '$(printf 'x%.0s' {1..99})'"; do
	it "an event with $set is left out, and the log says so once"
	damage "DELETE FROM event WHERE pod_uid NOT IN (SELECT uid FROM pod);
		UPDATE event SET $set WHERE pod = 'web'"
	expect_eq "events of the other pod" "$(reasons well)" Created
	expect_eq "events of the pod" "$(reasons web)" ""
	expect_match "description" "$(ctl describe pod well)" 'Events:.*Created'
	expect_match "description" "$(ctl describe pod web)" 'Events: +<none>'
	expect_eq "lines of the log" "$(grep -c "record of event .* cannot be read" "$LOG")" 1
	expect_deletable
done

it "a volume that belongs to no pod keeps its data"
damage "UPDATE volume SET pod_id = 12345 WHERE pod_id = (SELECT id FROM pod WHERE name = 'web')"
expect_eq "the data" "$(find "$S/pods/$uid" -name file -exec cat {} +)" precious
expect_match "log" "$(cat "$LOG")" 'nothing was removed'
ctl delete pod web well >/dev/null
daemon_stop
sqlite3 "$C" "DELETE FROM volume WHERE pod_id = 12345"
daemon_start
wait_until 10 test ! -e "$S/pods/$uid"
daemon_stop

it "a pod whose name cannot be read has another one"
damage "UPDATE pod SET name = CAST(x'776562FF' AS TEXT) WHERE name = 'web'"
damaged=default/damaged-$number # to call it by something
expect_contained
expect_deletable

it "so has one whose namespace cannot be found"
damage "PRAGMA foreign_keys = OFF; UPDATE pod SET namespace_id = 77 WHERE name = 'web'"
damaged="damaged-77/web"
expect_eq "pods" "$(ctl get pods -n damaged-77 -o name)" pod/web
expect_contained
expect_deletable
