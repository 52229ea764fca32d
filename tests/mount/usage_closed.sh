#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage_closed.sh - what is allocated for files after they were closed
#
# SOAK=1 waits for longer than closed files are looked at.

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

used_is() # VOLUME BYTES
{
	[[ $(ctl get pods web -o json | jq -r --arg v "$1" '.status.volumes[] |
		select(.name == $v) | .usedBytes') == "$2" ]]
}

there()
{
	du -s -B1 "$S"/pods/*/volumes/kubernetes.io~empty-dir/"$1" | cut -f1
}

# fill VOLUME SIZE SECONDS: that long after it was mapped and closed.
fill()
{
	local file=$M/default/web/$1/$2

	mkfifo "$work/go"
	"$BUILD/latemap" "$file" "$2" <>"$work/go" >"$work/said" &
	held=$!
	wait_until 10 grep -q mapped "$work/said"
	sleep "$3"
	echo >"$work/go"
	wait_until 10 grep -q filled "$work/said"
	wait_until 5 used_is "$1" "$(there "$1")"
	let_go
	rm "$file" "$work/go" "$work/said"
	wait_until 5 used_is "$1" "$(there "$1")"
}

command -v jq >/dev/null || skip "no jq"
daemon_start
apply_pod web 'free=emptyDir: {}' 'limited=emptyDir: {sizeLimit: 6Mi}'

it "small files that are written anew again and again"
for ((i = 0; i < 2500; i++)); do
	printf '%6000d' "$i" >"$M/default/web/free/$((i % 50))"
done
wait_until 5 used_is free "$(there free)"

for volume in free limited; do
	it "$volume: what a mapping fills after the close is known"
	fill "$volume" 8192 1
	fill "$volume" 2097152 1
done

if [[ -n ${SOAK:-} ]]; then
	it "much later, too"
	fill free 8192 60
fi
daemon_stop
