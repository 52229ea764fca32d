#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# once.sh - killed within a request: it takes effect once, whoever finishes it
# time limit: 200

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

announce 'killed by signal'
mkdir "$work/host"

serve()
{
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' "host=hostPath: {path: $work/host}"
}

# killed BEFORE|AFTER CALL COMMAND...: who serves is killed at that system call
# of the first request that gets there.  $meanwhile runs before another serves.
meanwhile=
killed()
{
	local at=$1 call=$2 server pid status=0

	shift 2
	server=$(server_pid)
	hold "$BUILD/killat" "$server" "$at" "$call"
	kill -STOP "$(daemon_pid)"
	timeout 20 "$@" >"$work/said" 2>&1 &
	pid=$!
	within 10 tail --pid="$held" -f /dev/null
	$meanwhile
	kill -CONT "$(daemon_pid)"
	wait "$pid" || status=$?
	wait_until 30 server_is_new "$server"
	return $status
}

# Of the directory $dir.
once()
{
	echo first >"$dir/a"
	echo second >"$dir/b"
	killed "$@" || fail "'${*:3}' killed $1 $2: $(cat "$work/said")"
}

requests() # before|after...
{
	local at

	for at; do
		once "$at" mkdirat mkdir "$dir/made"
		expect_exists "$dir/made"
		once "$at" unlinkat rmdir "$dir/made"
		expect_missing "$dir/made"
		once "$at" mknodat mkfifo "$dir/fifo"
		[[ -p $dir/fifo ]] || fail "no pipe"
		once "$at" symlinkat ln -s a "$dir/link"
		expect_eq "a link" "$(readlink "$dir/link")" a
		once "$at" linkat ln "$dir/a" "$dir/hard"
		expect_eq "links" "$(stat -c %h "$dir/a")" 2
		once "$at" unlinkat rm "$dir/hard" </dev/null
		expect_eq "links" "$(stat -c %h "$dir/a")" 1
		once "$at" renameat2 mv "$dir/a" "$dir/c"
		expect_missing "$dir/a"
		expect_eq "moved" "$(cat "$dir/c")" first
		once "$at" renameat2 "$BUILD/fsop" exchange "$dir/a" "$dir/b"
		expect_eq "exchanged" "$(cat "$dir/a" "$dir/b")" $'second\nfirst'
		once "$at" setxattr setfattr -n user.x -v y "$dir/a"
		expect_eq "attribute" "$(getfattr --only-values -n user.x "$dir/a" 2>/dev/null)" y
		once "$at" removexattr setfattr -x user.x "$dir/a"
		! getfattr -n user.x "$dir/a" 2>/dev/null || fail "it has the attribute"
		rm -r "${dir:?}"/*
	done
}

appends()
{
	local at

	for at in before after; do
		once "$at" pwritev2 sh -c "echo third >>$dir/a"
		expect_eq "appended" "$(cat "$dir/a")" $'first\nthird'
		meanwhile=append_too
		once "$at" pwritev2 sh -c "echo third >>$dir/a"
		meanwhile=
		expect_eq "appended by two" "$(sort "$dir/a")" $'first\nother\nthird'
	done
}
append_too()
{
	echo other >>"$work/host/a"
}

serve
# Each with both only in the long form.
it "each change is made once, in an emptyDir"
dir=$M/default/web/data
requests after ${SOAK:+before}
it "each change is made once, in a hostPath"
dir=$M/default/web/host
requests before ${SOAK:+after}

it "what others make meanwhile is not taken for our own"
made_by_other()
{
	mkdir "$work/host/made"
	chown 1000 "$work/host/made"
}
meanwhile=made_by_other
! killed before mkdirat mkdir "$dir/made" || fail "it is another's directory"
expect_match "error" "$(cat "$work/said")" "File exists"

it "what others put there meanwhile is not taken away"
made_again()
{
	echo again >"$work/host/a"
}
meanwhile=made_again
once after unlinkat rm "$dir/a" </dev/null
expect_eq "the new file" "$(cat "$dir/a")" again
once after renameat2 mv "$dir/a" "$dir/c"
expect_eq "the new file" "$(cat "$dir/a")" again
expect_eq "the moved one" "$(cat "$dir/c")" first
meanwhile=
daemon_stop

it "what is appended is appended once, without passthrough"
serve --disable-features=passthrough
dir=$M/default/web/host
appends
ctl delete pod web --force >/dev/null
daemon_stop
