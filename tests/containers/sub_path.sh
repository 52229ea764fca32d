#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sub_path.sh - what Kubernetes' own checks ask of subPaths
# time limit: 240

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

daemon_start

# pod SUBPATH-FIELDS [SOURCE]: "sp" with container "sub" at /sub and "all" at /all.
pod()
{
	ctl delete pod sp --force >/dev/null 2>&1 || :
	cat <<-EOF | ctl apply -f - >/dev/null || fail "cannot apply $1"
		apiVersion: v1
		kind: Pod
		metadata: {name: sp}
		spec:
		  containers:
		  - name: sub
		    env: [{name: POD_NAME, value: my-pod}]
		    volumeMounts: [{name: data, mountPath: /sub, $1}]
		  - name: all
		    volumeMounts: [{name: data, mountPath: /all}]
		  - name: both
		    volumeMounts:
		    - {name: data, mountPath: /a, subPath: a}
		    - {name: data, mountPath: /b, subPath: b}
		  volumes: [{name: data, ${2:-emptyDir: {\}}}]
	EOF
}

sub_path()
{
	rt_begin "$1"
	it "$rt: a path that does not exist is made and seen from the whole"
	pod 'subPath: new/dir'
	rt_once sp sub 'echo text >/sub/file'
	expect_eq "content" "$(rt_once sp all 'cat /all/new/dir/file')" text
	expect_eq "mode" "$(rt_once sp all 'stat -c %a /all/new/dir')" 777

	it "$rt: an existing directory, a file in it, a file as subPath"
	pod 'subPath: dir'
	rt_once sp all 'mkdir /all/dir && echo inside >/all/dir/file'
	expect_eq "content" "$(rt_once sp sub 'cat /sub/file')" inside
	pod 'subPath: dir/file'
	rt_once sp all 'mkdir /all/dir && echo inside >/all/dir/file'
	expect_eq "content" "$(rt_once sp sub 'cat /sub')" inside

	it "$rt: links out of the volume do not start"
	for link in /bin /bin/sh /no/such/path ../ /proc/1/root; do
		pod 'subPath: link'
		rt_once sp all "ln -s $link /all/link"
		expect_error 'subPath|sub path' ctl mounts sp sub -o "$rt"
	done

	it "$rt: two subPaths in one container are independent"
	pod 'subPath: a'
	rt_once sp both 'echo 1 >/a/f; echo 2 >/b/f'
	expect_eq "content" "$(rt_once sp all 'cat /all/a/f /all/b/f' | xargs)" "1 2"

	it "$rt: a restarted container gets the same directory, and file"
	rt_run restarted sp both 'cat /a/f; sleep 1000'
	wait_until 20 rt_says restarted 1
	rt_cli kill restarted >/dev/null
	rt_cli start restarted >/dev/null
	wait_until 20 twice
	rt_rm restarted
	pod 'subPath: dir/file'
	rt_once sp all 'mkdir /all/dir && echo 1 >/all/dir/file'
	rt_run restarted sp sub 'cat /sub; sleep 1000'
	wait_until 20 rt_says restarted 1
	rt_cli kill restarted >/dev/null
	rt_cli start restarted >/dev/null
	wait_until 20 twice
	rt_rm restarted

	it "$rt: read-only"
	pod 'subPath: dir, readOnly: true'
	rt_once sp all 'mkdir /all/dir && echo text >/all/dir/file'
	expect_eq "content" "$(rt_once sp sub 'cat /sub/file')" text
	expect_error 'Read-only' rt_once sp sub 'touch /sub/new'

	it "$rt: the subdirectory is deleted by another container"
	pod 'subPath: dir'
	rt_run user sp sub 'sleep 1000'
	rt_once sp all 'rm -r /all/dir'
	rt_rm user
	ctl delete pod sp >/dev/null
	expect_missing "$M/default/sp"

	it "$rt: deleted while the daemon was down or by force: no mount is left"
	pod 'subPath: dir'
	rt_run user sp sub 'sleep 1000'
	daemon_kill
	rt_rm user
	daemon_start
	ctl delete pod sp >/dev/null
	expect_eq "mounts left" "$(mounts_below "$S" | wc -l)" 0

	it "$rt: subPathExpr takes the environment"
	pod 'subPathExpr: $(POD_NAME)/logs'
	rt_once sp sub 'echo text >/sub/file'
	expect_eq "content" "$(rt_once sp all 'cat /all/my-pod/logs/file')" text
	pod 'subPathExpr: $(NOWHERE)/x'
	expect_error 'subPath|NOWHERE' ctl mounts sp sub -o "$rt"
	ctl delete pod sp >/dev/null
	rt_done
}

twice()
{
	[[ $(rt_logs restarted | grep -c 1) == 2 ]]
}

sub_path docker
sub_path podman
daemon_stop
