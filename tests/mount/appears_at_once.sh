#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# appears_at_once.sh - a pod is there with all its volumes or not at all

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start

volumes=()
for i in 1 2 3 4 5 6 7 8; do
	volumes+=("v$i=emptyDir: {}")
done
pod_yaml many "${volumes[@]}" >"$work/many.yaml"

it "whoever looks while pods come and go sees all volumes or no pod"
# Prints the count of volumes at each sight of the pod, until told to stop.
watch_pod()
{
	local names
	while [[ ! -e $work/stop ]]; do
		names=("$M"/default/many/*)
		if [[ ${names[0]} != *'*' ]]; then
			echo "${#names[@]}"
		fi
	done | sort | uniq -c
}
watch_pod >"$work/sights" &
watcher=$!
for _ in {1..40}; do
	ctl apply -f "$work/many.yaml" >/dev/null
	expect_eq "volumes right after apply" "$(ls "$M/default/many" | wc -l)" 8
	ctl delete pod many --force >/dev/null
	expect_missing "$M/default/many"
done
touch "$work/stop"
wait "$watcher"
expect_eq "counts of volumes seen" "$(awk '{ print $2 }' "$work/sights" | xargs)" 8

it "a pod that cannot be provisioned leaves nothing behind"
expect_error 'spec.volumes|hostPath' ctl apply -f - <<-EOF
	$(pod_yaml half 'good=emptyDir: {}' \
	"bad=hostPath: {path: $work/nowhere, type: Directory}")
EOF
expect_missing "$M/default/half" "$M/default"
expect_eq "pods" "$(ctl get pods -o name | wc -l)" 0
expect_eq "trees of pods" "$(find "$S/pods" -mindepth 1 | wc -l)" 0
daemon_stop
