#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# size_limit.sh - containers meet the limit of a volume on disk, and see it change
# time limit: 300

# shellcheck source=tests/lib/containers.sh
. "$(dirname "$0")/../lib/containers.sh"

MIB=$((1 << 20))

daemon_start
cat >"$work/pod.yaml" <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: lim}
spec:
  containers:
  - name: writer
    volumeMounts:
    - {name: small, mountPath: /small}
    - {name: beside, mountPath: /beside}
  - name: neighbour
    volumeMounts: [{name: beside, mountPath: /beside}]
  volumes:
  - {name: small, emptyDir: {sizeLimit: 4Mi}}
  - {name: beside, emptyDir: {}}
EOF

in_writer()
{
	rt_cli exec writer "$@"
}

# A field of df from its right end: 5 size, 4 used, 3 available.  Of its whole
# list, as this df takes any mount of the same device for the one it is given.
df_says() # OPTION FIELD
{
	in_writer df "$1" | awk -v n="$2" '$NF == "/small" { print $(NF - n + 1) }'
}

# What is there below the mount, and what the files in it have, in bytes.
there()
{
	du -s -B1 "$tree" | cut -f1
}

size_of()
{
	in_writer stat -c %s "/small/$1"
}

# The room for contents: all but what the directory takes, and others.
room()
{
	echo $(($1 - $(there)))
}

neighbour_count()
{
	cat "$M/default/lim/beside/count"
}

# It has counted on since it was at NUMBER.
neighbour_goes_on() # NUMBER
{
	[[ $(neighbour_count) -gt $1 ]]
}

# The limit holds to the byte for dd and for cp; what the neighbour writes
# into the other volume meanwhile arrives.
fill_to() # BYTES
{
	local room count

	room=$(room "$1")
	count=$(neighbour_count)
	expect_error 'No space left' in_writer dd if=/dev/zero of=/small/dd bs=64k
	expect_eq "$rt: bytes of dd" "$(size_of dd)" "$room"
	expect_eq "$rt: bytes in the volume" "$(there)" "$1"
	expect_error 'No space left' in_writer sh -c 'echo x >>/small/dd'
	wait_until 20 neighbour_goes_on "$count"
	in_writer rm /small/dd

	expect_error 'No space left' in_writer cp /beside/source /small/cp
	expect_eq "$rt: bytes of cp" "$(size_of cp)" "$room"
	in_writer cmp -n "$room" /beside/source /small/cp
	count=$(neighbour_count)
	wait_until 20 neighbour_goes_on "$count"
}

size_limit()
{
	local tree

	rt_begin "$1"
	ctl apply -f "$work/pod.yaml" >/dev/null
	tree=$(ctl get pod lim -o json |
		jq -r '.status.volumes[] | select(.name == "small").hostPath')
	head -c $((10 * MIB)) /dev/urandom >"$M/default/lim/beside/source"
	rt_run writer lim writer 'exec sleep 1000'
	# Another name first: a reader never sees it empty.
	rt_run neighbour lim neighbour 'i=0; while i=$((i + 1)); do
		echo $i >/beside/new && mv /beside/new /beside/count && sleep 0.05
		done; echo failed'
	wait_until 30 test -s "$M/default/lim/beside/count"

	it "$rt: df in the container shows the limit"
	expect_eq "$rt: df -h" "$(df_says -h 5)" 4.0M
	expect_eq "$rt: size in KiB" "$(df_says -k 5)" 4096

	it "$rt: a writer gets exactly its limit, then ENOSPC, and its neighbour goes on"
	fill_to $((4 * MIB))
	expect_eq "$rt: used" "$(df_says -k 4)" 4096
	expect_eq "$rt: left" "$(df_says -k 3)" 0

	it "$rt: a running container sees a larger size, and can use all of it"
	ctl resize lim/small 8Mi >/dev/null
	expect_eq "$rt: df -h" "$(df_says -h 5)" 8.0M
	expect_eq "$rt: used" "$(df_says -k 4)" 4096
	expect_eq "$rt: left" "$(df_says -k 3)" 4096
	in_writer rm /small/cp
	fill_to $((8 * MIB))

	it "$rt: a size below what is used refuses until there is less"
	ctl resize lim/small 2Mi >/dev/null
	expect_eq "$rt: df -h" "$(df_says -h 5)" 2.0M
	expect_eq "$rt: left" "$(df_says -k 3)" 0
	expect_error 'No space left' in_writer dd if=/dev/zero of=/small/more bs=4k count=1
	in_writer rm -f /small/cp /small/more
	fill_to $((2 * MIB))

	it "$rt: the neighbour has never failed"
	! rt_says neighbour failed || fail "$(rt_logs neighbour)"
	rt_rm writer neighbour
	ctl delete pod lim >/dev/null
	wait_until 20 trash_is_empty
	rt_done
}

size_limit docker
size_limit podman
daemon_stop
