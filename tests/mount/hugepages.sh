#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# hugepages.sh - emptyDir of huge pages: who may have one, and that it is one

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

[[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ]] ||
	skip_always "this machine has no huge pages of 2Mi"

daemon_start

# huge MEDIUM RESOURCES [MORE]: pod "huge" with a volume "v".
huge_yaml()
{
	cat <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: huge}
		spec:
		  containers:
		  - name: main
		    resources: {limits: {$2}}
		    volumeMounts: [{name: v, mountPath: /v}]
		  volumes: [{name: v, emptyDir: {medium: $1${3:+, $3}}}]
	END
}

apply_huge()
{
	huge_yaml "$@" | ctl apply -f - >/dev/null || fail "cannot apply"
	tree=$(ctl get pod huge -o json | jq -r '.status.volumes[0].hostPath')
}

it "without a request, with several, with another one or an odd size: refused"
expect_error 'emptyDir.medium.*no container requests huge pages' \
	ctl apply -f - <<<"$(huge_yaml HugePages '')"
expect_error 'several sizes .2Mi, 1Gi.' \
	ctl apply -f - <<<"$(huge_yaml HugePages 'hugepages-2Mi: 4Mi, hugepages-1Gi: 1Gi')"
expect_error 'requested are 2Mi' \
	ctl apply -f - <<<"$(huge_yaml HugePages-1Gi 'hugepages-2Mi: 4Mi')"
expect_error 'this machine has no huge pages of 3Mi' \
	ctl apply -f - <<<"$(huge_yaml HugePages-3Mi 'hugepages-3Mi: 6Mi')"
expect_error 'less than one huge page of 2Mi' \
	ctl apply -f - <<<"$(huge_yaml HugePages 'hugepages-2Mi: 4Mi' 'sizeLimit: 1Mi')"
expect_missing "$M/default/huge"
expect_eq "mounts left" "$(mounts_below "$S")" ""

it "it is a hugetlbfs with pages of the size, and 0777 as others on disk"
apply_huge HugePages 'hugepages-2Mi: 4Mi'
expect_eq "type" "$(findmnt -nro FSTYPE "$tree")" hugetlbfs
expect_eq "page size" "$(stat -f -c %S "$tree")" $((2 << 20))
expect_eq "mode and owner" "$(stat -c '%a %u %g' "$tree")" "777 0 0"

it "containers are given the hugetlbfs itself: only so a mapping gets huge pages"
expect_match "mounts" "$(ctl mounts huge)" "src=$tree,dst=/v"

it "it is found again after kill -9"
daemon_kill
daemon_start
expect_eq "mounts at its place" "$(findmnt -nro TARGET "$tree" | wc -l)" 1
expect_eq "listing" "$(ls -A "$M/default/huge/v")" ""

it "one with other pages at its place is refused"
if [[ -d /sys/kernel/mm/hugepages/hugepages-1048576kB ]]; then
	daemon_stop
	umount "$tree"
	mount -t hugetlbfs -o pagesize=1G none "$tree"
	daemon_start
	expect_match "events" "$(ctl describe pod huge)" \
		'pages of 1Gi is mounted there already, not of 2Mi'
fi

it "it cannot be resized, and says so"
expect_error 'of huge pages cannot change' ctl resize huge/v 8Mi

it "a bind of it, as a container has, keeps the pod"
mkdir "$work/bind"
mount --bind "$tree" "$work/bind"
expect_error "in use by mount at '$work/bind'" ctl delete pod huge
umount "$work/bind"
ctl delete pod huge >/dev/null
expect_missing "$tree"
expect_eq "mounts left" "$(mounts_below "$S")" ""

it "mode, owner and sizeLimit are those of the manifest"
apply_huge HugePages-2Mi 'hugepages-2Mi: 4Mi' 'mode: 0750, sizeLimit: 4Mi'
expect_eq "mode" "$(mode_of "$tree")" 750
expect_eq "size in KiB" "$(df --output=size "$tree" | tail -1 | tr -d ' ')" 4096

it "a mapping of a file on it takes huge pages"
had=$(cat /proc/sys/vm/nr_hugepages)
at_end "echo $had >/proc/sys/vm/nr_hugepages"
echo $((had + 2)) >/proc/sys/vm/nr_hugepages 2>/dev/null || :
if (($(cat /proc/sys/vm/nr_hugepages) < had + 2)); then
	printf 'SKIP: this machine gives no huge pages\n'
else
	free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
	fallocate -l 4M "$tree/file"
	expect_eq "free pages" \
		"$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)" $((free - 2))
	expect_error 'No space left' fallocate -l 6M "$tree/file"
	expect_eq "used bytes" "$(ctl get pod huge -o json |
		jq '.status.volumes[0].usedBytes')" $((4 << 20))
	rm "$tree/file"
fi
ctl delete pod huge >/dev/null
daemon_stop
