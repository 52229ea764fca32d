#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# stress_ng.sh - stress-ng's filesystem stressors find nothing here that they do
# not find on the filesystem below
# time limit: 180
#
# With SOAK=1 each has 5 seconds in each kind of volume, otherwise a moment in an
# emptyDir.  STRESSORS= names those to run, VOLUMES= where (data limited host).

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

command -v stress-ng >/dev/null || skip "no stress-ng"

# These have nothing to do in a volume: /proc, /dev, mounts of their own.
elsewhere='binderfs|procfs|bind-mount|eventfd|fanotify'
# The machine's own sync(2) may take any time.
((${SOAK:-0})) || elsewhere+='|io'
: "${STRESSORS:=$(stress-ng --class 'filesystem?' | sed 's/.*: //' |
	xargs -n 1 | grep -Evx "$elsewhere" | xargs)}"

: "${VOLUMES:=data${SOAK:+ limited host}}"

mkdir "$work/host" "$work/native"
daemon_start
apply_pod web 'data=emptyDir: {}' 'limited=emptyDir: {sizeLimit: 64Mi}' \
	"host=hostPath: {path: $work/host}"
W=$M/default/web

# stress NAME DIRECTORY: 0 also where it has no resource, or is not implemented.
stress()
{
	local seconds=1 options=("--$1-ops" 10 --chdir-dirs 256) status=0

	if [[ -n ${SOAK:-} ]]; then
		seconds=5
		options=()
	fi
	within $((seconds + 60)) stress-ng "--$1" 2 --verify --timeout "$seconds" \
		--temp-path "$2" "${options[@]}" >"$work/said" 2>&1 || status=$?
	# No room is what a limited volume is for, whatever it says of it.
	if [[ $status =~ ^[34]$ ]]; then
		gave_up+=" $1"
		return 0
	fi
	! grep -q ': fail:' "$work/said" || status=2
	return "$status"
}

# As full as a limited volume gets.
small_native()
{
	mkdir -p "$work/small"
	mountpoint -q "$work/small" && return
	truncate -s 64M "$work/image"
	mkfs.ext4 -q -F -m 0 "$work/image"
	mount -o loop "$work/image" "$work/small"
}

# What fails on the filesystem below too is the stressor's.
native_of() # VOLUME
{
	if [[ $1 == limited ]]; then
		small_native
		echo "$work/small"
	else
		echo "$work/native"
	fi
}

stress_all() # VOLUME
{
	local name native failed=() done=0 gave_up=

	for name in $STRESSORS; do
		done=$((done + 1))
		! stress "$name" "$W/$1" || continue
		daemon_alive || fail "the daemon ended: $(tail -5 "$LOG")"
		mv "$work/said" "$work/said.$name"
		native=$(native_of "$1")
		if stress "$name" "$native"; then
			failed+=("$name")
			grep -m 5 ': \(fail\|error\):' "$work/said.$name" || :
		else
			echo "  $name fails on the filesystem below, too"
		fi
	done
	echo "  $done stressors; no resource, or not implemented:${gave_up:- none}"
	((${#failed[@]} == 0)) || fail "${failed[*]}"
}

for volume in $VOLUMES; do
	it "volume '$volume' stands all of them"
	stress_all "$volume"
done

it "and nothing is left of them"
expect_eq "names" "$(find "$W" -name 'tmp-stress*' | wc -l)" 0
daemon_stop
