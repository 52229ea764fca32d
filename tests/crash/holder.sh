#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# holder.sh - the daemon is told to stop while who serves is in trouble
# time limit: 200

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

announce 'has not stopped within'
announce 'killed by signal'

nothing_is_left()
{
	! mountpoint -q "$M" || fail "'$M' is still mounted"
	! kill -0 "$1" 2>/dev/null || fail "the server goes on"
}

it "in the background it outlives who started it, and is taken over"
"$DAEMON_BUILD/podvolsd" --config "$work/podvols.conf" --mountpoint "$M" \
	--state-dir "$S" --socket "$K" --log-file "$LOG" "${common_options[@]}" \
	</dev/null >"$work/out" 2>&1 &
within 20 tail --pid=$! -f /dev/null
wait $! || fail "$(cat "$work/out")"
server_kill
server=$(server_pid)
expect_eq "the name of who serves now" "$(cat "/proc/$server/comm")" podvolsd
holder=$(ps -o ppid= "$server")
kill -TERM "${holder// /}"
within 20 tail --pid="${holder// /}" -f /dev/null
nothing_is_left "$server"

it "a stop is not lost with who was told"
daemon_start
server=$(server_pid)
kill -STOP "$server"
kill -TERM "$(daemon_pid)"
sleep 0.5
kill -KILL "$server"
daemon_wait 20
[[ $daemon_status != 0 ]] || fail "it ended well"
nothing_is_left "$server"

it "a stop that hangs has an end"
daemon_start
apply_pod web 'data=emptyDir: {}'
echo kept >"$M/default/web/data/file"
server=$(server_pid)
kill -STOP "$server"
kill -TERM "$(daemon_pid)"
daemon_wait 50
nothing_is_left "$server"
daemon_start
expect_eq "the file" "$(cat "$M/default/web/data/file")" kept
ctl delete pod web --force >/dev/null
daemon_stop
