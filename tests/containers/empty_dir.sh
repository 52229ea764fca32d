#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# empty_dir.sh - what Kubernetes' own checks ask of an emptyDir on disk
# time limit: 240

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

daemon_start
cat >"$work/pod.yaml" <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: ed}
spec:
  containers:
  - {name: one, volumeMounts: [{name: data, mountPath: /one}]}
  - {name: two, volumeMounts: [{name: data, mountPath: /two}]}
  - {name: ro, volumeMounts: [{name: data, mountPath: /ro, readOnly: true}]}
  initContainers:
  - {name: init, volumeMounts: [{name: data, mountPath: /init}]}
  volumes: [{name: data, emptyDir: {}}]
EOF

empty_dir()
{
	local uid mode
	rt_begin "$1"
	ctl apply -f "$work/pod.yaml" >/dev/null

	it "$rt: its root is rwxrwxrwx"
	expect_eq "mode" "$(rt_once ed one 'stat -c "%A %u" /one')" "drwxrwxrwx 0"

	for uid in 0 1001; do
		for mode in 0644 0666 0777; do
			it "$rt: uid $uid, mode $mode: exact mode, readable content"
			rt_options=(--user "$uid:$uid")
			expect_eq "file" "$(rt_once ed one "
				umask 0; f=/one/f-$uid-$mode
				echo content >\$f && chmod $mode \$f &&
				stat -c '%04a %u' \$f && cat \$f" | xargs)" \
				"$mode $uid content"
			rt_options=()
		done
	done

	it "$rt: all containers share it, init containers first"
	rt_once ed init 'echo prepared >/init/file'
	expect_eq "seen by one" "$(rt_once ed one 'cat /one/file')" prepared
	rt_run writer ed one 'i=0; while sleep 0.05; do i=$((i+1)); echo $i >/one/count; done'
	# Now and then it is read between the writer's truncation and its write.
	rt_run reader ed two 'until [ "$a" ]; do a=$(cat /two/count); done
		until [ "${b:-0}" -gt "$a" ]; do sleep 0.1; b=$(cat /two/count); done
		echo grows; sleep 100'
	wait_until 20 rt_says reader grows

	it "$rt: a read-only mount of it reads and does not write"
	expect_eq "content" "$(rt_once ed ro 'cat /ro/file')" prepared
	expect_error 'Read-only' rt_once ed ro 'touch /ro/new'

	it "$rt: a crashed container finds its data again"
	rt_cli kill -s KILL writer >/dev/null
	expect_exists "$M/default/ed/data/count"
	rt_cli start writer >/dev/null
	wait_until 20 test -s "$M/default/ed/data/count"
	rt_rm writer reader

	it "$rt: names in use are listed when the pod cannot go"
	rt_run holder ed one 'exec sleep 1000 </one/file'
	expect_error 'sleep|mount|use' ctl delete pod ed
	it "$rt: --force deletes it under a running container, which goes on"
	ctl delete pod ed --force >/dev/null
	expect_missing "$M/default/ed"
	rt_rm holder
	wait_until 20 trash_is_empty
	rt_done
}

empty_dir docker
empty_dir podman
daemon_stop
