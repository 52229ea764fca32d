#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# memory.sh - an emptyDir in memory that the containers of a pod share
# time limit: 300

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

daemon_start
cat >"$work/pod.yaml" <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: mem}
spec:
  securityContext: {fsGroup: 123}
  containers:
  - {name: one, volumeMounts: [{name: cache, mountPath: /one}]}
  - {name: two, volumeMounts: [{name: cache, mountPath: /two}]}
  - {name: sub, volumeMounts: [{name: cache, mountPath: /sub, subPath: sub}]}
  - {name: plain, volumeMounts: [{name: plain, mountPath: /plain}]}
  volumes:
  - {name: cache, emptyDir: {medium: Memory, sizeLimit: 10Mi}}
  - {name: plain, emptyDir: {}}
EOF

# What df says of a directory in a container, in KiB.
container_size() # NAME DIRECTORY
{
	rt_cli exec "$1" df -k "$2" | awk 'NR > 1 { print $(NF - 4) }' | tail -1
}

memory()
{
	local uid mode tree used
	rt_begin "$1"
	ctl apply -f "$work/pod.yaml" >/dev/null
	tree=$(ctl get pod mem -o json | jq -r '.status.volumes[0].hostPath')
	expect_eq "$rt: on the host" "$(findmnt -nro FSTYPE "$tree")" tmpfs

	it "$rt: its root is rwxrwxrwt with the pod's group and setgid, on disk not sticky"
	expect_eq "root" "$(rt_once mem one 'stat -c "%a %u %g" /one')" "3777 0 123"
	expect_eq "on disk" "$(rt_once mem plain 'stat -c "%a %u %g" /plain')" \
		"2777 0 123"

	it "$rt: files of root and of others have exactly their modes, and the pod's group"
	for uid in 0 1001; do
		rt_options=(--user "$uid:$uid")
		expect_eq "files of $uid" "$(rt_once mem one "
			umask 0
			for mode in 0644 0660 0666 0777; do
				f=/one/f-$uid-\$mode
				echo content >\$f && chmod \$mode \$f &&
				stat -c '%04a %u %g' \$f && cat \$f
			done" | xargs)" \
			"$(for mode in 0644 0660 0666 0777; do
				echo "$mode $uid 123 content"; done | xargs)"
		rt_options=()
	done

	it "$rt: a missing subPath is made as the root is"
	expect_eq "subPath" "$(rt_once mem sub 'stat -c "%a %u %g" /sub')" \
		"3777 0 123"

	it "$rt: both containers share it, and df shows the limit in both"
	rt_run writer mem one 'i=0; while sleep 0.05; do i=$((i+1)); echo $i >/one/count; done'
	# The file is empty at times: the writer writes it anew.
	rt_run reader mem two 'until a=$(cat /two/count); sleep 0.5
		b=$(cat /two/count); [ "$b" -gt "$a" ]; do sleep 0.1; done
		echo grows; sleep 100'
	wait_until 20 rt_says reader grows
	expect_eq "size for the writer" "$(container_size writer /one)" 10240
	expect_eq "size for the reader" "$(container_size reader /two)" 10240

	it "$rt: at the limit there is no space left, and all live on"
	expect_error 'No space left' rt_cli exec reader \
		dd if=/dev/zero of=/two/big bs=1M count=11
	# All of it but the page of the writer's file, which is empty at times.
	used=$(du -s -B1 "$tree" | cut -f1)
	((used <= 10 << 20 && used >= (10 << 20) - 4096)) ||
		fail "$used bytes are there"
	rt_cli exec reader rm /two/big

	it "$rt: a running container sees another size at once"
	ctl resize mem/cache 24Mi >/dev/null
	expect_eq "size for the writer" "$(container_size writer /one)" 24576
	expect_eq "size for the reader" "$(container_size reader /two)" 24576
	rt_cli exec reader dd if=/dev/zero of=/two/big bs=1M count=20 2>/dev/null
	expect_error 'bytes. are used' ctl resize mem/cache 10Mi
	rt_cli exec writer rm /one/big

	it "$rt: the bytes outlive a daemon that is killed"
	rt_rm writer reader
	rt_once mem one 'echo kept >/one/kept'
	daemon_kill
	daemon_start
	expect_eq "content" "$(rt_once mem two 'cat /two/kept')" kept
	expect_eq "size" "$(df --output=size "$M/default/mem/cache" | tail -1 | tr -d ' ')" 24576

	ctl delete pod mem >/dev/null
	expect_eq "mounts left" "$(mounts_below "$S")" ""
	rt_done
}

memory docker
memory podman
daemon_stop
