#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# between_volumes.sh - volumes are filesystems of their own: EXDEV

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
mkdir "$work/host"
apply_pod a 'one=emptyDir: {}' 'two=emptyDir: {}' \
	"host=hostPath: {path: $work/host}" "again=hostPath: {path: $work/host}"
apply_pod b 'one=emptyDir: {}'
A=$M/default/a
echo text >"$A/one/file"
mkdir "$A/one/dir"
echo text >"$A/host/file"

for to in "$A/two" "$A/host" "$M/default/b/one"; do
	it "a file and a directory cannot be renamed or linked into $to"
	expect_fsop EXDEV rename "$A/one/file" "$to/file2"
	expect_fsop EXDEV rename "$A/one/dir" "$to/dir2"
	expect_fsop EXDEV noreplace "$A/one/file" "$to/file2"
	expect_fsop EXDEV link "$A/one/file" "$to/file2"
	expect_missing "$to/file2" "$to/dir2"
done

it "not even between two volumes of one host directory"
expect_fsop EXDEV rename "$A/host/file" "$A/again/file2"
expect_fsop EXDEV link "$A/host/file" "$A/again/file2"

it "an exchange is refused too"
touch "$A/two/other"
expect_fsop EXDEV exchange "$A/one/file" "$A/two/other"

it "nothing goes into or out of virtual directories"
for dir in "$M" "$M/default" "$A"; do
	expect_match "rename out to $dir" \
		"$(fsop rename "$A/one/file" "$dir/file")" '^(EPERM|EXDEV)$'
	expect_match "link out to $dir" \
		"$(fsop link "$A/one/file" "$dir/file")" '^(EPERM|EXDEV)$'
done

it "mv copies, and copy_file_range works between volumes"
mv "$A/one/file" "$A/two/file"
expect_eq "text" "$(cat "$A/two/file")" text
expect_missing "$A/one/file"
result=$(fsop copy_range "$A/two/file" "$M/default/b/one/copy")
expect_match "copy_file_range" "$result" '^(ok|EXDEV)$'
[[ $result != ok ]] ||
	expect_eq "copied text" "$(cat "$M/default/b/one/copy")" text
cp --reflink=auto "$A/two/file" "$A/host/copy"
expect_eq "text" "$(cat "$work/host/copy")" text
daemon_stop
