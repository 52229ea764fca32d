#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# stuck_locks.sh - locks of a volume that does not answer hold up nobody else's

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

# What lies below the hostPath is served by another daemon, which is stopped.
daemon_use two
daemon_start
apply_pod web 'data=emptyDir: {}'
below=$M/default/web/data
server=$(server_pid)
at_end "kill -CONT $server 2>/dev/null"
daemon_use one
mkdir "$work/host"
daemon_start
apply_pod web 'data=emptyDir: {}' "slow=hostPath: {path: $below}" \
	"host=hostPath: {path: $work/host}"
V=$M/default/web
touch "$below"/{1..64} "$V"/{data,host}/{1..64} "$below/held"

# wait_for FILE OUT: a process that waits for FILE's lock; its pid is $waiter.
wait_for()
{
	"$BUILD/locks" fcntl wait "$1" >"$2" &
	waiter=$!
}
granted() { [[ $(cat "$1") == locked ]]; }

# Each ends its lock, and waits for the server with it.
crowd=()
for i in {1..64}; do
	hold "$BUILD/locks" fcntl hold "$V/slow/$i"
	crowd+=("$held")
done
# One that waits for a process beyond the mount is asked for again and again.
hold "$BUILD/locks" fcntl hold "$below/held"
beyond=$held
wait_for "$V/slow/held" "$work/slow"
slow_waiter=$waiter
hold "$BUILD/locks" fcntl hold "$work/host/1"
host_holder=$held
wait_for "$V/host/1" "$work/waited"
host_waiter=$waiter
sleep 0.3
kill -STOP "$server"
kill "${crowd[@]}"
sleep 0.3

it "locks of other volumes are to be had"
for i in {2..64}; do
	for name in data host; do
		expect_eq "lock of $name/$i" \
			"$(within 20 "$BUILD/locks" fcntl try "$V/$name/$i")" free
	done
done

it "who waits for the host elsewhere gets the lock"
let_go "$host_holder"
wait_until 20 granted "$work/waited"
wait "$host_waiter"

it "who waits elsewhere can be killed"
hold "$BUILD/locks" fcntl hold "$work/host/1"
wait_for "$V/host/1" "$work/waited"
sleep 0.3
kill "$waiter"
gone() { ! kill -0 "$waiter" 2>/dev/null; }
wait_until 20 gone
let_go

it "all goes on when it is back"
kill -CONT "$server"
for pid in "${crowd[@]}"; do
	wait "$pid" 2>/dev/null || :
done
let_go "$beyond"
wait_until 20 granted "$work/slow"
wait "$slow_waiter"
for i in {1..64}; do
	expect_eq "lock of slow/$i" \
		"$(within 20 "$BUILD/locks" fcntl try "$V/slow/$i")" free
done
daemon_stop
daemon_use two
daemon_stop
