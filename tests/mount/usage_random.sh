#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage_random.sh - random changes, and what is shown is what is there
#
# ROUNDS= and PROCESSES= make it longer: `make soak` does.

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

[[ -z ${SOAK:-} ]] || : "${ROUNDS:=150}" "${ROUND_MS:=1000}"
: "${ROUNDS:=12}" "${PROCESSES:=4}" "${ROUND_MS:=400}"
LIMIT=$((6 << 20))

# What the API says of volume $1: charged allocated inodes.
shown()
{
	ctl get pods web -o json | jq -r --arg v "$1" '.status.volumes[] |
		select(.name == $v) |
		"\(.chargedBytes) \(.usedBytes) \(.usedInodes)"'
}

tree_of()
{
	echo "$S"/pods/*/volumes/kubernetes.io~empty-dir/"$1"
}

counted()
{
	"$BUILD/quotacheck" count "$(tree_of "$1")"
}

agrees()
{
	[[ $(shown "$1") == "$(counted "$1")" ]]
}

# The kernel tells of the end of files a moment later.
expect_agreement()
{
	local i

	for ((i = 0; i < 40 * TIME_SCALE; i++)); do
		agrees "$1" && return
		sleep 0.05
	done
	fail "$1: shown $(shown "$1"), there is $(counted "$1")"
}

command -v jq >/dev/null || skip "no jq"
daemon_start "$@"
apply_pod web 'free=emptyDir: {}' 'limited=emptyDir: {sizeLimit: 6Mi}'

it "an empty volume holds what its directory does"
expect_agreement free
expect_agreement limited

it "what is shown equals what is there, to the byte, after each round"
for ((round = 1; round <= ROUNDS; round++)); do
	for v in free limited; do
		"$BUILD/quotacheck" work "$M/default/web/$v" "$ROUND_MS" \
			"$PROCESSES" "$round" || fail "round $round of $v"
		expect_agreement "$v"
	done
	read -r charged allocated _ < <(counted limited)
	((charged <= LIMIT && allocated <= LIMIT)) ||
		fail "round $round: $charged charged, $allocated allocated"
done

it "writing back changes nothing that is not shown"
sync -f "$S"
expect_agreement free
expect_agreement limited

it "a clean restart knows it without looking"
before=$(shown free)
daemon_restart "$@"
expect_eq "after the restart" "$(shown free)" "$before"
expect_agreement limited

it "after a crash it is counted anew, and changes do not disturb that"
echo x >"$M/default/web/free/x"
daemon_kill
daemon_start "$@"
"$BUILD/quotacheck" work "$M/default/web/free" "$ROUND_MS" "$PROCESSES" 77
"$BUILD/quotacheck" work "$M/default/web/limited" "$ROUND_MS" "$PROCESSES" 78
expect_agreement free
expect_agreement limited

daemon_stop
