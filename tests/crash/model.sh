#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# model.sh - kill -9 while files are worked on: what was answered is there
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

kills=${SOAK:+60}
# A sanitized daemon takes its time.
kills=${kills:-$((TIME_SCALE > 1 ? 1 : 2))}
mkdir "$work/host"

# survive_kills VOLUME OPTIONS...: fsmodel checks its whole tree after each.
survive_kills()
{
	local dir=$M/default/web/$1 i pid

	shift
	mkdir "$dir/model"
	"$BUILD/fsmodel" -r -p 4 -s "$RANDOM" -t "$((kills * 3 + 2))" \
		"$dir/model" &
	pid=$!
	wait_until 20 test -e "$dir/model/3-own"
	sleep 0.5 # they have begun
	for ((i = 0; i < kills; i++)); do
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
		kill -0 "$pid" 2>/dev/null || break
		daemon_kill
		daemon_start "$@"
	done
	within 200 tail --pid="$pid" -f /dev/null
	wait "$pid" || fail "something acknowledged is not there"
	rm -r "$dir/model"
}

# check_form OPTIONS...: both kinds of volume, then nothing is left over.
check_form()
{
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' "host=hostPath: {path: $work/host}"
	survive_kills data "$@"
	survive_kills host "$@"
	ctl delete pod web --force >/dev/null
	wait_until 20 trash_is_empty
	expect_eq "trees of pods" "$(find "$S/pods" -mindepth 1 | wc -l)" 0
	daemon_stop
	expect_eq "the catalog" "$(sqlite3 "$S"/*.db 'PRAGMA integrity_check')" ok
}

it "with everything that the kernel offers"
check_form

it "without passthrough"
check_form --disable-features=passthrough
