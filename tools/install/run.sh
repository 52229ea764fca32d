#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [PODVOLSD-OPTION]... - start the daemon of this checkout, apply the sample, say what next
set -euo pipefail

build=$1
shift
sample=tools/install/samples/producer-consumer.yaml

if ((EUID != 0)); then
	command -v sudo >/dev/null || { echo "run: become root: podvolsd mounts a filesystem" >&2; exit 1; }
	exec sudo --preserve-env=PODVOLS_SOCKET,PODVOLS_NAMESPACE "$0" "$build" "$@"
fi

# The socket of the daemon and that of the client are the same one.
socket=${PODVOLS_SOCKET:-/run/podvols/podvolsd.sock}
export PODVOLS_SOCKET=$socket
ctl=$build/podvolctl

status=0
"$ctl" version --request-timeout=10s >/dev/null 2>&1 || status=$?
if ((status == 0)); then
	echo "podvolsd is running already"
elif ((status == 3)); then
	# It goes into the background by itself, and returns when it is ready.
	"$build/podvolsd" --socket "$socket" "$@"
	echo "podvolsd is running"
else
	echo "run: what answers at '$socket' is no podvolsd" >&2
	exit 1
fi

"$ctl" apply -f "$sample"
path=$("$ctl" get volumes producer-consumer -o wide |
	awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "PATH") column = i }
		NR == 2 { print $column }')

# Words for the reader's own shell: nothing here is to be expanded.
# shellcheck disable=SC2016
cat <<TEXT

Try next:
  ls -l $path
  echo "hello world" | sudo tee $path/hello
  cat $path/hello
  sudo docker run --rm \$(sudo $ctl mounts producer-consumer consumer) busybox cat /consumer_dir/hello
  sudo $ctl get volumes
  sudo $ctl describe pod producer-consumer
  sudo make stop
TEXT
