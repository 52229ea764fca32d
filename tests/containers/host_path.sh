#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path.sh - host directories, files, sockets and devices in containers
# time limit: 240

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

daemon_start
H=$work/host
mkdir "$H"

pod() # NAME TYPE PATH [MOUNT FIELDS]
{
	cat <<-EOF | ctl apply -f - >/dev/null || fail "cannot apply $1"
		apiVersion: v1
		kind: Pod
		metadata: {name: $1}
		spec:
		  containers:
		  - name: one
		    volumeMounts: [{name: h, mountPath: /h${4:+, $4}}]
		  - name: two
		    volumeMounts: [{name: h, mountPath: /h}]
		  volumes:
		  - {name: h, hostPath: {path: $3${2:+, type: $2}}}
	EOF
}

host_path()
{
	local P=hp-$1

	rt_begin "$1"
	it "$rt: the mode of /tmp shows its sticky bit"
	pod "$P" Directory /tmp
	expect_eq "mode" "$(rt_once "$P" one 'stat -c %A /h')" \
		"$(stat -c %A /tmp)"
	ctl delete pod "$P" >/dev/null

	it "$rt: one container writes, the other and the host read"
	pod "$P" '' "$H"
	rt_once "$P" one 'echo text >/h/file'
	expect_eq "content" "$(rt_once "$P" two 'cat /h/file')" text
	expect_eq "content on the host" "$(cat "$H/file")" text
	ctl delete pod "$P" >/dev/null
	expect_exists "$H/file"

	it "$rt: a subPath of it"
	pod "$P" '' "$H" 'subPath: sub-path'
	rt_once "$P" one 'echo in >/h/file'
	expect_eq "content" "$(rt_once "$P" two 'cat /h/sub-path/file')" in
	ctl delete pod "$P" >/dev/null
	expect_exists "$H/sub-path/file"

	it "$rt: what is made on demand"
	pod "$P-d" DirectoryOrCreate "$H/made-$rt/dir"
	rt_once "$P-d" one 'touch /h/x'
	expect_exists "$H/made-$rt/dir/x"
	pod "$P-f" FileOrCreate "$H/made-$rt/file"
	rt_once "$P-f" one 'echo y >/h'
	expect_eq "content" "$(cat "$H/made-$rt/file")" y

	it "$rt: a single file, written on both sides"
	echo one >"$H/single"
	pod "$P-s" File "$H/single"
	expect_eq "content" "$(rt_once "$P-s" one 'cat /h; echo two >/h')" one
	expect_eq "content on the host" "$(cat "$H/single")" two

	it "$rt: a socket, whose server answers inside"
	rm -f "$H/sock"
	hold "$BUILD/unixsock" listen "$H/sock"
	pod "$P-u" Socket "$H/sock"
	expect_eq "kind" "$(rt_once "$P-u" one 'stat -c %F /h')" socket
	rt_run "sleeper" "$P-u" one 'sleep 1000'
	pid=$(rt_cli inspect -f '{{.State.Pid}}' sleeper)
	expect_eq "answer" "$(within 10 "$BUILD/unixsock" connect "/proc/$pid/root/h")" hello
	rt_rm sleeper
	let_go

	it "$rt: a character device"
	rm -f "$H/zero"
	mknod "$H/zero" c 1 5
	pod "$P-c" CharDevice "$H/zero"
	expect_eq "kind" "$(rt_once "$P-c" one 'stat -c "%F %t %T" /h')" \
		"character special file 1 5"
	rt_options=(--device-cgroup-rule 'c 1:5 rwm')
	[[ $rt == docker ]] || rt_options=(--privileged)
	expect_eq "bytes" "$(rt_once "$P-c" one 'head -c 8 /h | wc -c')" 8
	rt_options=()

	it "$rt: deleting the pods leaves the host's files"
	for suffix in d f s u c; do
		ctl delete pod "$P-$suffix" >/dev/null
	done
	expect_exists "$H/made-$rt/dir/x" "$H/made-$rt/file" "$H/single" \
		"$H/sock" "$H/zero"
	rt_done
}

host_path docker
host_path podman
daemon_stop
