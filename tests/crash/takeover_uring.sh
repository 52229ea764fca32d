#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# takeover_uring.sh - takeover.sh for requests through io_uring, and the end of
# the process that has the rings
# time limit: 300

dir=$(dirname "$0")
TAKEOVER=uring "$dir/takeover.sh" || exit

# shellcheck source=tests/lib/daemon.sh
. "$dir/../lib/daemon.sh"
# shellcheck source=tests/lib/rings.sh
. "$dir/../lib/rings.sh"

daemon_use rings
announce 'the process of the rings ended'

rings_pid()
{
	pgrep -P "$(daemon_pid)" -x podvolsd-rings
}

# ends PID...: nobody of them is left.
ends()
{
	local pid

	for pid; do
		within 20 tail --pid="$pid" -f /dev/null
	done
}

it "who has the rings goes on when who serves is killed"
daemon_start
rings=$(rings_pid)
server_kill
expect_eq "who has the rings" "$(rings_pid)" "$rings"

it "who has the rings is killed: all end, and the mount; the next start serves"
server=$(server_pid)
kill -KILL "$rings"
daemon_wait 20
expect_eq "the exit status" "$daemon_status" 1
ends "$server"
! mountpoint -q "$M" || fail "'$M' is still mounted"
daemon_start

it "who holds the mount is killed: nobody is left"
rings=$(rings_pid)
daemon_kill
ends "$rings"

it "who has the rings ends with the daemon"
daemon_start
rings=$(rings_pid)
daemon_stop
! kill -0 "$rings" 2>/dev/null || fail "it is still there"
