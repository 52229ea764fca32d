#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_certs.sh - three host directories in a container, left as they were
# time limit: 240

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

manifest=$work/host-certs.yaml
cat >"$manifest" <<'EOF'
apiVersion: v1
kind: Pod
metadata:
  name: host-certs
spec:
  containers:
  - name: reader
    image: busybox
    volumeMounts:
    - {name: k8s, mountPath: /etc/kubernetes, readOnly: true}
    - {name: certs, mountPath: /etc/ssl/certs, readOnly: true}
    - {name: pki, mountPath: /etc/pki, readOnly: true}
  - name: writer
    image: busybox
    volumeMounts:
    - {name: k8s, mountPath: /etc/kubernetes}
    - {name: certs, mountPath: /etc/ssl/certs, readOnly: true}
    - {name: pki, mountPath: /etc/pki}
  volumes:
  - name: k8s
    hostPath: {path: /etc/kubernetes, type: DirectoryOrCreate}
  - name: certs
    hostPath: {path: /etc/ssl/certs, type: DirectoryOrCreate}
  - name: pki
    hostPath: {path: /etc/pki, type: DirectoryOrCreate}
EOF
P=host-certs
mark=podvols-test-$$

# What this case makes on the host goes with it; what was there stays.
for dir in /etc/kubernetes /etc/pki /etc/ssl/certs; do
	[[ -d $dir ]] || at_end "rmdir $dir 2>/dev/null"
	at_end "rm -f $dir/$mark"
done

picture()
{
	local dir
	for dir in /etc/kubernetes /etc/ssl/certs /etc/pki; do
		[[ ! -d $dir ]] || find "$dir" -printf '%p %y %m %U %G %s %T@ %l\n'
	done | sort | md5sum
}

host_certs()
{
	rt_begin "$1"

	it "$rt: missing directories are made, those that are there are shown"
	ctl apply -f "$manifest" >/dev/null
	expect_exists /etc/kubernetes /etc/pki
	before=$(picture)
	expect_eq "certificates seen" \
		"$(rt_once "$P" reader 'ls /etc/ssl/certs | wc -l')" \
		"$(ls /etc/ssl/certs | wc -l)"
	cert=$(find /etc/ssl/certs/ -type f | head -1)
	[[ -z $cert ]] || expect_eq "bytes of $cert" \
		"$(rt_once "$P" reader "md5sum <'$cert'")" "$(md5sum <"$cert")"

	it "$rt: a read-only mount refuses every write"
	for cmd in "touch /etc/pki/$mark" "mkdir /etc/pki/$mark" \
		"chmod 777 /etc/ssl/certs" "rm -rf /etc/kubernetes/x && touch /etc/kubernetes/x"; do
		expect_error 'Read-only' rt_once "$P" reader "$cmd"
	done
	expect_error 'Read-only' rt_once "$P" writer "touch /etc/ssl/certs/$mark"

	it "$rt: a writable mount writes the host's file"
	rt_once "$P" writer "echo from-container >/etc/pki/$mark"
	expect_eq "content" "$(cat "/etc/pki/$mark")" from-container
	expect_eq "seen by the reader" \
		"$(rt_once "$P" reader "cat /etc/pki/$mark")" from-container

	it "$rt: a running container sees what the host changes"
	rt_run watcher "$P" reader 'while sleep 0.1; do cat /etc/pki/*; done'
	echo from-host >"/etc/pki/$mark"
	wait_until 20 rt_says watcher from-host
	rt_rm watcher
	rm "/etc/pki/$mark"

	it "$rt: deleting the pod leaves the host's directories untouched"
	before=$(picture)
	ctl delete pod "$P" >/dev/null
	expect_exists /etc/kubernetes /etc/ssl/certs /etc/pki
	expect_eq "the directories" "$(picture)" "$before"
	expect_missing "$M/default/$P"
	rt_done
}

daemon_start
host_certs docker
host_certs podman
daemon_stop
