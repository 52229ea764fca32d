#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# stuck_volume.sh - a crowd before a volume that does not answer is alone there

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

CROWD=${CROWD:-600} # more than the daemon would ever have threads for one volume

# What lies below the hostPath is served by another daemon, which is stopped.
daemon_use two
daemon_start --transport dev
apply_pod web 'data=emptyDir: {}'
below=$M/default/web/data
server=$(server_pid)
at_end "kill -CONT $server 2>/dev/null"
: >"$below/there"
daemon_use one
mkdir "$work/host"
daemon_start --transport dev
apply_pod web 'data=emptyDir: {}' "slow=hostPath: {path: $below}" \
	"host=hostPath: {path: $work/host}"
V=$M/default/web
cat "$V/slow/there"
kill -STOP "$server"

threads()
{
	find "/proc/$(server_pid)/task" -mindepth 1 -maxdepth 1 | wc -l
}

it "a crowd before a stuck volume holds up nobody else"
before=$(threads)
crowd=()
for ((i = 0; i < CROWD; i++)); do
	stat "$V/slow/$i" >/dev/null 2>&1 &
	crowd+=($!)
done
for ((i = 0; i < 20; i++)); do
	within 20 touch "$V/data/$i" "$V/host/$i"
	within 20 rm "$V/data/$i" "$V/host/$i"
	sleep 0.05
done
within 20 ls "$M/default" >/dev/null
ctl get pods >/dev/null

it "it has a bounded number of threads"
wait_until 30 grep -q "requests waiting" "$LOG"
n=$(threads)
((n - before < 100)) || fail "$before threads before, $n now"

it "those who wait their turn can be killed"
# What is handled already waits for the server, whoever is killed.
alive()
{
	local pid n=0

	for pid in "${crowd[@]:100:400}"; do
		[[ ! -e /proc/$pid/stat || $(</proc/"$pid"/stat) == *') Z '* ]] || n=$((n + 1))
	done 2>/dev/null
	echo "$n"
}
few_alive() { (($(alive) <= 32)); }
kill -KILL "${crowd[@]:100:400}"
wait_until 30 few_alive

it "all others get their answer when it is back"
kill -CONT "$server"
for pid in "${crowd[@]:0:100}" "${crowd[@]:500}"; do
	status=0
	wait "$pid" || status=$?
	expect_eq "status of a stat of nothing" "$status" 1
done
within 20 cat "$V/slow/there"

it "with everything let go"
expect_eq "files open" "$(jq .fuse.openFiles "$M/.podvols/stats.json")" 0
daemon_stop
daemon_use two
daemon_stop
