#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stop.sh BUILD - end the running daemon and see that its mount is gone
set -euo pipefail

build=$1
wait_seconds=60

if ((EUID != 0)); then
	command -v sudo >/dev/null || { echo "stop: become root to end podvolsd" >&2; exit 1; }
	exec sudo --preserve-env=PODVOLS_SOCKET "$0" "$build"
fi

# Prints a member of the daemon's status.
status_of() {
	printf '%s\n' "$status" | sed -n "s|^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$|\1|p" | head -n 1
}

code=0
status=$("$build/podvolctl" status -o json --request-timeout=10s 2>/dev/null) || code=$?
if ((code == 3)); then
	echo "podvolsd is not running"
	exit 0
elif ((code != 0)); then
	echo "stop: cannot ask podvolsd for its process: podvolctl status" >&2
	exit 1
fi
pid=$(status_of pid)
mountpoint=$(status_of mountpoint)

# The answer is the daemon's own, but a number may be anybody's by now.
exe=$(readlink "/proc/$pid/exe" || true)
if [[ $(basename "${exe% (deleted)}") != podvolsd ]]; then
	echo "stop: process '$pid' is no podvolsd" >&2
	exit 1
fi

# A daemon of systemd would be started again.
if [[ -d /run/systemd/system && $(systemctl show -P MainPID podvolsd 2>/dev/null) == "$pid" ]]; then
	systemctl stop podvolsd
else
	kill -TERM "$pid"
fi
for ((i = 0; i < wait_seconds * 10; i++)); do
	[[ -d /proc/$pid ]] || break
	sleep 0.1
done
if [[ -d /proc/$pid ]]; then
	echo "stop: podvolsd (process $pid) has not ended within $wait_seconds s" >&2
	exit 1
fi
if mountpoint -q "$mountpoint"; then
	echo "stop: podvolsd has ended but '$mountpoint' is still mounted" >&2
	exit 1
fi
echo "podvolsd has ended"
