#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# memory_room.sh - in a full volume in memory, what is removed is free at once

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_pod mem 'v=emptyDir: {medium: Memory, sizeLimit: 4Mi}'
V=$M/default/mem/v

check_room() # TIMES
{
	within 60 "$BUILD/roomcheck" "$V" $((4 << 20)) "$1" ||
		fail "what is full stays so"
}

is_empty()
{
	[[ $(df --output=used "$V" | tail -1) -eq 0 ]]
}

it "what a file took is free for the next write when the file is removed"
check_room 40

it "it is after another process took over, too"
exec {fd}<>"$V/open"
rm "$V/open"
server_kill
echo kept >&"$fd"
expect_eq "links" "$(stat -L -c %h "/proc/self/fd/$fd")" 0
expect_eq "content" "$(cat "/proc/self/fd/$fd")" kept
exec {fd}>&-
wait_until 5 is_empty
check_room 5
daemon_stop
