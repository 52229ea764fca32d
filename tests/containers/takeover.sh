#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# takeover.sh - the daemon is killed under running containers: they go on
# time limit: 200

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

mkdir "$work/host"
daemon_start
cat >"$work/pod.yaml" <<EOF
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: writer
    volumeMounts:
    - {name: data, mountPath: /data}
    - {name: data, mountPath: /sub, subPath: below}
    - {name: host, mountPath: /host}
    - {name: memory, mountPath: /memory}
  - name: reader
    volumeMounts: [{name: data, mountPath: /data, readOnly: true}]
  volumes:
  - {name: data, emptyDir: {}}
  - {name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi}}
  - {name: host, hostPath: {path: $work/host}}
EOF

# Counts on in each volume by new files and renames, and through a descriptor
# that it never closes; says so when anything fails.
counts='exec 3>>/data/log
i=0
while i=$((i + 1)); do
	for d in /data /sub /host /memory; do
		echo $i >$d/new && mv $d/new $d/count || break 2
		[ $(cat $d/count) = $i ] || break 2
	done
	echo $i >&3 || break
done
echo failed at $i'

counted()
{
	cat "$M/default/web/data/count"
}

counts_on() # FROM
{
	[[ $(counted) -gt $1 ]]
}

takeover()
{
	local log=$M/default/web/data/log i n

	rt_begin "$1"
	ctl apply -f "$work/pod.yaml" >/dev/null
	rt_run writer web writer "$counts"
	rt_run reader web reader 'exec tail -f /data/log >/dev/null'
	wait_until 30 test -s "$log"

	it "$rt: containers that run go on when the daemon is killed"
	for i in {1..5}; do
		n=$(counted)
		server_kill
		wait_until 20 counts_on "$n"
	done
	! rt_says writer failed || fail "$(rt_logs writer)"
	for i in data data/below host memory; do
		[[ $(cat "$M/default/web/$i/count") -ge $n ]] || fail "not in $i"
	done
	n=$(wc -l <"$log")
	expect_eq "$rt: lines through one descriptor" \
		"$(head -n "$n" "$log" | md5sum)" "$(seq "$n" | md5sum)"

	it "$rt: a container that is started afterwards sees the same files"
	rt_cli exec writer touch /sub/by-exec
	expect_exists "$M/default/web/data/below/by-exec"
	expect_match "$rt: content" "$(rt_once web reader 'ls /data' | xargs)" \
		'^below count log( new)?$'

	it "$rt: the pod is in use as before, and goes when it is not"
	expect_error 'in use' ctl delete pod web
	rt_rm writer reader
	ctl delete pod web >/dev/null
	wait_until 20 trash_is_empty
	rm -f "$work/host/count"
	rt_done
}

takeover docker
takeover podman
daemon_stop
