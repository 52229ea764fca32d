#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# producer_consumer.sh - two containers of a pod share an emptyDir
# time limit: 240

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

manifest=$work/producer-consumer.yaml
cat >"$manifest" <<'EOF'
apiVersion: v1
kind: Pod
metadata:
  name: producer-consumer
spec:
  containers:
  - name: producer
    image: busybox
    command: ["/bin/sh", "-c"]
    args: ["echo \"hello world\" > /producer_dir/hello; sleep 1000"]
    volumeMounts:
    - mountPath: /producer_dir
      name: shared-volume
  - name: consumer
    image: busybox
    command: ["/bin/sh", "-c"]
    args: ["cat /consumer_dir/hello; sleep 1000"]
    volumeMounts:
    - mountPath: /consumer_dir
      name: shared-volume
  volumes:
  - name: shared-volume
    emptyDir: {}
EOF
P=producer-consumer
V=$M/default/$P/shared-volume
produce='echo "hello world" > /producer_dir/hello; sleep 1000'
consume='cat /consumer_dir/hello; sleep 1000'

producer_and_consumer()
{
	rt_begin "$1"
	ctl apply -f "$manifest" >/dev/null

	it "$rt: the consumer reads what the producer wrote"
	rt_run producer "$P" producer "$produce"
	wait_until 20 test -s "$V/hello"
	rt_run consumer "$P" consumer "$consume"
	wait_until 20 rt_says consumer 'hello world'
	expect_eq "content on the host" "$(cat "$V/hello")" "hello world"

	it "$rt: inspect shows one source, a directory of the mount"
	source=$(rt_source producer /producer_dir)
	expect_eq "source of the consumer" \
		"$(rt_source consumer /consumer_dir)" "$source"
	expect_eq "source" "$source" "$V"

	it "$rt: a killed and restarted container still finds the file"
	rt_cli kill consumer >/dev/null
	rt_cli start consumer >/dev/null
	wait_until 20 said_twice
	rt_cli kill producer consumer >/dev/null
	rt_rm producer consumer
	expect_eq "a new consumer" \
		"$(rt_once "$P" consumer 'cat /consumer_dir/hello')" "hello world"

	it "$rt: the file is there after a restart of the daemon, too"
	daemon_restart
	rt_run consumer "$P" consumer "$consume"
	wait_until 20 rt_says consumer 'hello world'

	it "$rt: a daemon restarted under a running container"
	announce 'busy|in use|consumer|sleep|cat'
	daemon_restart
	rt_cli kill consumer >/dev/null
	rt_cli start consumer >/dev/null
	wait_until 20 said_twice

	it "$rt: the pod is not deleted while the container runs"
	expect_error 'use|mount' ctl delete pod "$P"
	expect_exists "$V/hello"
	rt_rm consumer

	it "$rt: deleting the pod takes the tree away; applied again it is empty"
	ctl delete pod "$P" >/dev/null
	expect_missing "$M/default/$P"
	wait_until 20 trash_is_empty
	expect_eq "trees" "$(find "$S/pods" -name hello | wc -l)" 0
	ctl apply -f "$manifest" >/dev/null
	expect_eq "names" "$(rt_once "$P" consumer 'ls -A /consumer_dir')" ""
	rt_done
	ctl delete pod "$P" >/dev/null
}

said_twice()
{
	[[ $(rt_logs consumer | grep -c 'hello world') == 2 ]]
}

daemon_start
producer_and_consumer docker
producer_and_consumer podman

it "runc: a bundle with the printed mounts works the same"
ctl apply -f "$manifest" >/dev/null
runc_once "$P" producer 'echo "hello world" > /producer_dir/hello'
expect_eq "content" "$(runc_once "$P" consumer 'cat /consumer_dir/hello')" \
	"hello world"
ctl delete pod "$P" >/dev/null
daemon_stop
