#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# many_clients.sh - 64 clients that do everything in 8 volumes: nobody waits
# long, each volume has its share, and a slow disk is felt by its own clients
# time limit: 120
#
# CLIENT_SECONDS= so long (5; with SOAK=1 180, and rates are compared).

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

[[ -z ${SOAK:-} ]] || : "${CLIENT_SECONDS:=180}"
: "${CLIENT_SECONDS:=5}"
stall_ms=$((${SOAK:+5000} + 0))
((stall_ms)) || stall_ms=20000
stall_ms=$((stall_ms * TIME_SCALE))

# What lies below the slow hostPath is served by another daemon.
daemon_use two
daemon_start
apply_pod below 'data=emptyDir: {}'
slow_disk=$M/default/below/data
server=$(server_pid)
at_end "kill -CONT $server 2>/dev/null"

daemon_use one
mkdir "$work"/host{1..4}
daemon_start
{
	pod_yaml web 'e1=emptyDir: {}' 'e2=emptyDir: {}' 'e3=emptyDir: {}' \
		'e4=emptyDir: {sizeLimit: 1Gi}' \
		"h1=hostPath: {path: $work/host1}" \
		"h2=hostPath: {path: $work/host2}" \
		"h3=hostPath: {path: $work/host3}" \
		"h4=hostPath: {path: $work/host4}" \
		"slow=hostPath: {path: $slow_disk}"
} | sed 's|^  name: web|&\n  annotations: {podvols.io/usage: "true"}|' |
	ctl apply -f - >/dev/null
W=$M/default/web
volumes=("$W"/e{1..4} "$W"/h{1..4})

# clients NUMBER SECONDS [-s SHARERS] DIRECTORY...: sets $rate, $slowest_ms and the table.
clients()
{
	local number=$1 seconds=$2 sharers=()

	shift 2
	if [[ $1 == -s ]]; then
		sharers=("$1" "$2")
		shift 2
	fi
	within $((seconds * 2 + 60)) "$BUILD/clients" "${sharers[@]}" "$number" $((seconds * 1000)) "$@" \
		>"$work/clients" || fail "$(cat "$work/clients")"
	read -r rate slowest_ms slowest < <(sed -n 's/^all //p' "$work/clients")
	((slowest_ms <= stall_ms)) || fail "a $slowest took $slowest_ms ms"
}

median()
{
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

# evenly KIND: the slowest volume of a kind has a third of the fastest's rate.
evenly()
{
	local least most

	read -r least most < <(grep "/$1[1-4] " "$work/clients" |
		awk '{ print $2 }' | sort -n | sed -n '1p;$p' | xargs)
	echo "  $1: $least to $most operations per second"
	((3 * least >= most)) || fail "$least and $most"
}

it "64 clients in 8 volumes do all of it, and none of them waits long"
clients 64 "$CLIENT_SECONDS" "${volumes[@]}"
echo "  $rate operations per second, the slowest, a $slowest, $slowest_ms ms"

if [[ -n ${SOAK:-} ]]; then
	it "each volume has its share"
	# What a hostPath must ask each time an emptyDir is sure of: two kinds.
	evenly e
	evenly h

	# As many meet in a directory either way: more who wait for each other's
	# lock of it switch more often, on any filesystem.
	it "64 clients get as much done as 4"
	few=()
	many=()
	for _ in {1..5}; do
		clients 4 10 -s 2 "$W"/e1 "$W"/h1
		few+=("$rate")
		clients 64 10 -s 2 "$W"/{e,h}{1,2}
		many+=("$rate")
	done
	echo "  4: ${few[*]}; 64: ${many[*]} operations per second"
	((10 * $(median "${many[@]}") >= 9 * $(median "${few[@]}"))) ||
		fail "${few[*]} with 4, ${many[*]} with 64"
fi

it "a volume whose disk is slow does not slow the others"
# The server of the disk works for a tenth of the time.
slow_down()
{
	while kill -STOP "$server"; do
		sleep 0.9
		kill -CONT "$server"
		sleep 0.1
	done 2>/dev/null
}
others=$(((CLIENT_SECONDS + 14) / 15))
clients 16 "$others" "${volumes[@]}"
alone=$rate
slow_down &
slowing=$!
"$BUILD/clients" 32 $(((others + 2) * 1000)) "$W/slow" >"$work/slow" &
slowed=$!
sleep 1
clients 16 "$others" "${volumes[@]}"
wait "$slowed" || fail "the clients of the slow disk: $(cat "$work/slow")"
kill "$slowing"
wait "$slowing" 2>/dev/null || :
kill -CONT "$server"
echo "  $alone operations per second alone, $rate beside it, a $slowest took" \
	"$slowest_ms ms; on the slow disk $(tail -1 "$work/slow")"
[[ -z ${SOAK:-} ]] || ((2 * rate >= alone)) ||
	fail "$alone operations per second alone, $rate beside it"

it "usage is what du says"
shown()
{
	ctl get volumes "web/$1" -o json |
		jq -r '.status | "\(.usedBytes) \(.usedInodes)"'
}
agrees() # VOLUME DIRECTORY
{
	[[ $(shown "$1") == "$(du -s -x -B1 "$2" | cut -f1) $(du -s -x --inodes "$2" | cut -f1)" ]]
}
sync -f "$work"
for i in 1 2 3 4; do
	wait_until 10 agrees "e$i" "$(echo "$S"/pods/*/volumes/kubernetes.io~empty-dir/"e$i")"
	wait_until 10 agrees "h$i" "$work/host$i"
done
daemon_stop
daemon_use two
daemon_stop
