#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path_types.sh - the eight types against what is at the path

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
H=$work/host
mkdir "$H" "$H/Directory"
echo content >"$H/File"
hold "$BUILD/unixsock" listen "$H/Socket"
mknod "$H/CharDevice" c 1 5
# The loop driver's first device: reading it is not needed.
mknod "$H/BlockDevice" b 7 0
kinds=(Directory File Socket CharDevice BlockDevice)

try_apply() # PATH [TYPE]
{
	pod_yaml probe "host=hostPath: {path: $1${2:+, type: $2}}" |
		ctl apply -f - 2>&1
}

accepted() # PATH [TYPE]
{
	local out
	out=$(try_apply "$@") || fail "path $1 as '${2:-}' is refused: $out"
	expect_exists "$M/default/probe/host"
	ctl delete pod probe >/dev/null
	expect_exists "$1"
}

refused() # PATH TYPE TEXT
{
	local out
	! out=$(try_apply "$1" "$2") || fail "path $1 is accepted as '$2'"
	grep -Eqi -- "$3" <<<"$out" || fail "'$2' of $1: '$out' does not say '$3'"
	grep -qF 'spec.volumes[0].hostPath' <<<"$out" ||
		grep -qF "'host'" <<<"$out" || fail "'$out' names no field"
	expect_missing "$M/default/probe"
}

declare -A said=(
	[Directory]='requires a directory' [File]='requires a regular file'
	[Socket]='requires a socket' [CharDevice]='requires a character device'
	[BlockDevice]='requires a block device'
)

for kind in "${kinds[@]}"; do
	it "$kind: accepted as itself and with no type"
	accepted "$H/$kind" "$kind"
	accepted "$H/$kind"
	accepted "$H/$kind" '""'
	for as in "${kinds[@]}"; do
		[[ $as != "$kind" ]] || continue
		it "$kind: refused as $as"
		refused "$H/$kind" "$as" "${said[$as]}"
	done
	it "$kind: refused where there is nothing, and nothing is made"
	refused "$H/missing" "$kind" 'not exist|no such'
	expect_missing "$H/missing"
done

it "DirectoryOrCreate makes all of the path, and takes what is there"
accepted "$H/made/by/us" DirectoryOrCreate
expect_eq "made" "$(stat -c '%F %a %u' "$H/made/by/us")" "directory 755 0"
accepted "$H/Directory" DirectoryOrCreate
for kind in File Socket CharDevice BlockDevice; do
	refused "$H/$kind" DirectoryOrCreate 'requires a directory'
done

it "FileOrCreate makes an empty file, but no directories"
accepted "$H/made/file" FileOrCreate
expect_eq "made" "$(stat -c '%F %a %u' "$H/made/file")" \
	"regular empty file 644 0"
accepted "$H/File" FileOrCreate
expect_eq "content" "$(cat "$H/File")" content
refused "$H/no/parent" FileOrCreate 'no such|not exist'
expect_missing "$H/no"
for kind in Directory Socket CharDevice BlockDevice; do
	refused "$H/$kind" FileOrCreate 'requires a regular file'
done

it "an unknown type is refused with the list of the known ones"
refused "$H/File" Pipe 'DirectoryOrCreate'
it ".. and relative paths are refused"
refused "$H/Directory/../File" File '\.\.'
refused relative File 'absolute|/'

it "a link at the path is followed"
ln -s Directory "$H/link"
accepted "$H/link" Directory
expect_eq "link" "$(readlink "$H/link")" Directory

it "a single file serves what the host has"
apply_pod one "file=hostPath: {path: $H/File, type: File}"
file=$M/default/one/file
expect_eq "kind" "$(stat -c '%F' "$file")" "regular file"
expect_eq "content" "$(cat "$file")" content
echo new >"$H/File"
expect_eq "content" "$(cat "$file")" new
echo back >"$file"
expect_eq "content" "$(cat "$H/File")" back
expect_match "unlink of a volume" "$(fsop unlink "$file")" 'EPERM|EBUSY'
expect_exists "$H/File"

it "a file that the host replaces is seen"
echo replaced >"$H/File.new"
mv "$H/File.new" "$H/File"
expect_eq "content" "$(cat "$file")" replaced

# The source that a container's runtime is given.
source_of() # POD
{
	ctl mounts "$1" main -o oci | jq -r 'flatten | .[0].source' 2>/dev/null ||
		ctl mounts "$1" main -o oci | jq -sr 'flatten | .[0].source'
}

it "a socket is the host's socket: its server answers"
apply_pod sock "sock=hostPath: {path: $H/Socket, type: Socket}"
expect_eq "kind" "$(stat -c %F "$M/default/sock/sock")" socket
expect_eq "answer" \
	"$(within 10 "$BUILD/unixsock" connect "$(source_of sock)")" hello

it "a character device is the host's device"
apply_pod dev "dev=hostPath: {path: $H/CharDevice, type: CharDevice}"
expect_eq "kind" "$(stat -c '%F %t %T' "$M/default/dev/dev")" \
	"character special file 1 5"
expect_eq "bytes" "$(head -c 16 "$(source_of dev)" | wc -c)" 16

it "deleting the pods leaves everything as it was"
touch "$H/Directory/keep"
ln -s /nowhere "$H/Directory/dangling"
mkdir "$H/Directory/mnt"
mount -t tmpfs none "$H/Directory/mnt"
touch "$H/Directory/mnt/below"
apply_pod dir "dir=hostPath: {path: $H/Directory, type: Directory}"
for pod in one sock dev dir; do
	ctl delete pod "$pod" >/dev/null
done
expect_exists "$H/File" "$H/Socket" "$H/CharDevice" "$H/Directory/keep" \
	"$H/Directory/dangling" "$H/Directory/mnt/below"
umount "$H/Directory/mnt"
let_go
daemon_stop
