#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# listing_at_once.sh - what was applied or deleted is seen, or gone, right then

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web

# Readers that keep every listing in the kernel's cache, and refill it all the
# time, also while it changes.
touch "$work/reading"
for _ in 1 2 3 4; do
	while [[ -e $work/reading ]]; do
		ls -lA "$M" "$M/default" "$M/.podvols/pods" "$M/other" &>/dev/null || :
	done &
done
at_end "rm -f '$work/reading'"

uids()
{
	ctl get pods -A -o json | grep -oP '"uid": *"\K[^"]+' | sort | xargs
}

it "listings are right when apply and delete return, whoever else reads them"
for i in {1..15}; do
	apply_pod "pod-$i" 'data=emptyDir: {}'
	expect_eq "pods after apply" "$(list "$M/default")" "pod-$i web"
	expect_eq "the volume" "$(list "$M/default/pod-$i")" data
	pod_yaml far | sed 's/name: far/&\n  namespace: other/' | ctl apply -f - >/dev/null
	expect_eq "namespaces after apply" "$(list "$M")" ".podvols default other"
	expect_eq "UIDs after apply" "$(list "$M/.podvols/pods" | xargs)" "$(uids)"
	ctl delete pod "pod-$i" --force >/dev/null
	ctl delete pod -n other far --force >/dev/null
	expect_eq "pods after delete" "$(list "$M/default")" web
	expect_missing "$M/default/pod-$i"
	expect_eq "namespaces after delete" "$(list "$M")" ".podvols default"
	expect_eq "UIDs after delete" "$(list "$M/.podvols/pods" | xargs)" "$(uids)"
done
rm "$work/reading"
# shellcheck disable=SC2046 # one word each
wait $(jobs -p | grep -vx "$(daemon_pid)")
daemon_stop
