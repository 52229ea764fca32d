#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# locks.sh - a lock is one lock, on whichever side it is taken

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
mkdir "$work/host"
apply_pod web "host=hostPath: {path: $work/host}" 'data=emptyDir: {}'
host=$work/host/file
seen=$M/default/web/host/file
touch "$host"

# conflict KIND HOLDER OTHER: what one holds the other cannot have.
conflict()
{
	local kind=$1 holder=$2 other=$3

	hold "$BUILD/locks" "$kind" hold "$holder"
	expect_eq "$kind lock tried on $other" \
		"$(within 10 "$BUILD/locks" "$kind" try "$other")" busy

	within 20 "$BUILD/locks" "$kind" wait "$other" >"$work/waited" &
	local waiter=$!
	sleep 0.3
	expect_eq "a waiting $kind lock" "$(cat "$work/waited")" ""
	let_go
	wait "$waiter" || fail "$kind: the lock does not come free"
	expect_eq "the waited-for $kind lock" "$(cat "$work/waited")" locked
	expect_eq "$kind lock after all" \
		"$(within 10 "$BUILD/locks" "$kind" try "$other")" free
}

for kind in fcntl ofd range flock; do
	it "$kind: the host holds, the mount waits"
	conflict "$kind" "$host" "$seen"
	it "$kind: the mount holds, the host waits"
	conflict "$kind" "$seen" "$host"
	it "$kind: two users of the mount exclude each other"
	conflict "$kind" "$seen" "$seen"
	it "$kind: in an emptyDir as well"
	conflict "$kind" "$M/default/web/data/file" "$M/default/web/data/file"
done

it "a lock goes with the process that held it"
hold "$BUILD/locks" fcntl hold "$seen"
kill -KILL "$held"
free_now()
{
	[[ $("$BUILD/locks" fcntl try "$host") == free ]]
}
wait_until 5 free_now

it "a waiter that is killed leaves no trace"
hold "$BUILD/locks" fcntl hold "$host"
"$BUILD/locks" fcntl wait "$seen" >/dev/null &
waiter=$!
sleep 0.3
kill -INT "$waiter"
kill -KILL "$waiter"
wait "$waiter" 2>/dev/null || :
let_go
wait_until 5 free_now

it "waiting locks do not hold up anybody else"
hold "$BUILD/locks" flock hold "$host"
waiters=()
for _ in {1..20}; do
	"$BUILD/locks" flock wait "$seen" >/dev/null &
	waiters+=($!)
done
sleep 0.3
within 5 ls "$M/default/web/host" >/dev/null
within 5 touch "$M/default/web/data/new" "$M/default/web/host/new"
let_go
wait "${waiters[@]}"

it "locks of different files do not meet"
hold "$BUILD/locks" fcntl hold "$seen"
expect_eq "another file" \
	"$("$BUILD/locks" fcntl try "$M/default/web/host/another")" free
let_go
daemon_stop

daemon_start --share-locks=no
requests() # OPERATION
{
	jq ".fuse.operations.$1.requests // 0" "$M/.podvols/stats.json"
}
for kind in fcntl ofd range flock; do
	it "$kind, not shared with the host: users of the mount exclude each other"
	conflict "$kind" "$seen" "$seen"
	conflict "$kind" "$M/default/web/data/file" "$M/default/web/data/file"
done

it "not shared with the host: both sides may have it"
hold "$BUILD/locks" fcntl hold "$host"
expect_eq "fcntl lock tried on $seen" "$("$BUILD/locks" fcntl try "$seen")" free
let_go

it "not shared with the host: neither locks nor close ask the daemon"
expect_eq "requests for locks" "$(requests setlk) $(requests setlkw)" "0 0"
before=$(requests flush)
for _ in {1..20}; do
	echo line >>"$M/default/web/data/file"
done
# One is of who asks: statistics are no file of a volume.
expect_eq "further requests at close" $(($(requests flush) - before)) 1
daemon_stop
